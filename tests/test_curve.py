"""Bin edges, the side on which a value on an edge falls, and the sums that every binned error is read from."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import calib
from calib.binning import bin_index, equal_width_edges
from calib.curve import CalibrationCurve, calibration_curve
from calib.errors import InputError

from . import references
from .references import rows_of_confidence, sample

quiet = settings(deadline=None, derandomize=True, max_examples=100)


def test_edges_are_the_decimals_that_people_write() -> None:
    assert equal_width_edges(10).tolist() == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    assert equal_width_edges(100).tolist() == [float(f"{i / 100:.2f}") for i in range(101)]
    assert equal_width_edges(1).tolist() == [0.0, 1.0]


@pytest.mark.parametrize("n_bins", [1, 2, 3, 10, 15, 100, 1000])
def test_a_value_on_an_edge_belongs_to_the_bin_below_it(n_bins: int) -> None:
    edges = equal_width_edges(n_bins)
    bins = np.arange(n_bins)
    assert bin_index(edges[1:], edges).tolist() == bins.tolist()
    assert bin_index(np.nextafter(edges[:-1], 1), edges).tolist() == bins.tolist()
    assert bin_index(np.nextafter(edges[1:], 0), edges).tolist() == bins.tolist()


@pytest.mark.parametrize(("value", "index"), [(0.3, 2), (0.6, 5), (0.7, 6), (0.29, 2), (0.57, 5), (0.58, 5), (0.1, 0)])
def test_decimals_that_float_edges_misfile_are_filed_right_at_10_bins(value: float, index: int) -> None:
    assert bin_index(np.array([value]), equal_width_edges(10)).tolist() == [index]


@pytest.mark.parametrize(("value", "index"), [(0.29, 28), (0.57, 56), (0.58, 57), (0.07, 6), (0.14, 13), (0.28, 27)])
def test_decimals_that_truncation_misfiles_are_filed_right_at_100_bins(value: float, index: int) -> None:
    assert bin_index(np.array([value]), equal_width_edges(100)).tolist() == [index]


def test_zero_joins_the_first_bin_and_one_the_last_as_does_what_rounding_left_above() -> None:
    values = np.array([0.0, 1.0, 1.0 + 1e-3])
    assert bin_index(values, equal_width_edges(10)).tolist() == [0, 9, 9]


def test_a_float32_value_is_filed_by_what_it_is_in_float64() -> None:
    probs = np.array([[0.7, 0.3]], np.float32)  # 0.699999988: below 0.7
    above = np.array([[0.6, 0.4]], np.float32)  # 0.600000024: above 0.6
    assert calibration_curve(probs, [0], n_bins=10).count.argmax() == 6
    assert calibration_curve(above, [0], n_bins=10).count.argmax() == 6
    assert calibration_curve(above.astype(np.float64).round(6), [0], n_bins=10).count.argmax() == 5


def test_a_curve_worked_by_hand() -> None:
    probs, labels = rows_of_confidence([0.55, 0.75, 0.75, 0.85, 1.0], [1, 1, 0, 0, 1])
    curve = calibration_curve(probs, labels, n_bins=5)
    assert curve.n == 5
    assert curve.count.tolist() == [0, 0, 1, 2, 2]
    np.testing.assert_allclose(curve.confidence_sum, [0, 0, 0.55, 1.5, 1.85], rtol=1e-15)
    np.testing.assert_allclose(curve.correct_sum, [0, 0, 1, 1, 1])
    np.testing.assert_allclose(curve.mean_confidence, [np.nan, np.nan, 0.55, 0.75, 0.925], rtol=1e-15)
    np.testing.assert_allclose(curve.accuracy, [np.nan, np.nan, 1, 0.5, 0.5])
    np.testing.assert_allclose(curve.gap, [np.nan, np.nan, -0.45, 0.25, 0.425], rtol=1e-14)
    assert curve.ece == pytest.approx((0.45 + 2 * 0.25 + 2 * 0.425) / 5, rel=1e-14)
    assert curve.mce == pytest.approx(0.45, rel=1e-14)


def test_the_gap_is_positive_where_a_model_is_overconfident() -> None:
    probs, labels = rows_of_confidence([0.9, 0.9, 0.6, 0.6], [0, 1, 1, 1])
    gap = calibration_curve(probs, labels, n_bins=10).gap
    assert gap[8] == pytest.approx(0.4)
    assert gap[5] == pytest.approx(-0.4)


def test_means_of_an_empty_bin_are_nan_and_never_zero() -> None:
    curve = calibration_curve([[0.9, 0.1]], [0], n_bins=4)
    for means in (curve.mean_confidence, curve.accuracy, curve.gap):
        assert np.isnan(means).tolist() == [True, True, True, False]


def test_a_curve_can_be_made_from_its_sums_alone() -> None:
    curve = CalibrationCurve(np.array([0.0, 0.5, 1.0]), np.array([1, 3]), np.array([0.4, 2.4]), np.array([1.0, 1.0]))
    assert curve.n == 4
    assert curve.ece == pytest.approx(0.5)
    assert curve.mce == pytest.approx(0.6)


@pytest.mark.parametrize("n_bins", [0, -1, 2.0, "15", True, None, np.nan])
def test_a_number_of_bins_that_is_none_is_refused(n_bins: Any) -> None:
    for measure in (calibration_curve, calib.ece, calib.mce, calib.evaluate):
        with pytest.raises(InputError, match=f"n_bins must be a whole number from 1 to 10,000, got {n_bins!r}"):
            measure([[0.9, 0.1]], [0], n_bins=n_bins)


def test_a_number_of_bins_may_be_a_numpy_integer() -> None:
    assert len(calibration_curve([[0.9, 0.1]], [0], n_bins=np.int64(7)).count) == 7  # type: ignore[arg-type]


@quiet
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.integers(1, 40))
def test_every_value_is_in_exactly_one_bin_and_within_its_edges(values: list[float], n_bins: int) -> None:
    edges = equal_width_edges(n_bins)
    confidence = np.array(values)
    index = bin_index(confidence, edges)
    assert np.bincount(index, minlength=n_bins).sum() == len(values)
    assert len(np.bincount(index, minlength=n_bins)) == n_bins
    assert (confidence <= edges[index + 1]).all()
    assert ((confidence > edges[index]) | ((confidence == 0) & (index == 0))).all()


@quiet
@given(st.integers(1, 60), st.integers(2, 8), st.integers(0, 2**31), st.integers(1, 50))
def test_counts_sum_to_n_and_sums_to_the_sums(n: int, k: int, seed: int, n_bins: int) -> None:
    logits, labels = sample(n, k, scale=6, seed=seed)
    predictions = calib.Predictions.from_logits(logits, labels)
    curve = calibration_curve(predictions, n_bins=n_bins)
    assert curve.n == curve.count.sum() == n
    assert curve.confidence_sum.sum() == pytest.approx(predictions.outcomes.confidence.sum(), rel=1e-12)
    assert curve.correct_sum.sum() == predictions.outcomes.correct.sum()
    probs = references.softmax_rows(logits)
    ece, mce = references.ece_and_mce(*references.top_label(probs, labels.tolist()), n_bins)
    assert curve.ece == pytest.approx(ece, abs=1e-12)
    assert curve.mce == pytest.approx(mce, abs=1e-12)


def test_wilson_intervals_are_those_of_the_textbook() -> None:
    # 7 right of 10: (0.7 + 3.8415/20 ± 1.96 √(0.7·0.3/10 + 3.8415/400)) / 1.38415
    outcomes = calib.Outcomes.from_confidence([0.8] * 10, [1] * 7 + [0] * 3)
    low, high = calibration_curve(outcomes, n_bins=2).accuracy_interval()
    assert (low[1], high[1]) == (pytest.approx(0.39678, abs=1e-5), pytest.approx(0.89221, abs=1e-5))
    assert np.isnan([low[0], high[0]]).all()
    certain = calib.Outcomes.from_confidence([0.8] * 10, [1] * 10)
    assert calibration_curve(certain, n_bins=1).accuracy_interval()[1][0] == 1.0
    with pytest.raises(InputError, match="level must lie between 0 and 1"):
        calibration_curve(outcomes).accuracy_interval(1.0)


def test_the_table_has_a_row_a_bin() -> None:
    table = calibration_curve(*rows_of_confidence([0.55, 0.75, 0.75], [1, 1, 0]), n_bins=4).table()
    assert table["n"].tolist() == [0, 0, 3, 0]
    assert table["gap"][2] == pytest.approx(2.05 / 3 - 2 / 3)
    low, accuracy, high = (float(table[name][2]) for name in ("accuracy_low", "accuracy", "accuracy_high"))
    assert low < accuracy < high
    assert table[["lower_edge", "upper_edge"]].to_numpy().tolist() == [[0, 0.25], [0.25, 0.5], [0.5, 0.75], [0.75, 1]]


def test_curves_on_equal_edges_add_up_and_others_do_not() -> None:
    predictions = calib.Predictions.from_logits(*sample(100, 3))
    whole, parts = (
        calibration_curve(predictions),
        calibration_curve(predictions[:30]) + calibration_curve(predictions[30:]),
    )
    assert parts.count.tolist() == whole.count.tolist()
    assert parts.ece == pytest.approx(whole.ece, rel=1e-12)
    for other in ({"n_bins": 10}, {"closed": "left"}):
        with pytest.raises(InputError, match="different edges"):
            _ = whole + calibration_curve(predictions, **other)


@pytest.mark.parametrize("binning", ["equal-width", "equal-mass"])
def test_weights_are_repeated_rows(binning: Any) -> None:
    rng = np.random.default_rng(0)
    confidence, correct, weight = rng.random(50), rng.random(50) < 0.5, rng.integers(1, 5, 50)
    weighted = calibration_curve(
        calib.Outcomes.from_confidence(confidence, correct, sample_weight=weight), binning=binning
    )
    rows = np.repeat(np.arange(50), weight)
    repeated = calibration_curve(calib.Outcomes.from_confidence(confidence[rows], correct[rows]), binning=binning)
    for name in ("ece", "rmsce", "mce", "average_calibration_error"):
        assert getattr(weighted, name) == pytest.approx(getattr(repeated, name), rel=1e-12)
    assert weighted.mass.tolist() == repeated.count.tolist()
    for forbidden in (weighted.accuracy_interval, lambda: weighted.debiased_squared_ce):
        with pytest.raises(InputError, match="weight"):
            forbidden()


@quiet
@given(st.integers(1, 80), st.integers(0, 2**31), st.sampled_from(["equal-width", "equal-mass"]))
def test_ece_is_at_least_the_mean_gap_and_at_most_rmsce_and_mce(n: int, seed: int, binning: Any) -> None:
    predictions = calib.Predictions.from_logits(*sample(n, 3, true_temperature=1.0, seed=seed))
    curve = calibration_curve(predictions, binning=binning)
    gap = abs(float(predictions.outcomes.residual.mean()))
    assert gap - 1e-12 <= curve.ece <= curve.rmsce + 1e-12
    assert curve.rmsce <= curve.mce + 1e-12
    gaps = curve.gap[curve.count > 0]
    if (gaps >= 0).all() or (gaps <= 0).all():
        assert curve.ece == pytest.approx(gap, abs=1e-12)
