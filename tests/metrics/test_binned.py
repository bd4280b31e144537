"""ECE and MCE against the loop of the paper, published vectors, and the cases on which other libraries disagree."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import calib

from .. import references
from ..references import rows_of_confidence, sample

quiet = settings(deadline=None, derandomize=True, max_examples=60)

C8 = [0.51, 0.55, 0.61, 0.66, 0.68, 0.71, 0.81, 0.85]
A8 = [0, 1, 1, 1, 0, 0, 1, 1]
NINTHS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
ON_EDGES = [0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.6, 0.65, 0.7, 0.75, 0.9, 0.95]


@pytest.mark.parametrize(("n_bins", "ece"), [(10, 0.145), (15, 0.4275), (1, 0.0475)])
def test_ece_of_the_vector_of_robustness_metrics(n_bins: int, ece: float) -> None:
    assert calib.ece(*rows_of_confidence(C8, A8), n_bins=n_bins) == pytest.approx(ece, abs=1e-14)


def test_mce_of_the_vector_of_robustness_metrics() -> None:
    assert calib.mce(*rows_of_confidence(C8, A8), n_bins=10) == pytest.approx(0.71, abs=1e-14)


def test_ece_of_the_published_five_by_three_matrix() -> None:
    probs = [
        [0.42610548, 0.41748077, 0.15641374],
        [0.44766216, 0.47721294, 0.0751249],
        [0.1862702, 0.15139402, 0.66233578],
        [0.05753544, 0.8561222, 0.08634236],
        [0.18697925, 0.29836466, 0.51465609],
    ]
    assert calib.ece(probs, [0, 1, 2, 1, 2], n_bins=30) == pytest.approx(0.412713502, abs=1e-9)


def test_ece_of_the_published_binary_vector_is_that_of_the_predicted_class() -> None:
    positive = [0.91, 0.32, 0.66, 0.67, 0.57, 0.98, 0.41, 0.19]
    assert calib.ece(positive, [1, 0, 1, 1, 0, 1, 0, 0], n_bins=30) == pytest.approx(0.18125, abs=1e-14)


def test_ece_of_murphys_forecasts() -> None:
    hits = [1] * 6 + [0] * 4 + [1] * 9 + [0]
    assert calib.ece(*rows_of_confidence([0.6] * 10 + [0.9] * 10, hits), n_bins=10) == pytest.approx(0, abs=1e-14)
    hits = [1] * 5 + [0] * 5 + [1] * 9 + [0]
    assert calib.ece(*rows_of_confidence([0.6] * 10 + [0.9] * 10, hits), n_bins=10) == pytest.approx(0.05, abs=1e-14)


@pytest.mark.parametrize(
    ("confidence", "correct", "k", "expected"),
    [
        ([0.95, 1.0], [1, 0], 2, 0.475),  # case A: 1.0 belongs to the last bin, not to one of its own
        (NINTHS, [1, 0, 1, 0, 1, 0, 1, 1, 0], 50, 4.7 / 9),  # case B: every value on an edge, each alone in its bin
        (ON_EDGES, [1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 1, 1], 50, 5.2 / 12),  # case B2: half of the values on edges
        ([1.0], [1], 2, 0.0),
        ([1.0], [0], 2, 1.0),
    ],
    ids=["A", "B", "B2", "right", "wrong"],
)
def test_values_on_edges_are_binned_as_in_exact_arithmetic(
    confidence: list[float], correct: list[int], k: int, expected: float
) -> None:
    assert calib.ece(*rows_of_confidence(confidence, correct, k), n_bins=10) == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("n_bins", [1, 2, 5, 10, 15, 30, 100])
@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])
def test_ece_and_mce_are_what_the_loop_over_bins_says(n_bins: int, scale: float) -> None:
    logits, labels = sample(400, 4, scale=scale, seed=n_bins)
    probs = references.softmax_rows(logits)
    ece, mce = references.ece_and_mce(*references.top_label(probs, labels.tolist()), n_bins)
    for predictions in (calib.Predictions.from_logits(logits, labels), calib.Predictions.from_probs(probs, labels)):
        assert calib.ece(predictions, n_bins=n_bins) == pytest.approx(ece, abs=1e-13)
        assert calib.mce(predictions, n_bins=n_bins) == pytest.approx(mce, abs=1e-12)


def test_fifteen_bins_are_the_default() -> None:
    probs, labels = rows_of_confidence(C8, A8)
    assert calib.ece(probs, labels) == calib.ece(probs, labels, n_bins=15)
    assert calib.mce(probs, labels) == calib.mce(probs, labels, n_bins=15)


def test_ece_is_that_of_the_curve_that_is_drawn() -> None:
    predictions = calib.Predictions.from_logits(*sample(300, 3))
    curve = calib.calibration_curve(predictions, n_bins=12)
    assert calib.ece(predictions, n_bins=12) == curve.ece
    assert calib.mce(predictions, n_bins=12) == curve.mce


def test_a_model_that_is_certain_and_right_has_no_error() -> None:
    assert calib.ece(np.eye(3), [0, 1, 2]) == calib.mce(np.eye(3), [0, 1, 2]) == 0.0


def test_a_model_that_is_certain_and_wrong_has_all_of_it() -> None:
    assert calib.ece(np.eye(3), [1, 2, 0]) == calib.mce(np.eye(3), [1, 2, 0]) == 1.0


@quiet
@given(st.integers(1, 40), st.integers(2, 5), st.integers(0, 2**31), st.integers(2, 4), st.integers(1, 20))
def test_repeating_every_row_changes_no_error(n: int, k: int, seed: int, times: int, n_bins: int) -> None:
    logits, labels = sample(n, k, seed=seed)
    once = calib.Predictions.from_logits(logits, labels)
    often = calib.Predictions.from_logits(np.repeat(logits, times, axis=0), np.repeat(labels, times))
    assert calib.ece(often, n_bins=n_bins) == pytest.approx(calib.ece(once, n_bins=n_bins), abs=1e-12)
    assert calib.mce(often, n_bins=n_bins) == pytest.approx(calib.mce(once, n_bins=n_bins), abs=1e-12)


@quiet
@given(st.integers(1, 40), st.integers(2, 5), st.integers(0, 2**31), st.integers(1, 20))
def test_ece_lies_between_the_overall_gap_and_mce_and_below_one(n: int, k: int, seed: int, n_bins: int) -> None:
    predictions = calib.Predictions.from_logits(*sample(n, k, seed=seed))
    outcomes = predictions.outcomes
    gap = abs(float(outcomes.confidence.mean() - outcomes.correct.mean()))
    ece, mce = calib.ece(predictions, n_bins=n_bins), calib.mce(predictions, n_bins=n_bins)
    assert gap - 1e-12 <= ece <= mce + 1e-12
    assert mce <= 1
    assert calib.ece(predictions, n_bins=1) == pytest.approx(gap, abs=1e-12)


@pytest.mark.parametrize("order", [slice(None, None, -1), np.random.default_rng(0).permutation(50)])
def test_the_order_of_rows_does_not_matter(order: Any) -> None:
    predictions = calib.Predictions.from_logits(*sample(50, 3))
    for metric in (calib.ece, calib.mce):
        assert metric(predictions[order]) == pytest.approx(metric(predictions), abs=1e-14)
