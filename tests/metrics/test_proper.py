"""NLL and Brier score against loops, hand-worked numbers and their ends."""

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import calib

from .. import references
from ..references import rows_of_confidence, sample

quiet = settings(deadline=None, derandomize=True, max_examples=60)


@pytest.mark.parametrize("scale", [0.01, 1.0, 5.0, 100.0])
@pytest.mark.parametrize("k", [2, 7])
def test_nll_and_brier_are_what_the_loops_say(scale: float, k: int) -> None:
    logits, labels = sample(200, k, scale=scale)
    probs = references.softmax_rows(logits)
    for predictions in (calib.Predictions.from_logits(logits, labels), calib.Predictions.from_probs(probs, labels)):
        assert calib.nll(predictions) == pytest.approx(references.nll(probs, labels.tolist()), rel=1e-12)
        assert calib.brier(predictions) == pytest.approx(references.brier(probs, labels.tolist()), rel=1e-12)


def test_nll_of_one_hand_worked_row_is_in_nats() -> None:
    assert calib.nll([[0.25, 0.75]], [0]) == pytest.approx(math.log(4), rel=1e-15)


def test_brier_is_summed_over_classes() -> None:
    assert calib.brier([[0.5, 0.3, 0.2]], [0]) == pytest.approx(0.25 + 0.09 + 0.04, rel=1e-14)
    assert calib.brier([0.7], [1]) == pytest.approx(2 * 0.3**2, rel=1e-14)


def test_brier_of_the_published_vectors_is_twice_the_binary_score() -> None:
    confidence, correct = [0.51, 0.55, 0.61, 0.66, 0.68, 0.71, 0.81, 0.85], [0, 1, 1, 1, 0, 0, 1, 1]
    assert calib.brier(*rows_of_confidence(confidence, correct)) == pytest.approx(2 * 0.219425, abs=1e-12)
    forecasts = np.repeat([0.2, 0.6, 0.9], 10)
    hits = [1] * 3 + [0] * 7 + [1] * 5 + [0] * 5 + [1] * 9 + [0]
    assert calib.brier(forecasts, hits) == pytest.approx(2 * 0.19, abs=1e-12)


def test_a_certain_and_right_model_scores_zero_and_a_certain_and_wrong_one_infinity_and_two() -> None:
    assert (calib.nll(np.eye(2), [0, 1]), calib.brier(np.eye(2), [0, 1])) == (0, 0)
    assert (calib.nll(np.eye(2), [1, 0]), calib.brier(np.eye(2), [1, 0])) == (math.inf, 2)


def test_one_impossible_label_makes_nll_infinite_and_nothing_is_clipped() -> None:
    assert calib.nll([[1.0, 0.0], [0.5, 0.5]], [1, 0]) == math.inf
    assert calib.nll([[1 - 1e-300, 1e-300]], [1]) == pytest.approx(300 * math.log(10))


def test_a_hopeless_but_possible_label_has_a_finite_nll() -> None:
    assert calib.nll(calib.Predictions.from_logits(np.array([[0, 5000]], np.float32), [0])) == 5000


def test_float32_and_float64_differ_by_float32_rounding_only() -> None:
    logits, labels = sample(500, 10)
    wide = calib.Predictions.from_logits(logits, labels)
    narrow = calib.Predictions.from_logits(logits.astype(np.float32), labels)
    for metric in (calib.nll, calib.brier):
        assert metric(narrow) == pytest.approx(metric(wide), rel=1e-6)
        assert metric(narrow) != metric(wide)


@quiet
@given(st.integers(2, 6), st.integers(0, 2**31))
def test_no_other_distribution_beats_the_true_one(k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 6, size=k)
    labels = np.repeat(np.arange(k), counts)
    truth = np.tile(counts / counts.sum(), (len(labels), 1))
    other = np.tile(rng.dirichlet(np.ones(k)), (len(labels), 1))
    assert calib.nll(truth, labels) <= calib.nll(other, labels) + 1e-12
    assert calib.brier(truth, labels) <= calib.brier(other, labels) + 1e-12
