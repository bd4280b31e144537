"""Bin edges and the calibration curve: per-bin sums from which ECE, its kin and the reliability diagram are read."""

from dataclasses import dataclass

import numpy as np

from calib._arrays import Bool, Float, Int
from calib.errors import InputError
from calib.predictions import ArrayLike, Predictions, as_predictions

MAX_BINS = 10_000


@dataclass(frozen=True, eq=False)
class CalibrationCurve:
    """Sums a bin of the predicted class's confidence: the table behind a reliability diagram.

    ``edges`` ``(b + 1,)`` ascend from 0 to 1; bin i is (edges[i], edges[i + 1]], 0 belongs to the first.  ``count``,
    ``confidence_sum`` and ``correct_sum`` are ``(b,)``.  Means of an empty bin are NaN.
    """

    edges: Float
    count: Int
    confidence_sum: Float
    correct_sum: Float

    @property
    def n(self) -> int:
        """Number of examples; every one lies in exactly one bin."""
        return int(self.count.sum())

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
        return float(np.abs(self.confidence_sum - self.correct_sum).sum() / self.n)

    @property
    def mce(self) -> float:
        """Maximum calibration error, max |gap_b| over bins that hold examples, in [0, 1] (Guo et al. 2017, eq. 5)."""
        return float(np.nanmax(np.abs(self.gap)))

    def _mean(self, sums: Float) -> Float:
        means: Float = np.divide(sums, self.count, out=np.full(len(sums), np.nan), where=self.count > 0)
        return means


def calibration_curve(
    predictions: Predictions | ArrayLike, labels: ArrayLike | None = None, *, n_bins: int = 15
) -> CalibrationCurve:
    """Bin the predicted class's confidence into ``n_bins`` of equal width.

    Takes `Predictions`, or probabilities ``(n, k)`` and labels ``(n,)``.  Bins are (a, b] as in Guo et al. (2017).
    Raises `InputError` for bad input.

    >>> curve = calibration_curve([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]], [0, 1, 1], n_bins=2)
    >>> curve.count.tolist(), round(float(curve.gap[1]), 4)
    ([0, 3], 0.1)
    """
    outcomes = as_predictions(predictions, labels).outcomes
    edges = equal_width_edges(n_bins)
    index = bin_index(outcomes.confidence, edges)
    return CalibrationCurve(
        edges=edges,
        count=np.bincount(index, minlength=n_bins),
        confidence_sum=_bin_sums(index, outcomes.confidence, n_bins),
        correct_sum=_bin_sums(index, outcomes.correct, n_bins),
    )


def equal_width_edges(n_bins: int) -> Float:
    """The float64 numbers nearest to i / n_bins: unlike those of ``linspace``, they are what 0.3 or 0.7 parse to.

    >>> float(equal_width_edges(10)[3]), float(np.linspace(0, 1, 11)[3])
    (0.3, 0.30000000000000004)
    """
    if isinstance(n_bins, bool) or not isinstance(n_bins, int | np.integer) or not 1 <= n_bins <= MAX_BINS:
        raise InputError(
            f"n_bins must be a whole number from 1 to {MAX_BINS:,}, got {n_bins!r}", help="15 is the usual choice"
        )
    return np.arange(n_bins + 1) / n_bins


def bin_index(confidence: Float, edges: Float) -> Int:
    """The bin (edges[i], edges[i + 1]] of each value; 0 goes to the first, what rounding left above 1 to the last."""
    index = np.searchsorted(edges, confidence, side="left") - 1
    return np.clip(index, 0, len(edges) - 2)


def _bin_sums(index: Int, values: Float | Bool, n_bins: int) -> Float:
    return np.bincount(index, weights=values, minlength=n_bins).astype(np.float64)
