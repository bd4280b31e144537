"""Speed against other packages, each in its own environment: ``python -m benchmarks.peers [--scale 0.01]``.

All sides work on the same arrays, on two threads, one after another in one run.  calib's own time is that of its public
functions on fresh predictions.  Every number stands beside its answer: a fast wrong one is worth nothing.  The first
run makes the environments, about 8 GB below build/peers; see ``--environments``.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.machinery import PathFinder
from importlib.metadata import version
from importlib.util import module_from_spec
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks._environments import DEFAULT_FOLDER, answer, python_of, work

THREADS, LIMIT, REPEATS, BINS = 2, 60.0, 5, 15
TASKS = {  # name: (kind, n, k); pairs have k = 0
    "ECE-15 from logits, 10 k × 10": ("ece", 10_000, 10),
    "ECE-15 from logits, 50 k × 1000": ("ece", 50_000, 1000),
    "ECE-15 from logits, 1 M × 10": ("ece", 1_000_000, 10),
    "ECE-15 from logits, 1 M × 100": ("ece", 1_000_000, 100),
    "ECE-15 from 10 M pairs": ("pairs", 10_000_000, 0),
    "class-wise ECE-15 from logits, 50 k × 1000": ("classwise", 50_000, 1000),
    "smooth ECE from 1 M pairs": ("smooth", 1_000_000, 0),
}
WORKERS = {  # side: its environment; calib runs in this one
    "calib": "",
    "gpleiss' loop": "torchmetrics",
    "torchmetrics": "torchmetrics",
    "torch-uncertainty": "torch-uncertainty",
    "probmetrics": "probmetrics",
    "relplot": "relplot",
    "netcal": "netcal",
    "uncertainty-calibration": "uncertainty-calibration",
    "calibre": "calibre",
    "MAPIE (14 bins)": "mapie",
    "practical limit: numpy": "torchmetrics",
    "practical limit: torch": "torchmetrics",
}


def main() -> None:
    """Measure every side on every task and print Markdown tables, or be one side's worker."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--environments", type=Path, default=DEFAULT_FOLDER, metavar="FOLDER")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the examples, to try it out")
    parser.add_argument("--only", default="", metavar="TEXT", help="tasks whose names contain this")
    parser.add_argument("--worker", choices=WORKERS, help=argparse.SUPPRESS)
    parser.add_argument("--kind", help=argparse.SUPPRESS)
    parser.add_argument("--arrays", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        _measure(options.worker, options.kind, options.arrays)
        return
    from calib.environment import commit, hardware, versions

    share = "all examples" if options.scale == 1 else f"{options.scale:g} of the examples"
    print(
        f"{hardware()}, {THREADS} threads; commit {commit()}; {', '.join(f'{k} {v}' for k, v in versions().items())}; "
        f"medians of at most {REPEATS} after one warm-up, within {LIMIT:g} s a side, given up after twice that; {share}"
    )
    for name, (kind, n, k) in TASKS.items():
        if options.only in name:
            _compare(name, kind, max(2, round(n * options.scale)), k, options.environments)


def _compare(name: str, kind: str, n: int, k: int, environments: Path) -> None:
    """One table: every side on the same arrays."""
    print(f"\n## {name}{f' (n = {n:,})'}\n", flush=True)
    print("| | version | seconds | ÷ calib | answer |\n| :--- | :--- | ---: | ---: | ---: |", flush=True)
    ours = 0.0
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder), n, k)
        for side, environment in WORKERS.items():
            arguments = ["--worker", side, "--kind", kind, "--arrays", folder]
            try:
                python = python_of(environment, environments) if environment else sys.executable
                said = work(python, "benchmarks.peers", arguments, threads=THREADS, timeout=2 * LIMIT)
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
            ours = seconds if side == "calib" else ours
            shown = "" if value is None else f"{value:.6f}"
            ratio = f"{seconds / ours:.2f}" if ours else "–"
            print(f"| {side} | {record['version']} | {seconds:.4g} | {ratio} | {shown} |", flush=True)


def _write(folder: Path, n: int, k: int) -> None:
    """Float32 logits of a calibrated model and labels, or float32 confidences, here too low and there too high."""
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
        logits[rows] = block
    np.save(folder / "labels.npy", labels)


# What follows runs in the sides' own environments, where calib is not installed.


def _measure(side: str, kind: str, folder: Path) -> None:
    """Load the arrays, warm up once, measure within the limit, and answer; or answer nothing."""
    sides: dict[str, Callable[[str, dict[str, Any]], Callable[[], Any] | str | None]] = {
        "calib": _calib,
        "gpleiss' loop": _gpleiss,
        "torchmetrics": _torchmetrics,
        "torch-uncertainty": _torch_uncertainty,
        "probmetrics": _probmetrics,
        "relplot": _relplot,
        "netcal": _netcal,
        "uncertainty-calibration": _uncertainty_calibration,
        "calibre": _calibre,
        "MAPIE (14 bins)": _mapie,
        "practical limit: numpy": _limit_numpy,
        "practical limit: torch": _limit_torch,
    }
    arrays = {file.stem: np.load(file) for file in folder.glob("*.npy")}
    once = sides[side](kind, arrays)
    if once is None:
        return
    if isinstance(once, str):
        answer({"missing": once, "version": _version(side)})
        return
    seconds: list[float] = []
    begin = time.perf_counter()
    value, first = _timed(once)
    while len(seconds) < REPEATS and time.perf_counter() - begin + first < LIMIT:
        value, took = _timed(once)
        seconds.append(took)
    shown = None if value is None else float(value)
    answer({"seconds": median(seconds or [first]), "value": shown, "version": _version(side)})


def _timed(once: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    value = once()
    return value, time.perf_counter() - start


def _version(side: str) -> str:
    if side == "calib":
        from calib import __version__

        return __version__
    package = {"gpleiss' loop": "torch", "practical limit: torch": "torch", "practical limit: numpy": "numpy"}
    return version(package.get(side, side.removesuffix(" (14 bins)")))


def _calib(kind: str, arrays: dict[str, Any]) -> Callable[[], Any] | str:
    import calib

    name = {"ece": "ece", "pairs": "ece", "classwise": "classwise_ece", "smooth": "smooth_ece"}[kind]
    metric: Callable[[Any], float] | None = getattr(calib, name, None)
    if metric is None:
        return "not available"
    if kind in ("pairs", "smooth"):
        return lambda: metric(calib.Outcomes.from_confidence(arrays["confidence"], arrays["correct"]))
    return lambda: metric(calib.Predictions.from_logits(arrays["logits"], arrays["labels"]))


def _tensors(arrays: dict[str, Any]) -> dict[str, Any]:
    import torch

    torch.set_num_threads(THREADS)
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def _gpleiss(kind: str, arrays: dict[str, Any]) -> Callable[[], Any] | None:
    import torch

    tensors = _tensors(arrays)

    def loop(confidence: Any, correct: Any) -> Any:
        total = torch.zeros(1)
        for low, high in pairwise(torch.linspace(0, 1, BINS + 1).tolist()):
            inside = confidence.gt(low) & confidence.le(high)
            share = inside.float().mean()
            if share > 0:
                total += (confidence[inside].mean() - correct[inside].float().mean()).abs() * share
        return total

    def from_logits() -> Any:
        confidence, predicted = torch.softmax(tensors["logits"], dim=1).max(dim=1)
        return loop(confidence, predicted.eq(tensors["labels"]))

    if kind == "ece":
        return from_logits
    return (lambda: loop(tensors["confidence"], tensors["correct"])) if kind == "pairs" else None


def _torchmetrics(kind: str, arrays: dict[str, Any]) -> Callable[[], Any] | None:
    from torchmetrics.functional.classification import (  # type: ignore[import-not-found]
        binary_calibration_error,
        multiclass_calibration_error,
    )

    tensors = _tensors(arrays)
    if kind == "ece":
        logits, labels = tensors["logits"], tensors["labels"]
        return lambda: multiclass_calibration_error(logits, labels, logits.shape[1], n_bins=BINS)
    if kind == "pairs":
        return lambda: binary_calibration_error(tensors["confidence"], tensors["correct"].long(), n_bins=BINS)
    return None


def _torch_uncertainty(kind: str, arrays: dict[str, Any]) -> Callable[[], Any]:
    for name in ("torch_uncertainty", "torch_uncertainty.metrics", "torch_uncertainty.metrics.classification"):
        above = sys.modules[name.rpartition(".")[0]].__path__ if "." in name else None
        spec = PathFinder.find_spec(name, above)
        assert spec is not None
        sys.modules[name] = module_from_spec(spec)  # not executed: it would need torchvision, for plots alone
    from torch_uncertainty.metrics.classification import calibration as metrics  # type: ignore[import-not-found]

    tensors = _tensors(arrays)
    k = arrays["logits"].shape[1] if "logits" in arrays else 2

    def once() -> Any:
        if kind == "ece":
            metric = metrics.CalibrationError(task="multiclass", num_classes=k, num_bins=BINS)
        elif kind == "pairs":
            metric = metrics.CalibrationError(task="binary", num_bins=BINS)
        elif kind == "classwise":
            metric = metrics.ClasswiseCalibrationError(num_classes=k, num_bins=BINS)
        else:
            metric = metrics.SmoothCalibrationError(kernel_type="reflected")
        if "logits" in tensors:
            metric.update(tensors["logits"].softmax(dim=1), tensors["labels"])
        elif kind == "pairs":
            metric.update(tensors["confidence"], tensors["correct"].long())
        else:  # its update would fold P(y = 1) to the predicted class; these pairs are of the predicted class already
            metric.confidences.append(tensors["confidence"])
            metric.accuracies.append(tensors["correct"].float())
            metric._update_count = 1
        return metric.compute()

    return once


def _probmetrics(kind: str, arrays: dict[str, Any]) -> Callable[[], Any] | None:
    from probmetrics.distributions import CategoricalDirac, CategoricalLogits  # type: ignore[import-not-found]
    from probmetrics.metrics import CalibrationError  # type: ignore[import-not-found]

    if kind != "ece":
        return None  # its smooth ECE is relplot's
    tensors = _tensors(arrays)
    logits, labels = tensors["logits"], tensors["labels"]

    def once() -> Any:
        truth = CategoricalDirac(labels, n_classes=logits.shape[1])
        return CalibrationError(n_bins=BINS).compute(y_true=truth, y_pred=CategoricalLogits(logits))

    return once


def _relplot(kind: str, arrays: dict[str, Any]) -> Callable[[], Any] | None:
    import relplot  # type: ignore[import-not-found]

    if kind == "ece":

        def once() -> Any:
            confidence, correct = relplot.multiclass_logits_to_confidences(arrays["logits"], arrays["labels"])
            return relplot.metrics.binnedECE(confidence, correct, nbins=BINS)

        return once
    if kind == "classwise":
        return None
    correct = arrays["correct"].astype(np.float64)
    metric = partial(relplot.metrics.binnedECE, nbins=BINS) if kind == "pairs" else relplot.smECE
    return lambda: metric(arrays["confidence"], correct)


def _netcal(kind: str, arrays: dict[str, Any]) -> Callable[[], Any] | None:
    from netcal.metrics import ECE  # type: ignore[import-not-found]

    if kind == "ece":
        return lambda: ECE(BINS).measure(_softmax(arrays["logits"]), arrays["labels"])
    if kind == "pairs":
        correct = arrays["correct"].astype(np.int64)
        return lambda: ECE(BINS).measure(arrays["confidence"], correct)
    return None


def _uncertainty_calibration(kind: str, arrays: dict[str, Any]) -> Callable[[], Any] | None:
    import calibration  # type: ignore[import-not-found]

    if kind == "smooth":
        return None
    if kind == "pairs":
        correct = arrays["correct"].astype(np.int64)
        return lambda: calibration.get_ece(arrays["confidence"], correct, num_bins=BINS)
    mode = "top-label" if kind == "ece" else "marginal"
    return lambda: calibration.get_ece(_softmax(arrays["logits"]), arrays["labels"], num_bins=BINS, mode=mode)


def _calibre(kind: str, arrays: dict[str, Any]) -> Callable[[], Any] | None:
    import calibre  # type: ignore[import-not-found]

    if kind != "pairs":
        return None
    correct = arrays["correct"].astype(np.int64)
    return lambda: calibre.expected_calibration_error(correct, arrays["confidence"], n_bins=BINS)


def _mapie(kind: str, arrays: dict[str, Any]) -> Callable[[], Any] | None:
    from mapie.metrics.calibration import expected_calibration_error  # type: ignore[import-not-found]

    if kind == "pairs":
        correct = arrays["correct"].astype(np.int64)
        return lambda: expected_calibration_error(correct, arrays["confidence"], num_bins=BINS)
    if kind == "classwise":
        labels = arrays["labels"]
        return lambda: expected_calibration_error(
            None, _softmax(arrays["logits"]), num_bins=BINS, classwise=True, class_labels=labels
        )
    return None


def _softmax(logits: Any) -> Any:
    """What the packages that take probabilities alone are given; its time counts."""
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    return weights


def _limit_numpy(kind: str, arrays: dict[str, Any]) -> Callable[[], None] | None:
    """One read of the logits with one exp an entry, in blocks that stay in cache, on two Python threads."""
    if "logits" not in arrays:
        return None
    flat = arrays["logits"].reshape(-1)
    halves = np.array_split(flat, THREADS)
    rooms = [np.empty(65_536, flat.dtype) for _ in halves]
    pool = ThreadPoolExecutor(THREADS)

    def read(half: Any, room: Any) -> None:
        for block in _blocks(half, len(room)):
            np.exp(block, out=room[: len(block)])

    def once() -> None:
        for _ in pool.map(read, halves, rooms):
            pass

    return once


def _limit_torch(kind: str, arrays: dict[str, Any]) -> Callable[[], None] | None:
    """The same in torch, whose threads are its own."""
    import torch

    if "logits" not in arrays:
        return None
    flat = _tensors(arrays)["logits"].reshape(-1)
    room = torch.empty(1 << 20)

    def once() -> None:
        for block in _blocks(flat, len(room)):
            torch.exp(block, out=room[: len(block)])

    return once


def _blocks(values: Any, size: int) -> Iterator[Any]:
    return (values[start : start + size] for start in range(0, len(values), size))


if __name__ == "__main__":
    main()
