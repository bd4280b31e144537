"""Calibration slope and intercept: closed forms, estimating equations, coverage, and lines without an end."""

import math

import numpy as np
import pytest
from scipy.stats import norm

import calib
from calib.errors import InputError
from calib.metrics.slope_intercept import calibration_slope_intercept

from ..references import sample
from .test_hypothesis_tests import draw


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
