"""Isotonic calibration against the min-max formula, CORP, and the promise of the pooled method to keep classes."""

from typing import Any

import numpy as np
import pytest

import calib
from calib.calibrators._base import keep_predicted
from calib.calibrators._steps import edges_before
from calib.calibrators.histogram import HistogramBinning
from calib.calibrators.isotonic import IsotonicCalibration, Method
from calib.errors import InputError
from calib.predictions import Predictions

from .. import references
from ..references import sample

METHODS: tuple[Method, ...] = ("one-vs-rest", "pooled")


def min_max(scores: list[float], events: list[float], weight: list[float]) -> list[float]:
    """Isotonic regression by its formula: at each score the maximum over starts of the minimum over ends of means."""
    distinct = sorted(set(scores))
    mass = [sum(w for s, w in zip(scores, weight, strict=True) if s == d) for d in distinct]
    right = [sum(w * e for s, e, w in zip(scores, events, weight, strict=True) if s == d) for d in distinct]

    def mean(i: int, j: int) -> float:
        return sum(right[i : j + 1]) / sum(mass[i : j + 1])

    level = {
        d: max(min(mean(i, j) for j in range(at, len(distinct))) for i in range(at + 1))
        for at, d in enumerate(distinct)
    }
    return [level[s] for s in scores]


def tied_rows(n: int, k: int, seed: int = 0) -> tuple[Any, Any]:
    """Probabilities with few decimals, so with ties, and labels that follow them loosely."""
    rng = np.random.default_rng(seed)
    parts = rng.multinomial(10, np.full(k, 1 / k), size=n)
    labels = (np.log(parts / 10 + 0.1) + rng.gumbel(size=(n, k))).argmax(axis=1)
    return parts / 10, labels


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("weighted", [False, True])
def test_one_vs_rest_is_the_min_max_formula_class_by_class(seed: int, weighted: bool) -> None:
    probs, labels = tied_rows(40, 3, seed)
    weight = np.random.default_rng(seed).integers(1, 5, size=40) if weighted else np.ones(40)
    given = Predictions.from_probs(probs, labels, sample_weight=weight)
    levels = [min_max(probs[:, c].tolist(), (labels == c).tolist(), weight.tolist()) for c in range(3)]
    expected = np.array(levels).T
    after = IsotonicCalibration.fit(given).transform(given)
    known = expected.sum(axis=1) > 0
    np.testing.assert_allclose(
        after.values[known], expected[known] / expected[known].sum(axis=1, keepdims=True), rtol=1e-12
    )
    np.testing.assert_allclose(after.values[~known], probs[~known], rtol=1e-12)
    assert after.provenance["fallback_rows"] == (~known).sum()


def test_pooled_is_the_min_max_formula_over_all_entries() -> None:
    probs, labels = tied_rows(25, 3)
    given = Predictions.from_probs(probs, labels)
    levels = min_max(probs.ravel().tolist(), np.eye(3)[labels].ravel().tolist(), [1.0] * 75)
    expected = np.array(levels).reshape(25, 3)
    after = IsotonicCalibration.fit(given, method="pooled").transform(given).values
    assert expected.sum(axis=1).min() > 0
    np.testing.assert_allclose(after, expected / expected.sum(axis=1, keepdims=True), atol=1e-7)


def test_of_two_classes_the_calibration_split_gets_what_corp_recalibrates_it_to() -> None:
    given = Predictions.from_logits(*sample(300, 2, true_temperature=3.0))
    after = IsotonicCalibration.fit(given).transform(given)
    corp = calib.corp(given, of=1)
    np.testing.assert_allclose(np.sort(after.values[:, 1]), corp.recalibrated, rtol=1e-12)
    assert calib.corp(after, of=1).miscalibration == pytest.approx(0, abs=1e-12)


def test_by_hand_steps_end_midway_in_log_odds_and_go_on_outside() -> None:
    fitted = IsotonicCalibration.fit(Predictions.from_probs([0.2, 0.4, 0.6, 0.8], [0, 1, 0, 1]))
    np.testing.assert_array_equal(fitted.values[0], [0, 0.5, 1])
    logit = np.log([1 / 4, 2 / 3, 3 / 2, 4])
    np.testing.assert_allclose(fitted.edges[0], [logit[:2].mean(), logit[2:].mean()], rtol=1e-12)
    outside = fitted.transform(Predictions.from_probs([0.0, 0.01, 0.5, 0.99, 1.0], [0] * 5))
    np.testing.assert_array_equal(outside.values[:, 1], [0, 0, 0.5, 1, 1])


@pytest.mark.parametrize("k", [2, 3, 10])
@pytest.mark.parametrize("scale", [0.01, 2.0, 30.0])
def test_pooled_keeps_every_predicted_class_and_the_order_of_classes(k: int, scale: float) -> None:
    given = Predictions.from_logits(*sample(400, k, scale=scale, true_temperature=2 * scale))
    fitted = IsotonicCalibration.fit(given, method="pooled")
    other = Predictions.from_logits(*sample(400, k, scale=scale, seed=1))
    for predictions in (given, other):
        after = fitted.transform(predictions)
        np.testing.assert_array_equal(after.outcomes.predicted, predictions.outcomes.predicted)
        order = np.argsort(predictions.values, axis=1)
        assert (np.diff(np.take_along_axis(after.values, order, axis=1)) > -1e-15).all()


def test_pooled_keeps_classes_that_differ_by_less_than_the_slope_can_show() -> None:
    logits = np.array([[0.0, 1e-14, -1.0], [0.0, -1.0, 1e-12], [0.0, 1e-3, 0.0]])
    given = Predictions.from_logits(logits, [0, 0, 0])
    after = IsotonicCalibration.fit(given, method="pooled").transform(given)
    np.testing.assert_array_equal(after.values.argmax(axis=1), [1, 2, 1])
    np.testing.assert_allclose(after.values.sum(axis=1), 1, rtol=0, atol=1e-12)


def test_a_row_that_the_pooled_map_would_empty_keeps_its_proportions() -> None:
    split = Predictions.from_probs([[0.7, 0.2, 0.1]] * 10, [0] * 10)
    probs = np.array([[0.3, 0.35, 0.35], [0.2, 0.5, 0.3]])  # nothing below 0.7 has ever been right, edge in between
    fitted = IsotonicCalibration.fit(split, method="pooled")
    after = fitted.transform(Predictions.from_probs(probs, [0, 0])).values
    np.testing.assert_allclose(after[0], probs[0], rtol=1e-12)
    np.testing.assert_allclose(after[1], [0, 1, 0], atol=1e-8)
    assert after[1, 0] < after[1, 2]


def test_the_predicted_class_is_lifted_over_a_tie_and_others_are_left_alone() -> None:
    probs = keep_predicted(np.array([[0.4, 0.4, 0.2], [0.2, 0.5, 0.3]]), np.array([1, 1]))
    np.testing.assert_array_equal(probs, [[0.4, np.nextafter(0.4, 1), 0.2], [0.2, 0.5, 0.3]])


def test_one_vs_rest_beats_the_pooled_map_where_classes_err_in_opposite_ways() -> None:
    rng = np.random.default_rng(0)
    truth = rng.dirichlet(np.ones(3), size=6000)
    labels = (truth.cumsum(axis=1) > rng.random(6000)[:, None]).argmax(axis=1)
    claimed = truth**1.0 * [3.0, 1.0, 0.5]
    given = Predictions.from_probs(claimed / claimed.sum(axis=1, keepdims=True), labels)
    split, test = given[:3000], given[3000:]
    separate, together = (
        calib.brier(IsotonicCalibration.fit(split, method=method).transform(test)) for method in METHODS
    )
    assert separate < together - 0.01


def test_rows_without_a_probability_left_fall_back_and_the_pooled_map_has_none() -> None:
    logits, labels = sample(30, 6, seed=1)
    given = Predictions.from_logits(logits, labels % 2)  # classes 2 to 5 have no label
    test = Predictions.from_logits(*sample(500, 6, seed=2))
    after = IsotonicCalibration.fit(given).transform(test)
    assert after.provenance["fallback_rows"] > 0
    pooled = IsotonicCalibration.fit(given, method="pooled").transform(test)
    assert "fallback_rows" not in pooled.provenance
    assert (pooled.values.max(axis=1) > 0).all()


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(InputError, match="method must be one-vs-rest or pooled, got 'top'"):
        IsotonicCalibration.fit(Predictions.from_probs([0.2], [0]), method="top")  # type: ignore[arg-type]


def test_logits_and_their_probabilities_have_one_fit() -> None:
    logits, labels = sample(200, 3)
    one = IsotonicCalibration.fit(Predictions.from_logits(logits, labels))
    other = IsotonicCalibration.fit(Predictions.from_probs(np.array(references.softmax_rows(logits)), labels))
    for left, right in zip(one.values, other.values, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-12)


def test_limits_lie_between_their_neighbours_also_beside_infinity_and_the_next_float() -> None:
    scores = np.array([-np.inf, -1.0, np.nextafter(-1.0, 0), 2.0, np.inf])
    edges = edges_before(scores, np.arange(5))
    assert np.isfinite(edges).all()
    np.testing.assert_array_equal(np.searchsorted(edges, scores), np.arange(5))
    assert edges[2] == pytest.approx(0.5)
    row = np.nextafter(1.0, 2) + np.arange(8) * np.finfo(float).eps
    np.testing.assert_array_equal(np.searchsorted(edges_before(row, np.arange(8)), row), np.arange(8))
    np.testing.assert_array_equal(np.searchsorted(edges_before(scores[[0, 4]], np.arange(2)), scores[[0, 4]]), [0, 1])


def test_rows_whose_bins_are_all_empty_of_labels_keep_what_they_had_and_are_counted() -> None:
    split = Predictions.from_probs([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]] * 4, [0, 1, 2] * 4)
    test = Predictions.from_probs([[0.3, 0.35, 0.35], [0.05, 0.05, 0.9]], [0, 2], provenance={"run": "x"})
    for fitted in (HistogramBinning.fit(split, n_bins=2), IsotonicCalibration.fit(split)):
        after = fitted.transform(test)
        assert after.provenance == {"run": "x", "fallback_rows": 1}
        np.testing.assert_allclose(after.values, [[0.3, 0.35, 0.35], [0.0, 0.0, 1.0]], rtol=1e-12)
