"""What sampling alone does to a calibration error: consistency resampling."""

import numpy as np

from calib._arrays import Float, generator
from calib.binning import bin_index, equal_width_edges
from calib.errors import InputError
from calib.outcomes import Outcomes
from calib.predictions import ArrayLike, Of, Predictions, as_outcomes, unweighted

CELLS_PER_BIN = 256  # confidences within 1/256 of a bin share a binomial draw, so that the cost does not grow with n
NORMAL_FROM = 25.0  # variance of a bin's number of right answers from which its normal limit is off by less than 0.5 %


def ece_null(
    predictions: Predictions | Outcomes | ArrayLike,
    labels: ArrayLike | None = None,
    *,
    n_bins: int = 15,
    resamples: int = 1000,
    seed: int = 0,
    of: Of = "predicted",
) -> Float:
    """ECE of data sets drawn as if the model were perfectly calibrated: same confidences, same n.  ``(resamples,)``.

    Their mean is the null expectation of ECE; an ECE below it is noise.  Their quantile is the critical value of a
    test of calibration.  The number of right answers in a bin is drawn from its normal limit where its variance is at
    least 25, else from binomials.  Takes no sample weights; other arguments as for `calib.ece`.  Raises `InputError`
    for bad input.  Source: Bröcker & Smith (2007), with the confidences kept instead of resampled.

    >>> bool(abs(ece_null([[0.75, 0.25]] * 4, [0, 0, 0, 1]).mean() - 0.158) < 0.01)  # E|X − 3| / 4 of a binomial X
    True
    """
    edges = equal_width_edges(n_bins)
    if resamples < 1:
        raise InputError(f"resamples must be at least 1, got {resamples}", help="1000 is the usual number")
    rng = generator(seed)
    outcomes = unweighted(as_outcomes(predictions, labels, of=of), "ece_null")
    confidence = outcomes.confidence
    index = bin_index(confidence, edges)
    variance = np.bincount(index, weights=confidence * (1 - confidence), minlength=n_bins)
    smooth = variance >= NORMAL_FROM
    draws = np.abs(rng.standard_normal((resamples, int(smooth.sum())))) @ np.sqrt(variance[smooth])
    rare = ~smooth[index]
    if rare.any():
        draws += _binomial_draws(confidence[rare], n_bins, resamples, rng)
    return np.asarray(draws / outcomes.n)


def _binomial_draws(confidence: Float, n_bins: int, resamples: int, rng: np.random.Generator) -> Float:
    """Σ over bins of |right answers − their expectation|, ``(resamples,)``."""
    fine = bin_index(confidence, np.arange(n_bins * CELLS_PER_BIN + 1) / (n_bins * CELLS_PER_BIN))
    cell, inverse, count = np.unique(fine, return_inverse=True, return_counts=True)
    mean = np.minimum(np.bincount(inverse, weights=confidence) / count, 1.0)
    first_of_bin = np.unique(cell // CELLS_PER_BIN, return_index=True)[1]
    draws = np.empty(resamples)
    for i in range(resamples):
        residual = rng.binomial(count, mean) - count * mean
        draws[i] = np.abs(np.add.reduceat(residual, first_of_bin)).sum()
    return draws
