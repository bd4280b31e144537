"""The report: each field is the metric of that name."""

import json
from dataclasses import fields

import numpy as np
import pytest

import calib

from .references import sample


@pytest.mark.parametrize("n_bins", [10, 15])
@pytest.mark.parametrize("seed", [0, 3])
def test_every_field_of_the_report_is_the_metric_of_that_name(n_bins: int, seed: int) -> None:
    predictions = calib.Predictions.from_logits(*sample(200, 4, true_temperature=3.0))
    null = calib.ece_null(predictions, n_bins=n_bins, seed=seed)
    expected = {
        "n": 200,
        "n_classes": 4,
        "n_bins": n_bins,
        "accuracy": calib.accuracy(predictions),
        "mean_confidence": predictions.outcomes.confidence.mean(),
        "nll": calib.nll(predictions),
        "brier": calib.brier(predictions),
        "ece": calib.ece(predictions, n_bins=n_bins),
        "ece_null": null.mean(),
        "ece_null_95": np.quantile(null, 0.95),
        "mce": calib.mce(predictions, n_bins=n_bins),
        "gap": predictions.outcomes.confidence.mean() - calib.accuracy(predictions),
    }
    assert calib.evaluate(predictions, n_bins=n_bins, seed=seed).to_dict() == expected


def test_an_overconfident_model_has_a_positive_gap() -> None:
    logits, labels = sample(300, 3)
    assert calib.evaluate(calib.Predictions.from_logits(3 * logits, labels)).gap > 0.05
    assert calib.evaluate(calib.Predictions.from_logits(logits / 4, labels)).gap < -0.05


def test_the_report_is_plain_python_and_fit_for_json() -> None:
    report = calib.evaluate([[0.9, 0.1], [0.2, 0.8]], [0, 0])
    assert json.loads(json.dumps(report.to_dict())) == report.to_dict()
    assert [type(value) for value in report.to_dict().values()] == [int, int, int, *[float] * 9]
    assert list(report.to_dict()) == [field.name for field in fields(report)]


def test_the_same_call_twice_gives_the_same_report() -> None:
    probs, labels = [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], [0, 0, 1]
    assert calib.evaluate(probs, labels) == calib.evaluate(probs, labels)
    assert calib.evaluate(probs, labels, seed=1) != calib.evaluate(probs, labels)
