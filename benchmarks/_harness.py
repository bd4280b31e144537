"""Sides against one another on the same arrays, each in its own environment: what the tables of peers share."""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks._environments import DEFAULT_FOLDER, answer, python_of, work

THREADS, LIMIT, REPEATS = 2, 60.0, 5
Side = Callable[[str, dict[str, Any]], Callable[[], Any] | str | None]


@dataclass(frozen=True)
class Worker:
    """One side: the environment it runs in ("" is this one), the package whose version is told, and what it does.

    ``side(kind, arrays)`` returns what is timed, or words why it can't, or None where it has no such function.
    """

    environment: str
    package: str
    side: Side


def run(
    module: str,
    about: str,
    tasks: Mapping[str, tuple[str, int, int]],
    workers: Mapping[str, Worker],
    *,
    true_temperature: float = 1.0,
    digits: int = 6,
) -> None:
    """Measure every side on every task and print Markdown tables; or be one side's worker.

    ``tasks`` are ``{name: (kind, n, k)}``; pairs of confidence and correctness have k = 0.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--environments", type=Path, default=DEFAULT_FOLDER, metavar="FOLDER")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the examples, to try it out")
    parser.add_argument("--only", default="", metavar="TEXT", help="tasks whose names contain this")
    parser.add_argument("--worker", choices=workers, help=argparse.SUPPRESS)
    parser.add_argument("--kind", help=argparse.SUPPRESS)
    parser.add_argument("--arrays", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        _measure(workers[options.worker], options.kind, options.arrays)
        return
    from calib.environment import commit, hardware, versions

    share = "all examples" if options.scale == 1 else f"{options.scale:g} of the examples"
    print(
        f"{hardware()}, {THREADS} threads; commit {commit()}; {', '.join(f'{k} {v}' for k, v in versions().items())}; "
        f"medians of at most {REPEATS} after one warm-up, within {LIMIT:g} s a side, given up after twice that; {share}"
    )
    for name, (kind, n, k) in tasks.items():
        if options.only not in name:
            continue
        n = max(2, round(n * options.scale))
        print(f"\n### {name} (n = {n:,})\n", flush=True)
        print("| | version | seconds | ÷ calib | answer |\n| :--- | :--- | ---: | ---: | ---: |", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            _write(Path(folder), n, k, true_temperature)
            os.sync()  # else the first side shares the machine with what is still written
            _compare(module, workers, kind, Path(folder), options.environments, digits)


def _compare(
    module: str, workers: Mapping[str, Worker], kind: str, folder: Path, environments: Path, digits: int
) -> None:
    """The rows of one table; the first side is the one that the others are divided by."""
    ours = 0.0
    for side, worker in workers.items():
        arguments = ["--worker", side, "--kind", kind, "--arrays", str(folder)]
        try:
            python = python_of(worker.environment, environments) if worker.environment else sys.executable
            said = work(python, module, arguments, threads=THREADS, timeout=2 * LIMIT)
        except (RuntimeError, TimeoutError) as error:
            print(f"| {side} | | not run: {error} | | |", flush=True)
            continue
        if not said:  # has no such function
            continue
        (record,) = said
        if "missing" in record:
            print(f"| {side} | {record['version']} | {record['missing']} | | |", flush=True)
            continue
        seconds, value = record["seconds"], record["value"]
        ours = ours or seconds
        shown = "" if value is None else f"{value:.{digits}f}"
        print(f"| {side} | {record['version']} | {seconds:.4g} | {seconds / ours:.2f} | {shown} |", flush=True)


def _write(folder: Path, n: int, k: int, true_temperature: float) -> None:
    """Float32 logits and labels of a model of known temperature; or confidences, some too low, some too high."""
    rng = np.random.default_rng(0)
    if k == 0:
        confidence = rng.beta(4, 1.5, n).astype(np.float32)
        np.save(folder / "confidence.npy", confidence)
        np.save(folder / "correct.npy", rng.random(n, np.float32) < confidence + 0.03 * np.sin(4 * np.pi * confidence))
        return
    logits = np.lib.format.open_memmap(folder / "logits.npy", mode="w+", dtype=np.float32, shape=(n, k))
    labels = np.empty(n, np.int64)
    for start in range(0, n, 10_000):
        rows = slice(start, start + 10_000)
        block = rng.normal(0, 2, logits[rows].shape)
        labels[rows] = (block + rng.gumbel(size=block.shape)).argmax(axis=1)
        logits[rows] = true_temperature * block
    np.save(folder / "labels.npy", labels)


# What follows runs in the sides' own environments, where calib is not installed.


def _measure(worker: Worker, kind: str, folder: Path) -> None:
    """Load the arrays, warm up once, measure within the limit, and answer; or answer nothing."""
    from importlib.metadata import version

    arrays = {file.stem: np.load(file) for file in folder.glob("*.npy")}
    once = worker.side(kind, arrays)
    if once is None:
        return
    if worker.package == "calib":
        from calib import __version__ as told
    else:
        told = version(worker.package)
    if isinstance(once, str):
        answer({"missing": once, "version": told})
        return
    seconds: list[float] = []
    begin = time.perf_counter()
    value, first = _timed(once)
    while len(seconds) < REPEATS and time.perf_counter() - begin + first < LIMIT:
        value, took = _timed(once)
        seconds.append(took)
    shown = None if value is None else float(value)
    answer({"seconds": median(seconds or [first]), "value": shown, "version": told})


def _timed(once: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    value = once()
    return value, time.perf_counter() - start


def as_tensors(arrays: dict[str, Any]) -> dict[str, Any]:
    """The arrays as torch tensors that share their memory; torch gets as many threads as everybody."""
    import torch

    torch.set_num_threads(THREADS)
    return {name: torch.from_numpy(array) for name, array in arrays.items()}
