"""calib study smoothing-versus-temperature: trains, keeps, compares, writes; and refuses before it trains."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from calib.studies.write_study import FILES

from .conftest import Run, assert_refused
from .json_page import assert_documented

NAME = ("study", "smoothing-versus-temperature")
QUICK = ("--setting", "digits", "--epochs", "1", "--seeds", "2", "--workers", "1")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> "tuple[Path, subprocess.CompletedProcess[str]]":
    """Two networks an α, one epoch each, and what the command said."""
    folder = tmp_path_factory.mktemp("study") / "here"
    options = ("--smoothing", "0.1, 0", "--calibrators", "isotonic", "-o", str(folder))
    command = [sys.executable, "-m", "calib", *NAME, *QUICK, *options]
    return folder, subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)


@pytest.fixture
def folder(study: "tuple[Path, subprocess.CompletedProcess[str]]") -> Path:
    return study[0]


def test_a_quick_study_writes_all_it_names(study: "tuple[Path, subprocess.CompletedProcess[str]]") -> None:
    folder, done = study
    assert done.returncode == 0, done.stderr
    runs = {f"{kind}-seed{seed}" for kind in ("hard", "smoothing0.1") for seed in range(2)}
    assert {path.name for path in folder.iterdir()} >= {*FILES, *runs}
    table = pd.read_csv(folder / "comparison.csv")
    assert table["calibrator"].tolist() == ["uncalibrated", "temperature", "isotonic"] * 2
    assert set(table["seeds"]) == {2}
    assert "hard + isotonic" in done.stdout
    assert "On digits, over 2 seeds (t, 1 df" in done.stdout
    assert str(folder) in done.stderr
    page = (folder / "comparison.md").read_text(encoding="utf-8")
    command = "calib study smoothing-versus-temperature --setting digits --smoothing '0.1, 0' --seeds 2 --epochs 1"
    assert f"{command} --calibrators isotonic --workers 1`" in page
    assert str(folder) not in page
    config = json.loads((folder / "smoothing0.1-seed1" / "config.json").read_text())
    assert (config["seed"], config["split_seed"], config["smoothing"], config["epochs"]) == (1, 1, 0.1, 1)


def test_the_same_command_keeps_what_is_there_and_json_is_for_machines(run: Run, folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.glob("*/checkpoint.pt")}
    assert len(before) == 4
    done = run(*NAME, *QUICK, "--smoothing", "0,0.1", "-o", folder, "--json")
    assert done.code == 0, done.err
    assert {path: path.stat().st_mtime_ns for path in folder.glob("*/checkpoint.pt")} == before
    found = json.loads(done.out)
    assert_documented("calib study smoothing-versus-temperature", found)
    assert len(found["rows"]) == 4
    assert len(found["differences"]) == 15
    assert {"p_holm", "examples_low", "difference"} <= set(found["differences"][0])
    assert len(found["verdicts"]) == 2


@pytest.mark.parametrize(("format", "mark"), [("latex", "\\toprule"), ("markdown", "| :--"), ("csv", "model")])
def test_other_formats_go_to_stdout(run: Run, folder: Path, format: str, mark: str) -> None:
    done = run(*NAME, *QUICK, "--smoothing", "0,0.1", "-o", folder, "--format", format)
    assert done.code == 0, done.err
    assert done.out.count(mark) == (2 if format != "csv" else done.out.count(mark))
    assert mark in done.out
    assert "On digits" not in done.out
    assert "On digits" in done.err


def test_runs_with_other_settings_are_refused_before_any_training(run: Run, folder: Path) -> None:
    other = ("--setting", "digits", "--epochs", "2", "--seeds", "2", "--smoothing", "0,0.1")
    refused = run(*NAME, *other, "-o", folder)
    assert refused.code == 2
    assert "other settings" in refused.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--setting", "digits", "--paper", "guo"), "--setting and --paper both name a recipe"),
        (("--setting", "mnist"), "no recipe 'mnist'"),
        (("--paper", "he"), "choose one of guo, muller, mukhoti"),
        (("--setting", "digits", "--smoothing", "0.1"), "lack 0"),
        (("--setting", "digits", "--smoothing", "0,a"), "numbers with commas"),
        (("--setting", "digits", "--smoothing", "0,1.5"), "smoothing must be in [0, 1)"),
        (("--setting", "digits", "--smoothing", "0,nan"), "smoothing must be in [0, 1)"),
        (("--setting", "digits", "--smoothing", ""), "lack 0"),
        (("--setting", "digits", "--calibrators", "platt"), "does not suit 10 classes"),
        (("--setting", "digits", "--calibrators", "vektor"), "no method 'vektor'"),
        (("--dataset", "cifar-10"), "did you mean cifar10"),
        (("--setting", "digits", "--seeds", "0"), "--seeds"),
        (("--setting", "digits", "--format", "xml"), "--format"),
    ],
)
def test_bad_options_are_refused_in_two_lines(run: Run, tmp_path: Path, options: tuple[str, ...], words: str) -> None:
    assert_refused(run(*NAME, *options, "-o", tmp_path / "x"), words)
    assert not (tmp_path / "x").exists()


def test_a_folder_of_somebody_else_s_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "comparison.html").write_text("precious")
    assert_refused(run(*NAME, *QUICK, "-o", tmp_path), "comparison.html that is not calib's")
    assert (tmp_path / "comparison.html").read_text() == "precious"


def test_data_that_are_not_there_are_asked_for(run: Run, tmp_path: Path) -> None:
    refused = run(*NAME, "--workers", "1", "--data-dir", tmp_path, "-o", tmp_path / "x")
    assert refused.code == 2
    assert "fashion-mnist was not found" in refused.err
    assert "calib data download fashion-mnist" in refused.err
    assert "Traceback" not in refused.err


def test_the_group_lists_its_studies(run: Run) -> None:
    assert "smoothing-versus-temperature" in run("study", "--help").out
    assert "Nothing is chosen on the test split" in " ".join(run(*NAME, "--help").out.split())
