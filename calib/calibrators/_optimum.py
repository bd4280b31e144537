"""The β = 1/T at which NLL is lowest: a root of its slope, found in few reads of the predictions."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from calib.calibrators._likelihood import Likelihood, Limits, Moments

SAMPLE_ENTRIES = 100_000  # of large data, the first guess comes from as many entries
SAMPLE_ROWS = 500  # or from as many rows, if that is more
MOST_READS = 8  # before the search falls back on a bracket
_FAR = 700.0  # log β beyond the range of float64
_FLAT = 1e-300  # keeps a step finite where the slope does not change


def optimum(likelihood: Likelihood) -> tuple[float, Moments | None, Limits]:
    """Return NLL at β = 1, the moments at the best β, to about eleven digits of it, and what NLL does at both ends.

    There are no moments where NLL has no lowest point at a finite β > 0.

    Predictions that are kept in memory are searched by ``scipy.optimize``.  Larger ones start from the optimum of a
    sample of rows: the first read, in float32 where the logits are no longer, makes a step of Newton's in log β; the
    next, in float64, together with the first, fixes the root by inverse interpolation with derivatives.
    """
    start = 1.0 if likelihood.small else _guess(likelihood)
    at_one, first, limits = likelihood.first(start, exact=likelihood.small)
    sizes = abs(limits.lowest), abs(limits.highest)
    if not likelihood.small and min(sizes) < 1e-4 * max(sizes):  # float32 cannot tell it from 0
        at_one, first, limits = likelihood.first(start)
    if not (limits.possible and limits.lowest < 0 < limits.highest):
        return at_one, None, limits
    best = None if likelihood.small else _polished(likelihood, first)
    if best is None:
        beta = bracketed_root(lambda beta: _slope_and_curvature(likelihood, beta))
        if not 1e-300 < beta < 1e300:
            return at_one, None, limits
        best = likelihood.at(beta)
    if not likelihood.small and at_one - best.nll < 1e-6 * abs(best.nll):  # too little for what float32 tells apart
        at_one = likelihood.at(1.0).nll
    return at_one, replace(best, nll=min(best.nll, at_one)), limits


def _guess(likelihood: Likelihood) -> float:
    """The best β of evenly spaced rows, or 1 where they have none."""
    sample = likelihood.sample(max(SAMPLE_ROWS, SAMPLE_ENTRIES // likelihood.predictions.n_classes))
    _, _, limits = sample.first(1.0)
    if not (limits.possible and limits.lowest < 0 < limits.highest):
        return 1.0
    beta = bracketed_root(lambda beta: _slope_and_curvature(sample, beta), digits=4)
    return beta if 1e-300 < beta < 1e300 else 1.0


def _slope_and_curvature(likelihood: Likelihood, beta: float) -> tuple[float, float]:
    moments = likelihood.at(beta)
    return moments.slope, moments.curvature


def _polished(likelihood: Likelihood, first: Moments) -> Moments | None:
    """Moments at the best β from a good guess; None where the steps do not settle."""
    before, last, exact = None, first, False
    for _ in range(MOST_READS):
        newton = _newton(last)
        step = newton if before is None or abs(newton) < 1e-6 else _interpolated(before, last)
        if not abs(step) < 3:
            return None
        error = abs(step) if before is None else abs(step * (np.log(before.beta / last.beta) - step))
        if exact and (abs(newton) < 1e-6 or error**2 < 1e-11):
            return _moved(before, last, step)
        before, last, exact = last, likelihood.at(float(last.beta * np.exp(step))), True
    return None


def _newton(at: Moments) -> float:
    """Newton's step on the slope, in log β."""
    return -at.slope / max(at.beta * at.curvature, _FLAT)


def _interpolated(before: Moments, last: Moments) -> float:
    """The step in log β from ``last`` to where the cubic through both, log β as a function of the slope, is at 0."""
    width = last.slope - before.slope
    if width == 0:
        return _newton(last)
    t = -before.slope / width
    far = np.log(before.beta / last.beta)  # log β of ``before``; that of ``last`` is 0
    rise_before, rise_last = (width / max(at.beta * at.curvature, _FLAT) for at in (before, last))
    return float((1 + 2 * t) * (1 - t) ** 2 * far + t * (1 - t) ** 2 * rise_before + t**2 * (t - 1) * rise_last)


def _moved(before: Moments | None, last: Moments, step: float) -> Moments:
    """The moments at a root so near that two terms of their series are enough."""
    beta = float(last.beta * np.exp(step))
    change = beta - last.beta
    curvature, squares = last.curvature, last.squares
    if before is not None and before.beta != last.beta:
        share = change / (last.beta - before.beta)
        if abs(share) < 1:  # beyond that it is noise
            curvature += share * (last.curvature - before.curvature)
            squares += share * (last.squares - before.squares)
    return Moments(beta, last.nll + change * last.slope / 2, 0.0, curvature, squares)


def bracketed_root(slope_and_curvature: Callable[[float], tuple[float, float]], *, digits: int = 12) -> float:
    """The β > 0 at which the slope of NLL, which increases from below 0 at 0 to above 0 at ∞, crosses zero.

    Newton's method in log β takes about six steps from β = 1; where it does not settle (far away it overshoots) the
    root is bracketed and found by Brent's.
    """
    from scipy.optimize import brentq, root_scalar

    tolerance = 10.0**-digits

    def slope_and_change(log_beta: float) -> tuple[float, float]:
        beta = float(np.exp(np.clip(log_beta, -_FAR, _FAR)))
        slope, curvature = slope_and_curvature(beta)
        return slope, max(beta * curvature, _FLAT)

    def slope_at(log_beta: float) -> float:
        return slope_and_curvature(float(np.exp(log_beta)))[0]

    newton = root_scalar(slope_and_change, x0=0.0, fprime=True, method="newton", xtol=tolerance, maxiter=10)
    if newton.converged and abs(newton.root) < _FAR:
        return float(np.exp(newton.root))
    inner, direction = 0.0, -1.0 if slope_at(0.0) > 0 else 1.0
    outer, step = direction, 1.0
    while slope_at(outer) * direction < 0:
        inner, step = outer, 2 * step
        outer += direction * step
        if abs(outer) > _FAR:
            return float(np.exp(outer))
    ends = min(inner, outer), max(inner, outer)
    return float(np.exp(brentq(slope_at, *ends, xtol=tolerance, rtol=max(tolerance, 1e-14))))
