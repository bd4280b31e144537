"""Metrics of ranks and kernels from a histogram of log-odds, each with a bound on how far off it can be."""

from dataclasses import dataclass

import numpy as np

from calib._arrays import Float
from calib.binning import check_bins, share_to_bin
from calib.histogram import LogOddsHistogram
from calib.metrics.smooth import fixed_point

KERNEL_CURVATURE = 4 * np.exp(-0.5) / np.sqrt(2 * np.pi)  # ∫ |K''| of a Gaussian of width 1: E |Z² − 1|
NUMERICS = 2e-6  # smooth_ece itself is right to 1e-6


@dataclass(frozen=True)
class Bounded:
    """A number and how far the one computed from the examples themselves can be from it."""

    value: float
    bound: float


def auroc_from(histogram: LogOddsHistogram) -> Bounded:
    """`calib.auroc`: pairs of one cell count one half, and could count nothing or all.

    >>> from calib.outcomes import Outcomes
    >>> auroc_from(LogOddsHistogram.of(Outcomes.from_confidence([0.9, 0.7, 0.8], [True, False, True]))).value
    1.0
    """
    wrong, right = histogram.wrong[0], histogram.right[0]
    if wrong.sum() == 0 or right.sum() == 0:
        return Bounded(float("nan"), float("nan"))
    wrong, right = wrong / wrong.sum(), right / right.sum()
    undecided = float((right * wrong).sum()) / 2
    below = np.cumsum(wrong) - wrong
    return Bounded(float((right * below).sum()) + undecided, undecided + 1e-12)


def aurc_from(histogram: LogOddsHistogram) -> Bounded:
    """`calib.aurc` of data without weights: the wrong ones of a cell may be its first or its last.

    After k answers of a cell of m, w of them wrong, the errors before it have grown by k·w/m on average, by at least
    max(0, k − (m − w)) and at most min(k, w).  Harmonic sums replace the single answers.
    """
    wrong, right = histogram.wrong[0][::-1], histogram.right[0][::-1]
    count = wrong + right
    answered, errors = np.cumsum(count) - count, np.cumsum(wrong) - wrong
    before = errors * _harmonic(answered, count)
    mean = before + wrong / count * _ramp(answered, count)
    best = before + _ramp(answered + right, wrong)
    worst = before + _ramp(answered, wrong) + wrong * _harmonic(answered + wrong, right)
    n = float(count.sum())
    value = float(mean.sum() / n)
    return Bounded(value, max(value - float(best.sum() / n), float(worst.sum() / n) - value, 0.0) + 1e-9)


def ks_error_from(histogram: LogOddsHistogram) -> Bounded:
    """`calib.ks_error`: running sums at the ends of cells; in between they can stray by what a cell holds."""
    total = histogram.mass.sum()
    up, down = _residuals(histogram)
    sums = np.concatenate([[0.0], np.cumsum(up - down)]) / total
    value = float(np.abs(sums).max())
    highest, lowest = (sums[:-1] + up / total).max(), (sums[:-1] - down / total).min()
    return Bounded(value, max(float(max(highest, -lowest)) - value, 0.0) + 1e-12)


def equal_mass_ece_from(histogram: LogOddsHistogram, *, n_bins: int = 15) -> Bounded:
    """`calib.ece` in bins of equal mass: cells go whole to the bin of their middle.

    Where a cell holds a cut, what it holds may belong to either side: each of two bins is off by that at most, and
    their sum not at all where both lean so far to one side that it cannot turn them.
    """
    check_bins(n_bins)
    upper = np.cumsum(histogram.mass)
    total = upper[-1]
    middle = share_to_bin((upper - histogram.mass / 2) / total, n_bins)
    up, down = _residuals(histogram)
    sums = np.bincount(middle, weights=up - down, minlength=n_bins)
    first, last = (share_to_bin(end / total, n_bins) for end in (upper - histogram.mass, upper))
    astray = np.where(last > first + 1, up + down, np.maximum(up, down)) * (last > first)
    doubt = np.bincount(first, weights=astray, minlength=n_bins) + np.bincount(last, weights=astray, minlength=n_bins)
    lean = np.where(np.abs(sums) > doubt, np.sign(sums), 0.0)
    harmless = (last <= first + 1) & (lean[first] != 0) & (lean[first] == lean[last])
    return Bounded(float(np.abs(sums).sum() / total), float(2 * astray[~harmless].sum() / total) + 1e-12)


def smooth_ece_from(histogram: LogOddsHistogram) -> Bounded:
    """`calib.smooth_ece`: the residuals of a cell, right and wrong ones apart, are put at their centre.

    The kernel's curvature bounds what that changes: D / s² in the error at width s, D = ½ · E|Z² − 1| · Σ |residual| ·
    (half a cell)².  The error never rises with s, so its crossing with s, found at v, lies between the two x, below and
    above v, at which |v − x| x² = D.
    """
    total = histogram.mass.sum()
    low, high = histogram.limits
    masses = (histogram.wrong[1], histogram.right[0] - histogram.right[1])  # Σ c of wrong ones, Σ (1 − c) of right ones
    moments = (histogram.wrong[2], histogram.right[1] - histogram.right[2])
    positions, residuals = [], []
    for mass, moment, sign in zip(masses, moments, (1.0, -1.0), strict=True):
        held = mass > 0
        positions.append(np.clip(moment[held] / mass[held], low[held], high[held]))
        residuals.append(sign * mass[held] / total)
    residual = np.concatenate(residuals)
    value = fixed_point(np.concatenate(positions), residual)
    width = high - low
    off = KERNEL_CURVATURE / 8 * float(sum((mass * width**2).sum() for mass in masses)) / total
    lowest = float(abs(residual.sum()))
    return Bounded(value, _astray(value, off, lowest) + NUMERICS)


def _astray(value: float, off: float, lowest: float) -> float:
    """How far from ``value`` the true crossing can lie; it is never below ``lowest``, nor above 1."""
    if off == 0:
        return 0.0
    below = 9 / 4 * off / value**2 if 27 * off < 4 * value**3 else np.inf  # x is 2/3 of v or more, or anything
    above = min(off / value**2 if value else np.inf, off ** (1 / 3))  # x ≥ v, and x ≥ x − v
    return float(max(min(below, value - lowest), min(above, 1 - value)))


def _residuals(histogram: LogOddsHistogram) -> tuple[Float, Float]:
    """What each cell adds to a running sum of confidence − correct, and what it takes away."""
    return histogram.wrong[1], np.asarray(np.maximum(histogram.right[0] - histogram.right[1], 0.0))


def _harmonic(start: Float, length: Float) -> Float:
    """Σ 1 / (start + k) over k = 1 … length."""
    from scipy.special import psi

    return np.asarray(psi(start + length + 1) - psi(start + 1))


def _ramp(start: Float, length: Float) -> Float:
    """Σ k / (start + k) over k = 1 … length."""
    return np.asarray(length - start * _harmonic(start, length))
