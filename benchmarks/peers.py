"""Speed against other packages, each in its own environment: ``python -m benchmarks.peers [--scale 0.01]``.

All sides work on the same arrays, on two threads, one after another in one run.  calib's own time is that of its public
functions on fresh predictions.  Every number stands beside its answer: a fast wrong one is worth nothing.  The first
run makes the environments, about 8 GB below build/peers; see ``--environments``.
"""

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks._harness import THREADS, Worker, as_tensors, run

BINS = 15
TASKS = {  # name: (kind, n, k); pairs have k = 0
    "ECE-15 from logits, 10 k × 10": ("ece", 10_000, 10),
    "ECE-15 from logits, 50 k × 1000": ("ece", 50_000, 1000),
    "ECE-15 from logits, 1 M × 10": ("ece", 1_000_000, 10),
    "ECE-15 from logits, 1 M × 100": ("ece", 1_000_000, 100),
    "ECE-15 from 10 M pairs": ("pairs", 10_000_000, 0),
    "class-wise ECE-15 from logits, 50 k × 1000": ("classwise", 50_000, 1000),
    "smooth ECE from 1 M pairs": ("smooth", 1_000_000, 0),
}


# What follows runs in the sides' own environments, where calib is not installed.


def _calib(kind: str, arrays: dict[str, Any]) -> Callable[[], Any] | str:
    import calib

    name = {"ece": "ece", "pairs": "ece", "classwise": "classwise_ece", "smooth": "smooth_ece"}[kind]
    metric: Callable[[Any], float] | None = getattr(calib, name, None)
    if metric is None:
        return "not available"
    if kind in ("pairs", "smooth"):
        return lambda: metric(calib.Outcomes.from_confidence(arrays["confidence"], arrays["correct"]))
    return lambda: metric(calib.Predictions.from_logits(arrays["logits"], arrays["labels"]))


def _gpleiss(kind: str, arrays: dict[str, Any]) -> Callable[[], Any] | None:
    import torch

    tensors = as_tensors(arrays)

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
    from torchmetrics.functional.classification import (
        binary_calibration_error,
        multiclass_calibration_error,
    )

    tensors = as_tensors(arrays)
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

    tensors = as_tensors(arrays)
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
    tensors = as_tensors(arrays)
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
    flat = as_tensors(arrays)["logits"].reshape(-1)
    room = torch.empty(1 << 20)

    def once() -> None:
        for block in _blocks(flat, len(room)):
            torch.exp(block, out=room[: len(block)])

    return once


def _blocks(values: Any, size: int) -> Iterator[Any]:
    return (values[start : start + size] for start in range(0, len(values), size))


WORKERS = {
    "calib": Worker("", "calib", _calib),
    "gpleiss' loop": Worker("torchmetrics", "torch", _gpleiss),
    "torchmetrics": Worker("torchmetrics", "torchmetrics", _torchmetrics),
    "torch-uncertainty": Worker("torch-uncertainty", "torch-uncertainty", _torch_uncertainty),
    "probmetrics": Worker("probmetrics", "probmetrics", _probmetrics),
    "relplot": Worker("relplot", "relplot", _relplot),
    "netcal": Worker("netcal", "netcal", _netcal),
    "uncertainty-calibration": Worker("uncertainty-calibration", "uncertainty-calibration", _uncertainty_calibration),
    "calibre": Worker("calibre", "calibre", _calibre),
    "MAPIE (14 bins)": Worker("mapie", "mapie", _mapie),
    "practical limit: numpy": Worker("torchmetrics", "numpy", _limit_numpy),
    "practical limit: torch": Worker("torchmetrics", "torch", _limit_torch),
}

if __name__ == "__main__":
    run("benchmarks.peers", __doc__, TASKS, WORKERS)
