"""``calib calibrate --group-by``: a temperature a group, saved, applied and judged by the column's name."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import calib
from calib._text import with_error
from calib.calibrators.grouped import GroupedCalibrator
from calib.calibrators.temperature_inference import equal_temperatures
from calib.files.calibrator_json import load_calibrator, save_calibrator
from calib.files.read import read_predictions

from ..references import sample
from .conftest import Run, assert_refused


def sites(n: int, seed: int, hot: float = 3.0) -> pd.DataFrame:
    logits, labels = sample(n, 4, seed=seed, true_temperature=1.0)
    site = np.where(np.arange(n) % 3 == 0, "hot", "cold")
    logits = logits * np.where(site == "hot", hot, 1.0)[:, None]
    return pd.DataFrame({f"logit_{c}": logits[:, c] for c in range(4)}).assign(label=labels, site=site)


@pytest.fixture
def here(run: Run, tmp_path: Path) -> Path:
    sites(900, 0).to_csv(tmp_path / "calibration.csv", index=False)
    sites(600, 1).to_csv(tmp_path / "test.csv", index=False)
    made = run("calibrate", tmp_path / "calibration.csv", "--group-by", "site", "-o", tmp_path / "c.json")
    assert (made.code, made.out) == (0, f"{tmp_path / 'c.json'}\n")
    (tmp_path / "said.txt").write_text(made.err)
    return tmp_path


def test_each_group_has_its_temperature_and_its_errors_in_the_table(here: Path) -> None:
    predictions = read_predictions(here / "calibration.csv")
    site = pd.read_csv(here / "calibration.csv")["site"].to_numpy()
    said = (here / "said.txt").read_text()
    saved = load_calibrator(here / "c.json")
    assert isinstance(saved, GroupedCalibrator)
    for name, rows in (("hot", site == "hot"), ("cold", site == "cold"), ("all", site != "")):
        fitted = calib.TemperatureScaling.fit(predictions[rows])
        assert name == "all" or saved.calibrators[name] == fitted
        line = next(line for line in said.splitlines() if line.startswith(name))
        errors = fitted.standard_error, fitted.robust_standard_error
        assert all(with_error(fitted.temperature, error) in line for error in errors)
        assert f"{fitted.n}" in line
    assert "The groups' temperatures differ (p = " in said


def test_the_column_is_read_again_by_apply_and_evaluate(run: Run, here: Path) -> None:
    predictions, frame = read_predictions(here / "test.csv"), pd.read_csv(here / "test.csv")
    saved = load_calibrator(here / "c.json")
    assert isinstance(saved, GroupedCalibrator)
    want = saved.transform(predictions, frame["site"].to_numpy())
    judged = json.loads(run("evaluate", here / "test.csv", "--calibrator", here / "c.json", "--json").out)
    assert judged["calibrated"]["nll"] == calib.nll(want)
    frame.drop(columns="label").to_csv(here / "new.csv", index=False)
    assert run("apply", here / "c.json", here / "new.csv", "-o", here / "out.csv").code == 0
    out = pd.read_csv(here / "out.csv")
    np.testing.assert_array_equal(out[[f"prob_{c}" for c in range(4)]].to_numpy(), want.probs)
    assert out["site"].tolist() == frame["site"].tolist()


def test_a_group_that_is_new_and_a_column_that_is_gone_are_refused(run: Run, here: Path) -> None:
    frame = pd.read_csv(here / "test.csv")
    frame.replace({"site": {"hot": "warm"}}).to_csv(here / "warm.csv", index=False)
    frame.drop(columns="site").to_csv(here / "bare.csv", index=False)
    frame.assign(site=frame["site"].where(frame.index > 0)).to_csv(here / "gap.csv", index=False)
    for file, words in (("warm", "group 'warm' was not there"), ("bare", "no column 'site'"), ("gap", "no group")):
        assert_refused(run("evaluate", here / f"{file}.csv", "--calibrator", here / "c.json"), words)
        assert_refused(run("apply", here / "c.json", here / f"{file}.csv", "-o", here / "out.csv"), words)
    assert not (here / "out.csv").exists()
    read_predictions(here / "test.csv").save(here / "test.npz")
    assert_refused(run("evaluate", here / "test.npz", "--calibrator", here / "c.json"), "no column 'site'")


def test_groups_without_a_temperature_write_nothing_and_small_ones_are_told_of(run: Run, tmp_path: Path) -> None:
    table = sites(300, 2)
    table.loc[:1, "site"] = "tiny"
    table.loc[:1, "label"] = table.loc[:1, [f"logit_{c}" for c in range(4)]].to_numpy().argmax(1)
    table.to_csv(tmp_path / "p.csv", index=False)
    made = run("calibrate", tmp_path / "p.csv", "--group-by", "site", "-o", tmp_path / "c.json")
    assert made.code == 3
    assert "error: group tiny, n = 2: No temperature could be fitted" in made.err
    assert not (tmp_path / "c.json").exists()
    isotonic = (
        "calibrate",
        tmp_path / "p.csv",
        "--group-by",
        "site",
        "--method",
        "isotonic",
        "-o",
        tmp_path / "i.json",
    )
    assert "warning: 'cold', 'hot', 'tiny': few examples" in run(*isotonic).err
    assert_refused(run("calibrate", tmp_path / "p.csv", "--group-by", "x", "-o", tmp_path / "n.json"), "no column 'x'")


def test_groups_that_are_alike_are_said_to_be(run: Run, tmp_path: Path) -> None:
    sites(900, 3, hot=1.0).to_csv(tmp_path / "p.csv", index=False)
    made = run("calibrate", tmp_path / "p.csv", "--group-by", "site", "-o", tmp_path / "c.json")
    assert "The groups' temperatures cannot be told apart (p = " in made.err


def test_a_grouped_calibrator_that_names_no_column_is_for_python(run: Run, here: Path) -> None:
    save_calibrator(load_calibrator(here / "c.json"), here / "python.json")
    assert_refused(run("evaluate", here / "test.csv", "--calibrator", here / "python.json"), "nothing says which group")


def test_groups_of_one_temperature_are_told_to_differ_one_time_in_twenty() -> None:
    found = []
    for seed in range(200):
        predictions = calib.Predictions.from_logits(*sample(600, 4, seed=seed, true_temperature=1.5))
        parts = [calib.TemperatureScaling.fit(predictions[start : start + 200]) for start in (0, 200, 400)]
        test = equal_temperatures(parts)
        assert test is not None
        found.append(test.p_value)
    assert 0.02 <= np.mean(np.array(found) < 0.05) <= 0.09
    assert 0.42 <= np.mean(found) <= 0.58
    assert equal_temperatures([calib.TemperatureScaling(2.0)] * 2) is None
