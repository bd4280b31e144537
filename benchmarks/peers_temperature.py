"""Fitting one temperature against other packages: ``python -m benchmarks.peers_temperature [--scale 0.01]``.

The same arrays, two threads, each package in its own environment, as in `benchmarks.peers`.  The true T is 1.5.  T is
shown with ten digits: it counts as right where it agrees with the plain search in float64 to 1e-6.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks._harness import THREADS, Worker, as_tensors, run

TASKS = {
    "temperature, 10 k × 10": ("temperature", 10_000, 10),
    "temperature, 50 k × 1000": ("temperature", 50_000, 1000),
    "temperature, 1 M × 10": ("temperature", 1_000_000, 10),
    "temperature, 1 M × 100": ("temperature", 1_000_000, 100),
}


def _calib(kind: str, arrays: dict[str, Any]) -> Callable[[], float]:
    import calib

    logits, labels = arrays["logits"], arrays["labels"]
    return lambda: calib.TemperatureScaling.fit(calib.Predictions.from_logits(logits, labels)).temperature


def _calib_and_torch(kind: str, arrays: dict[str, Any]) -> Callable[[], float]:
    """The same in a process that has torch loaded, as those of most peers have: it uses torch's exponentials then."""
    import torch

    torch.set_num_threads(THREADS)
    return _calib(kind, arrays)


def _plain(kind: str, arrays: dict[str, Any]) -> Callable[[], float]:
    """Brent's method on the slope of NLL in log β, in float64, in blocks: slow, obvious, and what T is held against."""
    from scipy.optimize import brentq

    logits, labels = arrays["logits"], arrays["labels"]

    def slope(log_beta: float) -> float:
        total = 0.0
        for start in range(0, len(labels), 5000):
            block = logits[start : start + 5000].astype(np.float64)
            block -= block.max(axis=1, keepdims=True)
            weights = np.exp(np.exp(log_beta) * block)
            expected = (weights * block).sum(axis=1) / weights.sum(axis=1)
            total += (expected - block[np.arange(len(block)), labels[start : start + 5000]]).sum()
        return float(total)

    return lambda: float(np.exp(-brentq(slope, -2, 2, xtol=1e-12)))


def _scikit_learn(kind: str, arrays: dict[str, Any]) -> Callable[[], float]:
    from sklearn.calibration import _TemperatureScaling  # type: ignore[import-not-found]

    logits, labels = arrays["logits"], arrays["labels"]
    return lambda: 1 / float(_TemperatureScaling().fit(logits, labels).beta_)


def _probmetrics(kind: str, arrays: dict[str, Any]) -> Callable[[], float]:
    from probmetrics.calibrators.temperature_scaling import (  # type: ignore[import-not-found]
        TemperatureScalingCalibrator,
    )
    from probmetrics.distributions import CategoricalLogits  # type: ignore[import-not-found]

    given = as_tensors(arrays)

    def once() -> float:
        fitted = TemperatureScalingCalibrator()
        fitted.fit_torch(CategoricalLogits(given["logits"]), given["labels"])
        return 1 / float(fitted.invtemp_)

    return once


def _calibstats(kind: str, arrays: dict[str, Any]) -> Callable[[], float]:
    from calibstats import TemperatureScaler  # type: ignore[import-not-found]

    return lambda: float(TemperatureScaler().fit(arrays["logits"], arrays["labels"]).temperature_)


def _netcal(kind: str, arrays: dict[str, Any]) -> Callable[[], float]:
    from netcal.scaling import TemperatureScaling  # type: ignore[import-not-found]

    labels = arrays["labels"]

    def once() -> float:
        logits = arrays["logits"].astype(np.float64)  # in float32 it returns 1
        probs = np.exp(logits - logits.max(axis=1, keepdims=True))
        fitted = TemperatureScaling().fit(probs / probs.sum(axis=1, keepdims=True), labels)
        return 1 / float(np.ravel(fitted.temperature)[0])

    return once


def _gpleiss(kind: str, arrays: dict[str, Any]) -> Callable[[], float]:
    import torch

    given = as_tensors(arrays)

    def once() -> float:
        temperature = torch.nn.Parameter(torch.full((1,), 1.5))
        optimizer = torch.optim.LBFGS([temperature], lr=0.01, max_iter=50)

        def step() -> torch.Tensor:
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(given["logits"] / temperature, given["labels"])
            loss.backward()  # type: ignore[no-untyped-call]
            return loss

        optimizer.step(step)  # type: ignore[no-untyped-call]
        return float(temperature.detach())

    return once


WORKERS = {
    "calib, torch loaded": Worker("", "calib", _calib_and_torch),
    "calib": Worker("", "calib", _calib),
    "plain search in float64": Worker("scikit-learn", "scipy", _plain),
    "scikit-learn": Worker("scikit-learn", "scikit-learn", _scikit_learn),
    "probmetrics": Worker("probmetrics", "probmetrics", _probmetrics),
    "calibstats": Worker("calibstats", "calibstats", _calibstats),
    "netcal, float64": Worker("netcal", "netcal", _netcal),
    "gpleiss (starts at the truth)": Worker("torchmetrics", "torch", _gpleiss),
}

if __name__ == "__main__":
    run("benchmarks.peers_temperature", __doc__, TASKS, WORKERS, true_temperature=1.5, digits=10)
