"""TensorBoard reads back what was written, or the one who asked is told how to install it."""

# mypy: disable-error-code="import-not-found,import-untyped"

import builtins
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from calib.errors import InputError
from calib.training.events import EventWriter

ROWS = [
    {"epoch": 1, "loss": 2.25, "accuracy": 0.5, "learning_rate": 0.125, "calibration_loss": 1.5, "seconds": 0.25},
    {"epoch": 2, "loss": 1.75, "accuracy": 0.75, "learning_rate": 0.0625, "calibration_loss": math.nan, "seconds": 0.5},
    {"epoch": 3, "loss": 1.5, "accuracy": 0.875, "calibration_loss": 1.25, "calibration_ece": 0.0625, "seconds": None},
]


@pytest.fixture
def _tensorboard() -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events: Any = EventAccumulator(str(folder))
    events.Reload()
    return {tag: [(event.step, event.value) for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


@pytest.mark.usefixtures("_tensorboard")
def test_tensorboard_reads_back_every_number_at_its_epoch(tmp_path: Path) -> None:
    with EventWriter(tmp_path / "events" / "run") as events:
        for row in ROWS:
            events.row(row)  # type: ignore[arg-type]  # None is left out, as NaN is
    assert scalars(tmp_path / "events" / "run") == {
        "training/loss": [(1, 2.25), (2, 1.75), (3, 1.5)],
        "training/accuracy": [(1, 0.5), (2, 0.75), (3, 0.875)],
        "learning_rate": [(1, 0.125), (2, 0.0625)],
        "calibration/loss": [(1, 1.5), (3, 1.25)],
        "calibration/ece": [(3, 0.0625)],
        "seconds": [(1, 0.25), (2, 0.5)],
    }


@pytest.mark.usefixtures("_tensorboard")
def test_a_row_can_be_seen_while_the_training_goes_on(tmp_path: Path) -> None:
    with EventWriter(tmp_path) as events:
        for done, row in enumerate(ROWS, start=1):
            events.row(row)  # type: ignore[arg-type]  # None is left out
            assert len(scalars(tmp_path)["training/loss"]) == done


@pytest.mark.usefixtures("_tensorboard")
def test_the_file_is_closed_when_training_fails(tmp_path: Path) -> None:
    events = EventWriter(tmp_path)

    def train() -> None:
        with events:
            events.row({"epoch": 1, "loss": 1.0})
            raise RuntimeError("diverged")

    with pytest.raises(RuntimeError, match="diverged"):
        train()
    assert events._writer.file_writer is None
    assert scalars(tmp_path) == {"training/loss": [(1, 1.0)]}


@pytest.mark.usefixtures("_tensorboard")
@pytest.mark.parametrize("row", [{"loss": 1.0}, {"epoch": 1.5, "loss": 1.0}, {"epoch": math.nan, "loss": 1.0}])
def test_a_row_without_a_whole_epoch_is_refused(tmp_path: Path, row: dict[str, float]) -> None:
    with EventWriter(tmp_path) as events, pytest.raises(InputError, match="has its epoch, a whole number"):
        events.row(row)


@pytest.mark.usefixtures("_tensorboard")
def test_a_folder_that_cannot_be_written_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot write"), EventWriter(tmp_path / "file" / "events") as events:
        events.row({"epoch": 1, "loss": 1.0})


@pytest.mark.usefixtures("_tensorboard")
def test_a_training_from_the_start_replaces_the_events_and_a_resumed_one_adds_to_them(tmp_path: Path) -> None:
    for row in ({"epoch": 1, "loss": 9.0}, {"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 1.0}):
        with EventWriter(tmp_path) as events:
            assert len(list(tmp_path.iterdir())) == (0 if row["loss"] == 9 else 1)  # nothing happens before a row
            events.row(row)
    assert scalars(tmp_path) == {"training/loss": [(1, 2.0), (2, 1.0)]}


@pytest.mark.usefixtures("_tensorboard")
def test_calib_train_writes_events_into_its_run(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "calib", "train", "--width", "2", "--train-size", "64", "--epochs", "2"]
    command += ["--tensorboard", "-o", str(tmp_path / "run")]
    for more in ([], ["--force"]):
        done = subprocess.run([*command, *more], capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr
        assert [step for step, _ in scalars(tmp_path / "run" / "events")["calibration/ece"]] == [1, 2]
    refused = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert "exists already" in refused.stderr
    assert scalars(tmp_path / "run" / "events")


def test_without_tensorboard_the_way_to_install_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *arguments: Any, **options: Any) -> Any:
        if name.startswith(("tensorboard", "torch.utils.tensorboard")):
            raise ModuleNotFoundError("No module named 'tensorboard'")
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(InputError, match="need the package tensorboard") as caught:
        EventWriter(tmp_path / "events")
    assert 'pip install ".[tensorboard]"' in caught.value.help
    assert list(tmp_path.iterdir()) == []
