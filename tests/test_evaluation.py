"""The report: each field is the metric of that name."""

import json
from dataclasses import fields

import numpy as np
import pytest

import calib
from calib.intervals import ece_interval

from .references import rows_of_confidence, sample


@pytest.mark.parametrize("n_bins", [10, 15])
@pytest.mark.parametrize("seed", [0, 3])
def test_every_field_of_the_report_is_the_metric_of_that_name(n_bins: int, seed: int) -> None:
    predictions = calib.Predictions.from_logits(*sample(200, 4, true_temperature=3.0))
    null = calib.ece_null(predictions, n_bins=n_bins, seed=seed)
    interval = ece_interval(predictions, n_bins=n_bins, seed=seed)
    expected = {
        "n": 200,
        "n_classes": 4,
        "n_bins": n_bins,
        "accuracy": calib.accuracy(predictions),
        "mean_confidence": predictions.outcomes.confidence.mean(),
        "nll": calib.nll(predictions),
        "infinite_nll": 0,
        "brier": calib.brier(predictions),
        "ece": calib.ece(predictions, n_bins=n_bins),
        "ece_low": interval.low,
        "ece_high": interval.high,
        "ece_null": null.mean(),
        "ece_null_95": np.quantile(null, 0.95),
        "ece_equal_mass": calib.ece(predictions, n_bins=n_bins, binning="equal-mass"),
        "rmsce": calib.rmsce(predictions, n_bins=n_bins),
        "debiased_squared_ce": calib.debiased_squared_ce(predictions, n_bins=n_bins),
        "mce": calib.mce(predictions, n_bins=n_bins),
        "smooth_ece": calib.smooth_ece(predictions),
        "ks_error": calib.ks_error(predictions),
        "gap": predictions.outcomes.confidence.mean() - calib.accuracy(predictions),
        "auroc": calib.auroc(predictions),
        "aurc": calib.aurc(predictions),
    }
    assert calib.evaluate(predictions, n_bins=n_bins, seed=seed).to_dict() == expected


def test_an_overconfident_model_has_a_positive_gap() -> None:
    logits, labels = sample(300, 3)
    assert calib.evaluate(calib.Predictions.from_logits(3 * logits, labels)).gap > 0.05
    assert calib.evaluate(calib.Predictions.from_logits(logits / 4, labels)).gap < -0.05


def test_the_report_is_plain_python_and_fit_for_json() -> None:
    report = calib.evaluate([[0.9, 0.1], [0.2, 0.8]], [0, 0])
    assert json.loads(json.dumps(report.to_dict())) == report.to_dict()
    whole = {"n", "n_classes", "n_bins", "infinite_nll"}
    assert {name: type(value) for name, value in report.to_dict().items()} == {
        field.name: int if field.name in whole else float for field in fields(report)
    }
    assert list(report.to_dict()) == [field.name for field in fields(report)]


def test_the_same_call_twice_gives_the_same_report() -> None:
    probs, labels = [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], [0, 0, 1]
    assert calib.evaluate(probs, labels) == calib.evaluate(probs, labels)
    assert calib.evaluate(probs, labels, seed=1) != calib.evaluate(probs, labels)


def test_logs_of_confidence_get_everything_but_the_losses_of_distributions() -> None:
    predictions = calib.Predictions.from_probs(*rows_of_confidence([0.9, 0.6, 0.8, 0.55], [1, 0, 1, 1]))
    logs = calib.Outcomes.from_confidence([0.9, 0.6, 0.8, 0.55], [True, False, True, True])
    full, partial = calib.evaluate(predictions).to_dict(), calib.evaluate(logs).to_dict()
    assert partial["n_classes"] is None
    assert np.isnan([partial["nll"], partial["brier"]]).all()
    for name in full.keys() - {"n_classes", "nll", "brier"}:
        assert partial[name] == pytest.approx(full[name]), name


def test_with_weights_what_is_not_defined_for_them_is_nan_and_the_rest_is_weighted() -> None:
    logits, labels = sample(80, 3, true_temperature=1.0)
    weight = np.random.default_rng(0).integers(1, 4, 80)
    weighted = calib.evaluate(calib.Predictions.from_logits(logits, labels, sample_weight=weight)).to_dict()
    rows = np.repeat(np.arange(80), weight)
    repeated = calib.evaluate(calib.Predictions.from_logits(logits[rows], labels[rows])).to_dict()
    undefined = {"debiased_squared_ce", "aurc"}
    assert {name for name, value in weighted.items() if np.isnan(value)} == undefined
    for name in (
        weighted.keys() - undefined - {"n", "ece_low", "ece_high", "ece_null", "ece_null_95"}
    ):  # weights are no more examples
        assert weighted[name] == pytest.approx(repeated[name], rel=1e-9), name


def test_an_infinite_nll_is_reported_with_its_count() -> None:
    report = calib.evaluate([[1.0, 0.0], [1.0, 0.0], [0.5, 0.5]], [1, 0, 0])
    assert (report.nll, report.infinite_nll) == (np.inf, 1)
