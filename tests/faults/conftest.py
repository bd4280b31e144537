"""What every fault needs: the command line in this process, a trained run, and what a refusal looks like."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from calib.models import build_model

from ..cli.conftest import Result, Run, assert_refused, run, trained

__all__ = ["Result", "Run", "assert_refused", "run", "trained"]

NOBODY = 65534


@pytest.fixture(scope="session")
def weights() -> dict[str, torch.Tensor]:
    """The weights of a small network for digits, as strangers save them."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return dict(build_model("resnet8", n_classes=10, n_channels=1, width=4, image_size=(8, 8)).state_dict())


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


@contextlib.contextmanager
def unprivileged() -> Iterator[None]:
    """Be nobody for a while where the tests run as root, whom no permission stops."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def contents(folder: Path) -> dict[str, bytes | None]:
    """Everything below a folder, with the bytes of plain files."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def sample(n: int = 120, k: int = 3, *, seed: int = 0) -> dict[str, Any]:
    """Logits and labels of an overconfident model."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (n, k))
    return {"logits": 2 * logits, "labels": (logits + rng.gumbel(size=(n, k))).argmax(1)}


def save(path: Path, **arrays: Any) -> Path:
    """Write arrays as a stranger would."""
    np.savez(path, **arrays)
    return path
