"""Temperatures that minimise something else than NLL: Brier score or ECE on the fitted rows."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from calib.metrics.binned import ece
from calib.metrics.proper import brier, nll
from calib.predictions import Predictions

if TYPE_CHECKING:
    from calib.calibrators.temperature import Objective, TemperatureScaling

WIDEST = 50.0  # T is searched from 1/50 to 50 times the T of NLL
GRID = 65


def lowest(start: "TemperatureScaling", predictions: Predictions, objective: "Objective") -> "TemperatureScaling":
    """The T about that of ``start`` with the lowest objective: by a grid in log T, then Brent's method."""
    from scipy.optimize import minimize_scalar

    metric = brier if objective == "brier" else ece
    evaluations = 0

    def loss(log_ratio: float) -> float:
        nonlocal evaluations
        evaluations += 1
        return metric(replace(start, temperature=start.temperature * float(np.exp(log_ratio))).transform(predictions))

    grid = np.linspace(-np.log(WIDEST), np.log(WIDEST), GRID)
    losses = [loss(point) for point in grid]
    best = int(np.argmin(losses))
    if best in (0, GRID - 1):
        limit = 0.0 if best == 0 else np.inf
        return replace(start, temperature=1.0, status="no lowest point", limit=limit, reads=start.reads + evaluations)
    found = minimize_scalar(loss, bounds=(grid[best - 1], grid[best + 1]), method="bounded", options={"xatol": 1e-6})
    ratio = float(found.x) if found.fun <= losses[best] else float(grid[best])
    fitted = replace(start, temperature=start.temperature * float(np.exp(ratio)))
    return replace(fitted, nll_after=nll(fitted.transform(predictions)), reads=start.reads + evaluations + 1)
