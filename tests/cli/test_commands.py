"""train, predict, compare, reliability-plot, info, env and the options before them, with good and bad input."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import calib
from calib.files.npz import load_predictions

from .conftest import Run, assert_refused


def test_the_version_and_the_help_are_printed(run: Run) -> None:
    assert run("--version").out == f"calib {calib.__version__}\n"
    shown = run("--help")
    assert shown.code == 0
    for command in ("demo", "train", "predict", "evaluate", "reliability-plot", "compare", "info", "env", "data"):
        assert command in shown.out
        assert "Example" in run(command, "--help").out or command in ("demo", "env", "data")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("evalute",), "evalute"),
        (("evaluate",), "SOURCE"),
        (("evaluate", "x", "--bins", "0"), "--bins"),
        (("evaluate", "x", "--format", "yaml"), "yaml"),
        (("train", "--smoothing", "much", "-o", "x"), "--smoothing"),
    ],
)
def test_usage_errors_are_two_lines_too(run: Run, arguments: tuple[str, ...], words: str) -> None:
    assert_refused(run(*arguments), words, "--help")


def test_train_predict_evaluate_is_one_path(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "ls05"
    options = ["--dataset", "digits", "--arch", "resnet8", "--width", "4", "--smoothing", "0.05"]
    options += ["--label-noise", "0.4", "--seed", "0", "--epochs", "1"]
    made = run("train", *options, "--output", folder)
    assert made.code == 0, made.err
    assert made.out.splitlines()[-1] == str(folder)
    assert "precision" in made.out
    assert (folder / "training.png").read_bytes()[:4] == b"\x89PNG"
    assert_refused(run("train", *options, "--output", folder), "exists already", "--force")
    resumed = run("train", *options, "--output", folder, "--resume")
    assert resumed.code == 0
    assert "nothing was trained" in resumed.err
    assert resumed.out == made.out
    predicted = run("predict", folder, "-o", tmp_path / "p.npz")
    assert predicted.code == 0, predicted.err
    again, saved = load_predictions(tmp_path / "p.npz"), load_predictions(folder / "test.npz")
    np.testing.assert_allclose(again.values, saved.values, rtol=1e-5, atol=1e-5)
    assert_refused(run("predict", folder, "-o", tmp_path / "p.npz"), "exists already")
    assert run("predict", folder, "-o", tmp_path / "p.npz", "--force", "--split", "train").code == 0
    assert load_predictions(tmp_path / "p.npz").n == 600
    assert run("evaluate", tmp_path / "p.npz").code == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--smoothing", "1.5"], "smoothing must be in [0, 1), got 1.5"),
        (["--label-noise", "-1"], "label_noise"),
        (["--arch", "vit9000"], "vit9000"),
        (["--arch", "resnet18"], "resnet18 needs images of 64 pixels a side, got 8×8"),
        (["--arch", "alexnet", "--width", "8"], "alexnet has one width only"),
        (["--arch", "torchvision:resnet18"], "torchvision"),
        (["--arch", "minigooglenet", "--batch-size", "599", "--epochs", "1"], "a batch of one image"),
        (["--dataset", "imagenet"], "imagenet"),
        (["--train-size", "9999"], "9999"),
        (["--device", "quantum"], "quantum"),
        (["--epochs", "0"], "epochs"),
    ],
)
def test_training_refuses_what_cannot_be(run: Run, tmp_path: Path, options: list[str], words: str) -> None:
    assert_refused(run("train", *options, "-o", tmp_path / "run"), words)
    assert list(tmp_path.iterdir()) == []


def test_missing_data_names_the_command_that_fetches_it(run: Run, tmp_path: Path) -> None:
    result = run("train", "--dataset", "cifar10", "--data-dir", tmp_path, "-o", tmp_path / "run")
    assert_refused(result, "cifar10", "calib data download cifar10")
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_output_is_found_before_training(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("calib.runs.train", lambda *_, **__: pytest.fail("trained"))
    (tmp_path / "file").write_text("in the way")
    assert_refused(run("train", "-o", tmp_path / "file" / "run"), "cannot write")


@pytest.mark.skipif(os.name == "nt", reason="signals to a process are POSIX")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_training_leaves_whole_files_and_goes_on(
    run: Run, tmp_path: Path, number: int, code: int
) -> None:
    folder = tmp_path / "run"
    options = ["--width", "2", "--train-size", "64", "--epochs", "9999", "-o", str(folder)]
    command = [sys.executable, "-m", "calib", "train", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (folder / "history.csv").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    # CPython ends itself by SIGINT, which a shell shows as 130 too, if Ctrl-C came while it ran an exec() of a string
    assert process.returncode in {code, -signal.SIGINT}, err
    assert out == ""
    assert "Traceback" not in err
    assert {path.name for path in folder.iterdir()} == {"checkpoint.pt", "config.json", "history.csv"}
    shown = run("evaluate", folder)
    assert shown.code == 0
    assert "of 9999 epochs" in shown.err
    assert_refused(run("train", *options), "unfinished run", "--resume")
    assert_refused(run("train", *options, "--seed", "1", "--resume"), "other settings")


def test_compare_tabulates_and_refuses_the_same_run_twice(run: Run, trained: Path) -> None:
    shown = run("compare", trained)
    assert shown.code == 0
    assert "α = 0.05 + T" in shown.out
    assert "No verdict" in shown.out
    assert_refused(run("compare", trained, trained), "named twice")
    assert_refused(run("compare", trained, trained / "checkpoint.pt"), "repeats")
    found = json.loads(run("compare", trained, "--json").out)
    assert found["schema"] == 1
    assert [row["calibrator"] for row in found["rows"]] == ["uncalibrated", "temperature"]
    assert found["rows"][0]["ece_sd"] is None
    assert "\\toprule" in run("compare", trained, "--format", "latex").out


def test_compare_takes_predictions_files_of_other_people(run: Run, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("mine", "=theirs"):
        np.savez(tmp_path / f"{name}.npz", logits=rng.normal(size=(60, 4)), labels=rng.integers(0, 4, 60))
    result = run(
        "compare", tmp_path / "mine.npz", tmp_path / "=theirs.npz", "--format", "csv", "-o", tmp_path / "t.csv"
    )
    assert result.code == 0, result.err
    assert pd.read_csv(tmp_path / "t.csv")["model"].tolist() == ["mine"] * 2 + ["'=theirs"] * 2


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_reliability_plots_of_several_models_are_written(run: Run, trained: Path, tmp_path: Path, suffix: str) -> None:
    output = tmp_path / f"figure.{suffix}"
    result = run("reliability-plot", trained, trained / "test.npz", "-o", output)
    assert result.code == 0, result.err
    assert output.read_bytes()[:5] in (b"\x89PNG\r", b"<?xml", b"%PDF-")
    assert_refused(run("reliability-plot", trained, "-o", output), "exists already")


def test_reliability_plots_of_another_format_are_refused_before_work(run: Run, tmp_path: Path) -> None:
    assert_refused(
        run("reliability-plot", tmp_path / "no-such-run", "-o", tmp_path / "figure.xyz"), ".png, .svg or .pdf"
    )


def test_info_tells_what_is_in_a_file(run: Run, trained: Path, tmp_path: Path) -> None:
    shown = run("info", trained)
    for words in ("a calib checkpoint", "smoothing 0.05", "train 600", "torch"):
        assert words in shown.out
    assert "predictions" in run("info", trained / "test.npz").out
    torch.save({"epoch": 3, "state_dict": {"w": torch.zeros(7)}}, tmp_path / "other.pt")
    assert "not made by calib" in run("info", tmp_path / "other.pt").out
    (tmp_path / "page.pt").write_text("<html>")
    assert_refused(run("info", tmp_path / "page.pt"), "HTML")


def test_env_lists_what_a_bug_report_needs(run: Run) -> None:
    found = json.loads(run("env", "--json").out)
    assert found["calib"] == calib.__version__
    assert {"python", "torch", "numpy", "scipy", "platform", "hardware", "cuda"} <= set(found)


def test_a_fault_of_ours_exits_70_and_asks_for_a_report(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("calib.environment.hardware", fail)
    assert_refused(run("env"), "RuntimeError: boom", "report", code=70)
    assert "Traceback" not in run("env").err


def test_debug_shows_the_traceback(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CALIB_DEBUG", raising=False)
    result = run("--debug", "evaluate", tmp_path / "nothing")
    os.environ.pop("CALIB_DEBUG", None)
    assert "Traceback" in result.err
    assert result.code == 2


def test_one_calibration_file_does_not_serve_several_models(run: Run, trained: Path, tmp_path: Path) -> None:
    options = ("--calibration", trained / "calibration.npz", "-o", tmp_path / "a.png")
    assert_refused(run("reliability-plot", trained, trained, *options), "--calibration goes with one SOURCE")


def test_predict_joins_shards_and_never_replaces_what_it_reads(run: Run, tmp_path: Path) -> None:
    for day in (0, 1):
        np.savez(tmp_path / f"{day}.npz", logits=[[2.0, day]] * 3, labels=[0, 1, 0])
    made = run("predict", tmp_path, "-o", tmp_path.parent / "all.npz", "--force")
    assert made.code == 0, made.err
    assert load_predictions(tmp_path.parent / "all.npz").values[:, 1].tolist() == [0, 0, 0, 1, 1, 1]
    source = tmp_path / "0.npz"
    assert_refused(run("predict", source, "-o", source, "--force"), "is one of the inputs")
