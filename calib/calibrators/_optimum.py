"""The β = 1/T at which NLL is lowest: a root of its slope, found in few reads of the predictions."""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import numpy as np

from calib.calibrators._likelihood import Likelihood, Limits, Moments

SAMPLE_ENTRIES = 100_000  # of large data, the first guess comes from as many entries
SAMPLE_ROWS = 500  # or from as many rows, if that is more
MOST_READS = 12  # before the search falls back on scipy's
_NEAR = 1e-6  # a step of Newton's in log β after which eleven digits are right
_NARROW = 3e-7  # what float32 may make of a mean logit, relative to it
_LONGEST = 2.0  # step in log β: from far away Newton overshoots
_FAR = 700.0  # log β beyond the range of float64
_FLAT = 1e-300  # keeps a step finite where the slope does not change


class Nll(Protocol):
    """Mean NLL as a function of β that can be read at any: `Likelihood`, or one of predictions in parts."""

    @property
    def small(self) -> bool: ...

    @property
    def n_classes(self) -> int: ...

    @property
    def effective(self) -> float: ...

    reads: int

    def sample(self, rows: int) -> Likelihood: ...

    def at(self, beta: float, *, exact: bool = True) -> Moments: ...

    def first(self, beta: float, *, exact: bool = True) -> tuple[float, Moments, Limits]: ...


def optimum(likelihood: Nll) -> tuple[float, Moments | None, Limits]:
    """Return NLL at β = 1, the moments at the best β, to about eleven digits of it, and what NLL does at both ends.

    There are no moments where NLL has no lowest point at a finite β > 0.

    The first read makes a step of Newton's in log β; from the second on, the last two fix the root by inverse
    interpolation with derivatives, which takes two or three reads from a good start.  Predictions too large to be kept
    in memory start from the optimum of a sample of rows, and the first read is in float32 where their logits are no
    longer.  Where the steps do not settle, ``scipy.optimize`` searches in a bracket.
    """
    start = 1.0 if likelihood.small else _guess(likelihood)
    at_one, first, limits = likelihood.first(start, exact=likelihood.small)
    sizes = abs(limits.lowest), abs(limits.highest)
    if not likelihood.small and min(sizes) < 1e-4 * max(sizes):  # float32 cannot tell it from 0
        at_one, first, limits = likelihood.first(start)
    if not (limits.possible and limits.lowest < 0 < limits.highest):
        return at_one, None, limits
    best = _polished(likelihood, first, doubt=0.0 if likelihood.small else _NARROW * limits.highest)
    if best is None:
        beta = bracketed_root(lambda beta: likelihood.at(beta).slope)
        if not 1e-300 < beta < 1e300:
            return at_one, None, limits
        best = likelihood.at(beta)
    if not likelihood.small and at_one - best.nll < 1e-6 * abs(best.nll):  # too little for what float32 tells apart
        at_one = likelihood.at(1.0).nll
    return at_one, replace(best, nll=min(best.nll, at_one)), limits


def _guess(likelihood: Nll) -> float:
    """The best β of evenly spaced rows, or 1 where they have none."""
    sample = likelihood.sample(max(SAMPLE_ROWS, SAMPLE_ENTRIES // likelihood.n_classes))
    _, first, limits = sample.first(1.0)
    if not (limits.possible and limits.lowest < 0 < limits.highest):
        return 1.0
    best = _polished(sample, first)
    return 1.0 if best is None else best.beta


def _polished(likelihood: Nll, first: Moments, *, doubt: float = 0.0) -> Moments | None:
    """Moments at the best β, from ``first`` at a guess; None where the steps do not settle.

    ``doubt`` is what the slope of ``first`` may be wrong by, for want of digits.
    """
    before, last, exact = None, first, likelihood.small
    low, high = -np.inf, np.inf  # of log β
    for _ in range(MOST_READS):
        here, newton = np.log(last.beta), _newton(last)
        low, high = (here, high) if last.slope < 0 else (low, here)
        step = newton if before is None or abs(newton) < _NEAR else _interpolated(before, last)
        if abs(newton) >= _NEAR and not (abs(step) <= _LONGEST and low < here + step < high):
            inside = np.isfinite(low) and np.isfinite(high)
            step = (low + high) / 2 - here if inside else np.clip(newton, -_LONGEST, _LONGEST)
        elif exact:
            far = 1.0 if before is None else np.log(before.beta) - here
            wrong = (
                0.0 if before is None or far == 0 else 3 * doubt / (before.beta * before.curvature) * (step / far) ** 2
            )
            if abs(newton) < _NEAR or ((step * (far - step)) ** 2 < 1e-11 and wrong < 1e-10 and before is not None):
                beta = float(last.beta * np.exp(step))
                return likelihood.at(beta) if likelihood.small else _moved(before, last, beta)
        doubt = doubt if before is None else 0.0
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


def _moved(before: Moments | None, last: Moments, beta: float) -> Moments:
    """The moments at a root so near that two terms of their series are enough."""
    change, curvature = beta - last.beta, last.curvature
    if before is not None and before.beta != last.beta:
        share = change / (last.beta - before.beta)
        if abs(share) < 1:  # beyond that it is noise
            between = curvature + share * (last.curvature - before.curvature)
            curvature = between if between >= 0 else curvature
    return Moments(beta, last.nll + change * last.slope / 2, 0.0, curvature, last.squares)


def bracketed_root(slope: Callable[[float], float]) -> float:
    """The β > 0 at which the slope of NLL, which increases from below 0 at 0 to above 0 at ∞, crosses zero.

    A bracket in log β, widened from β = 1 by doubling, and Brent's method in it.
    """
    from scipy.optimize import brentq

    inner, direction = 0.0, -1.0 if slope(1.0) > 0 else 1.0
    outer, step = direction, 1.0
    while slope(float(np.exp(outer))) * direction < 0:
        inner, step = outer, 2 * step
        outer += direction * step
        if abs(outer) > _FAR:
            return float(np.exp(outer))
    ends = min(inner, outer), max(inner, outer)
    return float(np.exp(brentq(lambda log_beta: slope(float(np.exp(log_beta))), *ends, xtol=1e-12, rtol=1e-14)))
