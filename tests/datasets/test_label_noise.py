from typing import Any

import numpy as np
import pytest

from calib.datasets import asymmetric_label_noise, symmetric_label_noise
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


def flips(labels: Any, noisy: Any) -> set[tuple[int, int]]:
    return {(int(a), int(b)) for a, b in zip(labels, noisy, strict=True) if a != b}


def test_on_cifar10_exactly_the_rate_of_each_mistaken_class_is_flipped_as_patrini_did() -> None:
    sizes = [7, 10, 11, 12, 13, 14, 15, 16, 17, 18]
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(10), sizes))
    noisy = asymmetric_label_noise(labels, 10, rate=0.4, seed=0, dataset="cifar10")
    for one, other in {9: 1, 2: 0, 4: 7, 3: 5, 5: 3}.items():
        assert (noisy[labels == one] == other).sum() == round(0.4 * sizes[one])
    assert flips(labels, noisy) == {(9, 1), (2, 0), (4, 7), (3, 5), (5, 3)}


def test_two_classes_that_are_mistaken_for_each_other_change_places_once() -> None:
    labels = np.array([3, 3, 5, 5, 5])
    noisy = asymmetric_label_noise(labels, 10, rate=1.0, seed=0, dataset="cifar10")
    assert noisy.tolist() == [5, 5, 3, 3, 3]


def test_without_a_known_data_set_each_class_becomes_the_next() -> None:
    for dataset in (None, "digits"):
        noisy = asymmetric_label_noise(LABELS, 10, rate=0.3, seed=0, dataset=dataset)
        assert flips(LABELS, noisy) == {(label, (label + 1) % 10) for label in range(10)}
        assert np.bincount(LABELS[noisy != LABELS]).tolist() == [300] * 10


def test_a_mapping_of_ones_own_is_followed() -> None:
    noisy = asymmetric_label_noise(LABELS, 10, rate=0.5, seed=0, mapping={7: 1})
    assert flips(LABELS, noisy) == {(7, 1)}
    assert (noisy != LABELS).sum() == 500


def test_asymmetric_noise_is_nested_random_and_a_new_array() -> None:
    labels = LABELS.copy()
    low, high, other = (
        asymmetric_label_noise(labels, 10, rate=rate, seed=seed) for rate, seed in ((0.2, 0), (0.6, 0), (0.2, 1))
    )
    wrong = low != labels
    assert np.array_equal(low[wrong], high[wrong])
    assert not np.array_equal(low, other)
    assert abs(np.flatnonzero(wrong).mean() - 5000) < 300  # all over, not the first of each class
    assert np.array_equal(labels, LABELS)
    assert low.dtype == np.int64
    assert np.array_equal(asymmetric_label_noise(labels, 10, rate=0.0, seed=0), labels)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rate": 1.1}, r"must lie in \[0, 1\]"),
        ({"rate": float("nan")}, r"must lie in \[0, 1\]"),
        ({"seed": -1}, "seed"),
        ({"mapping": {3: 3}}, "got 3 → 3"),
        ({"mapping": {3: 10}}, "got 3 → 10"),
        ({"mapping": {-1: 3}}, "got -1 → 3"),
        ({"mapping": {1: 2}, "dataset": "cifar10"}, "both given"),
        ({"dataset": "cifar100"}, "cifar100 has 100 classes, got 10"),
    ],
)
def test_what_asymmetric_noise_cannot_use_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        asymmetric_label_noise(LABELS, 10, **{"rate": 0.1, "seed": 0, **options})
    assert caught.value.help


@pytest.mark.parametrize("labels", [[[0, 1]], [0, 10], [-1, 0]])
def test_labels_that_are_no_classes_get_no_asymmetric_noise(labels: Any) -> None:
    with pytest.raises(InputError, match="labels must"):
        asymmetric_label_noise(np.array(labels), 10, rate=0.1, seed=0)
