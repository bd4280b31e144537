"""Structured matrix and vector scaling against a slow minimiser, their mixing, and temperature scaling on new data."""

from typing import Any

import numpy as np
import pytest

import calib
from calib.calibrators.structured import StructuredMatrixScaling, StructuredVectorScaling
from calib.calibrators.temperature import TemperatureScaling
from calib.errors import InputError
from calib.predictions import Predictions

from ..references import sample, softmax_rows
from .test_linear import slow_minimum
from .test_matrix import confused
from .test_vector import classwise

BOTH: list[Any] = [StructuredMatrixScaling, StructuredVectorScaling]


def mixed(logits: Any, temperature: float, mixing: float) -> Any:
    probs = np.array(softmax_rows(logits, temperature))
    return np.log((1 - mixing) * probs + mixing / probs.shape[1])


@pytest.mark.parametrize("method", BOTH)
def test_the_fit_is_the_minimum_that_is_documented(method: Any) -> None:
    n, k = 40, 3
    logits, labels = sample(n, k, seed=4)
    predictions = Predictions.from_logits(logits, labels)
    fitted = method.fit(predictions)
    assert fitted.temperature == pytest.approx(TemperatureScaling.fit(predictions).temperature, rel=1e-9)
    assert fitted.mixing == pytest.approx(1 / 41)

    def ridge(matrix: Any, intercept: Any) -> float:
        d = matrix - np.eye(k)
        on = (np.diag(d) ** 2).sum()
        return float((k * (intercept**2).sum() + k * on + k * (k - 1) * ((d**2).sum() - on)) / n)

    square = method is StructuredMatrixScaling
    start = np.append(np.eye(k) if square else np.ones(k), np.zeros(k))
    matrix, intercept = slow_minimum(mixed(logits, fitted.temperature, 1 / 41), labels, ridge, start)
    np.testing.assert_allclose((fitted.matrix if square else fitted.scale).ravel(), matrix, atol=3e-5)
    np.testing.assert_allclose(fitted.intercept, intercept, atol=3e-5)


@pytest.mark.parametrize("method", BOTH)
def test_mixing_alone_is_laplace_s_rule(method: Any) -> None:
    unit = np.eye(3) if method is StructuredMatrixScaling else np.ones(3)
    changed = method(2.0, 0.1, unit, np.zeros(3)).transform(Predictions.from_logits([[2.0, 0.0, -np.inf]], [0]))
    half = 1 / (1 + np.exp(-1))
    expected = [0.9 * half + 0.1 / 3, 0.9 * (1 - half) + 0.1 / 3, 0.1 / 3]
    np.testing.assert_allclose(np.exp(changed.values), [expected], rtol=1e-12)


@pytest.mark.parametrize("method", BOTH)
def test_nll_rises_by_no_more_than_the_mixing_costs(method: Any) -> None:
    probs = np.where(np.eye(3)[[0, 1, 2] * 10] > 0, 1.0, 0.0)
    fitted = method.fit(Predictions.from_probs(probs, [0, 1, 2] * 10))
    assert fitted.nll_before == 0.0
    assert 0 < fitted.nll_after < np.log1p(1 / 30)


@pytest.mark.parametrize("method", BOTH)
def test_weights_enter_n_as_kish_s_effective_number(method: Any) -> None:
    logits, labels = sample(60, 3)
    fitted = method.fit(Predictions.from_logits(logits, labels, sample_weight=[1.0, 3.0] * 30))
    assert 1 / fitted.mixing - 1 == pytest.approx(120**2 / 300)


def test_on_new_data_they_beat_a_temperature_where_classes_differ() -> None:
    for fitting, new in [(classwise(1000, 5, 3), classwise(5000, 5, 4)), (confused(1000, 3), confused(5000, 4))]:
        best = calib.nll(TemperatureScaling.fit(fitting).transform(new))
        for method in BOTH:
            assert calib.nll(method.fit(fitting).transform(new)) < best - 0.02


@pytest.mark.parametrize("k", [20, pytest.param(100, marks=pytest.mark.slow)])
def test_on_new_data_of_a_calibrated_model_they_hardly_lose_to_a_temperature(k: int) -> None:
    predictions, new = (Predictions.from_logits(*sample(n, k, seed=n)) for n in (50 * k, 8000))
    best = calib.nll(TemperatureScaling.fit(predictions).transform(new))
    for method in BOTH:
        assert calib.nll(method.fit(predictions).transform(new)) < 1.03 * best


@pytest.mark.parametrize(("temperature", "mixing"), [(0.0, 0.1), (np.inf, 0.1), (1.0, 1.0), (1.0, -0.1)])
def test_a_temperature_or_mixing_that_is_none_is_refused(temperature: float, mixing: float) -> None:
    with pytest.raises(InputError, match="the temperature must be above 0 and the mixing in"):
        StructuredVectorScaling(temperature, mixing, np.ones(2), np.zeros(2))
