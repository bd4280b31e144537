"""`torchrun -m calib train` trains one network with several processes, and one that lost a process goes on."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from calib.runs import train_run
from calib.training.checkpoint import load_checkpoint
from calib.training.config import TrainConfig
from calib.training.finished import is_finished

pytestmark = pytest.mark.skipif(os.name == "nt", reason="gloo and signals as POSIX has them")

# batches of 50 of 120 examples: the last has 20; with three processes no share is like another
CONFIG = TrainConfig(dataset="digits", width=4, epochs=2, train_size=120, batch_size=50, learning_rate=0.02, shift=1)


def torchrun(config: TrainConfig, folder: Path, n: int, *more: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-W", "ignore", "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={n}"]
    command += ["-m", "calib", "train", *config.options(), "-o", str(folder), *more]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )


def finish(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    try:
        out, err = process.communicate(timeout=120)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    return process.returncode, out, err


@pytest.mark.parametrize(("arch", "n"), [pytest.param("mnist-fc", 3, marks=pytest.mark.slow), ("resnet8", 2)])
def test_several_processes_train_the_network_that_one_trains(arch: str, n: int, tmp_path: Path) -> None:
    config = replace(CONFIG, arch=arch, smoothing=0.1)
    alone = train_run(config, tmp_path / "alone").state_dict
    code, out, err = finish(torchrun(config, tmp_path / "together", n))
    assert code == 0, err
    assert out.count(str(tmp_path / "together")) == 1  # the first process alone speaks
    assert is_finished(config, tmp_path / "together")
    together = load_checkpoint(tmp_path / "together" / "checkpoint.pt")
    for name, tensor in alone.items():
        torch.testing.assert_close(together.state_dict[name], tensor, rtol=1e-3, atol=1e-5, msg=name)
    untrained = train_run(replace(config, learning_rate=1e-12), tmp_path / "untrained").state_dict
    assert any(not torch.allclose(alone[name], tensor, rtol=1e-2) for name, tensor in untrained.items())


@pytest.mark.slow
def test_a_job_that_lost_a_process_ends_and_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    config = replace(CONFIG, epochs=60, train_size=50)
    job = torchrun(config, tmp_path / "run", 2)
    deadline = time.monotonic() + 90
    while not (tmp_path / "run" / "history.csv").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    children = Path(f"/proc/{job.pid}/task/{job.pid}/children")
    if not children.exists():
        pytest.skip("needs /proc to find the processes of the job")
    os.kill(int(children.read_text().split()[-1]), signal.SIGKILL)
    code, _, err = finish(job)
    assert code != 0
    assert not is_finished(config, tmp_path / "run"), err
    done = len(load_checkpoint(tmp_path / "run" / "checkpoint.pt").history)
    assert 1 <= done < 60
    code, _, err = finish(torchrun(config, tmp_path / "run", 2, "--resume"))
    assert code == 0, err
    code, _, err = finish(torchrun(config, tmp_path / "whole", 2))
    assert code == 0, err
    whole, resumed = (load_checkpoint(tmp_path / name / "checkpoint.pt").state_dict for name in ("whole", "run"))
    assert all(torch.equal(whole[name], tensor) for name, tensor in resumed.items())


@pytest.mark.slow
def test_processes_that_would_train_different_things_end_in_words(tmp_path: Path) -> None:
    code = (
        "import os, sys; from dataclasses import replace; from calib.training.ranks import joined_ranks; "
        "from calib.training.config import TrainConfig; from calib.training.loop import train\n"
        "config = TrainConfig(dataset='digits', width=2, epochs=1, train_size=60, seed=int(os.environ['RANK']))\n"
        "with joined_ranks(device='cpu') as ranks:\n"
        "    try: train(config, ranks=ranks)\n"
        "    except ValueError as error: print(error)\n"
    )
    script = tmp_path / "differ.py"
    script.write_text(code, encoding="utf-8")
    command = [sys.executable, "-W", "ignore", "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, str(script)], capture_output=True, text=True, timeout=120, check=False, env=environment
    )
    assert done.stdout.count("the processes do not train the same") == 2, done.stderr
