"""Mixup: the draw follows Beta(α, α) and the key alone."""

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from calib.errors import InputError
from calib.training.losses import mixing


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
