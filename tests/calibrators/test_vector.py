"""Vector scaling against a slow minimiser, known parameters, its limits, and temperature scaling on new data."""

import numpy as np
import pytest

import calib
from calib.calibrators.temperature import TemperatureScaling
from calib.calibrators.vector import VectorScaling
from calib.predictions import Predictions

from ..references import sample
from .test_linear import log_softmax, slow_minimum


def classwise(n: int, k: int, seed: int) -> Predictions:
    """Labels from softmax(v x + b) with scales and intercepts that differ by class; the model says x."""
    v, b = true_parameters(k)
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, k)) * 2
    labels = (v * log_softmax(logits) + b + rng.gumbel(size=(n, k))).argmax(axis=1)
    return Predictions.from_logits(logits, labels)


def true_parameters(k: int) -> tuple[np.ndarray, np.ndarray]:
    b = np.linspace(-1, 1, k)
    return np.linspace(0.6, 1.4, k), b - b.mean()


@pytest.mark.parametrize("penalty", [0.003, 0.3])
def test_the_fit_is_the_minimum_that_is_documented(penalty: float) -> None:
    logits, labels = sample(40, 3, seed=4)
    predictions = Predictions.from_logits(logits, labels)
    t = TemperatureScaling.fit(predictions).temperature

    def ridge(matrix: np.ndarray, intercept: np.ndarray) -> float:
        return float(penalty * (((np.diag(matrix) * t - 1) ** 2).sum() + (intercept**2).sum()))

    scale, intercept = slow_minimum(log_softmax(logits), labels, ridge, np.array([1.0, 1, 1, 0, 0, 0]))
    fitted = VectorScaling.fit(predictions, penalty=penalty)
    np.testing.assert_allclose(fitted.scale, scale, atol=1e-5)
    np.testing.assert_allclose(fitted.intercept, intercept, atol=1e-5)
    assert fitted.penalty == penalty
    assert fitted.intercept.sum() == pytest.approx(0, abs=1e-9)


def test_known_parameters_are_found_again() -> None:
    v, b = true_parameters(4)
    fitted = VectorScaling.fit(classwise(40_000, 4, seed=0))
    np.testing.assert_allclose(fitted.scale, v, atol=0.05)
    np.testing.assert_allclose(fitted.intercept, b, atol=0.12)


def test_a_strong_penalty_leaves_temperature_scaling() -> None:
    predictions = classwise(500, 4, seed=1)
    fitted, scaled = VectorScaling.fit(predictions, penalty=1e9), TemperatureScaling.fit(predictions)
    np.testing.assert_allclose(fitted.scale, 1 / scaled.temperature, rtol=1e-7)
    assert fitted.nll_after == pytest.approx(scaled.nll_after, rel=1e-7)


def test_cross_validation_takes_a_weak_penalty_where_classes_differ_and_a_strong_one_where_they_do_not() -> None:
    near = Predictions.from_logits(*sample(1000, 5, true_temperature=1.5))
    assert VectorScaling.fit(classwise(1000, 5, seed=2)).penalty <= 0.1 < 1 <= VectorScaling.fit(near).penalty
    assert VectorScaling.fit(near, penalty=[0.5, 0.02]).penalty in (0.5, 0.02)


def test_on_new_data_it_beats_a_temperature_where_classes_differ_and_hardly_loses_where_they_do_not() -> None:
    new = classwise(5000, 5, seed=4)
    fitted, scaled = VectorScaling.fit(classwise(1000, 5, seed=3)), TemperatureScaling.fit(classwise(1000, 5, seed=3))
    assert calib.nll(fitted.transform(new)) < calib.nll(scaled.transform(new)) - 0.02
    near, new = (Predictions.from_logits(*sample(n, 20, seed=n)) for n in (600, 5000))
    excess = calib.nll(VectorScaling.fit(near).transform(new)) / calib.nll(TemperatureScaling.fit(near).transform(new))
    assert excess < 1.005


def test_parameters_can_be_given() -> None:
    given = VectorScaling(np.array([2.0, 1.0]), np.array([0.0, 1.0]))
    changed = given.transform(Predictions.from_probs([[0.5, 0.5]], [0]))
    np.testing.assert_allclose(changed.values, [[2 * np.log(0.5), np.log(0.5) + 1]])
