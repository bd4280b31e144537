"""calib evaluate --group-by with saved calibrators and gates, and what logs of confidences cannot have."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from calib.calibrators.temperature import TemperatureScaling
from calib.metrics.binned import ece

from .conftest import Run, assert_refused
from .test_evaluate_more import here, predictions, table  # noqa: F401 - `here` is a fixture


def test_a_saved_calibrator_is_judged_group_by_group(run: Run, here: Path, tmp_path: Path) -> None:  # noqa: F811
    other, saved = tmp_path / "other.csv", tmp_path / "c.json"
    table(1).to_csv(other, index=False)
    assert run("calibrate", other, "--group-by", "site", "-o", saved).code == 0
    made = run("evaluate", here, "--calibrator", saved, "--group-by", "site")
    assert made.code == 0, made.err
    assert "ECE, calibrated" in made.out
    assert "c.json (2 groups)" in made.out
    found = json.loads(run("evaluate", here, "--calibrator", saved, "--group-by", "site", "--json").out)
    frame, fitted_to = table(0), table(1)
    assert found["calibrated"]["ece"] < found["uncalibrated"]["ece"]
    assert [row["calibrator"] for row in found["rows"]] == ["uncalibrated", "calibrated"] * 2
    for row in found["rows"][1::2]:
        own = predictions(frame[frame["site"] == row["group"]])
        fitted = TemperatureScaling.fit(predictions(fitted_to[fitted_to["site"] == row["group"]]))
        assert row["ece"] == pytest.approx(ece(fitted.transform(own)))
    gated = run("evaluate", here, "--calibrator", saved, "--group-by", "site", "--fail-above", "calibrated.ece=0")
    assert gated.code == 1
    assert gated.err.count("gate failed: ") == 2


def test_logs_of_confidences_have_no_second_column_and_no_groups(run: Run, tmp_path: Path) -> None:
    rng, log = np.random.default_rng(0), tmp_path / "log.csv"
    frame = pd.DataFrame({"confidence": rng.uniform(0.5, 1, 200), "correct": rng.random(200) < 0.7, "site": "a"})
    frame.to_csv(log, index=False)
    gated = run("evaluate", log, "--fail-above", "temperature.ece=0.5")
    assert gated.code == 1
    assert "gate failed: temperature ece is not defined" in gated.err
    for words in (("--group-by", "site"), ("--calibration", log)):
        assert_refused(run("evaluate", log, *words), "holds confidences alone", "calib.by_group")


def test_a_group_whose_labels_were_ruled_out_is_named_with_the_reason(run: Run, tmp_path: Path) -> None:
    rng, log = np.random.default_rng(0), tmp_path / "log.csv"
    p = rng.uniform(0.2, 0.8, 60).round(3)
    frame = pd.DataFrame(
        {"prob_0": 1 - p, "prob_1": p, "label": (rng.random(60) < p).astype(int), "site": ["a", "b"] * 30}
    )
    frame.loc[1, ["prob_0", "prob_1", "label"]] = [0.0, 1.0, 0]
    frame.to_csv(log, index=False)
    refused = run("calibrate", log, "--group-by", "site", "-o", tmp_path / "c.json")
    assert refused.code == 3
    assert "group b, n = 30: no temperature could be fitted: 1 labels have probability 0" in refused.err
    assert run("calibrate", log, "--group-by", "site", "--method", "bbq", "-o", tmp_path / "c.json").code == 0
