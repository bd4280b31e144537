"""Mixup: the draw follows Beta(α, α) and the key alone; mixed rows give mixed losses."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from calib.errors import InputError
from calib.training.losses import mixed, mixed_rows, mixing, smoothed_cross_entropy

from . import sample


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_weights_are_drawn_from_a_symmetric_beta_distribution(alpha: float) -> None:
    weights = [mixing(1, alpha=alpha, key=(3, batch))[0] for batch in range(2000)]
    assert stats.kstest(weights, stats.beta(alpha, alpha).cdf).pvalue > 1e-3


@pytest.mark.parametrize("alpha", [5e-324, 1e-12, 1e-3, 1e6])
def test_every_allowed_alpha_gives_a_weight_in_0_to_1(alpha: float) -> None:
    weights = [mixing(1, alpha=alpha, key=(batch,))[0] for batch in range(100)]
    assert all(0 <= weight <= 1 for weight in weights)


def test_partners_are_a_permutation_and_every_one_is_equally_likely() -> None:
    draws = np.array([mixing(4, alpha=1.0, key=(0, 0, batch))[1] for batch in range(4000)])
    assert np.array_equal(np.sort(draws, axis=1), np.tile(np.arange(4), (4000, 1)))
    counts = np.array([np.bincount(column, minlength=4) for column in draws.T])
    assert np.abs(counts - 1000).max() < 5 * math.sqrt(4000 * 0.25 * 0.75)


def test_the_key_alone_decides() -> None:
    (weight, partner), again = mixing(50, alpha=0.4, key=(1, 2, 3)), mixing(50, alpha=0.4, key=[1, 2, 3])
    assert weight == again[0]
    assert np.array_equal(partner, again[1])
    for key in ((1, 2, 4), (1, 3, 3), (2, 2, 3), (3, 2, 1)):
        other = mixing(50, alpha=0.4, key=key)
        assert weight != other[0]
        assert not np.array_equal(partner, other[1])


def test_global_random_state_stays_as_it_was() -> None:
    before = str(np.random.get_state(legacy=False))  # noqa: NPY002
    mixing(10, alpha=1.0, key=(0,))
    assert str(np.random.get_state(legacy=False)) == before  # noqa: NPY002


@pytest.mark.parametrize("kind", ["labels", "rows"])
def test_the_loss_on_mixed_rows_is_the_mixture_of_both_losses(kind: str) -> None:
    logits = sample.logits()
    targets = sample.labels() if kind == "labels" else sample.rows()
    rows = [sample.one_hot(t, 5) for t in targets] if kind == "labels" else targets
    partner = np.random.default_rng(0).permutation(30)
    mixture = mixed_rows(torch.tensor(targets), partner, 0.75, 5)
    expected = [
        0.75 * sample.cross_entropy(rows[i], z) + 0.25 * sample.cross_entropy(rows[partner[i]], z)
        for i, z in enumerate(logits)
    ]
    sample.assert_equal(smoothed_cross_entropy(torch.tensor(logits), mixture, smoothing=0.0), expected)
    np.testing.assert_allclose(mixture.sum(dim=1), 1, rtol=1e-12)


def test_weight_1_keeps_every_example_and_weight_0_gives_its_partner() -> None:
    rows, partner = torch.tensor(sample.rows()), np.random.default_rng(0).permutation(30)
    assert torch.equal(mixed_rows(rows, partner, 1.0, 5), rows)
    assert torch.equal(mixed_rows(rows, partner, 0.0, 5), rows[torch.tensor(partner)])


def test_images_are_mixed_as_their_rows_are() -> None:
    images = np.random.default_rng(0).normal(size=(6, 3, 4, 4))
    weight, partner = mixing(6, alpha=1.0, key=(0,))
    found = mixed(torch.tensor(images), partner, weight)
    expected = [weight * images[i] + (1 - weight) * images[j] for i, j in enumerate(partner)]
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-14)
    assert torch.equal(found, mixed(torch.tensor(images), torch.tensor(partner), weight))


@pytest.mark.parametrize("alpha", [0.0, -1.0, math.nan, math.inf, 2e6])
def test_an_alpha_that_is_no_parameter_of_beta_is_refused(alpha: float) -> None:
    with pytest.raises(InputError, match="alpha must lie in"):
        mixing(2, alpha=alpha, key=(0,))


@pytest.mark.parametrize("key", [(-1,), (0.5,), ("a",), 3])
def test_a_key_that_is_no_seed_is_refused(key: Any) -> None:
    with pytest.raises(InputError, match="key must be whole numbers"):
        mixing(2, alpha=1.0, key=key)


def test_an_empty_batch_is_refused() -> None:
    with pytest.raises(InputError, match="at least one example"):
        mixing(0, alpha=1.0, key=(0,))


@pytest.mark.parametrize(
    "targets", [torch.zeros(2), torch.zeros(2).int(), torch.zeros(2, 4), torch.zeros(2, 3).long(), torch.zeros(2, 3, 1)]
)
def test_targets_that_are_neither_labels_nor_rows_are_refused(targets: Any) -> None:
    with pytest.raises(InputError, match="targets must be"):
        mixed_rows(targets, np.array([1, 0]), 0.5, 3)


@pytest.mark.parametrize("weight", [-0.1, 1.1, math.nan])
def test_a_weight_outside_0_to_1_is_refused(weight: float) -> None:
    with pytest.raises(InputError, match="weight must lie in"):
        mixed_rows(torch.tensor([0, 1]), np.array([1, 0]), weight, 3)
