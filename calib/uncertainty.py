"""What sampling alone does to a calibration error: consistency resampling."""

import numpy as np

from calib._arrays import BLOCK_ENTRIES, Float, check_level, check_resamples, generator
from calib.binning import bin_index, equal_width_edges
from calib.curve import calibration_curve
from calib.outcomes import Outcomes
from calib.predictions import ArrayLike, Of, Predictions, as_outcomes

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
    test of calibration.  The weight of right answers in a bin is drawn from its normal limit where its variance is that
    of 100 fair coins or more, else from binomials, with Kish's effective number of examples where there are sample
    weights.  Other arguments as for `calib.ece`.  Raises `InputError` for bad input.  Source: Bröcker & Smith (2007),
    with the confidences kept instead of resampled.

    >>> bool(abs(ece_null([[0.75, 0.25]] * 4, [0, 0, 0, 1]).mean() - 0.158) < 0.01)  # E|X − 3| / 4 of a binomial X
    True
    """
    outcomes = as_outcomes(predictions, labels, of=of)
    weight = _weights(outcomes)
    return np.asarray(np.abs(_residual_sums(outcomes, weight, n_bins, resamples, seed)).sum(axis=1) / weight.sum())


def consistency_interval(
    predictions: Predictions | Outcomes | ArrayLike,
    labels: ArrayLike | None = None,
    *,
    n_bins: int = 15,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
    of: Of = "predicted",
) -> tuple[Float, Float]:
    """Where each bin's accuracy falls for a calibrated model with these confidences: lower and upper ends, ``(b,)``.

    The consistency bars of a reliability diagram: they belong around the diagonal, at the bin's mean confidence, and an
    accuracy outside says that this bin is off.  Each bin is taken by itself; NaN where it holds no examples.  The bars
    around the estimate are `CalibrationCurve.accuracy_interval`.  Arguments otherwise as for `ece_null`.  Raises
    `InputError` for bad input.  Source: Bröcker & Smith (2007), with the confidences kept instead of resampled.

    >>> low, high = consistency_interval([[0.5, 0.5]] * 100, [0] * 100, n_bins=2)
    >>> [round(float(end[0]), 1) for end in (low, high)]  # 0.5 ± 1.96 · 0.05
    [0.4, 0.6]
    """
    check_level(level)
    outcomes = as_outcomes(predictions, labels, of=of)
    weight = _weights(outcomes)
    draws = _residual_sums(outcomes, weight, n_bins, resamples, seed)
    curve = calibration_curve(outcomes, n_bins=n_bins)
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
    mass = np.bincount(bin_index(outcomes.confidence, curve.edges), weights=weight, minlength=n_bins)
    held = np.where(mass > 0, mass, 1.0)
    return np.clip(curve.mean_confidence + low / held, 0, 1), np.clip(curve.mean_confidence + high / held, 0, 1)


def _weights(outcomes: Outcomes) -> Float:
    """Weights whose largest is 1: only their ratios matter."""
    return np.ones(outcomes.n) if outcomes.weight is None else outcomes.weight / outcomes.weight.max()


def _residual_sums(outcomes: Outcomes, weight: Float, n_bins: int, resamples: int, seed: int) -> Float:
    """Weight of right answers − its expectation a bin, drawn as if every confidence were true, ``(resamples, b)``."""
    edges = equal_width_edges(n_bins)
    check_resamples(resamples)
    rng = generator(seed)
    confidence = outcomes.confidence
    index = bin_index(confidence, edges)
    variance = np.bincount(index, weights=weight**2 * confidence * (1 - confidence), minlength=n_bins)
    draws: Float = rng.standard_normal((resamples, n_bins)) * np.sqrt(variance)
    squares = np.bincount(index, weights=weight**2, minlength=n_bins)
    unit = np.divide(
        squares, np.bincount(index, weights=weight, minlength=n_bins), out=np.ones(n_bins), where=squares > 0
    )
    rare = (variance < NORMAL_FROM * unit**2)[index] & (weight > 0)
    if rare.any():
        _draw_binomials(confidence[rare], weight[rare], draws, rng)
    return draws


def _draw_binomials(confidence: Float, weight: Float, draws: Float, rng: np.random.Generator) -> None:
    """Replace the columns of the bins of ``confidence``."""
    resamples, n_bins = draws.shape
    fine = bin_index(confidence, np.arange(n_bins * CELLS_PER_BIN + 1) / (n_bins * CELLS_PER_BIN))
    cell, inverse = np.unique(fine, return_inverse=True)
    mass = np.bincount(inverse, weights=weight)
    mean = np.minimum(np.bincount(inverse, weights=weight * confidence) / mass, 1.0)
    count = np.maximum(np.rint(mass**2 / np.bincount(inverse, weights=weight**2)), 1).astype(np.int64)
    bins, first_of_bin = np.unique(cell // CELLS_PER_BIN, return_index=True)
    step = max(1, BLOCK_ENTRIES // len(count))
    for start in range(0, resamples, step):
        some = draws[start : start + step]
        residual = (rng.binomial(count, mean, size=(len(some), len(count))) - count * mean) * (mass / count)
        some[:, bins] = np.add.reduceat(residual, first_of_bin, axis=1)
