"""The comparison trains in parallel, keeps finished runs, survives interruption, and the demo writes it all down."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest

from calib.calibrators.vector import VectorScaling
from calib.cli import main
from calib.errors import InputError, NumericalError
from calib.files.atomic import leftovers
from calib.files.npz import load_predictions
from calib.metrics.proper import nll
from calib.runs import train_run
from calib.studies.smoothing_versus_temperature import compare_runs
from calib.studies.train_all import grid, train_all
from calib.training.checkpoint import Checkpoint, load_checkpoint
from calib.training.config import TrainConfig
from calib.training.finished import is_finished

from .networks import trained

SMALL = TrainConfig(dataset="digits", width=2, epochs=1, train_size=64, label_noise=0.4)


def test_the_grid_pairs_every_smoothing_with_every_seed() -> None:
    configs = grid(SMALL, smoothing=(0, 0.05), seeds=range(2))
    assert list(configs) == ["hard-seed0", "smoothing0.05-seed0", "hard-seed1", "smoothing0.05-seed1"]
    assert configs["smoothing0.05-seed1"] == replace(SMALL, smoothing=0.05, seed=1)


def test_a_seed_may_have_a_split_of_its_own_the_same_for_every_smoothing() -> None:
    configs = grid(SMALL, smoothing=(0, 0.05), seeds=(0, 3), paired_splits=True)
    assert {name: config.split_seed for name, config in configs.items()} == {
        "hard-seed0": 0,
        "smoothing0.05-seed0": 0,
        "hard-seed3": 3,
        "smoothing0.05-seed3": 3,
    }
    assert {config.split_seed for config in grid(SMALL, smoothing=(0,), seeds=(0, 3)).values()} == {0}


def test_further_calibrators_are_fitted_on_the_calibration_split_and_judged_on_the_test_split(tmp_path: Path) -> None:
    (run,) = trained(grid(SMALL, smoothing=(0,), seeds=(0,)), tmp_path)
    result = compare_runs([run], calibrators=["vector"])
    calibration, test = (load_predictions(run / f"{name}.npz") for name in ("calibration", "test"))
    expected = VectorScaling.fit(calibration).transform(test)
    assert result.scores["calibrator"].tolist() == ["uncalibrated", "temperature", "vector"]
    assert result.scores["nll"].tolist()[2] == pytest.approx(nll(expected))
    assert result.predictions("hard-seed0", "vector").n == test.n
    assert result.predictions("hard-seed0", "temperature") is result.diagnoses["hard-seed0"].after
    with pytest.raises(InputError, match="platt cannot be fitted to hard-seed0"):
        compare_runs([run], calibrators=["platt"])
    with pytest.raises(InputError, match="test has no calibration split"):
        compare_runs([run / "test.npz"], calibrators=["vector"])


def test_runs_are_trained_compared_and_kept(tmp_path: Path) -> None:
    configs = grid(SMALL, smoothing=(0, 0.1), seeds=range(2))
    seen: list[tuple[float, int]] = []
    runs = train_all(configs, tmp_path, workers=2, on_progress=lambda done, total: seen.append((done, total)))
    assert [run.name for run in runs] == list(configs)
    assert seen[0] == (0, 4)
    result = compare_runs(runs)
    assert result.table["seeds"].tolist() == [2, 2, 2, 2]
    assert result.table["ece"].iloc[0] == pytest.approx(
        result.scores.query("smoothing == 0 and calibrator == 'uncalibrated'")["ece"].mean()
    )
    assert "Hard targets alone have ECE" in result.verdict
    before = {run: (run / "checkpoint.pt").stat().st_mtime_ns for run in runs}
    assert train_all(configs, tmp_path) == runs
    assert {run: (run / "checkpoint.pt").stat().st_mtime_ns for run in runs} == before


def test_a_run_with_other_settings_is_not_overwritten(tmp_path: Path) -> None:
    trained(grid(SMALL, smoothing=(0,), seeds=(0,)), tmp_path)
    other = grid(replace(SMALL, epochs=2), smoothing=(0,), seeds=(0,))
    with pytest.raises(InputError, match="other settings"):
        train_all(other, tmp_path)
    train_all(other, tmp_path, force=True)
    assert len((tmp_path / "hard-seed0" / "history.csv").read_text().splitlines()) == 3


def test_an_error_in_a_worker_arrives_whole_and_stops_the_rest(tmp_path: Path) -> None:
    configs = grid(replace(SMALL, learning_rate=999_999.0, epochs=200), smoothing=(0, 0.1), seeds=(0,))
    with pytest.raises(NumericalError, match="diverged") as error:
        train_all(configs, tmp_path, workers=2)
    assert "learning-rate" in error.value.help
    assert list(tmp_path.iterdir()) == []


class Demo(NamedTuple):
    code: object
    out: str
    err: str


@pytest.fixture
def demo(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Demo]:
    """`calib demo` in this process, its networks in others."""

    def demo(folder: Path, *options: str) -> Demo:
        monkeypatch.setattr(sys, "argv", ["calib", "demo", "-o", str(folder), *options])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        return Demo(stop.value.code or 0, *capsys.readouterr())

    return demo


def test_a_short_demo_writes_all_it_names_and_can_be_repeated(demo: Callable[..., Demo], tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    first = demo(folder, "--epochs", "2", "--seeds", "1")
    assert first.code == 0, first.err
    names = {
        "comparison.md",
        "comparison.csv",
        "reliability.png",
        "hard-seed0",
        "smoothing0.05-seed0",
        "smoothing0.1-seed0",
    }
    assert {path.name for path in folder.iterdir()} == names
    table = pd.read_csv(folder / "comparison.csv")
    assert table["calibrator"].tolist() == ["uncalibrated", "temperature"] * 3
    text = (folder / "comparison.md").read_text(encoding="utf-8")
    assert "calib demo --label-noise 0.4 --seeds 1 --epochs 2" in text
    assert "torch" in text
    second = demo(folder, "--epochs", "2", "--seeds", "1")
    assert second.code == 0, second.err
    assert second.out == first.out


@pytest.mark.skipif(os.name == "nt", reason="signals to a process group are POSIX")
def test_ctrl_c_stops_all_workers_and_leaves_runs_that_go_on(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    command = [sys.executable, "-m", "calib", "demo", "--epochs", "9999", "-o", str(folder)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    deadline = time.monotonic() + 90
    while len(list(folder.glob("*/checkpoint.pt"))) < min(2, os.cpu_count() or 1) and time.monotonic() < deadline:
        time.sleep(0.1)
    try:
        os.killpg(process.pid, signal.SIGINT)  # what a terminal does: parent and workers get it
        _, err = process.communicate(timeout=60)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode in {130, -signal.SIGINT}, err  # both are 130 to a shell
    assert "Traceback" not in err
    for run in folder.iterdir():
        assert leftovers(run) == []
        assert 1 <= len(load_checkpoint(run / "checkpoint.pt").history) < 9999


def test_an_unfinished_run_goes_on_where_it_was(tmp_path: Path) -> None:
    configs = grid(replace(SMALL, epochs=4), smoothing=(0,), seeds=(0,))
    config = configs["hard-seed0"]

    def stop(so_far: Checkpoint) -> None:
        if len(so_far.history) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_run(config, tmp_path / "hard-seed0", on_epoch=stop)
    seen: list[float] = []
    train_all(configs, tmp_path, on_progress=lambda done, _: seen.append(done))
    assert seen[-1] == 1
    assert is_finished(config, tmp_path / "hard-seed0")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("noise", "lead"),
    [("0.4", "A temperature works here, smoothing works"), ("0", "smoothing harms at α = 0.05 and α = 0.1")],
)
def test_the_demo_finds_what_the_readme_says(demo: Callable[..., Demo], tmp_path: Path, noise: str, lead: str) -> None:
    done = demo(tmp_path / "demo", "--label-noise", noise)
    assert done.code == 0, done.err
    assert lead in done.out


def test_a_comparison_that_is_not_calib_s_is_not_overwritten(demo: Callable[..., Demo], tmp_path: Path) -> None:
    (tmp_path / "comparison.md").write_text("precious")
    done = demo(tmp_path, "--epochs", "1", "--seeds", "1")
    assert done.code == 2
    assert "that is not calib's" in done.err
    assert {path.name for path in tmp_path.iterdir()} == {"comparison.md"}
