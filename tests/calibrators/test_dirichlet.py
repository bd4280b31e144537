"""Dirichlet calibration against a slow minimiser, Dirichlet data whose map is known, and matrix scaling."""

import numpy as np
import pytest

import calib
from calib.calibrators.dirichlet import DirichletCalibration
from calib.calibrators.matrix import MatrixScaling
from calib.calibrators.temperature import TemperatureScaling
from calib.predictions import Predictions

from ..references import sample
from .test_linear import log_softmax, slow_minimum

ALPHA = np.array([[4.0, 1.0, 1.5], [1.0, 3.0, 1.0], [1.2, 0.8, 2.5]])  # one Dirichlet distribution a class


def dirichlet_data(n: int, seed: int) -> Predictions:
    rng = np.random.default_rng(seed)
    labels = rng.integers(3, size=n)
    return Predictions.from_probs(np.stack([rng.dirichlet(ALPHA[y]) for y in labels]), labels)


@pytest.mark.parametrize(("lam", "mu"), [(0.003, 0.02), (0.5, 0.001)])
def test_the_fit_is_the_minimum_that_is_documented(lam: float, mu: float) -> None:
    logits, labels = sample(40, 3, seed=4)
    predictions = Predictions.from_logits(logits, labels)
    t = TemperatureScaling.fit(predictions).temperature

    def odir(matrix: np.ndarray, intercept: np.ndarray) -> float:
        off = matrix[~np.eye(3, dtype=bool)]
        return float(lam * (off**2).mean() + mu * (intercept**2).mean() + ((t * np.diag(matrix) - 1) ** 2).sum() / 40)

    matrix, intercept = slow_minimum(log_softmax(logits), labels, odir, np.append(np.eye(3), np.zeros(3)))
    fitted = DirichletCalibration.fit(predictions, off_diagonal_penalty=lam, intercept_penalty=mu)
    np.testing.assert_allclose(fitted.matrix.ravel(), matrix, atol=3e-5)
    np.testing.assert_allclose(fitted.intercept, intercept, atol=3e-5)
    assert fitted.off_diagonal_penalty == pytest.approx(lam, rel=1e-12)
    assert fitted.intercept_penalty == pytest.approx(mu, rel=1e-12)


def test_data_with_a_dirichlet_distribution_a_class_have_the_map_of_bayes_rule() -> None:
    from scipy.special import gammaln

    fitted = DirichletCalibration.fit(dirichlet_data(40_000, seed=0))
    true = ALPHA - ALPHA.mean(axis=0)  # W = α − 1 up to what cancels in softmax
    shift = gammaln(ALPHA.sum(axis=1)) - gammaln(ALPHA).sum(axis=1)
    np.testing.assert_allclose(fitted.matrix - fitted.matrix.mean(axis=0), true, atol=0.08)
    np.testing.assert_allclose(fitted.intercept - fitted.intercept.mean(), shift - shift.mean(), atol=0.15)


def test_each_penalty_holds_its_own_part() -> None:
    predictions = dirichlet_data(500, seed=1)
    off = ~np.eye(3, dtype=bool)
    straight = DirichletCalibration.fit(predictions, off_diagonal_penalty=1e6, intercept_penalty=1e-3)
    central = DirichletCalibration.fit(predictions, off_diagonal_penalty=1e-3, intercept_penalty=1e6)
    assert np.abs(straight.matrix[off]).max() < 1e-5 < 0.3 < np.abs(straight.intercept).max()
    assert np.abs(central.intercept).max() < 1e-5 < 0.3 < np.abs(central.matrix[off]).max()


def test_penalties_are_chosen_from_those_given() -> None:
    predictions = dirichlet_data(500, seed=1)
    fitted = DirichletCalibration.fit(predictions, off_diagonal_penalty=[1e6, 0.01], intercept_penalty=[0.5, 0.02])
    assert fitted.off_diagonal_penalty == pytest.approx(0.01)
    assert min(abs(fitted.intercept_penalty - each) for each in (0.5, 0.02)) < 1e-12


def test_on_new_data_it_beats_a_temperature_and_is_as_good_as_its_sibling() -> None:
    predictions, new = dirichlet_data(1000, seed=2), dirichlet_data(5000, seed=3)
    nll = {
        method: calib.nll(method.fit(predictions).transform(new))
        for method in (TemperatureScaling, MatrixScaling, DirichletCalibration)
    }
    assert nll[DirichletCalibration] < nll[TemperatureScaling] - 0.005
    assert nll[DirichletCalibration] == pytest.approx(nll[MatrixScaling], abs=0.01)


def test_on_new_data_of_a_calibrated_model_it_hardly_loses_to_a_temperature() -> None:
    predictions, new = (Predictions.from_logits(*sample(n, 20, seed=n)) for n in (600, 5000))
    best = calib.nll(TemperatureScaling.fit(predictions).transform(new))
    assert calib.nll(DirichletCalibration.fit(predictions).transform(new)) < 1.03 * best


@pytest.mark.slow
def test_at_a_hundred_classes_it_does_not_explode() -> None:
    predictions, new = (Predictions.from_logits(*sample(n, 100, seed=n)) for n in (5000, 8000))
    best = calib.nll(TemperatureScaling.fit(predictions).transform(new))
    assert calib.nll(DirichletCalibration.fit(predictions).transform(new)) < 1.03 * best
