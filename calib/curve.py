"""The calibration curve: per-bin sums from which ECE, its kin and the reliability diagram are read."""

from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

import numpy as np

from calib._arrays import Float, Int, Scratch, blocks
from calib._blocks import in_threads
from calib._checks import check_level, refuse_weights
from calib._html import curve_html
from calib._sums import ratio, sums_by
from calib.arguments import as_outcomes
from calib.binning import Binning, Closed, bin_index, bins_of
from calib.errors import InputError
from calib.outcomes import Outcomes
from calib.predictions import ArrayLike, Of, Predictions

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = 4  # numbers a row, as far as the size of blocks goes: 131,072 rows


@dataclass(frozen=True, eq=False)
class CalibrationCurve:
    """Sums a bin of a confidence and its outcome: the table behind a reliability diagram.

    ``edges`` ``(b + 1,)`` ascend from 0 to 1; bin i is (edges[i], edges[i + 1]], or [edges[i], edges[i + 1]) where
    ``closed`` is "left"; 0 belongs to the first bin and 1 to the last.  ``count``, ``confidence_sum`` and
    ``correct_sum`` are ``(b,)``; where examples had weights the sums are weighted, and ``weight`` is theirs.  Means of
    an empty bin are NaN.  Curves on equal edges add up: ``a + b`` is the curve of both data sets.
    """

    edges: Float
    count: Int
    confidence_sum: Float
    correct_sum: Float
    weight: Float | None = None
    closed: Closed = "right"

    @property
    def n(self) -> int:
        """Number of examples; every one lies in exactly one bin."""
        return int(self.count.sum())

    @property
    def mass(self) -> Float:
        """Weight a bin, ``(b,)``: the count where examples had no weights."""
        return self.count.astype(np.float64) if self.weight is None else self.weight

    @property
    def mean_confidence(self) -> Float:
        """Mean confidence a bin, ``(b,)``."""
        return self._mean(self.confidence_sum)

    @property
    def accuracy(self) -> Float:
        """Share of correct predictions a bin, ``(b,)``."""
        return self._mean(self.correct_sum)

    @property
    def gap(self) -> Float:
        """Mean confidence − accuracy a bin, ``(b,)``; positive where overconfident."""
        return self._mean(self.confidence_sum - self.correct_sum)

    @property
    def ece(self) -> float:
        """Expected calibration error, Σ (n_b / n) |gap_b|, in [0, 1] (Guo et al. 2017, eq. 3)."""
        return float(np.abs(self.confidence_sum - self.correct_sum).sum() / self.mass.sum())

    @property
    def rmsce(self) -> float:
        """Root mean squared calibration error, √Σ (n_b / n) gap_b², in [0, 1] (Hendrycks et al. 2019)."""
        return float(np.sqrt(np.nansum(self.mass * self.gap**2) / self.mass.sum()))

    @property
    def mce(self) -> float:
        """Maximum calibration error, max |gap_b| over bins that hold examples, in [0, 1] (Guo et al. 2017, eq. 5)."""
        return float(np.nanmax(np.abs(self.gap)))

    @property
    def average_calibration_error(self) -> float:
        """Unweighted mean of |gap_b| over bins that hold examples, in [0, 1] (Neumann et al. 2018)."""
        return float(np.nanmean(np.abs(self.gap)))

    @property
    def debiased_squared_ce(self) -> float:
        """See `calib.debiased_squared_ce`.  Raises `InputError` where examples had weights."""
        refuse_weights(self.weight, "debiased_squared_ce")
        several = self.count > 1
        count, accuracy, gap = self.count[several], self.accuracy[several], self.gap[several]
        return float((count * (gap**2 - accuracy * (1 - accuracy) / (count - 1))).sum() / self.n)

    def accuracy_interval(self, level: float = 0.95) -> tuple[Float, Float]:
        """Wilson interval of the accuracy a bin, two arrays ``(b,)``; NaN in empty bins.

        Confidence bars around the estimate, each bin by itself.  With weights the effective number of examples is not
        known from the sums: raises `InputError`, as for a level outside (0, 1).  Source: Wilson (1927).
        """
        from scipy.special import ndtri

        check_level(level)
        if self.weight is not None:
            raise InputError("no Wilson interval is known for weighted examples", help="leave the weights out")
        z2 = float(ndtri((1 + level) / 2)) ** 2
        with np.errstate(invalid="ignore"):
            centre = (self.correct_sum + z2 / 2) / (self.count + z2)
            half = np.sqrt(z2 * (self.accuracy * (1 - self.accuracy) * self.count + z2 / 4)) / (self.count + z2)
        empty = np.where(self.count > 0, 0.0, np.nan)
        return np.maximum(centre - half, 0) + empty, np.minimum(centre + half, 1) + empty

    def table(self) -> "pd.DataFrame":
        """One row a bin: its edges, n, mean confidence, accuracy with its Wilson interval, and gap."""
        import pandas as pd

        low, high = self.accuracy_interval() if self.weight is None else (np.full(len(self.count), np.nan),) * 2
        return pd.DataFrame(
            {
                "lower_edge": self.edges[:-1],
                "upper_edge": self.edges[1:],
                "n": self.count,
                "mean_confidence": self.mean_confidence,
                "accuracy": self.accuracy,
                "accuracy_low": low,
                "accuracy_high": high,
                "gap": self.gap,
            }
        )

    def __add__(self, other: "CalibrationCurve") -> "CalibrationCurve":
        """The curve of both data sets.  Raises `InputError` where the edges or their sides differ."""
        if not np.array_equal(self.edges, other.edges) or self.closed != other.closed:
            raise InputError("curves on different edges cannot be added", help="use one n_bins and equal-width bins")
        weighted = self.weight is not None or other.weight is not None
        return CalibrationCurve(
            self.edges,
            self.count + other.count,
            self.confidence_sum + other.confidence_sum,
            self.correct_sum + other.correct_sum,
            self.mass + other.mass if weighted else None,
            self.closed,
        )

    def _repr_html_(self) -> str:
        return curve_html(self)

    def _mean(self, sums: Float) -> Float:
        return ratio(sums, self.mass, empty=np.nan)


def calibration_curve(
    predictions: Predictions | Outcomes | ArrayLike,
    labels: ArrayLike | None = None,
    *,
    n_bins: int = 15,
    binning: Binning = "equal-width",
    closed: Closed = "right",
    of: Of = "predicted",
) -> CalibrationCurve:
    """Sum confidence and correctness in ``n_bins`` bins.

    Takes `Predictions`, probabilities ``(n, k)`` and labels ``(n,)``, or `Outcomes`; ``of`` is the event: that the
    predicted class is right, or that the label is class ``of``.  Equal-width bins are (a, b] as in Guo et al. (2017),
    or [a, b) with ``closed="left"``.  Equal-mass bins pool ties and are cut by rank.  Sample weights are used.  Raises
    `InputError` for bad input.

    >>> curve = calibration_curve([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]], [0, 1, 1], n_bins=2)
    >>> curve.count.tolist(), round(float(curve.gap[1]), 4)
    ([0, 3], 0.1)
    """
    outcomes = as_outcomes(predictions, labels, of=of, ranked=binning != "equal-width")
    if binning == "equal-mass":
        return binned(outcomes, *bins_of(outcomes, n_bins, binning, closed), closed)
    edges, scratch = bins_of(outcomes[:1], n_bins, binning, closed)[1], Scratch()

    def curve(some: Outcomes) -> CalibrationCurve:
        return binned(some, bin_index(some.confidence, edges, closed=closed, scratch=scratch), edges, closed, scratch)

    def curves(parts: list[slice]) -> list[CalibrationCurve]:  # equal-width bins do not depend on the other rows
        return [curve(outcomes[rows]) for rows in parts]

    return reduce(add, in_threads(curves, list(blocks(outcomes.n, _COLUMNS))))


def binned(
    outcomes: Outcomes, index: Int, edges: Float, closed: Closed = "right", scratch: Scratch | None = None
) -> CalibrationCurve:
    """The curve of outcomes whose bins are known."""
    n_bins, weight = len(edges) - 1, outcomes.weight
    pair = np.add(index, index, out=(scratch or Scratch()).array("pair", index.shape, np.int64))
    pair += outcomes.correct
    count = np.bincount(pair, minlength=2 * n_bins).reshape(n_bins, 2)
    if weight is None:
        confidence = sums_by(index, outcomes.confidence, n_bins)
        return CalibrationCurve(edges, count.sum(axis=1), confidence, count[:, 1].astype(np.float64), None, closed)
    columns = (weight * outcomes.confidence, weight * outcomes.correct, weight)
    confidence, correct, mass = (sums_by(index, column, n_bins) for column in columns)
    return CalibrationCurve(edges, count.sum(axis=1), confidence, correct, mass, closed)
