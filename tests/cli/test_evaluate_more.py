"""calib evaluate: groups, a second data set, shards, and files of other people's making."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from calib.calibrators.temperature import TemperatureScaling
from calib.diagnosis import diagnose
from calib.examples import load_example
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
    assert "T = " in made.out
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
    many = lonely.head(60)
    pd.concat([many.assign(site=range(60))] * 2).to_csv(here, index=False)
    assert run("evaluate", here, "--group-by", "site").code == 0  # groups of two are large enough


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
    (tmp_path / "2.csv").write_text("label,logit_0,logit_1,logit_2\n0,1,2,3\n1,inf,2,3\n")
    assert_refused(run("evaluate", tmp_path / "*.csv"), "2.csv", "row 1")
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
    four = tmp_path / "four.npz"
    np.savez(four, logits=2 * np.eye(4), labels=[0, 1, 2, 2])
    assert_refused(run("evaluate", four, "--calibrator", tmp_path / "t.json"), "fitted on 3 classes")
    odd = run("evaluate", tmp_path / "logs", "--arch", "resnet20")
    assert_refused(odd, "--arch was given, but")
    assert_refused(run("evaluate", "example:cifar10-resnet20-hard", "--engine", "dask"), "--engine reads shards")
    for i in range(2):
        (tmp_path / f"{i}.csv").write_text(f"label,logit_0,logit_1\n0,{2 + i},0\n1,0,2\n")
    assert_refused(run("calibrate", tmp_path / "*.csv", "-o", tmp_path / "s.json"), "nothing was written", code=3)
    assert not (tmp_path / "s.json").exists()


def test_shards_that_fit_into_memory_are_any_command_s_source(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = table(0)
    (tmp_path / "logs").mkdir()
    for i in range(3):
        frame[200 * i : 200 * i + 200].to_csv(tmp_path / "logs" / f"{i}.csv", index=False)
    frame.to_csv(tmp_path / "whole.csv", index=False)
    logs, whole = tmp_path / "logs" / "*.csv", tmp_path / "whole.csv"
    for command in (("evaluate", "--group-by", "site"), ("per-class",), ("compare-calibrators", "--methods", "vector")):
        found, expected = (json.loads(run(command[0], source, *command[1:], "--json").out) for source in (logs, whole))
        assert timeless(found["rows"]) == timeless(expected["rows"])
    assert run("calibrate", logs, "--method", "vector", "-o", tmp_path / "v.json").code == 0
    assert run("reliability-plot", logs, "-o", tmp_path / "b.svg", "--bars", "consistency").code == 0
    assert run("report", logs, "-o", tmp_path / "r.html").code == 0
    described = json.loads(run("info", logs, "--json").out)
    assert (described["files"], described["n_classes"]) == (3, 3)
    table(1).to_csv(tmp_path / "other.csv", index=False)
    judged = json.loads(run("evaluate", tmp_path / "other.csv", "--calibration", tmp_path / "logs", "--json").out)
    assert judged["n"]["cross_fitted"] is False
    monkeypatch.setattr("calib.files.shards.IN_MEMORY", 100)
    assert_refused(run("per-class", logs), "this takes all rows into memory")


def timeless(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def test_gates_of_groups_are_asked_of_each(run: Run, tmp_path: Path) -> None:
    frame = table(0)
    frame.to_csv(tmp_path / "p.csv", index=False)
    rows = json.loads(run("evaluate", tmp_path / "p.csv", "--group-by", "site", "--json").out)["rows"]
    errors = sorted(row["ece"] for row in rows if row["calibrator"] == "temperature")
    for limit, code in ((errors[-1] + 1e-4, 0), (sum(errors) / 2, 1)):
        gated = run("evaluate", tmp_path / "p.csv", "--group-by", "site", "--fail-above", f"temperature.ece={limit}")
        assert gated.code == code
        assert gated.err.count("gate failed") == code
    assert "temperature ece is" in gated.err


def test_a_calibrator_remembers_the_names_of_its_classes(run: Run, tmp_path: Path) -> None:
    frame = table(0).rename(columns={f"logit_{i}": f"logit_{name}" for i, name in enumerate(("cat", "dog", "fox"))})
    frame["label"] = np.array(["cat", "dog", "fox"])[frame["label"]]
    frame.to_csv(tmp_path / "p.csv", index=False)
    frame[["logit_fox", "logit_dog", "logit_cat", "label"]].to_csv(tmp_path / "turned.csv", index=False)
    for method, code in (("vector", 2), ("temperature", 0)):
        assert run("calibrate", tmp_path / "p.csv", "--method", method, "-o", tmp_path / f"{method}.json").code == 0
        used = run("evaluate", tmp_path / "turned.csv", "--calibrator", tmp_path / f"{method}.json")
        assert used.code == code, used.err
    assert_refused(
        run("apply", tmp_path / "vector.json", tmp_path / "turned.csv", "-o", tmp_path / "o.npz"), "cat, dog"
    )
    said = run("info", tmp_path / "vector.json")
    assert "method: vector" in said.out
    assert "cat" in said.out


def test_shards_may_be_judged_by_the_calibration_split_of_an_example(run: Run, tmp_path: Path) -> None:
    example = load_example("cifar10-resnet20-hard")
    for i, rows in enumerate(np.array_split(np.arange(example.test.n), 3)):
        np.savez(tmp_path / f"{i}.npz", logits=example.test.values[rows], labels=example.test.labels[rows])
    given = ("--calibration", "example:cifar10-resnet20-hard", "--json")
    found = json.loads(run("evaluate", tmp_path / "*.npz", *given).out)
    expected = TemperatureScaling.fit(example.calibration).temperature
    assert found["temperature"]["temperature"] == pytest.approx(expected, rel=1e-9)
    assert found["n"]["calibration"] == example.calibration.n


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
    column = run("evaluate", tmp_path / "scores.npy", "--labels", "label")
    assert_refused(column, "a file of labels was expected", "a column of labels is found by its name: label, ")
    for option, value, words in (
        ("--mean", "a,b", "numbers with commas"),
        ("--std", "0", "numbers above 0 with commas"),
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
