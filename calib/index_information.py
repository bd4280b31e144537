"""How much a network's answer to an augmented image says of which image it was: the estimate of Müller et al."""

import math

import numpy as np

from calib._arrays import Float
from calib.errors import InputError

ROWS = 256  # of the table of all pairs that are looked at together


def index_information(draws: Float, means: Float, *, variance: float | None = None) -> float:
    """Mutual information in nats between the index of an example and one number that a noisy network makes of it.

    ``draws (n,)`` has that number for one random augmentation of each example, ``means (n,)`` its mean over others.
    Given the index, the number is taken for normal with that mean and one ``variance`` for all, by default the mean of
    (draws − means)²:

    I = mean_x [ −(y_x − μ_x)²/2σ² − ln mean_x' exp(−(y_x − μ_x')²/2σ²) ]

    At most ln n, which it is where every example has a value of its own, ln 2 for two tight clusters of equal size, 0
    where all have the same.  The mean over x' runs over the means alone and y_x stays: the formula as printed has one
    letter for both, and read so it is never above 0, whatever the network does (Jensen).  With few examples the
    estimate can fall below 0.  A variance of 0 gives its limit.

    Raises `InputError` for arrays of other shapes, values that are not finite and a negative variance.  Source: Müller
    et al. (2019), section 4, with the index of the inner sum corrected.

    >>> round(index_information(np.array([0.0, 0.1, 9.0, 9.1]), np.array([0.05, 0.05, 9.05, 9.05])), 6)  # ln 2
    0.693147
    """
    y, mu = np.asarray(draws, dtype=np.float64), np.asarray(means, dtype=np.float64)
    if y.ndim != 1 or y.shape != mu.shape or not len(y):
        raise InputError(
            f"draws and means must have one shape (n,), got {y.shape} and {mu.shape}", help="pass one number an example"
        )
    if not (np.isfinite(y).all() and np.isfinite(mu).all()):
        raise InputError("draws or means are not finite", help="leave out what the network did not answer")
    spread = float(np.mean((y - mu) ** 2)) if variance is None else variance
    if not spread >= 0:
        raise InputError(f"a variance is at least 0, got {spread}", help="leave it out to estimate it")
    total = 0.0
    for start in range(0, len(y), ROWS):
        rows = slice(start, start + ROWS)
        own = (y[rows] - mu[rows]) ** 2
        # relative to the own mean: exp(0) is then among the terms and nothing underflows to ln 0
        others = (y[rows, None] - mu[None, :]) ** 2 - own[:, None]
        total -= float(_log_mean_exp(others, spread).sum())
    return total / len(y)


def _log_mean_exp(distances: Float, variance: float) -> Float:
    """Ln mean_x' exp(−d/2σ²) of each row; for σ = 0 its limit, the share of those that are not farther than the own."""
    if variance == 0:
        return np.where((distances < 0).any(axis=1), math.inf, np.log((distances <= 0).mean(axis=1)))
    exponents = -distances / (2 * variance)
    largest = exponents.max(axis=1, keepdims=True)
    return np.asarray(largest[:, 0] + np.log(np.exp(exponents - largest).mean(axis=1)))
