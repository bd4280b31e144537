"""Spline calibration against truncated powers, and what becomes of the other classes."""

from typing import Any

import numpy as np
import pytest

import calib
from calib.calibrators._base import log_probs
from calib.calibrators.spline import SplineCalibration
from calib.errors import InputError
from calib.predictions import Predictions

from .. import references
from ..references import rows_of_confidence, sample


def data(n: int = 300, k: int = 4, seed: int = 0, **options: Any) -> Predictions:
    return Predictions.from_logits(*sample(n, k, true_temperature=3.0, seed=seed), **options)


def reference(confidence: list[float], correct: list[bool]) -> dict[float, float]:
    """The new confidence of every distinct one: truncated powers that are natural at the ends, least squares, slope."""
    n, knots = len(confidence), [i / 5 for i in range(6)]

    def powers(t: float, j: int, exponent: int) -> float:
        inner, last = max(t - knots[j], 0) ** exponent, max(t - knots[5], 0) ** exponent
        return (inner - last) / (knots[5] - knots[j])

    def basis(t: float) -> list[float]:
        return [1, t, *(powers(t, j, 3) - powers(t, 4, 3) for j in range(4))]

    def slopes(t: float) -> list[float]:
        return [0, 1, *(3 * powers(t, j, 2) - 3 * powers(t, 4, 2) for j in range(4))]

    rows, curve = [], []
    for value in confidence:  # a tie enters once for each of its rows, at its upper end
        upto = [i for i, other in enumerate(confidence) if other <= value]
        rows.append(basis(len(upto) / n))
        curve.append(sum(correct[i] - confidence[i] for i in upto) / n)
    weights = np.linalg.lstsq(np.array(rows), np.array(curve))[0]
    found = {}
    for value in confidence:
        below, ties = sum(c < value for c in confidence), confidence.count(value)
        found[value] = min(max(value + float(np.dot(slopes((below + ties / 2) / n), weights)), 0), 1)
    return found


@pytest.mark.parametrize("decimals", [2, 12])
def test_new_confidences_are_those_of_truncated_powers(decimals: int) -> None:
    rng = np.random.default_rng(0)
    confidence = np.round(rng.uniform(0.4, 1.0, size=120), decimals)
    correct = rng.random(120) < confidence**2
    given = Predictions.from_probs(*rows_of_confidence(np.append(confidence, 0.5)[:120], correct, 5))
    fitted = SplineCalibration.fit(given)
    expected = reference(confidence.tolist(), correct.tolist())
    np.testing.assert_allclose(fitted.confidence, sorted(expected))
    np.testing.assert_allclose(fitted.recalibrated, [expected[c] for c in sorted(expected)], rtol=1e-8)


@pytest.mark.parametrize("k", [2, 3, 10])
def test_equal_confidences_take_their_accuracy(k: int) -> None:
    given = Predictions.from_probs(*rows_of_confidence([0.9] * 10, np.arange(10) < 8, k))
    fitted = SplineCalibration.fit(given)
    np.testing.assert_allclose(fitted.recalibrated, [0.8])
    after = fitted.transform(given).values
    np.testing.assert_allclose(after, np.broadcast_to([0.8] + [0.2 / (k - 1)] * (k - 1), after.shape), rtol=1e-12)


def test_a_calibrated_model_is_left_nearly_alone_and_a_constant_gap_is_taken_away() -> None:
    rng = np.random.default_rng(1)
    confidence = rng.uniform(0.5, 0.9, size=50_000)
    for gap in (0.0, 0.1):
        correct = rng.random(50_000) < confidence - gap
        fitted = SplineCalibration.fit(Predictions.from_probs(*rows_of_confidence(confidence, correct, 4)))
        np.testing.assert_allclose(fitted.recalibrated, fitted.confidence - gap, atol=0.03)


def test_held_out_ece_and_nll_fall_on_an_overconfident_model() -> None:
    split, test = data(4000, 5, 1), data(4000, 5, 2)
    after = SplineCalibration.fit(split).transform(test)
    assert calib.ece(after) < 0.2 * calib.ece(test)
    assert calib.nll(after) < calib.nll(test)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_new_rows_are_distributions_with_the_same_predicted_classes(dtype: Any) -> None:
    logits, labels = sample(200, 4, true_temperature=9.0)
    logits = logits.astype(dtype)
    logits[0, 1:] = logits[1, :2] = logits[2, 0] = -np.inf
    for given in (
        Predictions.from_logits(logits, labels),
        Predictions.from_probs(np.array(references.softmax_rows(logits)).astype(dtype), labels),
    ):
        after = SplineCalibration.fit(given).transform(given)
        assert after.values.min() >= 0
        np.testing.assert_allclose(after.values.sum(axis=1), 1, rtol=0, atol=1e-12)
        np.testing.assert_array_equal(after.outcomes.predicted, given.outcomes.predicted)


def test_the_other_classes_keep_their_proportions() -> None:
    given = data()
    after = SplineCalibration.fit(given).transform(given)
    before, new = np.exp(log_probs(given)), after.values.copy()
    for probs in (before, new):
        probs[np.arange(300), given.outcomes.predicted] = 0
        probs /= probs.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(new, before, rtol=1e-9)


def test_a_new_confidence_below_the_runner_up_is_raised_to_it_and_counted() -> None:
    fitted = SplineCalibration(np.array([0.5]), np.array([0.1]))
    given = Predictions.from_probs([[0.3, 0.6, 0.1], [0.5, 0.25, 0.25]], [1, 0])
    after = fitted.transform(given)
    np.testing.assert_allclose(after.values[0], [0.75 / 1.75, 0.75 / 1.75, 0.25 / 1.75])
    np.testing.assert_allclose(after.values[1], [1 / 3, 1 / 3, 1 / 3])
    np.testing.assert_array_equal(after.outcomes.predicted, [1, 0])
    assert after.provenance["raised_rows"] == 2
    two = SplineCalibration(np.array([0.5]), np.array([0.1])).transform(Predictions.from_probs([0.2, 0.9], [0, 1]))
    np.testing.assert_allclose(two.values, 0.5)
    np.testing.assert_array_equal(two.outcomes.predicted, [0, 1])


def test_what_a_certain_row_loses_is_shared_evenly() -> None:
    after = SplineCalibration(np.array([1.0]), np.array([0.7])).transform(Predictions.from_probs(np.eye(4), range(4)))
    np.testing.assert_allclose(after.values, np.where(np.eye(4) == 1, 0.7, 0.1))


def test_between_confidences_the_map_is_linear_and_outside_it_goes_on() -> None:
    fitted = SplineCalibration(np.array([0.6, 0.8]), np.array([0.5, 0.9]))
    after = fitted.transform(Predictions.from_probs([0.55, 0.65, 0.99], [1, 1, 1]))
    np.testing.assert_allclose(after.values[:, 1], [0.5, 0.6, 0.9])


@pytest.mark.parametrize("n", [1, 2, 3, 6])
def test_fewer_rows_than_knots_are_enough(n: int) -> None:
    given = data(n, 3)
    fitted = SplineCalibration.fit(given)
    assert ((fitted.recalibrated >= 0) & (fitted.recalibrated <= 1)).all()
    assert n > 1 or fitted.recalibrated[0] == pytest.approx(float(given.outcomes.correct[0]), abs=1e-12)


def test_weights_count_as_repeated_rows_and_the_order_of_rows_does_not() -> None:
    given = data(100)
    times = np.random.default_rng(1).integers(0, 4, size=100)
    weighted = Predictions.from_logits(given.values, given.labels, sample_weight=times)
    repeated = Predictions.from_logits(np.repeat(given.values, times, axis=0), np.repeat(given.labels, times))
    order = np.random.default_rng(0).permutation(repeated.n)
    expected = SplineCalibration.fit(repeated)
    for other in (SplineCalibration.fit(weighted), SplineCalibration.fit(repeated[order])):
        np.testing.assert_allclose(other.confidence, expected.confidence)
        np.testing.assert_allclose(other.recalibrated, expected.recalibrated, rtol=1e-9, atol=1e-12)


def test_permuted_classes_permute_the_columns() -> None:
    given, order = data(), np.array([2, 0, 3, 1])
    permuted = Predictions.from_logits(given.values[:, order], np.argsort(order)[given.labels])
    one, other = (SplineCalibration.fit(each).transform(each).values for each in (given, permuted))
    np.testing.assert_allclose(other, one[:, order], rtol=1e-8)


def test_what_it_cannot_do_is_refused_in_words() -> None:
    with pytest.raises(InputError, match="spline calibration takes no soft targets"):
        SplineCalibration.fit(data(5), targets=np.full((5, 4), 0.25))
    for knots in (1, 2.5, True):
        with pytest.raises(InputError, match="n_knots must be a whole number of at least 2"):
            SplineCalibration.fit(data(5), n_knots=knots)  # type: ignore[arg-type]


def test_of_many_confidences_enough_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    predictions = Predictions.from_logits(*sample(3000, 4, true_temperature=2.0))
    whole = SplineCalibration.fit(predictions)
    monkeypatch.setattr("calib.calibrators.spline.MOST_POINTS", 300)
    thin = SplineCalibration.fit(predictions)
    assert len(thin.confidence) == 300
    assert (thin.confidence[0], thin.confidence[-1]) == (whole.confidence[0], whole.confidence[-1])
    got, want = (each.transform(predictions).outcomes.confidence for each in (thin, whole))
    np.testing.assert_allclose(got, want, atol=1e-3)
    for points in (([0.5], []), ([0.5], [1.5]), ([], [])):
        with pytest.raises(InputError, match="two columns"):
            SplineCalibration(*map(np.array, points))
