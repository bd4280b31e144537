"""calib study projections with good, odd and bad input."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from calib.studies import projection_networks
from calib.studies.projection_networks import Setting
from calib.studies.write_projections import FILES
from calib.training.checkpoint import load_checkpoint, save_checkpoint
from calib.training.config import TrainConfig

from .conftest import Run, assert_refused


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The small setting, smaller."""
    tiny = Setting(TrainConfig(dataset="digits", width=2, epochs=1, train_size=64), seeds=2)
    monkeypatch.setattr(projection_networks, "SETTINGS", {**projection_networks.SETTINGS, "small": tiny})


def test_a_run_is_drawn_and_tabulated(run: Run, trained: Path, tmp_path: Path) -> None:
    picture = tmp_path / "figure.png"
    made = run("study", "projections", trained, "--classes", "3, 8,9", "--per-class", 5, "-o", picture)
    assert made.code == 0, made.err
    assert picture.read_bytes()[:4] == b"\x89PNG"
    assert f"wrote {picture}" in made.err
    assert "within/between" in made.out
    assert " 15 " in made.out  # n: five of each of three classes
    assert_refused(run("study", "projections", trained, "-o", picture), "exists already", "--force")
    assert run("study", "projections", trained, "-o", picture, "--force").code == 0


def test_without_output_there_is_the_table_alone(run: Run, trained: Path, tmp_path: Path) -> None:
    before = sorted(trained.iterdir())
    table = run("study", "projections", trained / "checkpoint.pt", "--format", "csv")
    assert table.err == ""
    rows = pd.read_csv(io.StringIO(table.out))
    assert rows["part"].tolist() == ["train", "test"]
    answer = json.loads(run("study", "projections", trained, "--json").out)
    assert answer["classes"] == ["0", "1", "2"]
    assert answer["notes"] == []
    assert answer["rows"][0]["gap_optimum"] is None  # trained on noisy labels
    assert answer["rows"][1]["within"] == pytest.approx(rows["within"].iloc[1])
    for format in ("markdown", "latex"):
        shown = run("study", "projections", trained, "--format", format)
        assert shown.code == 0
        assert "logit gap" in shown.out
    assert sorted(trained.iterdir()) == before


def test_hostile_class_names_are_drawn_and_printed(run: Run, trained: Path, tmp_path: Path) -> None:
    names = ("$x^$", "\x1b[31mred", "<b>|", "_hidden", "[/]", "=1+1", "a\nb", "", "\ud800", "W" * 500)
    checkpoint = replace(load_checkpoint(trained / "checkpoint.pt"), class_names=names)
    save_checkpoint(checkpoint, tmp_path / "odd.pt")
    for i in (0, 3, 6):
        classes = f"{i},{i + 1},{i + 2}"
        made = run("study", "projections", tmp_path / "odd.pt", "--classes", classes, "-o", tmp_path / f"{i}.svg")
        assert made.code == 0, made.err
        assert "\x1b" not in made.out + made.err
    refused = run("study", "projections", tmp_path / "odd.pt", "--classes", "\x1b[31mre,1,2")
    assert_refused(refused, "did you mean")
    assert "\x1b" not in refused.err


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_without_runs_networks_are_trained_and_kept(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    made = run("study", "projections", "-o", folder)
    assert made.code == 0, made.err
    runs = {"hard-seed0", "hard-seed1", "smoothing0.1-seed0", "smoothing0.1-seed1"}
    assert {path.name for path in folder.iterdir()} == runs | set(FILES)
    assert (
        "calib study projections --seeds 2 --classes 0,1,2 --per-class 100" in (folder / "projections.md").read_text()
    )
    before = {path: path.stat().st_mtime_ns for path in folder.glob("*/*")}
    again = run("study", "projections", "-o", folder, "--classes", "4,5,6")
    assert again.code == 0
    assert {path: path.stat().st_mtime_ns for path in folder.glob("*/*")} == before
    assert "--classes 4,5,6" in (folder / "projections.md").read_text()
    (folder / "projections.md").write_text("mine")
    assert_refused(run("study", "projections", "-o", folder), "not calib's")


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--classes", "0,1"], "three different classes, got 0, 1"),
        (["--classes", "zero,1,2"], "no class 'zero'"),
        (["-o", "figure.png"], "a folder to train into"),
        (["--paper", "imagenet-inception"], "--paper"),
        (["--seeds", "0"], "--seeds"),
        (["--per-class", "0"], "--per-class"),
        (["--device", "quantum"], "quantum"),
        (["--format", "yaml"], "yaml"),
    ],
)
def test_nothing_is_trained_for_what_cannot_be(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("calib.runs.train_run", lambda *_, **__: pytest.fail("trained"))
    assert_refused(run("study", "projections", *options), words)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("paper", ["cifar10-alexnet", "cifar100-resnet56"])
def test_the_papers_networks_need_its_data(run: Run, tmp_path: Path, paper: str) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    refused = run("study", "projections", "--paper", paper, "--data-dir", data, "-o", out)
    assert_refused(refused, f"calib data download {paper.split('-')[0]}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["RUN", "--seeds", "2"], "RUN names trained ones"),
        (["RUN", "--paper", "cifar10-alexnet"], "RUN names trained ones"),
        (["RUN", "-o", "figure.jpg"], "saved as .png, .svg or .pdf"),
        (["RUN", "RUN"], "named twice"),
        (["RUN/test.npz"], "holds predictions"),
        (["example:digits-resnet8-hard"], "holds predictions"),
        (["nowhere"], "does not exist, a checkpoint was expected"),
        (["RUN", "--classes", "0,1,ten"], "no class 'ten'"),
    ],
)
def test_what_cannot_be_drawn_is_refused(run: Run, trained: Path, arguments: list[str], words: str) -> None:
    assert_refused(run("study", "projections", *(word.replace("RUN", str(trained)) for word in arguments)), words)


def test_the_help_names_the_studies(run: Run) -> None:
    assert "projections" in run("study", "--help").out
    assert "Example" in run("study", "projections", "--help").out
