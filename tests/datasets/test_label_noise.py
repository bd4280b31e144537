from typing import Any

import numpy as np
import pytest

from calib.datasets import symmetric_label_noise
from calib.errors import InputError

LABELS = np.arange(10_000) % 10


def test_the_argument_is_left_as_it_was() -> None:
    labels = LABELS.copy()
    noisy = symmetric_label_noise(labels, 10, rate=1.0, seed=0)
    assert np.array_equal(labels, LABELS)
    assert noisy.dtype == np.int64
    assert not np.shares_memory(noisy, labels)


def test_no_noise_changes_nothing() -> None:
    assert np.array_equal(symmetric_label_noise(LABELS, 10, rate=0.0, seed=0), LABELS)


def test_a_share_of_rate_times_k_minus_1_over_k_ends_up_wrong() -> None:
    noisy = symmetric_label_noise(LABELS, 10, rate=0.4, seed=0)
    assert (noisy != LABELS).mean() == pytest.approx(0.4 * 0.9, abs=0.01)


def test_exactly_the_rounded_number_is_redrawn() -> None:
    # Of very many classes the true one is hardly ever drawn again: nearly every redrawn label is a wrong one.
    noisy = symmetric_label_noise(np.zeros(7, dtype=np.int64), 10**12, rate=0.5, seed=0)
    assert (noisy != 0).sum() == round(0.5 * 7)


def test_redrawn_labels_are_uniform_over_all_classes_the_true_one_included() -> None:
    counts = np.bincount(symmetric_label_noise(np.zeros(10_000, dtype=np.int64), 4, rate=1.0, seed=1), minlength=4)
    assert np.all(np.abs(counts - 2500) < 200)


def test_the_seed_alone_decides() -> None:
    first, again, other = (symmetric_label_noise(LABELS, 10, rate=0.5, seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_higher_rate_keeps_the_wrong_labels_of_a_lower_one() -> None:
    low, high = (symmetric_label_noise(LABELS, 10, rate=rate, seed=0) for rate in (0.2, 0.6))
    wrong = low != LABELS
    assert np.array_equal(low[wrong], high[wrong])


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_a_rate_outside_0_to_1_is_refused(rate: float) -> None:
    with pytest.raises(InputError, match=r"must lie in \[0, 1\]"):
        symmetric_label_noise(LABELS, 10, rate=rate, seed=0)


@pytest.mark.parametrize("labels", [[[0, 1]], [0, 10], [-1, 0]])
def test_labels_that_are_no_classes_are_refused(labels: Any) -> None:
    with pytest.raises(InputError, match="labels must"):
        symmetric_label_noise(np.array(labels), 10, rate=0.1, seed=0)


def test_a_bad_seed_is_refused() -> None:
    with pytest.raises(InputError, match="seed"):
        symmetric_label_noise(LABELS, 10, rate=0.1, seed=-1)
