"""Confidence intervals of what two models differ by on the same examples."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from calib._arrays import Float, Int
from calib._checks import check_level, check_some_weight, generator
from calib.arguments import as_outcomes
from calib.binning import bin_index, equal_width_edges
from calib.errors import InputError
from calib.intervals import Interval
from calib.inversion import BinSums, Inversion
from calib.outcomes import Outcomes
from calib.predictions import ArrayLike, Of, Predictions
from calib.resampling import accelerated, mean_interval

RESAMPLES = 1000  # for the correlation of two plug-in errors, whose standard error is then at most 0.03


def paired_interval(
    metric: Callable[[Outcomes], float],
    a: Predictions | Outcomes,
    b: Predictions | Outcomes,
    *,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
    of: Of = "predicted",
) -> Interval:
    """Confidence interval of metric(a) − metric(b) for two models on the same examples, in the same order.

    Rows are resampled for both at once (BCa), so what the examples share cancels.  For the metrics of
    `calib.bootstrap_interval`; a difference of ECEs has `ece_difference_interval`.  ``of=1`` asks about P(y = 1).
    Raises `InputError` where labels, weights or numbers of rows differ, and as `calib.bootstrap_interval` does.

    >>> a = Outcomes.from_confidence([0.9, 0.8, 0.7, 0.6] * 50, [1, 1, 0, 1] * 50)
    >>> paired_interval(lambda some: some.mean(some.correct), a, a)
    Interval(estimate=0.0, low=0.0, high=0.0, level=0.95)
    """
    first, second = _paired_outcomes(a, b, of)
    return accelerated(lambda rows: metric(first[rows]) - metric(second[rows]), first.n, level, resamples, seed)


def ece_difference_interval(
    a: Predictions | Outcomes,
    b: Predictions | Outcomes,
    *,
    n_bins: int = 15,
    level: float = 0.95,
    seed: int = 0,
    of: Of = "predicted",
) -> Interval:
    """Confidence interval of the difference in population ECE, a − b, of two models on the same examples.

    The intervals of both (`calib.ece_interval`) are combined about their median-unbiased errors by the distances to
    their limits and the correlation of the two plug-in errors (MOVER, Zou & Donner 2008), which counts only where both
    errors are told from 0 or it widens the interval.  The estimate is the difference of the plug-in errors, which the
    bias of either may put outside.  Raises `InputError` where labels, weights or numbers of rows differ.  Approximate:
    docs/coverage.md has the measured coverage.

    >>> over = Outcomes.from_confidence([0.9] * 400, [1] * 280 + [0] * 120)  # ECE 0.2
    >>> mild = Outcomes.from_confidence([0.8] * 400, [1] * 280 + [0] * 120)  # ECE 0.1, from the same answers
    >>> interval = ece_difference_interval(over, mild)
    >>> round(interval.estimate, 4), bool(0.09 < interval.low < 0.1 < interval.high < 0.11)
    (0.1, True)
    """
    edges = equal_width_edges(n_bins)
    outcomes = _paired_outcomes(a, b, of)
    check_level(level)
    if all(
        np.array_equal(getattr(outcomes[0], name), getattr(outcomes[1], name)) for name in ("confidence", "correct")
    ):
        return Interval(0.0, 0.0, 0.0, level)
    bins = [bin_index(each.confidence, edges) for each in outcomes]
    sums = [BinSums.of(each, index, n_bins) for each, index in zip(outcomes, bins, strict=True)]
    first, second = (_Limits.of(each, level, seed) for each in sums)
    shared = _correlation(outcomes, bins, sums, [first.curve, second.curve], seed)
    if first.low == 0 or second.low == 0:  # what is not told from 0 grows with noise of either sign: nothing cancels
        shared = min(shared, 0.0)
    middle = first.middle - second.middle
    low = middle - _combined(first.down, second.up, shared)
    high = middle + _combined(first.up, second.down, shared)
    estimate = first.plug_in - second.plug_in
    # No error is negative, so none lies further below the other than that one's upper limit.
    return Interval(estimate, max(low, -second.high), min(high, first.high), level)


def mean_difference_interval(
    a: ArrayLike, b: ArrayLike, sample_weight: Float | None = None, *, level: float = 0.95
) -> Interval:
    """Confidence interval of mean(a) − mean(b) of two columns ``(n,)`` of the same examples, such as their NLL.

    Of several pairs of columns, ``(m, n)`` each, an example's differences are averaged first.  0, 0, 0 where all are 0,
    NaN where both means are infinite.  Raises `InputError` as `calib.mean_interval` does.
    """
    check_some_weight(sample_weight)
    first, second = (np.atleast_2d(np.asarray(side, np.float64)) for side in (a, b))
    counted = np.ones(first.shape[1], bool) if sample_weight is None else sample_weight > 0
    if np.isinf(first[:, counted]).any() and np.isinf(second[:, counted]).any():
        return Interval(float("nan"), float("nan"), float("nan"), level)  # ∞ − ∞
    with np.errstate(invalid="ignore"):
        difference = np.where(counted, (first - second).mean(axis=0), 0.0)
    if not difference.any():
        return Interval(0.0, 0.0, 0.0, level)
    return mean_interval(difference, sample_weight=sample_weight, level=level)


@dataclass(frozen=True, eq=False)
class _Limits:
    """One model's plug-in and median-unbiased error, the limits about it, and the curve of the median-unbiased one."""

    plug_in: float
    middle: float
    low: float
    high: float
    curve: Float

    @classmethod
    def of(cls, sums: BinSums, level: float, seed: int) -> "_Limits":
        tail = (1 - check_level(level)) / 2
        test = Inversion.of(sums, seed)
        middle = test.error_at(0.5)
        low, high = test.error_at(1 - tail), test.error_at(tail)
        return cls(test.plug_in, middle, low, high, test.curve(middle)[:, 0])

    @property
    def up(self) -> float:
        """How far the true error may lie above the middle."""
        return max(self.high - self.middle, 0.0)

    @property
    def down(self) -> float:
        """How far it may lie below; a limit that 0 cut off says less than the opposite one."""
        return max(self.middle - self.low, 0.0 if self.low > 0 else self.up)


def _combined(a: float, b: float, correlation: float) -> float:
    return float(np.sqrt(max(a**2 + b**2 - 2 * correlation * a * b, 0.0)))


def _correlation(
    outcomes: tuple[Outcomes, Outcomes], bins: list[Int], sums: list[BinSums], curves: list[Float], seed: int
) -> float:
    """Correlation of both plug-in errors when rows are resampled jointly and the truth is ``curves``, on held bins.

    About the data themselves it would come out too high: what chance made has a sign there, a true zero has none.
    """
    # Rows that share both bins and both answers go together.
    cell = np.unique(np.stack([*bins, *(each.correct for each in outcomes)]), axis=1, return_inverse=True)[1].ravel()
    first = np.unique(cell, return_index=True)[1]
    count = np.bincount(cell)
    drawn = generator(seed).multinomial(len(cell), count / len(cell), size=RESAMPLES) - count
    moved = []
    for each, index, own, curve in zip(outcomes, bins, sums, curves, strict=True):
        parts = np.zeros((len(first), len(own.mass)))
        parts[np.arange(len(first)), index[first]] = np.bincount(cell, weights=each.residual * each.mass) / count
        errors = np.abs(curve + (drawn @ parts)[:, own.mass > 0] / own.mass.sum()).sum(axis=1)
        moved.append(errors - errors.mean())
    scale = np.sqrt((moved[0] @ moved[0]) * (moved[1] @ moved[1]))
    return float(moved[0] @ moved[1] / scale) if scale > 0 else 0.0


def _paired_outcomes(
    a: Predictions | Outcomes, b: Predictions | Outcomes, of: Of = "predicted"
) -> tuple[Outcomes, Outcomes]:
    """The outcomes of both models.  Raises `InputError` where they cannot be of the same examples."""
    for given in (a, b):
        if not isinstance(given, Predictions | Outcomes):
            raise InputError(
                f"Predictions or Outcomes are needed, got {type(given).__name__}",
                help="wrap it: Predictions.from_probs(probs, labels)",
            )
    if a.n != b.n:
        raise InputError(f"the models have {a.n} and {b.n} examples", help="pass both on the same rows")
    if isinstance(a, Predictions) and isinstance(b, Predictions) and not np.array_equal(a.labels, b.labels):
        row = int(np.argmax(a.labels != b.labels))
        raise InputError(
            f"the labels of the models differ in row {row}", help="pass both on the same rows, in one order"
        )
    first, second = as_outcomes(a, of=of), as_outcomes(b, of=of)
    if not np.array_equal(first.mass, second.mass):
        raise InputError("the sample weights of the models differ", help="give both the same weights")
    return first, second


def same_examples(a: Predictions, b: Predictions) -> bool:
    """Whether labels and weights are the same, row by row; more is not known of the examples."""
    first, second = (np.ones(one.n) if one.sample_weight is None else one.sample_weight for one in (a, b))
    return np.array_equal(a.labels, b.labels) and np.array_equal(first, second)
