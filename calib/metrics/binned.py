"""Calibration errors from equal-width bins of the predicted class's confidence."""

from calib.curve import calibration_curve
from calib.predictions import ArrayLike, Predictions


def ece(predictions: Predictions | ArrayLike, labels: ArrayLike | None = None, *, n_bins: int = 15) -> float:
    """Expected calibration error of the predicted class.  [0, 1]; lower is better.

    Takes `Predictions`, or probabilities ``(n, k)`` (``(n,)`` = P(y = 1)) and labels ``(n,)``.  Bins are (a, b], 0 is
    in the first and 1.0 in the last.  A calibrated model scores above 0 at finite n: see
    `calib.ece_null`.  Raises `InputError` for bad input.  Source: Guo et al. (2017), eq. 3.

    >>> round(ece([[0.9, 0.1], [0.2, 0.8]], [0, 1]), 4)
    0.15
    """
    return calibration_curve(predictions, labels, n_bins=n_bins).ece


def mce(predictions: Predictions | ArrayLike, labels: ArrayLike | None = None, *, n_bins: int = 15) -> float:
    """Maximum calibration error over the bins that hold examples.  [0, 1]; lower is better.

    Arguments as for `ece`.  One example in a bin is enough to set it: a diagnostic, not a score.  Raises `InputError`
    for bad input.  Source: Guo et al. (2017), eq. 5.

    >>> round(mce([[0.9, 0.1], [0.2, 0.8]], [0, 1]), 4)
    0.2
    """
    return calibration_curve(predictions, labels, n_bins=n_bins).mce
