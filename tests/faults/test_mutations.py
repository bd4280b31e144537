"""Whatever happens to a file, reading it ends soon: in what it holds or in an `InputError`, never in another error."""

import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calib
from calib.errors import InputError

from .mutants import FORMATS, mutated

SECONDS = 5.0  # for one file of some kilobytes
GIB = 1 << 30


def needs(name: str) -> None:
    for module in FORMATS[name][3]:
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed")


def outcomes(name: str, number: int, folder: Path, *, seed: int) -> dict[str, Any]:
    """Read ``number`` mutants: how many were refused and taken, and how long the slowest took."""
    ending, make, read, _ = FORMATS[name]
    whole, path = make(folder), folder / f"logits{ending}"  # which is what a .npy is then taken for
    path.write_bytes(whole)
    read(path)
    refused, slowest = 0, 0.0
    for i in range(number):
        content = mutated(whole, np.random.default_rng((seed, i)))
        path.write_bytes(content)
        started = time.monotonic()
        try:
            read(path)
        except InputError:
            refused += 1
        except BaseException as error:
            raise AssertionError(f"{name}, mutant {i} of seed {seed}: {type(error).__name__}: {error}") from error
        slowest = max(slowest, time.monotonic() - started)
        assert slowest < SECONDS, f"{name}, mutant {i} of seed {seed} took {slowest:.1f} s"
    return {"refused": refused, "taken": number - refused, "slowest": round(slowest, 3)}


@pytest.mark.timeout(60)
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("name", FORMATS)
def test_mutants_are_refused_in_words_or_read(tmp_path: Path, name: str) -> None:
    needs(name)
    found = outcomes(name, 60, tmp_path, seed=1)
    assert found["refused"] > 0


WORKER = """
import json, pathlib, resource, sys, time, warnings
warnings.simplefilter("ignore")
import torch  # its libraries take address space of their own
resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
from tests.faults.test_mutations import outcomes
name, number, folder = sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3])
started = time.monotonic()
found = outcomes(name, number, folder, seed=2)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(json.dumps({**found, "seconds": round(time.monotonic() - started, 1), "peak_mib": peak}))
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", FORMATS)
def test_ten_thousand_mutants_neither_crash_nor_hang_nor_fill_the_memory(tmp_path: Path, name: str) -> None:
    needs(name)
    root = str(Path(calib.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", WORKER, name, os.environ.get("CALIB_MUTANTS", "10000"), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=880,
        check=False,
        cwd=root,
        env={**os.environ, "PYTHONPATH": root},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    print(name, found)
    assert found["refused"] > 0
    assert found["peak_mib"] < 1500
