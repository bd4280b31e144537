"""States of two processes become the state of the whole."""

import subprocess
import sys
from pathlib import Path

import pytest

import calib
from calib.errors import InputError

RANK = """
import sys, numpy as np, torch.distributed as dist, calib
rank, store = int(sys.argv[1]), sys.argv[2]
dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
rng = np.random.default_rng(0)
logits, labels = rng.normal(size=(101, 4)) * 3, rng.integers(0, 4, 101)
state = calib.CalibrationState()
if rank or "--empty" not in sys.argv:
    state.update(calib.Predictions.from_logits(logits[rank::2], labels[rank::2]))
    if "--empty" in sys.argv:
        state.update(calib.Predictions.from_logits(logits[0::2], labels[0::2]))
found = calib.all_merge(state).compute()
whole = calib.Predictions.from_logits(logits, labels)
assert found.n == 101, found.n
for name in ("accuracy", "ece", "mce", "nll", "brier"):
    assert abs(getattr(found, name) - getattr(calib, name)(whole)) < 1e-12, name
dist.destroy_process_group()
print("same")
"""


def two_ranks(script: str, folder: Path, *options: str) -> list[str]:
    """Run a script twice at once, as ranks 0 and 1 of a file store; what each printed."""
    command = [sys.executable, "-W", "ignore", "-c", script]
    ranks = [
        subprocess.Popen(
            [*command, str(rank), str(folder / "store"), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in (0, 1)
    ]
    printed = []
    for process in ranks:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        printed.append(out)
    return printed


@pytest.mark.skipif(sys.platform == "win32", reason="the file store of torch.distributed needs a POSIX path")
@pytest.mark.parametrize("options", [[], ["--empty"]], ids=["both ranks hold rows", "one rank holds none"])
def test_two_ranks_agree_on_the_state_of_the_whole(tmp_path: Path, options: list[str]) -> None:
    assert two_ranks(RANK, tmp_path, *options) == ["same\n", "same\n"]


def test_without_a_process_group_it_says_what_to_call() -> None:
    with pytest.raises(InputError, match="no process group"):
        calib.all_merge(calib.CalibrationState())
