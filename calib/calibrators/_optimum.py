"""The β = 1/T at which NLL is lowest: a root of its slope, found in few reads of the predictions."""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import numpy as np

from calib.calibrators._likelihood import ORDER, Likelihood
from calib.calibrators._moments import Limits, Moments, taylor
from calib.errors import InputError

MOST_READS = 12  # before the search falls back on scipy's
MANY = 25_000  # rows of a sample that is so good a start that one derivative fewer is enough
_NEAR = 0.05  # relative change of β up to which a series may lead
_RIGHT = 4e-10  # what a series may leave out of β, relative to it, as far as that can be told
_ROUGH = 1e-6  # the same where β is a guess
_EXACT = 1e-13  # and where another read costs nothing
_LONGEST = 2.0  # step in log β: from far away Newton overshoots
_FAR = 700.0  # log β beyond the range of float64


class Nll(Protocol):
    """Mean NLL as a function of β that can be read at any: `Likelihood`, or one of predictions in parts."""

    @property
    def small(self) -> bool: ...

    @property
    def effective(self) -> float: ...

    reads: int

    def sample(self) -> Likelihood | None: ...

    def at(self, beta: float, order: int = ORDER) -> Moments: ...

    def first(self, beta: float, order: int = ORDER, *, at_one: bool) -> tuple[float, Moments, Limits]: ...


def optimum(likelihood: Nll, *, right: float = _RIGHT) -> tuple[float, Moments | None, Limits]:
    """Return NLL at β = 1, the moments at the best β, to about nine digits of it, and what NLL does at both ends.

    There are no moments where NLL has no lowest point at a finite β > 0.

    Predictions too large to be kept in memory start from the optimum of a sample of their rows, found likewise.  The
    slope there and its derivatives give the root by their series: from a good start one read is enough.  Where the
    steps do not settle, ``scipy.optimize`` searches in a bracket.
    """
    guess, order = (None, ORDER) if likelihood.small else _guess(likelihood)
    start = 1.0 if guess is None else guess.beta
    to_one = 1 / start - 1
    near = abs(to_one) <= _NEAR and (guess is None or guess.left_out(to_one) < _ROUGH)
    at_one, first, limits = likelihood.first(start, order, at_one=not near)
    if near:
        at_one = first.moved(to_one).nll if limits.possible else np.inf
    if not (limits.possible and limits.lowest < 0 < limits.highest):
        return at_one, None, limits
    best = _polished(likelihood, first, _EXACT if likelihood.small else right)
    if best is None:
        beta = bracketed_root(lambda beta: likelihood.at(beta, order=1).slope)
        if not 1e-300 < beta < 1e300:
            return at_one, None, limits
        best = likelihood.at(beta)
    if first.left_out(to_one) >= _ROUGH if near else not at_one - best.nll > _ROUGH * at_one:
        at_one = likelihood.at(1.0, order=1).nll  # what was found is too rough for the little that there is to gain
    return at_one, replace(best, nll=min(best.nll, at_one)), limits


def _guess(likelihood: Nll) -> tuple[Moments | None, int]:
    """The moments at the best β of a sample, None where there is neither, and the derivatives to ask for there."""
    try:
        sample = likelihood.sample()
        if sample is None:
            return None, ORDER
        return optimum(sample, right=_ROUGH)[1], ORDER - 1 if sample.effective >= MANY else ORDER
    except InputError:  # the whole has the same fault, and knows which row it is in
        return None, ORDER


def _polished(likelihood: Nll, at: Moments, right: float) -> Moments | None:
    """Moments at the best β, from those at a guess; None where steps do not settle."""
    low, high = -np.inf, np.inf  # of log β
    for _ in range(MOST_READS):
        change = _root(at.derivatives)
        if abs(change) < _NEAR and at.left_out(change) < right:
            return at.moved(change)
        here = np.log(at.beta)
        low, high = (here, high) if at.slope < 0 else (low, here)
        step = np.log1p(change) if abs(change) < 0.5 else -at.slope / max(at.curvature, 1e-300)
        if not (abs(step) <= _LONGEST and low < here + step < high):
            inside = np.isfinite(low) and np.isfinite(high)
            step = (low + high) / 2 - here if inside else np.clip(step, -_LONGEST, _LONGEST)
        at = likelihood.at(float(np.exp(here + step)))
    return None


def _root(derivatives: tuple[float, ...]) -> float:
    """The relative change of β at which the series of the slope is 0, by Newton's method; NaN where there is none."""
    change = 0.0
    for _ in range(20):
        curvature = taylor(derivatives[1:], change)
        step = taylor(derivatives, change) / curvature if curvature > 0 else np.nan
        change -= step
        if not abs(change) < 1:
            return np.nan
        if abs(step) < 1e-15:
            break
    return change


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
