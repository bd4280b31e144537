"""What sampling alone does to a calibration error: consistency resampling."""

import numpy as np

from calib._arrays import Float, generator
from calib.binning import bin_index, equal_width_edges
from calib.errors import InputError
from calib.predictions import ArrayLike, Predictions, as_predictions

CELLS_PER_BIN = 256  # confidences within 1/256 of a bin share a binomial draw, so that the cost does not grow with n


def ece_null(
    predictions: Predictions | ArrayLike,
    labels: ArrayLike | None = None,
    *,
    n_bins: int = 15,
    resamples: int = 1000,
    seed: int = 0,
) -> Float:
    """ECE of data sets drawn as if the model were perfectly calibrated: same confidences, same n.  ``(resamples,)``.

    Their mean is the null expectation of ECE; an ECE below it is noise.  Their quantile is the critical value of a
    test of calibration.  Arguments otherwise as for `calib.ece`.  Raises `InputError` for bad input.  Source: Bröcker
    & Smith (2007), with the confidences kept instead of resampled.

    >>> bool(abs(ece_null([[0.75, 0.25]] * 4, [0, 0, 0, 1]).mean() - 0.158) < 0.01)  # E|X − 3| / 4 of a binomial X
    True
    """
    equal_width_edges(n_bins)  # raises for a bad number of bins before it is multiplied
    if resamples < 1:
        raise InputError(f"resamples must be at least 1, got {resamples}", help="1000 is the usual number")
    rng = generator(seed)
    confidence = as_predictions(predictions, labels).outcomes.confidence
    fine = bin_index(confidence, equal_width_edges(n_bins * CELLS_PER_BIN))
    cell, inverse, count = np.unique(fine, return_inverse=True, return_counts=True)
    mean = np.minimum(np.bincount(inverse, weights=confidence) / count, 1.0)
    first_of_bin = np.unique(cell // CELLS_PER_BIN, return_index=True)[1]
    draws = np.empty(resamples)
    for i in range(resamples):
        residual = rng.binomial(count, mean) - count * mean
        draws[i] = np.abs(np.add.reduceat(residual, first_of_bin)).sum() / len(confidence)
    return draws
