"""Confidence intervals of binned calibration errors: ECE, RMSCE and MCE of the population, not of the sample."""

from dataclasses import dataclass

import numpy as np

from calib._checks import check_level
from calib.arguments import as_outcomes
from calib.binning import bin_index, equal_width_edges
from calib.errors import InputError
from calib.inversion import BinSums, Inversion, Power
from calib.outcomes import Outcomes
from calib.predictions import ArrayLike, Of, Predictions

HIGHEST_LEVEL = 0.99  # whose tails hold five draws each


@dataclass(frozen=True)
class Interval:
    """An estimate and the limits of its confidence interval, which holds the true value with probability ``level``."""

    estimate: float
    low: float
    high: float
    level: float


def ece_interval(
    predictions: Predictions | Outcomes | ArrayLike,
    labels: ArrayLike | None = None,
    *,
    n_bins: int = 15,
    level: float = 0.95,
    seed: int = 0,
    of: Of = "predicted",
) -> Interval:
    """Confidence interval of the population's binned ECE, Σ_b |E[(confidence − correct) · 1{in bin b}]|.  In [0, 1].

    Takes `Predictions`, or probabilities ``(n, k)`` and labels ``(n,)``, or `Outcomes`; bins are those of `calib.ece`.
    The estimate is `calib.ece`, whose upward bias the limits account for: they do not lie symmetrically about it, and
    of a calibrated model it may even lie above both.  ``low`` is 0 unless chance alone explains so large an ECE with
    probability below (1 − level) / 2.  Sample weights count as Kish's effective number of examples, not as duplicates:
    their scale changes nothing.  Equal for equal seeds.  Raises `InputError` for bad input.  Source: Neyman's inversion
    of a test along a constrained parametric bootstrap.  Coverage measured at level 0.95: 0.936 to 0.988 from 1 to 30
    bins, 0.91 at 100 (docs/coverage.md).

    >>> interval = ece_interval([[0.8, 0.2]] * 100, [0] * 80 + [1] * 20)  # calibrated as exactly as can be
    >>> round(interval.estimate, 4), interval.low, bool(0.05 < interval.high < 0.11)
    (0.0, 0.0, True)
    """
    return interval_of_sums(_sums(predictions, labels, n_bins, of), level=level, seed=seed)


def rmsce_interval(
    predictions: Predictions | Outcomes | ArrayLike,
    labels: ArrayLike | None = None,
    *,
    n_bins: int = 15,
    level: float = 0.95,
    seed: int = 0,
    of: Of = "predicted",
) -> Interval:
    """Confidence interval of the population's root mean squared binned error, as `ece_interval` of ECE.  In [0, 1].

    The estimate is `calib.rmsce`.  Arguments, construction and errors as for `ece_interval`.  Measured coverage: see
    docs/coverage.md.

    >>> interval = rmsce_interval([[0.9, 0.1]] * 100, [0] * 70 + [1] * 30)  # one bin: that of its accuracy
    >>> round(interval.estimate, 4), bool(0.1 < interval.low < 0.12), bool(0.28 < interval.high < 0.31)
    (0.2, True, True)
    """
    return interval_of_sums(_sums(predictions, labels, n_bins, of), level=level, seed=seed, power=2)


def mce_interval(
    predictions: Predictions | Outcomes | ArrayLike,
    labels: ArrayLike | None = None,
    *,
    n_bins: int = 15,
    level: float = 0.95,
    of: Of = "predicted",
) -> Interval:
    """Confidence interval of the largest true gap among the bins that hold examples.  In [0, 1].

    The estimate is `calib.mce`.  Every bin's accuracy has an exact interval (Clopper & Pearson 1934) at a level that
    makes all of them hold at once (Bonferroni); the largest gaps they allow and demand are the limits.  So coverage is
    at least ``level``, usually more, and a bin of few examples makes ``high`` large, for that is all one can know.
    Sample weights count as in `ece_interval`.  Raises `InputError` for bad input.

    >>> interval = mce_interval([[0.9, 0.1]] * 100 + [[0.6, 0.4]], [0] * 70 + [1] * 30 + [0])  # the last one in a bin
    >>> [round(limit, 3) for limit in (interval.estimate, interval.low, interval.high)]
    [0.4, 0.102, 0.587]
    """
    from scipy.special import betaincinv

    sums = _sums(predictions, labels, n_bins, of)
    share, confidence, accuracy, count = sums.occupied()
    tail = (1 - check_level(level)) / 2 / len(share)
    right = count * accuracy
    wrong = count - right
    low = np.where(right > 0, betaincinv(np.maximum(right, 1e-9), wrong + 1, tail), 0.0)
    high = np.where(wrong > 0, betaincinv(right + 1, np.maximum(wrong, 1e-9), 1 - tail), 1.0)
    nearest = np.maximum(np.maximum(low - confidence, confidence - high), 0)
    furthest = np.maximum(confidence - low, high - confidence)
    return Interval(float(np.abs(confidence - accuracy).max()), float(nearest.max()), float(furthest.max()), level)


def _sums(predictions: Predictions | Outcomes | ArrayLike, labels: ArrayLike | None, n_bins: int, of: Of) -> BinSums:
    outcomes = as_outcomes(predictions, labels, of=of)
    return BinSums.of(outcomes, bin_index(outcomes.confidence, equal_width_edges(n_bins)), n_bins)


def interval_of_sums(sums: BinSums, *, level: float = 0.95, seed: int = 0, power: Power = 1) -> Interval:
    """The interval of ECE, or of RMSCE (``power=2``), from sums over bins, whatever they are.  Raises `InputError`."""
    if check_level(level) > HIGHEST_LEVEL:
        raise InputError(f"level must be at most {HIGHEST_LEVEL}, got {level}", help="its tails are drawn, 1000 times")
    inversion = Inversion.of(sums, seed, power)
    tail = (1 - level) / 2
    return Interval(inversion.plug_in, inversion.error_at(1 - tail), inversion.error_at(tail), level)
