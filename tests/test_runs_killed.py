"""A run that is killed, by anybody at any moment, or shared, or short of disk, loses nothing."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from calib.errors import InputError
from calib.files.atomic import leftovers
from calib.runs import train_run
from calib.sources import open_source
from calib.training.checkpoint import Checkpoint
from calib.training.finished import is_finished

from .test_runs import SMALL, assert_same, weights_of

KILLED = """
import os, random, signal, sys, time
import torch
from pathlib import Path
import calib.runs
from calib.runs import train_run
from calib.training.finished import is_finished
from calib.training.checkpoint import load_checkpoint
from calib.training.config import TrainConfig

calib.runs.SECONDS = 0.0
torch.set_num_threads(1)
torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)  # imports half of torch: once here, not in every child
with torch.device("meta"):
    torch.nn.Linear(1, 1)
folder, kills = Path(sys.argv[1]), int(sys.argv[2])
config = TrainConfig(dataset="digits", width=2, epochs=6, train_size=96, shift=1)

def started(run):
    child = os.fork()
    if not child:
        train_run(config, run, resume=True)
        os._exit(0)
    return child

begin = time.monotonic()
os.waitpid(started(folder / "whole"), 0)
seconds = time.monotonic() - begin  # of a training that nobody kills, on this machine as busy as it is
draw = random.Random(0)
killed = rounds = 0
while killed < kills:
    run = folder / str(rounds)
    while not is_finished(config, run):
        child = started(run)
        time.sleep(draw.uniform(0, seconds))
        os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
        assert status in (0, signal.SIGKILL), "a run that was killed was refused"
        killed += os.WIFSIGNALED(status)
        if (run / "checkpoint.pt").exists():
            load_checkpoint(run / "checkpoint.pt")
    rounds += 1
print(killed, rounds)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks and kills as POSIX does")
@pytest.mark.parametrize("kills", [6, pytest.param(150, marks=pytest.mark.slow)])
def test_after_any_number_of_kill_9_the_weights_are_those_of_an_uninterrupted_run(kills: int, tmp_path: Path) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), str(kills)],
        capture_output=True, text=True, timeout=250, check=False, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    killed, rounds = map(int, done.stdout.split())
    assert killed >= kills
    whole = weights_of(tmp_path / "whole")
    for run in range(rounds):
        assert_same(weights_of(tmp_path / str(run)), whole)
        assert leftovers(tmp_path / str(run)) == []


@pytest.mark.skipif(os.name == "nt", reason="locks folders as POSIX does")
@pytest.mark.parametrize("resume", [False, True])
def test_a_run_killed_while_it_wrote_its_first_checkpoint_starts_over(resume: bool, tmp_path: Path) -> None:
    config = replace(SMALL, epochs=1)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".checkpoint.pt.4711.abc_1234.tmp").write_bytes(b"PK half a file")
    train_run(config, tmp_path / "run", resume=resume)
    assert is_finished(config, tmp_path / "run")
    assert leftovers(tmp_path / "run") == []


def test_two_processes_never_train_into_one_folder(tmp_path: Path) -> None:
    refused: list[str] = []

    def second(_: Checkpoint) -> None:
        with pytest.raises(InputError) as error:
            train_run(SMALL, tmp_path / "run", resume=True)
        refused.append(str(error.value))

    train_run(SMALL, tmp_path / "run", on_epoch=second)
    assert len(refused) == 3
    assert "another process is training" in refused[0]
    assert is_finished(SMALL, tmp_path / "run")


@pytest.mark.skipif(os.name == "nt", reason="limits a file's size as POSIX does")
def test_a_full_disk_is_told_in_words_and_the_run_that_was_there_stays(tmp_path: Path) -> None:
    import resource

    train_run(SMALL, tmp_path / "run")
    before = weights_of(tmp_path / "run")
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, old[1]))
    try:
        with pytest.raises(InputError, match="cannot write"):
            train_run(replace(SMALL, width=8), tmp_path / "run", force=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert_same(weights_of(tmp_path / "run"), before)
    assert open_source(tmp_path / "run").test.n == 797
    assert leftovers(tmp_path / "run") == []
    assert is_finished(SMALL, tmp_path / "run") or len(train_run(SMALL, tmp_path / "run", resume=True).history) == 3


def test_a_finished_run_that_lost_a_file_is_completed_again(tmp_path: Path) -> None:
    train_run(SMALL, tmp_path / "run")
    before = weights_of(tmp_path / "run")
    (tmp_path / "run" / "test.npz").unlink()
    assert not is_finished(SMALL, tmp_path / "run")
    train_run(SMALL, tmp_path / "run", resume=True)
    assert is_finished(SMALL, tmp_path / "run")
    assert_same(weights_of(tmp_path / "run"), before)
