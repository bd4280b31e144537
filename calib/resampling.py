"""Confidence intervals of means, and of smooth functions of the examples by the bootstrap."""

from collections.abc import Callable

import numpy as np

from calib._arrays import Float, Int, to_numpy
from calib._checks import check_level, check_resamples, check_some_weight, generator, weights
from calib.arguments import as_outcomes
from calib.errors import InputError
from calib.intervals import Interval
from calib.outcomes import Outcomes
from calib.predictions import ArrayLike, Of, Predictions

FEWEST = 20  # resamples, below which there are no tails
GROUPS = 200  # the acceleration of BCa needs no more: its own noise stays below 0.004


def mean_interval(values: ArrayLike, *, sample_weight: ArrayLike = None, level: float = 0.95) -> Interval:
    """Confidence interval of the mean of a column ``(n,)``, such as ``outcomes.nll``, ``.brier``, ``.residual``.

    Zeros and ones, such as ``outcomes.correct``, get Wilson's (1927) interval; anything else Student's, corrected for
    skewness (Hall 1992), which a loss needs.  Sample weights enter by the variance of the weighted mean, for Wilson as
    Kish's effective number of examples: their scale changes nothing.  An infinite loss makes all three numbers
    infinite. Raises `InputError` for bad input and for a single number that is not 0 or 1.

    >>> interval = mean_interval([1, 1, 1, 0])
    >>> interval.estimate, round(interval.low, 4), round(interval.high, 4)
    (0.75, 0.3006, 0.9544)
    """
    check_level(level)
    column = to_numpy(values)
    if column.ndim != 1 or len(column) == 0 or column.dtype.kind not in "fiub":
        raise InputError(
            f"a column of numbers (n,) is needed, got shape {column.shape} of dtype {column.dtype}",
            help="pass one column of the outcomes, for instance predictions.outcomes.nll",
        )
    column = column.astype(np.float64)
    if np.isnan(column).any():
        raise InputError(f"row {int(np.argmax(np.isnan(column)))} holds NaN", help="mend or drop it")
    mass = weights(sample_weight, len(column))
    check_some_weight(mass)
    if mass is not None:
        column, mass = column[mass > 0], mass[mass > 0]
    if np.isposinf(column).any() and np.isneginf(column).any():
        raise InputError("the column holds ∞ and −∞, whose mean is unknown", help="find out where they come from")
    mean = float(np.average(column, weights=mass))
    share = np.full(len(column), 1 / len(column)) if mass is None else mass / mass.sum()
    if ((column == 0) | (column == 1)).all():
        return _wilson(mean, float(1 / (share @ share)), level)
    return _student(mean, column, share, level)


def _wilson(mean: float, n: float, level: float) -> Interval:
    from scipy.special import ndtri

    z2 = float(ndtri((1 + level) / 2)) ** 2
    centre = (mean + z2 / (2 * n)) / (1 + z2 / n)
    half = np.sqrt(z2 / n * (mean * (1 - mean) + z2 / (4 * n))) / (1 + z2 / n)
    return Interval(mean, max(float(centre - half), 0.0), min(float(centre + half), 1.0), level)


def _student(mean: float, column: Float, share: Float, level: float) -> Interval:
    from scipy.special import stdtrit

    if np.isinf(mean):
        return Interval(mean, mean, mean, level)
    n = 1 / float(share @ share)
    if n - 1 < 1e-6:
        raise InputError("one number has no spread to judge it by", help="pass at least two examples that count")
    parts = share * (column - mean)
    unit = float(np.abs(parts).max())
    if unit == 0:
        return Interval(mean, mean, mean, level)
    parts /= unit  # so that no power of them leaves the range of float64
    length = float(np.sqrt(parts @ parts))
    skew, spread = float((parts**3).sum()) / length**3, length * unit  # those of the mean
    quantile = float(stdtrit(n - 1, (1 + level) / 2))
    error = spread * float(np.sqrt(n / (n - 1)))
    return Interval(mean, mean - error * _unskewed(quantile, skew), mean - error * _unskewed(-quantile, skew), level)


def _unskewed(quantile: float, skew: float) -> float:
    """The quantile of a studentised mean of skewed data: the inverse of Hall's cubic."""
    if abs(skew) < 1e-6:
        return quantile
    return float(3 / skew * (np.cbrt(1 + skew * (quantile - skew / 6)) - 1))


def bootstrap_interval(
    metric: Callable[[Outcomes], float],
    predictions: Predictions | Outcomes | ArrayLike,
    labels: ArrayLike | None = None,
    *,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
    of: Of = "predicted",
) -> Interval:
    """Confidence interval of a metric by resampling rows: bias-corrected and accelerated (BCa).

    For metrics that change smoothly with the data: ``calib.auroc``, ``calib.aurc``, differences and ratios of means.
    Means themselves have `mean_interval`.  Not for metrics that cannot be negative and have a bias, such as ECE and KS:
    near 0 this interval misses the truth; ECE has `ece_interval`.  Rows keep their sample weights.  Resamples on which
    the metric is NaN are left out.  The metric gets `Outcomes`, so those of whole distributions (class-wise, SKCE)
    cannot be had this way; a lambda passes options.  Raises `InputError` for bad input, and where the metric is not
    finite on the data or on half of the resamples.  Source: Efron (1987).

    >>> outcomes = Outcomes.from_confidence([0.9, 0.8, 0.7, 0.6] * 50, [1, 1, 0, 1] * 50)
    >>> interval = bootstrap_interval(lambda some: some.mean(some.correct), outcomes)
    >>> interval.estimate, bool(0.67 < interval.low < 0.7), bool(0.79 < interval.high < 0.83)
    (0.75, True, True)
    """
    outcomes = as_outcomes(predictions, labels, of=of)
    if outcomes.weight is not None:
        outcomes = outcomes[outcomes.weight > 0]  # a resample of nothing else would have no weight
    return accelerated(lambda rows: metric(outcomes[rows]), outcomes.n, level, resamples, seed)


def accelerated(statistic: Callable[[Int], float], n: int, level: float, resamples: int, seed: int) -> Interval:
    """The BCa interval of a statistic of row numbers."""
    from scipy.special import ndtr, ndtri

    check_level(level)
    check_resamples(resamples)
    if resamples < FEWEST:
        raise InputError(
            f"an interval takes at least {FEWEST} resamples, got {resamples}", help="1000 is the usual number"
        )
    rng = generator(seed)
    estimate = float(statistic(np.arange(n)))
    draws = np.array([statistic(rng.integers(n, size=n)) for _ in range(resamples)])
    draws = draws[np.isfinite(draws)]
    if not np.isfinite(estimate) or 2 * len(draws) < resamples:
        raise InputError(
            f"the metric is {estimate:g} on the data and finite on {len(draws)} of {resamples} resamples",
            help="too few examples of one kind, or an infinite loss: mean_interval is for means",
        )
    if (draws == draws[0]).all():
        return Interval(estimate, min(estimate, float(draws[0])), max(estimate, float(draws[0])), level)
    rank = (np.sum(draws < estimate) + np.sum(draws == estimate) / 2 + 0.5) / (len(draws) + 1)
    shift, acceleration = ndtri(rank), _acceleration(statistic, rng.permutation(n))
    tails = shift + ndtri(np.array([(1 - level) / 2, (1 + level) / 2]))
    low, high = np.quantile(draws, ndtr(shift + tails / (1 - acceleration * tails)))
    return Interval(estimate, float(low), float(high), level)


def _acceleration(statistic: Callable[[Int], float], order: Int) -> float:
    """A sixth of the statistic's skewness, from leaving out one group of rows at a time."""
    groups = np.array_split(order, min(len(order), GROUPS))
    left_out = np.array([statistic(np.setdiff1d(order, group, assume_unique=True)) for group in groups])
    moved = np.mean(left_out[np.isfinite(left_out)]) - left_out[np.isfinite(left_out)]
    square = float((moved**2).sum())
    return float((moved**3).sum() / (6 * square**1.5)) if square > 0 else 0.0
