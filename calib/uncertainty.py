"""What sampling alone does to a calibration error: consistency resampling."""

import numpy as np

from calib._arrays import BLOCK_ENTRIES, Bool, Float, Int
from calib._checks import check_level, check_resamples, generator
from calib._sums import sums_by
from calib.arguments import as_outcomes, unweighted
from calib.binning import Binning, bin_index, bins_of, equal_width_edges
from calib.curve import calibration_curve
from calib.histogram import LogOddsHistogram
from calib.metrics.ranking import Ranking
from calib.outcomes import Outcomes
from calib.predictions import ArrayLike, Of, Predictions

CELLS_PER_BIN = 256  # confidences within 1/256 of a bin share a binomial draw, so that the cost does not grow with n
WEIGHT_LEVELS = 8  # a factor of 2 between weights
_LIGHTEST = 60  # powers of 2 below the heaviest, from where on a weight is as good as none
NORMAL_FROM = 25.0  # variance of a bin's number of right answers from which its normal limit is off by less than 0.5 %


def ece_null(
    predictions: Predictions | Outcomes | ArrayLike,
    labels: ArrayLike | None = None,
    *,
    n_bins: int = 15,
    resamples: int = 1000,
    seed: int = 0,
    binning: Binning = "equal-width",
    of: Of = "predicted",
) -> Float:
    """ECE of data sets drawn as if the model were perfectly calibrated: same confidences, same n.  ``(resamples,)``.

    Their mean is the null expectation of ECE; an ECE below it is noise.  Their quantile is the critical value of a
    test of calibration.  The weight of right answers in a bin is drawn from its normal limit where that is as near as
    with 100 fair coins, else from binomials; weights within 9 % of each other share one.  Other arguments as for
    `calib.ece`.  Sample weights are used.  Raises `InputError` for bad input.  Source: Bröcker & Smith (2007), with the
    confidences kept instead of resampled.

    >>> bool(abs(ece_null([[0.75, 0.25]] * 4, [0, 0, 0, 1]).mean() - 0.158) < 0.01)  # E|X − 3| / 4 of a binomial X
    True
    """
    outcomes = as_outcomes(predictions, labels, of=of)
    weight = outcomes.relative_mass
    index = bins_of(outcomes, n_bins, binning)[0]
    return np.asarray(
        np.abs(_residual_sums(outcomes, weight, index, n_bins, resamples, seed)).sum(axis=1) / weight.sum()
    )


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
    weight = outcomes.relative_mass
    index = bin_index(outcomes.confidence, equal_width_edges(n_bins))
    draws = _residual_sums(outcomes, weight, index, n_bins, resamples, seed)
    curve = calibration_curve(outcomes, n_bins=n_bins)
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
    mass = sums_by(index, weight, n_bins)
    held = np.where(mass > 0, mass, 1.0)
    return np.clip(curve.mean_confidence + low / held, 0, 1), np.clip(curve.mean_confidence + high / held, 0, 1)


def corp_consistency(
    predictions: Predictions | Outcomes | ArrayLike,
    labels: ArrayLike | None = None,
    *,
    level: float = 0.95,
    resamples: int = 200,
    seed: int = 0,
    of: Of = "predicted",
) -> tuple[Float, Float]:
    """Where the isotonic curve of a calibrated model with these confidences runs: lower and upper ends, ``(m,)``.

    One entry a distinct forecast, as in `calib.corp`: the consistency band of its diagram, each forecast by itself.
    An isotonic fit bends to noise, most where examples are few: there the band is wide.  Refuses sample weights.
    Arguments otherwise as for `ece_null`.  Raises `InputError` for bad input.  Source: Dimitriadis, Gneiting & Jordan
    (2021), with the confidences kept instead of resampled.

    >>> low, high = corp_consistency([[0.5, 0.5]] * 100, [0] * 100, resamples=1000)
    >>> [round(float(end[0]), 1) for end in (low, high)]  # 0.5 ± 1.96 · 0.05
    [0.4, 0.6]
    """
    from scipy.optimize import isotonic_regression

    check_level(level)
    check_resamples(resamples)
    ranking = Ranking.of(unweighted(as_outcomes(predictions, labels, of=of), "corp_consistency"))
    confidence, count = ranking.confidence[::-1], ranking.count[::-1]
    shares = generator(seed).binomial(count, confidence, size=(resamples, len(count))) / count
    fits = [isotonic_regression(share, weights=count).x for share in shares]
    low, high = np.quantile(fits, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high


def ece_null_from(histogram: LogOddsHistogram, *, n_bins: int = 15, resamples: int = 1000, seed: int = 0) -> Float:
    """`ece_null` of examples of which a histogram is left: cells lie in the bin of their mean.

    The examples of a cell count as its effective ones (Kish 1965), all of one weight; without weights they are they.
    """
    check_resamples(resamples)
    rng = generator(seed)
    mean, unit = histogram.confidence, histogram.squares / histogram.mass
    largest = unit.max()  # only ratios of weights count
    unit, mass = unit / largest, histogram.mass / largest
    index = bin_index(mean, equal_width_edges(n_bins))
    draws, rare = _normal_sums(index, unit, mass * unit * mean * (1 - mean), (resamples, n_bins), rng)
    if rare.any():
        count = np.maximum(np.rint(mass / unit), 1.0).astype(np.int64)
        _sum_binomials(draws, index[rare], count[rare], mean[rare], unit[rare], rng)
    return np.asarray(np.abs(draws).sum(axis=1) / mass.sum())


def _residual_sums(outcomes: Outcomes, weight: Float, index: Int, n_bins: int, resamples: int, seed: int) -> Float:
    """Weight of right answers − its expectation a bin, drawn as if every confidence were true, ``(resamples, b)``."""
    check_resamples(resamples)
    rng = generator(seed)
    counted = slice(None) if outcomes.weight is None else weight > 0
    confidence, weight, index = outcomes.confidence[counted], weight[counted], index[counted]
    draws, rare = _normal_sums(index, weight, weight**2 * confidence * (1 - confidence), (resamples, n_bins), rng)
    if rare.any():
        _draw_binomials(confidence[rare], weight[rare], index[rare], draws, rng)
    return draws


def _normal_sums(
    index: Int, unit: Float, spread: Float, shape: tuple[int, int], rng: np.random.Generator
) -> tuple[Float, Bool]:
    """Draws of each bin's sum from its normal limit, and which entries lie in bins too small for that.

    ``unit`` is the weight of one example of an entry and ``spread`` the variance of what the entry adds.
    """
    variance = sums_by(index, spread, shape[1])
    fourth = sums_by(index, unit**2 * spread, shape[1])
    small: Bool = (variance**2 < NORMAL_FROM * fourth) | (variance == 0)
    return rng.standard_normal(shape) * np.sqrt(variance), small[index]


def _draw_binomials(confidence: Float, weight: Float, index: Int, draws: Float, rng: np.random.Generator) -> None:
    """Replace the columns of the bins of ``index``; rows of a bin alike in confidence and weight share a draw."""
    cells = draws.shape[1] * CELLS_PER_BIN
    fine = index * cells + bin_index(confidence, np.arange(cells + 1) / cells)
    with np.errstate(divide="ignore"):
        level = np.minimum(-WEIGHT_LEVELS * np.log2(weight), _LIGHTEST * WEIGHT_LEVELS).astype(np.int64)
    kinds = _LIGHTEST * WEIGHT_LEVELS + 1
    cell, inverse, count = np.unique(fine * kinds + level, return_inverse=True, return_counts=True)
    mean = np.minimum(np.bincount(inverse, weights=confidence) / count, 1.0)
    unit = np.sqrt(np.bincount(inverse, weights=weight**2) / count)
    _sum_binomials(draws, cell // (kinds * cells), count, mean, unit, rng)


def _sum_binomials(draws: Float, index: Int, count: Int, mean: Float, unit: Float, rng: np.random.Generator) -> None:
    """Draw the right answers of each cell and sum them up a bin; ``index``, the bins of the cells, does not fall."""
    bins, first_of_bin = np.unique(index, return_index=True)
    step = max(1, BLOCK_ENTRIES // len(count))
    for start in range(0, len(draws), step):
        some = draws[start : start + step]
        residual = (rng.binomial(count, mean, size=(len(some), len(count))) - count * mean) * unit
        some[:, bins] = np.add.reduceat(residual, first_of_bin, axis=1)
