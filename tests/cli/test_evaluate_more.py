"""calib evaluate: groups, a second data set, shards, and files of other people's making."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from calib.calibrators.temperature import TemperatureScaling
from calib.diagnosis import diagnose
from calib.files.calibrator_json import load_calibrator
from calib.metrics.binned import ece
from calib.outcomes import Outcomes
from calib.predictions import Predictions
from calib.training.checkpoint import load_checkpoint

from .conftest import Run, assert_refused


def table(seed: int, n: int = 600, scale: float = 2.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 2, (n, 3))
    y = (z + rng.gumbel(size=z.shape)).argmax(axis=1)
    site = np.where(rng.random(n) < 0.3, "north", "<b>south\x1b")
    return pd.DataFrame({**{f"logit_{i}": scale * z[:, i] for i in range(3)}, "label": y, "site": site})


def predictions(frame: pd.DataFrame) -> Predictions:
    return Predictions.from_logits(frame[[f"logit_{i}" for i in range(3)]].to_numpy(), frame["label"].to_numpy())


@pytest.fixture
def here(tmp_path: Path) -> Path:
    table(0).to_csv(tmp_path / "here.csv", index=False)
    return tmp_path / "here.csv"


def test_groups_have_rows_of_their_own(run: Run, here: Path) -> None:
    made = run("evaluate", here, "--group-by", "site")
    assert made.code == 0, made.err
    assert "\x1b" not in made.out + made.err
    assert "T = " in made.err
    rows = json.loads(run("evaluate", here, "--group-by", "site", "--json").out)["rows"]
    frame = table(0)
    tuned = diagnose(predictions(frame)).after
    for row in rows:
        if row["calibrator"] == "uncalibrated":
            own = frame[frame["site"] == row["group"]]
            assert row["n"] == len(own)
            assert row["ece"] == pytest.approx(ece(predictions(own)))
        else:
            assert row["ece"] == pytest.approx(ece(tuned[(frame["site"] == row["group"]).to_numpy()]))
    assert [row["group"] for row in rows] == ["<b>south\x1b"] * 2 + ["north"] * 2
    assert_refused(run("evaluate", here, "--group-by", "sit"), "no column 'sit'", "logit_0")
    assert_refused(run("evaluate", "example:digits-resnet8-hard", "--group-by", "x"), "a column of a file")
    lonely = table(0)
    lonely.loc[0, "site"] = "alone"
    lonely.to_csv(here, index=False)
    assert_refused(run("evaluate", here, "--group-by", "site"), "'alone' has one example only")
    lonely.assign(site=range(len(lonely))).pipe(lambda frame: pd.concat([frame] * 2)).to_csv(here, index=False)
    assert run("evaluate", here, "--group-by", "site").code == 0  # 600 groups of two are few enough


def test_a_second_data_set_shows_how_the_temperature_carries_over(run: Run, here: Path) -> None:
    shifted = here.with_name("shifted.csv")
    table(1, scale=4.0).to_csv(shifted, index=False)
    made = run("evaluate", here, "--against", shifted)
    assert made.code == 0, made.err
    assert "On shifted ECE is" in made.out
    assert "It does not carry over whole." in made.out
    found = json.loads(run("evaluate", here, "--against", shifted, "--json").out)
    fitted = TemperatureScaling.fit(predictions(table(0)))
    assert found["temperature"]["temperature"] == pytest.approx(fitted.temperature)
    carried = ece(fitted.transform(predictions(table(1, scale=4.0))))
    assert found["against"]["carried"]["ece"] == pytest.approx(carried)
    own = diagnose(predictions(table(1, scale=4.0)))
    assert found["against"]["uncalibrated"]["ece"] == pytest.approx(own.uncalibrated.ece)
    assert found["against"]["temperature"]["ece"] == pytest.approx(own.scaled.ece)
    assert found["against"]["temperature"]["temperature"] == pytest.approx(own.fitted.temperature)
    assert run("evaluate", here, "--against", shifted, "--format", "csv").out.count("\n") == 6
    assert_refused(run("evaluate", here, "--against", shifted, "--group-by", "site"), "reports of their own")
    assert_refused(run("evaluate", here, "--against", "example:digits-resnet8-hard"), "10 classes")


def test_shards_are_one_data_set(run: Run, tmp_path: Path) -> None:
    frame = table(0)
    for i in range(3):
        frame[200 * i : 200 * i + 200].to_csv(tmp_path / f"{i}.csv", index=False)
    made = run("evaluate", tmp_path / "*.csv")
    assert made.code == 0, made.err
    assert "3 files" in made.out
    found = json.loads(run("evaluate", tmp_path, "--json").out)
    assert found["uncalibrated"]["ece"] == pytest.approx(ece(predictions(frame)), rel=1e-12)
    assert found["n"] == {"test": 600, "calibration": 600, "cross_fitted": False}
    assert found["paste"].startswith("softmax(logits / ")
    assert found["temperature"]["temperature"] == pytest.approx(
        TemperatureScaling.fit(predictions(frame)).temperature, rel=1e-9
    )
    assert run("evaluate", tmp_path / "*.csv", "--fail-above", "ece=0.001").code == 1
    frame.to_csv(tmp_path / "other.txt", index=False)
    assert run("evaluate", tmp_path / "*.csv", "--calibration", tmp_path / "other.txt", "--format", "csv").code == 0
    same = run("evaluate", tmp_path / "*.csv", "--calibration", tmp_path / "0.csv")
    assert_refused(same, "0.csv is among the files to test on")
    assert_refused(run("per-class", tmp_path / "*.csv"), "is a pattern of several files")
    (tmp_path / "2.csv").write_text("label,logit_0,logit_1,logit_2\n0,1,2,3\n1,inf,2,3\n")
    assert_refused(run("evaluate", tmp_path / "*.csv"), "2.csv", "row 1")
    assert_refused(run("evaluate", tmp_path / "*.csv", "--group-by", "site"), "needs the rows in memory")
    assert_refused(run("evaluate", tmp_path / "*.parquet"), "names no files")


def test_a_temperature_and_a_diagram_of_shards_are_those_of_the_whole(run: Run, tmp_path: Path) -> None:
    frame = table(0)
    (tmp_path / "logs").mkdir()
    for i in range(3):
        frame[200 * i : 200 * i + 200].to_csv(tmp_path / "logs" / f"{i}.csv", index=False)
    made = run("calibrate", tmp_path / "logs", "-o", tmp_path / "t.json")
    assert made.code == 0, made.err
    assert "n = 600, T = " in made.err
    fitted = TemperatureScaling.fit(predictions(frame))
    saved = load_calibrator(tmp_path / "t.json")
    assert isinstance(saved, TemperatureScaling)
    assert saved.temperature == pytest.approx(fitted.temperature, rel=1e-9)
    assert run("reliability-plot", tmp_path / "logs", "-o", tmp_path / "a.svg", "--bars", "confidence").code == 0
    vector = run("calibrate", tmp_path / "logs", "--method", "vector", "-o", tmp_path / "v.json")
    assert_refused(vector, "vector needs the rows in memory")
    bars = run("reliability-plot", tmp_path / "logs", "-o", tmp_path / "b.svg", "--bars", "consistency")
    assert_refused(bars, "consistency bars need the rows in memory")
    for i in range(2):
        (tmp_path / f"{i}.csv").write_text(f"label,logit_0,logit_1\n0,{2 + i},0\n1,0,2\n")
    assert_refused(run("calibrate", tmp_path / "*.csv", "-o", tmp_path / "s.json"), "nothing was written", code=3)
    assert not (tmp_path / "s.json").exists()


def test_options_for_reading_reach_every_command(run: Run, tmp_path: Path) -> None:
    frame = table(0)
    np.save(tmp_path / "scores.npy", predictions(frame).probs)
    np.save(tmp_path / "y.npy", frame["label"].to_numpy())
    how = ("--from", "probs", "--labels", tmp_path / "y.npy", "--class-names", "a,b,c")
    for command in (
        ("evaluate", tmp_path / "scores.npy"),
        ("per-class", tmp_path / "scores.npy"),
        ("compare-calibrators", tmp_path / "scores.npy", "--methods", "temperature"),
        ("calibrate", tmp_path / "scores.npy", "-o", tmp_path / "c.json"),
        ("reliability-plot", tmp_path / "scores.npy", "-o", tmp_path / "f.png"),
    ):
        made = run(*command, *how)
        assert made.code == 0, made.err
    shown = run("per-class", tmp_path / "scores.npy", *how).out.splitlines()
    assert [line.split()[0] for line in shown[4:7]] == ["a", "b", "c"]
    assert_refused(run("evaluate", tmp_path / "scores.npy", "--labels", tmp_path / "y.npy"), "--from probs")
    for option, value, words in (
        ("--mean", "a,b", "numbers with commas"),
        ("--std", "0", "numbers with commas"),
        ("--mean", "nan", "numbers with commas"),
        ("--mean", "123.7,116.8,103.9", "divide by 255"),
    ):
        assert_refused(run("evaluate", tmp_path / "scores.npy", *how, option, value), words)


def test_logs_of_confidences_alone_are_evaluated(run: Run, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.5, 1, 500)
    correct = rng.random(500) < confidence**2
    logs = pd.DataFrame({"id": range(500), "confidence": confidence, "correct": correct.astype(int)})
    logs.to_csv(tmp_path / "logs.csv", index=False)
    made = run("evaluate", tmp_path / "logs.csv")
    assert made.code == 0, made.err
    assert "Overconfident: it claims" in made.out
    assert "NLL and Brier need the scores of all classes" in made.err
    found = json.loads(run("evaluate", tmp_path / "logs.csv", "--json").out)
    assert found["uncalibrated"]["ece"] == pytest.approx(ece(Outcomes.from_confidence(confidence, correct)))
    assert found["uncalibrated"]["nll"] is None
    assert run("evaluate", tmp_path / "logs.csv", "--fail-above", "ece=0.001").code == 1
    logs.assign(correct=2).to_csv(tmp_path / "bad.csv", index=False)
    assert_refused(run("evaluate", tmp_path / "bad.csv"), "bad.csv", "correct must be 0 or 1, row 0 holds 2")
    logs.drop(columns="correct").to_csv(tmp_path / "bad.csv", index=False)
    assert_refused(run("evaluate", tmp_path / "bad.csv"), "no column of labels")


def test_predictions_of_others_are_saved_as_calib_s_own(run: Run, trained: Path, here: Path, tmp_path: Path) -> None:
    made = run("predict", here, "-o", tmp_path / "own.npz")
    assert made.code == 0, made.err
    np.testing.assert_array_equal(Predictions.load(tmp_path / "own.npz").values, predictions(table(0)).values)
    checkpoint = load_checkpoint(trained / "checkpoint.pt")
    torch.save({"state_dict": checkpoint.state_dict}, tmp_path / "theirs.pth")
    foreign = run("predict", tmp_path / "theirs.pth", "--dataset", "digits", "-o", tmp_path / "theirs.npz")
    assert foreign.code == 0, foreign.err
    assert "note: the architecture is resnet8" in foreign.err
    assert Predictions.load(tmp_path / "theirs.npz").n == 1797
    assert_refused(run("predict", tmp_path / "theirs.pth", "-o", tmp_path / "x.npz"), "do not say what data")
    assert_refused(run("predict", tmp_path / "nothing.pth", "-o", tmp_path / "x.npz"), "does not exist, a checkpoint")
    for source, option in ((here, "--split"), (tmp_path / "theirs.pth", "--split")):
        assert_refused(run("predict", source, option, "train", "-o", tmp_path / "x.npz"), "leave --split out")
    refused = run("predict", trained, "--dataset", "digits", "-o", tmp_path / "x.npz")
    assert_refused(refused, "--dataset was given, but")


def test_files_without_labels_are_calibrated_and_notes_are_said(run: Run, here: Path, tmp_path: Path) -> None:
    assert run("calibrate", here, "-o", tmp_path / "c.json").code == 0
    table(0).drop(columns="label").to_csv(tmp_path / "bare.csv", index=False)
    made = run("apply", tmp_path / "c.json", tmp_path / "bare.csv", "-o", tmp_path / "out.npz")
    assert made.code == 0, made.err
    fitted = TemperatureScaling.fit(predictions(table(0)))
    with np.load(tmp_path / "out.npz") as out:
        np.testing.assert_allclose(out["probs"], fitted.transform(predictions(table(0))).probs, rtol=1e-9)
        assert "labels" not in out
    np.savez(tmp_path / "words.npz", probs=[[0.9, 0.1], [0.2, 0.8]], labels=["a", "b"], class_names=["a", "b"])
    assert "class names: a, b" in run("info", tmp_path / "words.npz").out
    assert "predictions" in run("info", here).out
    np.savez(tmp_path / "sklearn.npz", y_prob=[[0.9, 0.1], [0.2, 0.8]], y_true=[0, 1])
    assert run("info", tmp_path / "sklearn.npz").code == 0
