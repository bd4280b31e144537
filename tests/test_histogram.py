"""The histogram of log-odds: sums that add up, and numbers of ranks and kernels that keep within their bounds."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import calib
from calib.evaluation import evaluate_sums
from calib.histogram import LAST, LogOddsHistogram
from calib.outcomes import Outcomes

from .references import sample

BOUNDED = ("ece_equal_mass", "smooth_ece", "ks_error", "auroc", "aurc")
quiet = settings(deadline=None, derandomize=True, max_examples=60)


def summary_of(*parts: Any, n_bins: int = 15) -> Any:
    state = calib.CalibrationState(n_bins=n_bins)
    for part in parts:
        state.update(part)
    return state.compute()


def assert_within(predictions: Any, *, n_bins: int = 15) -> dict[str, float]:
    """Every bounded number keeps its bound, every other is the one from the rows; return the bounds."""
    report, bounds = evaluate_sums(summary_of(predictions, n_bins=n_bins), n_classes=2)
    whole = calib.evaluate(predictions, n_bins=n_bins)
    for name in BOUNDED:
        found, expected = getattr(report, name), getattr(whole, name)
        assert (np.isnan(found) and np.isnan(expected)) or abs(found - expected) <= bounds[name], name
    for name in ("n", "n_bins", "infinite_nll"):
        assert getattr(report, name) == getattr(whole, name)
    for name in ("accuracy", "mean_confidence", "nll", "brier", "ece", "rmsce", "mce", "gap", "ece_low", "ece_high"):
        assert getattr(report, name) == pytest.approx(getattr(whole, name), rel=1e-12, abs=1e-12), name
    return dict(bounds)


@quiet
@given(
    n=st.integers(1, 600),
    k=st.sampled_from([2, 3, 10, 50]),
    scale=st.sampled_from([1e-3, 0.1, 1.0, 4.0, 30.0]),
    temperature=st.sampled_from([0.3, 1.0, 3.0]),
    seed=st.integers(0, 10**6),
    n_bins=st.sampled_from([1, 4, 15, 100]),
    kind=st.sampled_from(["logits", "probs", "float32"]),
)
def test_every_number_keeps_within_its_bound(
    n: int, k: int, scale: float, temperature: float, seed: int, n_bins: int, kind: str
) -> None:
    logits, labels = sample(n, k, scale=scale, true_temperature=temperature, seed=seed)
    given_logits = calib.Predictions.from_logits(logits.astype(np.float32) if kind == "float32" else logits, labels)
    probs = np.exp(logits - logits.max(axis=1, keepdims=True))
    probs /= probs.sum(axis=1, keepdims=True)
    assert_within(calib.Predictions.from_probs(probs, labels) if kind == "probs" else given_logits, n_bins=n_bins)


@pytest.mark.parametrize(("scale", "temperature"), [(1.0, 1.5), (2.0, 1.0), (4.0, 1.0), (6.0, 0.7)])
def test_the_bounds_are_tight_enough_to_use(scale: float, temperature: float) -> None:
    bounds = assert_within(
        calib.Predictions.from_logits(*sample(50_000, 10, scale=scale, true_temperature=temperature))
    )
    assert bounds["smooth_ece"] < 5e-4
    assert bounds["ks_error"] < 1e-3
    assert bounds["auroc"] < 1e-3
    assert bounds["aurc"] < 1e-3
    assert bounds["ece_equal_mass"] < 0.01


@pytest.mark.parametrize(
    ("confidence", "correct"),
    [
        ([0.0, 1.0, 0.5], [1, 0, 1]),
        ([1.0] * 7, [1, 0, 1, 1, 1, 1, 1]),
        ([0.0] * 5, [0, 0, 1, 0, 0]),
        ([0.5], [1]),
        (np.linspace(0, 1, 101), np.arange(101) % 2),
        (1 - 10.0 ** -np.arange(1, 17), np.arange(16) % 3 > 0),
    ],
)
def test_ends_ties_and_single_examples_keep_within_too(confidence: Any, correct: Any) -> None:
    outcomes = Outcomes.from_confidence(confidence, np.asarray(correct, bool))
    report, bounds = evaluate_sums(summary_of(outcomes))
    whole = calib.evaluate(outcomes)
    for name in BOUNDED:
        found, expected = getattr(report, name), getattr(whole, name)
        assert (np.isnan(found) and np.isnan(expected)) or abs(found - expected) <= bounds[name], name


def test_a_cell_of_mixed_answers_could_be_in_any_order() -> None:
    """All confidences in one cell: the bounds must reach from the best order of the rows to the worst."""
    confidence = 0.7 + 1e-6 * np.arange(20)
    for correct in (np.arange(20) < 10, np.arange(20) >= 10):
        outcomes = Outcomes.from_confidence(confidence, correct)
        assert len(LogOddsHistogram.of(outcomes).cells) == 1
        report, bounds = evaluate_sums(summary_of(outcomes))
        assert report.auroc == pytest.approx(0.5)
        assert bounds["auroc"] == pytest.approx(0.5)
        for name in BOUNDED:
            assert abs(getattr(report, name) - getattr(calib.evaluate(outcomes), name)) <= bounds[name], name
        assert abs(report.aurc - calib.aurc(outcomes)) > bounds["aurc"] / 2  # one of the two ends


def test_no_bound_is_below_what_smooth_ece_itself_is_right_to() -> None:
    sure = Outcomes(np.ones(5), np.array([1, 1, 0, 1, 1], bool), np.full(5, 40.0))  # cells as narrow as rounding
    assert evaluate_sums(summary_of(sure))[1]["smooth_ece"] >= 1e-6


def test_weights_count() -> None:
    logits, labels = sample(400, 4)
    weight = np.random.default_rng(0).uniform(0, 3, 400)
    weight[:50] = 0
    predictions = calib.Predictions.from_logits(logits, labels, sample_weight=weight)
    report, bounds = evaluate_sums(summary_of(predictions))
    whole = calib.evaluate(predictions)
    for name in ("ece_equal_mass", "smooth_ece", "ks_error", "auroc"):
        assert abs(getattr(report, name) - getattr(whole, name)) <= bounds[name], name
    assert np.isnan(report.aurc)
    assert (report.ece_low, report.ece_high) == pytest.approx((whole.ece_low, whole.ece_high), abs=0.01)
    assert report.ece_null == pytest.approx(whole.ece_null, rel=0.1)
    assert report.ece_null_95 == pytest.approx(whole.ece_null_95, rel=0.15)


@pytest.mark.parametrize("scale", [1e-100, 1e100])
def test_only_ratios_of_weights_count(scale: float) -> None:
    outcomes = Outcomes.from_confidence([0.9, 0.8, 0.3], [True, False, True], sample_weight=[scale] * 3)
    report = evaluate_sums(summary_of(outcomes))[0]
    assert report.auroc == 0.5


def test_the_chance_level_is_that_of_the_rows() -> None:
    for n, scale in ((200, 3.0), (20_000, 3.0), (50, 12.0)):
        predictions = calib.Predictions.from_logits(*sample(n, 5, scale=scale, true_temperature=1.0))
        report = evaluate_sums(summary_of(predictions))[0]
        whole = calib.evaluate(predictions)
        assert report.ece_null == pytest.approx(whole.ece_null, rel=0.05)
        assert report.ece_null_95 == pytest.approx(whole.ece_null_95, rel=0.1)


@quiet
@given(st.lists(st.integers(0, 300), max_size=5), st.integers(0, 1000), st.sampled_from([0.1, 3.0, 80.0]))
def test_histograms_of_parts_add_up_to_that_of_the_whole(cuts: list[int], seed: int, scale: float) -> None:
    outcomes = calib.Predictions.from_logits(*sample(300, 3, scale=scale, seed=seed)).outcomes
    bounds = [0, *sorted(cuts), 300]
    total = LogOddsHistogram.empty()
    for low, high in pairwise(bounds):
        if high > low:
            total = total + LogOddsHistogram.of(outcomes[low:high])
    whole = LogOddsHistogram.of(outcomes)
    assert total.cells.tolist() == whole.cells.tolist()
    assert np.abs(whole.cells).max() <= LAST
    np.testing.assert_allclose(total.wrong, whole.wrong, rtol=1e-12)
    np.testing.assert_allclose(total.right, whole.right, rtol=1e-12)
    low_end, high_end = whole.limits
    assert ((whole.confidence >= low_end - 1e-15) & (whole.confidence <= high_end + 1e-15)).all()


def test_bytes_bring_the_histogram_along_and_no_other_arrays() -> None:
    state = calib.CalibrationState()
    state.update(calib.Predictions.from_logits(*sample(100, 3)))
    again = calib.CalibrationState.from_bytes(state.to_bytes())
    assert evaluate_sums(again.compute()) == evaluate_sums(state.compute())
    good = state.histogram
    for bad in (
        replace(good, cells=good.cells[::-1]),
        replace(good, wrong=good.wrong[::-1]),  # Σ w c² above Σ w c
        replace(good, right=good.right * 2),  # of other data than the curve
        replace(good, squares=good.squares * 0),
        LogOddsHistogram.empty(),
    ):
        state.histogram = bad
        with pytest.raises(calib.InputError, match="no calibration state"):
            calib.CalibrationState.from_bytes(state.to_bytes())


def test_where_the_kernel_is_narrow_the_bound_is_the_root_not_the_tangent() -> None:
    """Right and wrong answers that cancel inside a cell and are far apart beside its width at small bandwidths."""
    confidence = np.concatenate([0.5 + 1e-4 * np.arange(20), np.full(4000, 0.999)])
    correct = np.concatenate([np.arange(20) >= 10, np.arange(4000) >= 4])
    outcomes = Outcomes.from_confidence(confidence, correct)
    report, bounds = evaluate_sums(summary_of(outcomes))
    error = abs(report.smooth_ece - calib.smooth_ece(outcomes))
    assert error <= bounds["smooth_ece"] < 0.05


@pytest.mark.parametrize("first", ["wrong", "right"])
def test_a_cell_s_order_moves_aurc_as_far_as_its_bound(first: str) -> None:
    """One cell of the most confident, of either order, before another: both orders must lie within."""
    order = np.arange(40) < 20
    confidence = np.concatenate([0.8 - 1e-6 * np.arange(40), np.full(60, 0.4)])
    correct = np.concatenate([~order if first == "wrong" else order, np.arange(60) % 3 == 0])
    outcomes = Outcomes.from_confidence(confidence, correct)
    report, bounds = evaluate_sums(summary_of(outcomes))
    error = abs(report.aurc - calib.aurc(outcomes))
    assert 0.5 * bounds["aurc"] < error <= bounds["aurc"]


def test_a_cut_inside_a_cell_can_turn_the_bins_beside_it() -> None:
    """Both bins lean up a little, but the first half of the cell between them is right and the second wrong."""
    confidence = np.concatenate([np.full(30, 0.5), 0.6 + 1e-6 * np.arange(40), np.full(30, 0.7)])
    correct = np.concatenate([np.arange(30) < 14, np.arange(40) < 20, np.arange(30) < 20])
    outcomes = Outcomes.from_confidence(confidence, correct)
    report, bounds = evaluate_sums(summary_of(outcomes, n_bins=2))
    error = abs(report.ece_equal_mass - calib.ece(outcomes, n_bins=2, binning="equal-mass"))
    assert 0.1 < error <= bounds["ece_equal_mass"]
