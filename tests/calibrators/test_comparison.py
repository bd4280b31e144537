"""Calibrators side by side: the scores are those of the metrics, intervals are paired, warnings come when due."""

from typing import Any

import numpy as np
import pytest

import calib
from calib.calibrators.comparison import compare_calibrators
from calib.calibrators.cross_fit import cross_fit
from calib.calibrators.registry import method_class
from calib.differences import ece_difference_interval
from calib.errors import InputError
from calib.predictions import Predictions
from calib.resampling import mean_interval

from ..references import sample

CALIBRATION = Predictions.from_logits(*sample(1200, 3, true_temperature=2.0, seed=1))
TEST = Predictions.from_logits(*sample(900, 3, true_temperature=2.0, seed=2))


def by_method(table: Any) -> dict[str, dict[str, Any]]:
    return {row["method"]: row for row in table.to_dict("records")}


def test_scores_and_changes_are_those_of_the_metrics() -> None:
    table = compare_calibrators(TEST, CALIBRATION, methods=["temperature", "vector", "histogram"]).table
    found = by_method(table)
    assert list(found) == ["uncalibrated", "temperature", "vector", "histogram"]
    assert found["uncalibrated"]["nll"] == calib.nll(TEST)
    assert [found["uncalibrated"][name] for name in ("nll_change", "ece_change", "changed", "seconds")] == [0, 0, 0, 0]
    for name in ("temperature", "vector"):
        scaled = method_class(name).fit(CALIBRATION).transform(TEST)
        row = found[name]
        assert (row["nll"], row["brier"], row["ece"]) == (calib.nll(scaled), calib.brier(scaled), calib.ece(scaled))
        paired = mean_interval(scaled.outcomes.nll - TEST.outcomes.nll)
        assert (row["nll_change_low"], row["nll_change_high"]) == (paired.low, paired.high)
        assert row["nll_change"] == pytest.approx(calib.nll(scaled) - calib.nll(TEST))
        difference = ece_difference_interval(scaled, TEST)
        assert (row["ece_change_low"], row["ece_change_high"]) == (difference.low, difference.high)
        assert row["seconds"] > 0
    assert found["temperature"]["changed"] == 0
    assert found["temperature"]["nll_change_high"] < 0


def test_without_a_calibration_split_methods_are_cross_fitted() -> None:
    found = compare_calibrators(TEST, methods=["temperature"], seed=3).table
    assert found["nll"][1] == calib.nll(cross_fit(method_class("temperature"), TEST, seed=3))


def test_methods_that_suit_the_classes_are_tried_and_named_as_they_come() -> None:
    seen: list[str] = []
    binary = Predictions.from_logits(*sample(300, 2))
    found = compare_calibrators(binary, methods=["platt", "beta", "desmoothing"], on_method=seen.append)
    assert seen == ["platt", "beta", "desmoothing"]
    refused = compare_calibrators(TEST, CALIBRATION, methods=["platt"]).table
    assert "for two classes" in refused["note"][1]
    assert np.isnan(refused["nll"][1])
    assert found.table["note"].tolist() == [""] * 4


def test_a_temperature_without_an_optimum_says_so() -> None:
    separable = Predictions.from_logits(TEST.values, TEST.values.argmax(axis=1))
    found = compare_calibrators(TEST, separable, methods=["temperature"]).table
    assert found["note"][1] == "separable"
    assert found["nll"][1] == found["nll"][0]


def test_the_same_examples_a_changed_class_too_few_rows_and_zeros_are_warned_about() -> None:
    assert "the same examples" in compare_calibrators(TEST, TEST, methods=["temperature"]).warnings[0]
    few = compare_calibrators(TEST, CALIBRATION[:40], methods=["temperature", "isotonic"])
    told = " | ".join(few.warnings)
    for part in (
        "temperature: 40 calibration examples are few",
        "isotonic: 40 calibration examples are few, it should have 1,000",
        "isotonic: changes the predicted class of",
        "isotonic: gives",
    ):
        assert part in told
    assert compare_calibrators(TEST, CALIBRATION, methods=["temperature"]).warnings == ()
    infinite = by_method(few.table)["isotonic"]
    assert infinite["nll"] == infinite["nll_change"] == np.inf
    assert infinite["infinite_nll"] > 0


def test_a_linear_map_that_meets_impossible_labels_is_warned_about() -> None:
    probs = TEST.probs.copy()
    probs[0] = np.eye(3)[(TEST.labels[0] + 1) % 3]
    impossible = Predictions.from_probs(probs, TEST.labels)
    told = compare_calibrators(TEST, impossible, methods=["vector", "isotonic"]).warnings
    assert "vector: 1 calibration labels have probability 0, which leads a linear map astray" in told[0]
    assert not any("isotonic: 1 calibration labels" in warning for warning in told)


def test_what_does_not_go_together_is_refused() -> None:
    with pytest.raises(InputError, match="3 classes, test examples 2"):
        compare_calibrators(Predictions.from_logits(*sample(50, 2)), CALIBRATION)
    with pytest.raises(InputError, match="there is no method 'magic'"):
        compare_calibrators(TEST, CALIBRATION, methods=["magic"])
