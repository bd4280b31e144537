"""Before and after a temperature: where it is fitted, what is reported, and every branch of the verdict."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import calib
from calib.calibrators.temperature import TemperatureScaling
from calib.diagnosis import Diagnosis, diagnose
from calib.errors import InputError
from calib.evaluation import Report
from calib.predictions import Predictions

from .references import rows_of_confidence, sample


def predictions(factor: float, n: int = 1000, seed: int = 0) -> Predictions:
    """A model whose optimal temperature is ``factor``: calibrated at 1."""
    logits, labels = sample(n, 4, true_temperature=1.0, seed=seed)
    return Predictions.from_logits(logits * factor, labels)


REPORT = calib.evaluate(predictions(1.0, n=20))
FITTED = TemperatureScaling(2.0, standard_error=0.0314, nll_before=1.0, nll_after=0.5, n=20)


def diagnosis(before: dict[str, Any], after: dict[str, Any], fitted: TemperatureScaling = FITTED) -> Diagnosis:
    """One whose reports hold the given numbers."""
    noise = {"n": 2500, "ece_null": 0.01, "ece_null_95": 0.02, "accuracy": 0.7, "mean_confidence": 0.8}
    reports: list[Report] = [replace(REPORT, **noise | fields) for fields in (before, after)]
    some = predictions(1.0, n=20)
    return Diagnosis(reports[0], reports[1], fitted, False, 0, some, fitted.transform(some))


def test_with_a_calibration_split_the_temperature_is_fitted_there_and_judged_on_test() -> None:
    test, calibration = predictions(3.0), predictions(2.0, seed=1)
    result = diagnose(test, calibration, n_bins=10, seed=4)
    assert result.fitted == TemperatureScaling.fit(calibration)
    assert not result.cross_fitted
    assert result.before is test
    assert result.after.beta == 1 / result.fitted.temperature
    assert result.uncalibrated == calib.evaluate(test, n_bins=10, seed=4)
    assert result.scaled == calib.evaluate(result.after, n_bins=10, seed=4)


def test_without_one_the_report_is_cross_fitted_and_the_temperature_to_ship_is_from_all_rows() -> None:
    test = predictions(3.0)
    result = diagnose(test, seed=4)
    crossed = calib.cross_fit(TemperatureScaling, test, seed=4)
    assert result.cross_fitted
    assert result.fitted == TemperatureScaling.fit(test)
    assert result.scaled == calib.evaluate(crossed, seed=4)
    np.testing.assert_array_equal(np.asarray(result.after.beta), np.asarray(crossed.beta))
    assert result.scaled.accuracy == result.uncalibrated.accuracy


def test_the_curves_are_those_of_the_reports() -> None:
    result = diagnose(predictions(3.0), n_bins=8)
    before, after = result.curves
    assert (len(before.count), len(after.count)) == (8, 8)
    assert (before.ece, after.ece) == (result.uncalibrated.ece, result.scaled.ece)


@pytest.mark.parametrize(
    ("before", "start"),
    [
        ({"ece": 0.02, "gap": 0.015}, "No miscalibration can be told from chance at n = 2,500: it claims 80.0%"),
        ({"ece": 0.1, "gap": 0.1}, "Overconfident: it claims 80.0% and is right 70.0% of the time (ECE 0.100, "),
        ({"ece": 0.1, "gap": 0.05}, "Overconfident: "),
        ({"ece": 0.1, "gap": -0.05}, "Underconfident: it claims"),
        ({"ece": 0.1, "gap": 0.049}, "Miscalibrated in both directions: on average it claims 80.0%"),
        ({"ece": 0.1, "gap": -0.049}, "Miscalibrated in both directions: "),
    ],
)
def test_the_verdict_starts_with_the_state_of_the_model(before: dict[str, float], start: str) -> None:
    verdict = diagnosis({"nll": 1.0, **before}, {"nll": 0.9, "ece": 0.01}).verdict
    assert verdict.startswith(start)
    assert f"(ECE {before['ece']:.3f}, by chance 0.010). Dividing" in verdict


SCALING = " Dividing the logits by 2.000 ± 0.031 (fitted on 20 examples only) "


@pytest.mark.parametrize(
    ("before", "after", "end"),
    [
        (
            {"nll": 1.0, "ece": 0.1},
            {"nll": 0.9, "ece": 0.02},
            "brings ECE 0.100 → 0.020; what is left is no more than chance (up to 0.020).",
        ),
        (
            {"nll": 1.0, "ece": 0.1},
            {"nll": 0.9, "ece": 0.0201},
            "brings ECE 0.100 → 0.020; more than chance (0.010) is left.",
        ),
        ({"nll": 1.0, "ece": 0.1}, {"nll": 0.9, "ece": 0.1}, "lowers NLL 1.000 → 0.900 but not ECE (0.100 → 0.100)."),
        (
            {"nll": 1.0, "ece": 0.1},
            {"nll": 1.1, "ece": 0.2},
            "does not lower NLL here (1.000 → 1.100, ECE 0.100 → 0.200): "
            "bring more calibration examples before you ship it.",
        ),
    ],
)
def test_the_verdict_ends_with_what_a_temperature_does(before: Any, after: Any, end: str) -> None:
    assert diagnosis({"gap": 0.1, **before}, after).verdict.endswith(SCALING + end)


def test_a_temperature_without_a_standard_error_is_told_alone() -> None:
    plain = diagnosis({"nll": 1.0, "ece": 0.1}, {"nll": 0.9, "ece": 0.02}, TemperatureScaling(1.2345))
    assert "Dividing the logits by 1.234 (fitted on 0 examples only) brings" in plain.verdict


@pytest.mark.parametrize(
    ("labels_of", "status", "reason"),
    [
        (lambda logits: logits.argmax(axis=1), "separable", "the label has the highest score in every calibration"),
        (
            lambda logits: logits.argmin(axis=1),
            "worse than chance",
            "are the labels in the order of the columns, or has the model learnt nothing?",
        ),
        (None, "unidentifiable", "none changes the NLL (constant logits"),
    ],
)
def test_where_no_temperature_can_be_fitted_the_verdict_says_why_and_nothing_is_divided(
    labels_of: Any, status: str, reason: str
) -> None:
    logits, labels = sample(50, 3)
    unfit = Predictions.from_logits(logits if labels_of else logits * 0, labels_of(logits) if labels_of else labels)
    for result in (diagnose(unfit), diagnose(predictions(1.0), unfit)):
        assert reason in result.verdict
        assert (result.label, result.paste) == (f"no T: {status}", "softmax(logits)")
        np.testing.assert_array_equal(result.after.outcomes.nll, result.before.outcomes.nll)


def test_the_temperature_is_named_for_a_figure_and_for_pasting() -> None:
    assert diagnosis({}, {}, TemperatureScaling(1.23456)).label == "T = 1.23"
    assert diagnosis({}, {}, TemperatureScaling(1.23456)).paste == "softmax(logits / 1.235)"
    assert diagnosis({}, {}, TemperatureScaling(1.23456, standard_error=0.14)).paste == "softmax(logits / 1.235)"
    near = diagnosis({}, {}, TemperatureScaling(1.23456, standard_error=0.15))
    assert near.paste == "softmax(logits)"
    assert "The best temperature, 1.23 ± 0.15, cannot be told from 1" in near.verdict
    assert replace(diagnosis({}, {}), seed=0, cross_fitted=True).label == "T = 2, cross-fitted"


@pytest.mark.parametrize(
    ("factor", "state"),
    [(3.0, "Overconfident: "), (0.3, "Underconfident: "), (1.0, "No miscalibration can be told from chance")],
)
def test_models_made_hot_cold_and_right_are_found_out(factor: float, state: str) -> None:
    result = diagnose(predictions(factor, n=2000, seed=1))
    assert result.verdict.startswith(state)
    assert result.fitted.temperature == pytest.approx(factor, rel=0.1)
    if factor != 1:
        assert "what is left is no more than chance" in result.verdict


def test_a_model_that_is_over_and_underconfident_at_once_is_found_out() -> None:
    probs, labels = rows_of_confidence([0.95] * 500 + [0.6] * 500, np.arange(1000) % 20 < np.repeat([15, 16], 500))
    verdict = diagnose(Predictions.from_probs(probs, labels)).verdict
    assert verdict.startswith("Miscalibrated in both directions")
    assert "is left" in verdict
    assert "no more than chance" not in verdict


def test_a_temperature_from_data_of_another_kind_is_not_recommended() -> None:
    assert "does not lower NLL here" in diagnose(predictions(1.0), predictions(4.0, seed=1)).verdict


def test_probabilities_are_not_called_logits() -> None:
    logits, labels = sample(2000, 4, true_temperature=1.0, seed=1)
    probs = np.exp(3 * logits) / np.exp(3 * logits).sum(axis=1, keepdims=True)
    result = diagnose(Predictions.from_probs(probs, labels))
    assert result.paste == f"softmax(log(probs) / {result.fitted.temperature:.4g})"
    assert "logits" not in result.verdict
    binary = diagnose(Predictions.from_probs(np.clip(probs[:, 0], 0.01, 0.99), labels == 0))
    assert binary.paste == f"sigmoid(logit(p) / {binary.fitted.temperature:.4g})"


def test_where_one_fold_has_no_finite_temperature_none_is_used_at_all() -> None:
    logits = np.array([[2.0, 0.0]] * 40)
    labels = np.zeros(40, int)
    labels[7] = 1  # the folds that do not hold this row are separable, the others and all rows together are not
    result = diagnose(Predictions.from_logits(logits, labels))
    assert TemperatureScaling.fit(Predictions.from_logits(logits, labels)).status == "ok"
    assert result.fitted.status == "separable"
    assert result.after is result.before


def test_too_few_examples_to_fit_and_judge_are_refused() -> None:
    with pytest.raises(InputError, match=r"at least 5 examples are needed .* got 4"):
        diagnose(predictions(1.0, n=4))


def test_a_plain_array_is_refused_with_the_way_to_wrap_it() -> None:
    with pytest.raises(InputError, match="got ndarray") as error:
        diagnose(np.zeros((3, 2)))  # type: ignore[arg-type]
    assert "from_logits" in error.value.help
