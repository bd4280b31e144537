"""Holm's correction is the stepwise rule of the textbook, and keeps its promise."""

import math

import numpy as np
import pytest
from scipy import stats

from calib.errors import InputError
from calib.seed_inference import SeedDifference, holm, over_seeds

from .test_seed_inference import by_seed


def test_holm_worked_by_hand() -> None:
    # 4 · .005 = .02; 3 · .01 = .03; 2 · .03 = .06; 1 · .04 = .04, but no lower than .06
    found = holm([0.01, 0.04, 0.03, 0.005])
    assert found.adjusted.tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert found.rejected.tolist() == [True, False, False, True]


def textbook(p_values: list[float], level: float) -> tuple[list[float], list[bool]]:
    """Holm as statsmodels' multipletests has it: reject while p₍ᵢ₎ ≤ level / (m − i + 1), stop at the first failure."""
    m = len(p_values)
    order = sorted(range(m), key=lambda i: p_values[i])
    rejected, adjusted, running, going = [False] * m, [0.0] * m, 0.0, True
    for rank, i in enumerate(order):
        going = going and p_values[i] <= level / (m - rank)
        rejected[i] = going
        running = max(running, (m - rank) * p_values[i])
        adjusted[i] = min(running, 1.0)
    return adjusted, rejected


@pytest.mark.parametrize("level", [0.01, 0.05, 0.2])
def test_holm_is_the_stepwise_rule(level: float) -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        p_values = (rng.random(rng.integers(1, 12)) ** 3).round(rng.integers(2, 8)).tolist()
        found, (adjusted, rejected) = holm(p_values, level=level), textbook(p_values, level)
        assert found.adjusted.tolist() == pytest.approx(adjusted)
        assert found.rejected.tolist() == rejected


def test_a_nan_is_no_test_and_does_not_count() -> None:
    found = holm([0.02, math.nan, 0.03])
    assert found.adjusted.tolist() == pytest.approx([0.04, math.nan, 0.04], nan_ok=True)
    assert found.rejected.tolist() == [True, False, True]
    assert holm([]).adjusted.tolist() == []


def test_no_adjusted_p_value_exceeds_one() -> None:
    assert holm([0.9, 0.8, 1.0, 0.0]).adjusted.tolist() == pytest.approx([1.0, 1.0, 1.0, 0.0])


@pytest.mark.parametrize("bad", [[1.2], [-0.1, 0.5], [[0.1]]])
def test_what_is_no_p_value_is_refused(bad: list[float]) -> None:
    with pytest.raises(InputError, match="p-values"):
        holm(bad)
    with pytest.raises(InputError, match="level"):
        holm([0.1], level=5)


def test_with_nothing_to_find_a_family_of_tests_seldom_finds_anything() -> None:
    """Eight correlated differences over 4 seeds: at most 5 % of the families have a flag, where alone 20 % would."""
    rng, trials = np.random.default_rng(2), 600
    holms = singles = 0
    for _ in range(trials):
        arms = rng.normal(size=(8, 4)) + 0.7 * rng.normal(size=4)
        found: list[SeedDifference] = [over_seeds(by_seed(arm), by_seed(np.zeros(4))) for arm in arms]
        p_values = [each.p_value for each in found]
        holms += bool(holm(p_values).rejected.any())
        singles += min(p_values) <= 0.05
    assert stats.binom.sf(holms - 1, trials, 0.05) > 5e-4  # no more than 5 %, or by chance
    assert singles / trials > 0.12
