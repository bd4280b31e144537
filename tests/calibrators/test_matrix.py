"""Matrix scaling against a slow minimiser, known parameters, and the explosion that its penalty prevents."""

import numpy as np
import pytest

import calib
from calib.calibrators.matrix import MatrixScaling
from calib.calibrators.temperature import TemperatureScaling
from calib.predictions import Predictions

from ..references import sample
from .test_linear import log_softmax, slow_minimum

TRUE = np.array([[1.0, 0.3, 0.0], [-0.2, 0.8, 0.1], [0.0, 0.2, 1.2]])
SHIFT = np.array([0.4, -0.1, -0.3])


def confused(n: int, seed: int) -> Predictions:
    """Labels from softmax(W x + b); the model says x."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, 3)) * 2
    labels = (log_softmax(logits) @ TRUE.T + SHIFT + rng.gumbel(size=(n, 3))).argmax(axis=1)
    return Predictions.from_logits(logits, labels)


@pytest.mark.parametrize("penalty", [0.0005, 0.05])
def test_the_fit_is_the_minimum_that_is_documented(penalty: float) -> None:
    logits, labels = sample(40, 3, seed=4)
    predictions = Predictions.from_logits(logits, labels)
    t = TemperatureScaling.fit(predictions).temperature

    def ridge(matrix: np.ndarray, intercept: np.ndarray) -> float:
        d = matrix * t - np.eye(3)
        on = (np.diag(d) ** 2).sum()
        return float(penalty * ((intercept**2).sum() + on + 3 * 2 * ((d**2).sum() - on)))

    matrix, intercept = slow_minimum(log_softmax(logits), labels, ridge, np.append(np.eye(3), np.zeros(3)))
    fitted = MatrixScaling.fit(predictions, penalty=penalty)
    np.testing.assert_allclose(fitted.matrix.ravel(), matrix, atol=3e-5)
    np.testing.assert_allclose(fitted.intercept, intercept, atol=3e-5)
    assert fitted.penalty == penalty


def test_known_parameters_are_found_again() -> None:
    fitted = MatrixScaling.fit(confused(40_000, seed=0))
    centred, true = fitted.matrix - fitted.matrix.mean(axis=0), TRUE - TRUE.mean(axis=0)  # the rest cancels in softmax
    np.testing.assert_allclose(centred, true, atol=0.06)
    np.testing.assert_allclose(fitted.intercept - fitted.intercept.mean(), SHIFT, atol=0.12)


def test_a_strong_penalty_leaves_temperature_scaling() -> None:
    predictions = confused(500, seed=1)
    fitted, scaled = MatrixScaling.fit(predictions, penalty=1e9), TemperatureScaling.fit(predictions)
    np.testing.assert_allclose(fitted.matrix, np.eye(3) / scaled.temperature, atol=1e-7)
    assert fitted.nll_after == pytest.approx(scaled.nll_after, rel=1e-7)


def test_on_new_data_it_beats_a_temperature_where_classes_are_confused() -> None:
    new, predictions = confused(5000, seed=4), confused(1000, seed=3)
    scaled, fitted = TemperatureScaling.fit(predictions), MatrixScaling.fit(predictions)
    assert calib.nll(fitted.transform(new)) < calib.nll(scaled.transform(new)) - 0.02


def test_almost_no_penalty_explodes_where_the_default_does_not() -> None:
    predictions, new = (Predictions.from_logits(*sample(n, 20, seed=n)) for n in (400, 5000))
    best = calib.nll(TemperatureScaling.fit(predictions).transform(new))
    assert calib.nll(MatrixScaling.fit(predictions, penalty=1e-8).transform(new)) > 1.3 * best
    assert calib.nll(MatrixScaling.fit(predictions).transform(new)) < 1.01 * best


@pytest.mark.slow
def test_at_a_hundred_classes_the_default_stays_at_the_temperature() -> None:
    predictions, new = (Predictions.from_logits(*sample(n, 100, seed=n)) for n in (5000, 8000))
    best = calib.nll(TemperatureScaling.fit(predictions).transform(new))
    assert calib.nll(MatrixScaling.fit(predictions).transform(new)) < 1.01 * best


def test_raw_logits_would_not_do_for_they_shift() -> None:
    logits, shift = np.array([[1.0, 0.0, -1.0]]), np.array([[5.0]])
    moved = [log_softmax(z @ TRUE.T) for z in (logits, logits + shift)]
    assert np.abs(moved[0] - moved[1]).max() > 0.5
    given = MatrixScaling(TRUE, SHIFT)
    first, second = (given.transform(Predictions.from_logits(z, [0])).values for z in (logits, logits + shift))
    np.testing.assert_allclose(first, second, atol=1e-12)
