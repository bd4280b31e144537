"""Tests of calibration: published values, plain loops, uniform p-values under calibration, power without it."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.stats import chi2, kstest, norm

import calib
from calib.errors import InputError
from calib.metrics.hypothesis_tests import (
    calibration_p_value,
    hosmer_lemeshow,
    spiegelhalter,
)
from calib.metrics.slope_intercept import calibration_slope_intercept

from ..references import rows_of_confidence, sample

quiet = settings(deadline=None, derandomize=True, max_examples=60)
Statistic = Literal["ece", "rmsce", "ks"]
STATISTICS: tuple[Statistic, ...] = ("ece", "rmsce", "ks")
C8, A8 = [0.51, 0.55, 0.61, 0.66, 0.68, 0.71, 0.81, 0.85], [0, 1, 1, 1, 0, 0, 1, 1]
C6, Y6 = [0.1, 0.3, 0.4, 0.6, 0.8, 0.9], [0, 1, 0, 1, 0, 1]
pairs = st.lists(st.tuples(st.integers(1, 19), st.booleans()), min_size=1, max_size=30)


def spiegelhalter_loop(confidence: Sequence[float], correct: Sequence[bool]) -> float:
    above = math.fsum((y - c) * (1 - 2 * c) for c, y in zip(confidence, correct, strict=True))
    return above / math.sqrt(math.fsum((1 - 2 * c) ** 2 * c * (1 - c) for c in confidence))


def hosmer_lemeshow_loop(confidence: Sequence[float], correct: Sequence[bool], n_groups: int) -> tuple[float, int]:
    """The statistic and the number of groups: equal values stay together, where the middle of their ranks falls."""
    n = len(confidence)
    groups: dict[int, list[tuple[float, bool]]] = {}
    for c, y in zip(confidence, correct, strict=True):
        middle = sum(other < c for other in confidence) + sum(other == c for other in confidence) / 2
        groups.setdefault(math.floor(n_groups * middle / n), []).append((c, y))
    statistic = 0.0
    for rows in groups.values():
        mean = math.fsum(c for c, _ in rows) / len(rows)
        statistic += (sum(y for _, y in rows) - len(rows) * mean) ** 2 / (len(rows) * mean * (1 - mean))
    return statistic, len(groups)


def draw(n: int, seed: int, *, intercept: float = 0.0, slope: float = 1.0) -> calib.Outcomes:
    """Confidences from 0.05 to 0.99 whose true log-odds lie on a line over the claimed ones; calibrated by default."""
    rng = np.random.default_rng(seed)
    confidence = rng.uniform(0.05, 0.99, n)
    true_odds = np.exp(intercept) * (confidence / (1 - confidence)) ** slope
    return calib.Outcomes.from_confidence(confidence, rng.random(n) < true_odds / (1 + true_odds))


def p_of_spiegelhalter(outcomes: calib.Outcomes, _: int) -> float:
    return spiegelhalter(outcomes).p_value


def p_of_hosmer_lemeshow(outcomes: calib.Outcomes, _: int) -> float:
    return hosmer_lemeshow(outcomes).p_value


def p_of_slope(outcomes: calib.Outcomes, _: int) -> float:
    line = calibration_slope_intercept(outcomes)
    return float(2 * norm.sf(abs((line.slope - 1) / line.slope_error)))


def p_of_in_the_large(outcomes: calib.Outcomes, _: int) -> float:
    line = calibration_slope_intercept(outcomes)
    return float(2 * norm.sf(abs(line.in_the_large / line.in_the_large_error)))


def p_of_resampling(statistic: Statistic) -> Callable[[calib.Outcomes, int], float]:
    return lambda outcomes, seed: calibration_p_value(outcomes, statistic=statistic, resamples=99, seed=seed)


TESTS: dict[str, tuple[Callable[[calib.Outcomes, int], float], int]] = {
    "spiegelhalter": (p_of_spiegelhalter, 500),
    "hosmer_lemeshow": (p_of_hosmer_lemeshow, 500),
    "slope": (p_of_slope, 200),
    "in the large": (p_of_in_the_large, 200),
    "ece": (p_of_resampling("ece"), 150),
    "rmsce": (p_of_resampling("rmsce"), 150),
    "ks": (p_of_resampling("ks"), 150),
}


@pytest.mark.parametrize("name", TESTS)
def test_p_values_are_uniform_for_a_calibrated_model(name: str) -> None:
    p_value, repeats = TESTS[name]
    values = np.array([p_value(draw(400, seed), seed) for seed in range(repeats)])
    assert kstest(values, "uniform").pvalue > 0.01
    assert np.mean(values <= 0.05) == pytest.approx(0.05, abs=4 * math.sqrt(0.05 * 0.95 / repeats))


@pytest.mark.parametrize("name", TESTS)
@pytest.mark.parametrize(("intercept", "slope"), [(-0.5, 0.5), (0.8, 2.0)], ids=["overconfident", "underconfident"])
def test_p_values_are_small_for_a_miscalibrated_model(name: str, intercept: float, slope: float) -> None:
    p_value, _ = TESTS[name]
    assert np.median([p_value(draw(400, seed, intercept=intercept, slope=slope), seed) for seed in range(9)]) <= 0.01


@pytest.mark.parametrize(("confidence", "correct", "z"), [(C8, A8, 0.192183), (C6, Y6, 0.926367)])
def test_the_published_values_of_spiegelhalters_z(confidence: list[float], correct: list[int], z: float) -> None:
    result = spiegelhalter(calib.Outcomes.from_confidence(confidence, correct))
    assert result.z == pytest.approx(z, abs=5e-7)
    assert result.p_value == pytest.approx(2 * norm.sf(z), abs=5e-7)


@quiet
@given(pairs.filter(lambda rows: any(c != 10 for c, _ in rows)))
def test_spiegelhalters_z_is_what_the_loop_says_for_an_event_and_its_opposite(rows: list[tuple[int, bool]]) -> None:
    confidence, correct = [c / 20 for c, _ in rows], [y for _, y in rows]
    want = spiegelhalter_loop(confidence, correct)
    assert spiegelhalter(calib.Outcomes.from_confidence(confidence, correct)).z == pytest.approx(want, abs=1e-12)
    opposite = calib.Outcomes.from_confidence([1 - c for c in confidence], [not y for y in correct])
    assert spiegelhalter(opposite).z == pytest.approx(want, abs=1e-12)


def test_z_is_positive_where_confidence_was_too_high() -> None:
    assert spiegelhalter(calib.Outcomes.from_confidence([0.9] * 10, [1] * 5 + [0] * 5)).z > 3
    assert spiegelhalter(calib.Outcomes.from_confidence([0.6] * 10, [1] * 10)).z < -2


def test_certainty_leaves_z_nothing_to_vary() -> None:
    right = spiegelhalter(np.eye(3), [0, 1, 2])
    wrong = spiegelhalter(np.eye(3), [0, 1, 1])
    coin = spiegelhalter(calib.Outcomes.from_confidence([0.5, 0.5], [1, 1]))
    assert (right.z, right.p_value) == (coin.z, coin.p_value) == (0.0, 1.0)
    assert (wrong.z, wrong.p_value) == (math.inf, 0.0)


@quiet
@given(pairs, st.integers(1, 12))
def test_hosmer_and_lemeshows_statistic_is_what_the_loop_says(rows: list[tuple[int, bool]], n_groups: int) -> None:
    confidence, correct = [c / 20 for c, _ in rows], [y for _, y in rows]
    statistic, groups = hosmer_lemeshow_loop(confidence, correct, n_groups)
    result = hosmer_lemeshow(calib.Outcomes.from_confidence(confidence, correct), n_groups=n_groups)
    assert result.statistic == pytest.approx(statistic, rel=1e-9, abs=1e-12)
    assert result.degrees_of_freedom == groups
    assert result.p_value == pytest.approx(chi2.sf(statistic, groups), abs=1e-9)


def test_groups_are_equal_in_number_of_rows_and_two_degrees_are_lost_to_a_fit() -> None:
    outcomes = draw(100, 0)
    held_out, fitted = hosmer_lemeshow(outcomes), hosmer_lemeshow(outcomes, held_out=False)
    want = 0.0
    for group in np.split(np.argsort(outcomes.confidence), 10):
        claimed = outcomes.confidence[group].sum()
        want += (outcomes.correct[group].sum() - claimed) ** 2 / (claimed * (1 - claimed / 10))
    assert held_out.statistic == fitted.statistic == pytest.approx(want, rel=1e-12)
    assert (held_out.degrees_of_freedom, fitted.degrees_of_freedom) == (10, 8)
    assert fitted.p_value == pytest.approx(chi2.sf(want, 8), rel=1e-12)


def test_a_certain_group_counts_only_where_it_is_wrong() -> None:
    confidence = [1.0, 1.0, 0.75, 0.75, 0.75, 0.75]
    right = hosmer_lemeshow(calib.Outcomes.from_confidence(confidence, [1, 1, 1, 1, 1, 1]), n_groups=3)
    assert right.statistic == pytest.approx(1 / 0.75)
    assert right.degrees_of_freedom == 1
    wrong = hosmer_lemeshow(calib.Outcomes.from_confidence(confidence, [1, 0, 1, 1, 1, 0]), n_groups=3)
    assert (wrong.statistic, wrong.p_value) == (math.inf, 0.0)
    certain = hosmer_lemeshow(np.eye(3), [0, 1, 2])
    assert (certain.statistic, certain.degrees_of_freedom, certain.p_value) == (0.0, 0, 1.0)


def test_what_was_all_but_ruled_out_gives_a_statistic_of_infinity() -> None:
    result = hosmer_lemeshow(calib.Outcomes.from_confidence([1e-310, 0.5], [1, 1]))
    assert (result.statistic, result.p_value) == (math.inf, 0.0)


@pytest.mark.parametrize("n_groups", [1, 2])
def test_too_few_groups_for_rows_of_a_fit_are_refused(n_groups: int) -> None:
    with pytest.raises(InputError, match=f"{n_groups} groups leave no degrees of freedom"):
        hosmer_lemeshow(draw(50, 0), n_groups=n_groups, held_out=False)


@pytest.mark.parametrize("n_groups", [0, -1, 2.0, True, "10", 10_001])
def test_a_number_of_groups_that_is_none_is_refused(n_groups: Any) -> None:
    with pytest.raises(InputError, match="n_groups must be a whole number from 1 to 10,000"):
        hosmer_lemeshow(draw(50, 0), n_groups=n_groups)


@pytest.mark.parametrize(
    "test", [spiegelhalter, hosmer_lemeshow, calibration_p_value, calibration_slope_intercept], ids=lambda f: f.__name__
)
def test_every_test_refuses_sample_weights_and_ignores_the_order_of_rows(test: Callable[..., Any]) -> None:
    weighted = calib.Outcomes.from_confidence([0.9, 0.6], [1, 0], sample_weight=[1, 2])
    with pytest.raises(InputError, match=f"{test.__name__} takes no sample weights"):
        test(weighted)
    predictions = calib.Predictions.from_logits(*sample(80, 3))
    for order in (slice(None, None, -1), np.random.default_rng(0).permutation(80)):
        given, moved = test(predictions), test(predictions[order])
        for name in getattr(given, "__dataclass_fields__", {}):
            if name != "status":
                assert getattr(moved, name) == pytest.approx(getattr(given, name), rel=1e-9)
        assert isinstance(given, float) is isinstance(moved, float)
        assert not isinstance(given, float) or moved == pytest.approx(given, abs=1e-12)


def test_the_event_may_be_one_class() -> None:
    probs, labels = rows_of_confidence(C8, A8)
    assert spiegelhalter(probs, labels, of=0).z == pytest.approx(0.192183, abs=5e-7)
    assert spiegelhalter(probs, labels, of=1).z == pytest.approx(0.192183, abs=5e-7)
