"""Cases 40 to 46: memory that runs out, losses that are no number, clocks that jump, homes closed to writing."""

import os
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from calib.files.run_folder import CHECKPOINT
from calib.inference import predict, predict_part
from calib.training.checkpoint import load_checkpoint

from .conftest import Run, assert_refused, sample, save

pytestmark = pytest.mark.timeout(120)
OUT_OF_MEMORY = (
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory"),
    MemoryError(),
)


class Small(nn.Module):
    """A network on a device that holds a few examples only."""

    def __init__(self, most: int, error: Exception) -> None:
        super().__init__()
        self.layer, self.most, self.error = nn.Linear(4, 3), most, error
        self.sizes: list[int] = []

    def forward(self, inputs: Tensor) -> Any:
        self.sizes.append(len(inputs))
        if len(inputs) > self.most:
            raise self.error
        return self.layer(inputs)


@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=["cuda", "cpu", "python"])
@pytest.mark.parametrize("case", ["40-batch-halved"])
def test_a_batch_that_does_not_fit_is_halved_once_and_for_all(case: str, error: Exception) -> None:
    inputs, labels = torch.randn(40, 4), torch.zeros(40, dtype=torch.int64)
    model = Small(6, error)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = predict(model, [(inputs[:20], labels[:20]), (inputs[20:], labels[20:])])
    np.testing.assert_allclose(found.values, model.layer(inputs).detach(), rtol=1e-6)
    assert [str(one.message) for one in said] == [
        "out of memory: 10 examples at once from here on",
        "out of memory: 5 examples at once from here on",
    ]
    assert model.sizes[-4:] == [5, 5, 5, 5]


@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=["cuda", "cpu", "python"])
@pytest.mark.parametrize("case", ["40-no-room-for-one"])
def test_where_not_even_one_example_fits_the_command_says_so(
    run: Run, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str, error: Exception
) -> None:
    monkeypatch.setattr("calib.training.checkpoint.Checkpoint.model", lambda _: Small(0, error))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = run("predict", trained, "-o", tmp_path / "p.npz")
    assert_refused(result, "out of memory", "--batch-size")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("case", ["42-diverged"])
def test_a_diverged_training_exits_3_and_leaves_nothing(run: Run, tmp_path: Path, case: str) -> None:
    result = run("train", "--width", "2", "--learning-rate", "999999", "--epochs", "30", "-o", tmp_path / "run")
    assert_refused(result, "the training diverged in epoch 1", code=3)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("case", ["43-clock"])
def test_a_clock_that_jumps_back_changes_no_weight(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    options = ("train", "--width", "2", "--train-size", "64", "--epochs", "3")
    assert run(*options, "-o", tmp_path / "steady").code == 0
    now = iter(range(2_000_000_000, 0, -86_400))
    monkeypatch.setattr(time, "time", lambda: float(next(now)))
    assert run(*options, "-o", tmp_path / "jumping").code == 0
    one, other = (load_checkpoint(tmp_path / name / CHECKPOINT) for name in ("steady", "jumping"))
    assert all(torch.equal(value, other.state_dict[name]) for name, value in one.state_dict.items())
    assert all(row["seconds"] >= 0 for row in other.history)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder in which nobody can make files")
@pytest.mark.parametrize("case", ["43-home"])
def test_a_home_that_cannot_be_written_to_stops_nothing(tmp_path: Path, case: str) -> None:
    source = save(tmp_path / "p.npz", **sample(60))
    surroundings = {name: value for name, value in os.environ.items() if name not in ("MPLCONFIGDIR", "XDG_CACHE_HOME")}
    home = {"HOME": "/proc/self", "XDG_CONFIG_HOME": "/proc/self/x", "XDG_CACHE_HOME": "/proc/self/x"}
    command = [sys.executable, "-m", "calib", "reliability-plot", str(source), "-o", str(tmp_path / "f.png")]
    done = subprocess.run(
        command, env={**surroundings, **home}, capture_output=True, text=True, timeout=110, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "f.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize("case", ["43-no-shared-memory"])
def test_predicting_uses_no_shared_memory(trained: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    def refused(*_: object, **__: object) -> None:
        pytest.fail("shared memory was asked for")

    monkeypatch.setattr(torch.Tensor, "share_memory_", refused)
    monkeypatch.setattr("multiprocessing.shared_memory.SharedMemory.__init__", refused)
    assert predict_part(load_checkpoint(trained / CHECKPOINT), "test").n == 797


@pytest.mark.parametrize("case", ["46-no-optimum"])
def test_a_temperature_that_was_not_found_is_never_a_silent_1(run: Run, tmp_path: Path, case: str) -> None:
    given = sample()
    path = save(tmp_path / "p.npz", logits=given["logits"], labels=given["logits"].argmin(1))
    shown = run("evaluate", path)
    assert "no temperature was fitted (worse than chance)" in shown.err
    assert "Ship: no temperature" in shown.out
    assert_refused(run("calibrate", path, "-o", tmp_path / "c.json"), code=3)
    assert not (tmp_path / "c.json").exists()
