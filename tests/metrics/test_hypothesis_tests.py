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
    calibration_slope_intercept,
    hosmer_lemeshow,
    spiegelhalter,
)

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


def test_the_p_value_is_the_share_of_draws_that_reach_the_observed_ece() -> None:
    predictions = calib.Predictions.from_logits(*sample(300, 3, true_temperature=1.2))
    share = float(np.mean(calib.ece_null(predictions, resamples=2000, seed=1) >= calib.ece(predictions)))
    assert 0.02 < share < 0.9
    error = math.sqrt(2 * share * (1 - share) / 2000)
    assert calibration_p_value(predictions, resamples=2000) == pytest.approx(share, abs=4 * error)


@pytest.mark.parametrize("statistic", STATISTICS)
def test_p_values_of_four_rows_are_binomial(statistic: Statistic) -> None:
    # four rows at 3/4: 1, 2 or all right is as far off as two wrong ones; 0 of 4 right farther than anything
    def p_value(right: int) -> float:
        rows = calib.Outcomes.from_confidence([0.75] * 4, np.arange(4) < right)
        return calibration_p_value(rows, statistic=statistic, resamples=2000)

    assert p_value(3) == 1.0
    assert p_value(4) == pytest.approx(1 - 108 / 256, abs=4 * math.sqrt(0.25 / 2000))
    assert p_value(2) == p_value(4)
    assert p_value(1) == pytest.approx(13 / 256, abs=4 * math.sqrt(0.05 / 2000))
    assert p_value(0) == pytest.approx(1 / 256, abs=4 * math.sqrt(0.004 / 2000))


def test_errors_that_differ_by_rounding_alone_tie() -> None:
    # 0.4 + 0.6 was observed; only three right answers, 0.4 + 0.4, are nearer, and 0.6 + 0.4 is as far
    p_value = calibration_p_value(calib.Outcomes.from_confidence([0.6, 0.8, 0.8], [1, 1, 0]), resamples=2000)
    assert p_value == pytest.approx(1 - 0.6 * 0.8 * 0.8, abs=4 * math.sqrt(0.25 / 2000))


@pytest.mark.parametrize("statistic", STATISTICS)
@pytest.mark.parametrize("seed", [1, 2, 4])
def test_draws_are_one_coin_a_row_and_errors_those_of_the_loops(statistic: Statistic, seed: int) -> None:
    rng = np.random.default_rng(seed)
    confidence = np.concatenate([rng.uniform(0.05, 0.7, 15), rng.uniform(0.94, 0.99, 60)])  # bins of unlike sizes
    index = np.ceil(confidence * 15).astype(int) - 1
    order = np.argsort(confidence)

    def error(correct: Any) -> float:
        residual = correct - confidence
        if statistic == "ks":
            return float(np.abs(np.cumsum(residual[order])).max())
        sums = [math.fsum(residual[index == i]) for i in set(index)]
        rows = [int((index == i).sum()) for i in set(index)]
        if statistic == "ece":
            return math.fsum(abs(total) for total in sums)
        return math.fsum(total**2 / m for total, m in zip(sums, rows, strict=True))

    correct = rng.random(75) < confidence
    share = np.mean([error(rng.random(75) < confidence) >= error(correct) - 1e-9 for _ in range(800)])
    p_value = calibration_p_value(
        calib.Outcomes.from_confidence(confidence, correct), statistic=statistic, resamples=800
    )
    assert 0.02 < share < 0.98
    assert p_value == pytest.approx(share, abs=4 * math.sqrt(2 * share * (1 - share) / 800))


@pytest.mark.parametrize("statistic", STATISTICS)
def test_certainty_is_rejected_where_it_is_wrong_and_never_where_it_is_right(statistic: Statistic) -> None:
    assert calibration_p_value(np.eye(3), [0, 1, 2], statistic=statistic) == 1.0
    assert calibration_p_value(np.eye(3), [0, 1, 1], statistic=statistic) == 1 / 1001


@pytest.mark.parametrize("statistic", STATISTICS)
@pytest.mark.parametrize("n_bins", [1, 15, 10_000])
def test_one_row_and_any_number_of_bins_give_a_p_value(statistic: Statistic, n_bins: int) -> None:
    p_value = calibration_p_value([0.75], [0], of=1, statistic=statistic, n_bins=n_bins)
    assert p_value == pytest.approx(0.25, abs=0.06)  # a wrong answer was to be expected once in four


def test_one_seed_gives_one_p_value_and_another_another() -> None:
    outcomes = draw(200, 5, intercept=-0.2)
    assert calibration_p_value(outcomes, seed=1) == calibration_p_value(outcomes, seed=1)
    assert len({calibration_p_value(outcomes, seed=seed) for seed in range(5)}) > 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_bins": 0}, "n_bins must be a whole number from 1 to 10,000, got 0"),
        ({"resamples": 0}, "resamples must be a whole number of at least 1, got 0"),
        ({"resamples": 10.0}, "resamples must be a whole number of at least 1, got 10.0"),
        ({"seed": -1}, "a seed must be a whole number"),
        ({"statistic": "mce"}, 'statistic must be "ece", "rmsce" or "ks"'),
    ],
)
def test_options_that_are_none_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        calibration_p_value(draw(20, 0), **options)


def test_two_values_of_confidence_give_a_line_in_closed_form() -> None:
    low, high = math.log(0.2 / 0.8), math.log(0.9 / 0.1)
    confidence, correct = [0.2] * 10 + [0.9] * 20, [1] * 4 + [0] * 6 + [1] * 15 + [0] * 5
    line = calibration_slope_intercept(confidence, correct, of=1)
    at_low, at_high = math.log(4 / 6), math.log(15 / 5)
    variances = 1 / 4 + 1 / 6, 1 / 15 + 1 / 5
    slope = (at_high - at_low) / (high - low)
    assert line.slope == pytest.approx(slope, rel=1e-11)
    assert line.intercept == pytest.approx(at_low - slope * low, rel=1e-11)
    assert line.slope_error == pytest.approx(math.sqrt(sum(variances)) / (high - low), rel=1e-9)
    weights = high / (high - low), -low / (high - low)  # the intercept is the line's value at 0
    error = math.sqrt(sum(w**2 * v for w, v in zip(weights, variances, strict=True)))
    assert line.intercept_error == pytest.approx(error, rel=1e-9)
    assert line.slope_interval == pytest.approx((slope - norm.ppf(0.975) * line.slope_error, line.slope_interval[1]))
    assert sum(line.slope_interval) == pytest.approx(2 * line.slope)
    assert sum(line.intercept_interval) == pytest.approx(2 * line.intercept)
    assert sum(line.in_the_large_interval) == pytest.approx(2 * line.in_the_large)
    assert (line.n, line.status) == (30, "ok")


def test_calibration_in_the_large_of_one_confidence_is_a_difference_of_log_odds() -> None:
    line = calibration_slope_intercept(calib.Outcomes.from_confidence([0.9] * 10, [1] * 6 + [0] * 4))
    assert line.in_the_large == pytest.approx(math.log(6 / 4) - math.log(9), abs=1e-11)
    assert line.in_the_large_error == pytest.approx(1 / math.sqrt(10 * 0.6 * 0.4), rel=1e-9)
    assert line.status == "unidentifiable"
    assert np.isnan([line.slope, line.slope_error, line.intercept, line.intercept_error]).all()


def sigmoid(odds: float) -> float:
    return 1 / (1 + math.exp(-odds)) if odds > 0 else math.exp(odds) / (1 + math.exp(odds))


@pytest.mark.parametrize("stretch", [1e-3, 0.4, 1.0, 30.0])
@pytest.mark.parametrize("outlier", [0.0, 600.0])
def test_a_line_balances_right_and_claimed_overall_and_along_the_odds(stretch: float, outlier: float) -> None:
    plain = draw(300, 2)
    odds = stretch * plain.log_odds + 2
    odds[0] += outlier
    outcomes = calib.Outcomes(plain.confidence, plain.correct, odds)
    line = calibration_slope_intercept(outcomes)
    assert line.status == "ok"
    missing = [y - sigmoid(line.intercept + line.slope * x) for x, y in zip(odds, plain.correct, strict=True)]
    assert math.fsum(missing) == pytest.approx(0, abs=1e-9)
    assert math.fsum(m * x for m, x in zip(missing, odds, strict=True)) == pytest.approx(
        0, abs=1e-8 * np.abs(odds).max()
    )
    large = [y - sigmoid(line.in_the_large + x) for x, y in zip(odds, plain.correct, strict=True)]
    assert math.fsum(large) == pytest.approx(0, abs=1e-9)


def test_outliers_that_a_plain_newton_step_overshoots_are_fitted_all_the_same() -> None:
    rest = [
        -0.1,
        -1.6,
        0.4,
        -0.4,
        0.6,
        -0.8,
        -0.5,
        3.3,
        1.0,
        2.9,
        -1.2,
        0.1,
        -0.9,
        0.9,
        -0.3,
        -0.9,
        -1.0,
        -0.9,
        0.5,
        0.9,
    ]
    odds = np.array([-789.0, -789.0, *rest])
    correct = odds == 2.9
    line = calibration_slope_intercept(calib.Outcomes(np.full(len(odds), 0.5), correct, odds))
    missing = [y - sigmoid(line.intercept + line.slope * x) for x, y in zip(odds, correct, strict=True)]
    assert math.fsum(missing) == pytest.approx(0, abs=1e-9)
    assert math.fsum(m * x for m, x in zip(missing, odds, strict=True)) == pytest.approx(0, abs=1e-8)
    assert line.slope == pytest.approx(1.7682736763, abs=1e-9)


def test_logits_twice_as_large_have_half_the_slope() -> None:
    logits, labels = sample(20_000, 2, true_temperature=1.0)
    honest = calibration_slope_intercept(calib.Predictions.from_logits(logits, labels), of=1)
    confident = calibration_slope_intercept(calib.Predictions.from_logits(2 * logits, labels), of=1)
    assert honest.slope == pytest.approx(1, abs=4 * honest.slope_error)
    assert confident.slope == pytest.approx(honest.slope / 2, rel=1e-10)
    assert confident.intercept == pytest.approx(honest.intercept, abs=1e-10)


def test_wald_intervals_of_a_calibrated_model_cover_the_truth_95_times_in_100() -> None:
    lines = [calibration_slope_intercept(draw(300, seed)) for seed in range(300)]
    for truth, interval in (
        (1, [line.slope_interval for line in lines]),
        (0, [line.intercept_interval for line in lines]),
        (0, [line.in_the_large_interval for line in lines]),
    ):
        assert 270 <= sum(low <= truth <= high for low, high in interval) <= 299


@pytest.mark.parametrize(
    ("correct", "status", "slope"),
    [
        ([0, 0, 1, 1], "separable", math.inf),
        ([1, 1, 0, 0], "reversed", -math.inf),
        ([0, 1, 0, 1], "ok", None),
    ],
)
def test_a_line_without_a_finite_slope_says_so(correct: list[int], status: str, slope: float | None) -> None:
    line = calibration_slope_intercept(calib.Outcomes.from_confidence([0.2, 0.4, 0.6, 0.8], correct))
    assert line.status == status
    assert line.in_the_large == pytest.approx(0, abs=1e-12)
    assert math.isfinite(line.in_the_large_error)
    if slope is not None:
        assert line.slope == slope
        assert np.isnan([line.slope_error, line.intercept, line.intercept_error]).all()


def test_a_tie_between_right_and_wrong_at_the_border_is_still_separable() -> None:
    line = calibration_slope_intercept(calib.Outcomes.from_confidence([0.2, 0.5, 0.5, 0.8], [0, 0, 1, 1]))
    assert (line.status, line.slope) == ("separable", math.inf)


@pytest.mark.parametrize("overlap", [1e-3, 1e-8, 1e-14])
def test_the_least_overlap_makes_the_slope_finite(overlap: float) -> None:
    line = calibration_slope_intercept(calib.Outcomes.from_confidence([0.2, 0.5, 0.5 + overlap, 0.8], [0, 1, 0, 1]))
    assert line.status == "ok"
    assert 1 < line.slope < 100


@pytest.mark.parametrize(("correct", "limit"), [(True, math.inf), (False, -math.inf)])
@pytest.mark.parametrize("n", [1, 5])
def test_all_right_or_all_wrong_has_no_line(correct: bool, limit: float, n: int) -> None:
    line = calibration_slope_intercept(calib.Outcomes.from_confidence(np.full(n, 0.7), np.full(n, correct)))
    assert (line.status, line.in_the_large) == ("one outcome", limit)
    assert math.isnan(line.slope)


def test_log_odds_beyond_all_others_leave_an_honest_error() -> None:
    outcomes = calib.Predictions.from_logits([[2000.0, 0.0], [0.0, 2000.0]], [0, 1])
    line = calibration_slope_intercept(outcomes, of=0)
    assert (line.status, line.in_the_large_error) == ("separable", math.inf)


def test_infinite_log_odds_are_refused_with_their_number() -> None:
    with pytest.raises(InputError, match="2 of 3 rows claim a probability of exactly 0 or 1"):
        calibration_slope_intercept([1.0, 0.0, 0.6], [1, 0, 1], of=1)


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
