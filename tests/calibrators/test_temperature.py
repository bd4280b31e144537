"""Temperature scaling against a reference of 14 digits, closed forms, its identities, and data without an optimum."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import settings

import calib
from calib.calibrators.temperature import TemperatureScaling
from calib.errors import InputError
from calib.predictions import Predictions

from .. import references
from ..references import rows_of_confidence, sample

quiet = settings(deadline=None, derandomize=True, max_examples=40)


def fit(logits: Any, labels: Any) -> TemperatureScaling:
    return TemperatureScaling.fit(Predictions.from_logits(logits, labels))


def slope_of_nll(predictions: Predictions, temperature: float) -> float:
    """The derivative of NLL in ln T, by a central difference."""
    step = 1e-4
    high, low = (calib.nll(TemperatureScaling(temperature * math.exp(s)).transform(predictions)) for s in (step, -step))
    return (high - low) / (2 * step)


@pytest.mark.parametrize("scale", [1e-4, 1e-2, 1.0, 1e2, 1e4])
@pytest.mark.parametrize("true_temperature", [0.3, 1.0, 4.0])
def test_t_is_the_reference_to_eight_digits_from_a_ten_thousandth_to_ten_thousand(
    scale: float, true_temperature: float
) -> None:
    logits, labels = sample(50, 3, true_temperature=true_temperature, seed=2)
    fitted = fit(logits * scale, labels)
    assert fitted.status == "ok"
    assert fitted.temperature == pytest.approx(references.temperature(logits * scale, labels.tolist()), rel=1e-8)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble, torch.bfloat16])
def test_t_is_the_reference_for_the_very_array_that_was_given(dtype: Any) -> None:
    logits, labels = sample(60, 4, scale=5)
    given: Any = torch.tensor(logits, dtype=dtype) if dtype is torch.bfloat16 else logits.astype(dtype)
    exact = given.double().numpy() if dtype is torch.bfloat16 else given.astype(np.float64)
    assert fit(given, labels).temperature == pytest.approx(references.temperature(exact, labels.tolist()), rel=1e-8)


def test_a_million_added_to_rows_in_float64_changes_nothing() -> None:
    logits, labels = sample(60, 4)
    shifted = logits + 1e6 * np.arange(-30, 30)[:, None]
    assert fit(shifted, labels).temperature == pytest.approx(fit(logits, labels).temperature, rel=1e-7)
    assert fit(shifted, labels).temperature == pytest.approx(references.temperature(shifted, labels.tolist()), rel=1e-8)


def test_a_million_added_to_rows_in_float32_costs_what_float32_lost_and_no_more() -> None:
    logits, labels = sample(60, 4)
    shifted = (logits + 1e6).astype(np.float32)
    assert fit(shifted, labels).temperature == pytest.approx(references.temperature(shifted, labels.tolist()), rel=1e-8)


def test_a_logit_of_minus_infinity_counts_as_a_probability_of_zero() -> None:
    logits, labels = sample(60, 4)
    for row in (0, 5):
        logits[row, (labels[row] + 1) % 4] = -np.inf
    logits[7] = -np.inf
    logits[7, labels[7]] = 3.0
    fitted = fit(logits, labels)
    assert fitted.status == "ok"
    assert fitted.temperature == pytest.approx(references.temperature(logits, labels.tolist()), rel=1e-8)


def test_probabilities_give_the_temperature_of_their_logarithms_also_where_one_is_zero() -> None:
    logits, labels = sample(60, 4)
    logits[3, (labels[3] + 2) % 4] = -np.inf
    probs = np.array(references.softmax_rows(logits))
    assert (probs == 0).any()
    got = TemperatureScaling.fit(Predictions.from_probs(probs, labels))
    assert got.temperature == pytest.approx(references.temperature(logits, labels.tolist()), rel=1e-8)
    assert got.nll_after == pytest.approx(fit(logits, labels).nll_after, rel=1e-12)


@pytest.mark.parametrize(
    ("confidence", "accuracy", "k", "temperature", "before", "after"),
    [
        (0.9, 0.8, 2, 1.584963, 0.544805, 0.500402),
        (0.9, 0.8, 10, 1.226294, 0.984250, 0.939847),
        (0.99, 0.75, 100, 1.614098, 2.307610, 1.711115),
        (0.6, 0.8, 10, 0.726294, None, None),
    ],
)
def test_closed_forms(
    confidence: float, accuracy: float, k: int, temperature: float, before: float | None, after: float | None
) -> None:
    probs, labels = rows_of_confidence([confidence] * 100, np.arange(100) < 100 * accuracy, k)
    predictions = Predictions.from_logits(np.log(probs), labels)
    fitted = TemperatureScaling.fit(predictions)
    exact = math.log(confidence * (k - 1) / (1 - confidence)) / math.log(accuracy * (k - 1) / (1 - accuracy))
    assert fitted.temperature == pytest.approx(exact, rel=1e-11)
    assert fitted.temperature == pytest.approx(temperature, abs=1e-6)
    assert calib.ece(fitted.transform(predictions)) == pytest.approx(0, abs=1e-11)
    if before is not None:
        assert fitted.nll_before == pytest.approx(before, abs=1e-6)
        assert fitted.nll_after == pytest.approx(after, abs=1e-6)


def test_the_published_two_by_two_vector() -> None:
    fitted = TemperatureScaling.fit(Predictions.from_probs([[0.2, 0.8], [0.3, 0.7]], [1, 0]))
    assert 1 / fitted.temperature == pytest.approx(0.417770489, abs=1e-9)


def test_the_published_vector_whose_optimum_is_negative_is_reported_and_left_alone() -> None:
    fitted = TemperatureScaling.fit(Predictions.from_probs([[0.35, 0.35, 0.3], [0.8, 0.15, 0.05]], [2, 1]))
    assert (fitted.status, fitted.limit, fitted.temperature) == ("worse than chance", math.inf, 1.0)


def edge(name: str) -> tuple[Any, Any]:
    logits, labels = sample(2000, 10, true_temperature=1.0, seed=1)
    index = np.arange(2000)
    if name == "separable":
        labels = logits.argmax(axis=1)
    elif name == "separable with ties":
        labels = logits.argmax(axis=1)
        logits[index, (labels + 1) % 10] = logits[index, labels]
    elif name == "anti-correlated":
        labels = logits.argmin(axis=1)
    elif name == "constant":
        logits = np.full((2000, 10), 3.0)
    elif name == "constant rows":
        logits = np.repeat(logits[:, :1], 10, axis=1)
    elif name == "impossible label":
        logits[4, labels[4]] = -np.inf
    elif name == "only the label is possible":
        logits = np.full((2000, 10), -np.inf)
        logits[index, labels] = 0.0
    return logits, labels


@pytest.mark.parametrize(
    ("name", "status", "limit"),
    [
        ("separable", "separable", 0.0),
        ("separable with ties", "separable", 0.0),
        ("anti-correlated", "worse than chance", math.inf),
        ("constant", "unidentifiable", None),
        ("constant rows", "unidentifiable", None),
        ("impossible label", "unidentifiable", None),
        ("only the label is possible", "unidentifiable", None),
    ],
)
def test_without_a_finite_optimum_the_temperature_is_one_and_the_status_says_why(
    name: str, status: str, limit: float | None
) -> None:
    predictions = Predictions.from_logits(*edge(name))
    fitted = TemperatureScaling.fit(predictions)
    assert (fitted.status, fitted.limit, fitted.temperature, fitted.n) == (status, limit, 1.0, 2000)
    assert fitted.nll_before == fitted.nll_after == pytest.approx(calib.nll(predictions), rel=1e-12)
    assert math.isnan(fitted.standard_error)


@pytest.mark.parametrize("name", ["separable", "anti-correlated"])
def test_where_there_is_no_optimum_nll_falls_all_the_way_to_the_limit(name: str) -> None:
    predictions = Predictions.from_logits(*edge(name))
    path = [0.1, 0.5, 1.0, 3.0, 30.0]
    losses = [calib.nll(TemperatureScaling(t).transform(predictions)) for t in path]
    assert losses == sorted(losses, reverse=name == "anti-correlated")


def test_labels_that_barely_depend_on_the_logits_have_a_large_but_finite_temperature() -> None:
    logits = np.array([[1.0, 0.0]] * 1001 + [[0.0, 1.0]] * 999)
    fitted = fit(logits, np.zeros(2000, int))
    assert fitted.status == "ok"
    assert fitted.temperature == pytest.approx(1 / math.log(1001 / 999), rel=1e-8)
    logits, labels = sample(150, 3, true_temperature=1000.0, seed=3)
    assert fit(logits, labels).temperature == pytest.approx(references.temperature(logits, labels.tolist()), rel=1e-8)


@pytest.mark.parametrize("factor", [1e-4, 1e4])
def test_scaled_logits_have_scaled_temperatures(factor: float) -> None:
    logits, labels = edge("plain")
    assert fit(logits, labels).temperature == pytest.approx(1, abs=0.05)
    assert fit(logits * factor, labels).temperature == pytest.approx(factor * fit(logits, labels).temperature, rel=1e-9)


def test_one_nan_is_an_error_that_names_the_row() -> None:
    logits, labels = edge("plain")
    logits[1234, 5] = np.nan
    with pytest.raises(InputError, match="row 1234 column 5 holds nan"):
        fit(logits, labels)


def test_one_row_is_enough_to_say_that_there_is_no_optimum() -> None:
    assert fit([[1.0, 0.0]], [0]).status == "separable"
    assert fit([[1.0, 0.0]], [1]).status == "worse than chance"


def test_recovery_of_a_known_temperature_with_its_standard_error() -> None:
    logits, labels = sample(200_000, 10, true_temperature=2.0, scale=3.0)
    predictions = Predictions.from_logits(logits, labels)
    fitted = TemperatureScaling.fit(predictions)
    assert fitted.standard_error == pytest.approx(0.0047, abs=0.0001)
    assert fitted.temperature == pytest.approx(2, abs=4 * 0.0047)
    assert calib.ece(predictions) == pytest.approx(0.2248, abs=0.004)
    assert calib.ece(fitted.transform(predictions)) < 0.0045


@pytest.mark.parametrize("true_temperature", [0.6, 2.5])
def test_the_standard_error_is_the_spread_of_refits(true_temperature: float) -> None:
    fits = [fit(*sample(500, 4, true_temperature=true_temperature, seed=seed)) for seed in range(300)]
    spread = np.std([each.temperature for each in fits], ddof=1)
    assert np.mean([each.standard_error for each in fits]) == pytest.approx(spread, rel=0.16)  # ± 4 sd of the spread


def test_the_standard_error_comes_from_the_curvature_of_nll() -> None:
    logits, labels = sample(300, 5)
    predictions = Predictions.from_logits(logits, labels)
    fitted = TemperatureScaling.fit(predictions)
    at = [
        calib.nll(TemperatureScaling(fitted.temperature + step).transform(predictions)) for step in (-1e-3, 0.0, 1e-3)
    ]
    curvature = (at[0] - 2 * at[1] + at[2]) / 1e-6  # at the optimum the information in T is β⁴ times that in β
    assert fitted.standard_error == pytest.approx(1 / math.sqrt(300 * curvature), rel=1e-4)


def test_fitting_reports_what_it_measured() -> None:
    predictions = Predictions.from_logits(*sample(200, 3))
    fitted = TemperatureScaling.fit(predictions)
    assert fitted.n == 200
    assert fitted.limit is None
    assert fitted.nll_before == pytest.approx(calib.nll(predictions), rel=1e-12)
    assert fitted.nll_after == pytest.approx(calib.nll(fitted.transform(predictions)), rel=1e-12)


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.inf, math.nan])
def test_a_temperature_that_is_none_is_refused(temperature: float) -> None:
    with pytest.raises(InputError, match="a temperature must be a positive number"):
        TemperatureScaling(temperature)


@pytest.mark.parametrize("block_entries", [1, 50, 10**9])
def test_the_cut_into_blocks_does_not_show(monkeypatch: pytest.MonkeyPatch, block_entries: int) -> None:
    logits, labels = sample(301, 4)
    whole = fit(logits, labels)
    monkeypatch.setattr("calib._arrays.BLOCK_ENTRIES", block_entries)
    parts = fit(logits, labels)
    assert parts.temperature == pytest.approx(whole.temperature, rel=1e-12)
    assert parts.standard_error == pytest.approx(whole.standard_error, rel=1e-10)
