"""Binned calibration errors without, or with less of, the bias that finite samples give them; each by its own name."""

import numpy as np

from calib._checks import check_resamples, generator
from calib._sums import sums_by
from calib.arguments import as_outcomes, unweighted
from calib.binning import Binning, bins_of
from calib.curve import calibration_curve
from calib.outcomes import Outcomes
from calib.predictions import ArrayLike, Of, Predictions


def debiased_squared_ce(
    predictions: Predictions | Outcomes | ArrayLike,
    labels: ArrayLike | None = None,
    *,
    n_bins: int = 15,
    binning: Binning = "equal-mass",
    of: Of = "predicted",
) -> float:
    """Squared l2 calibration error less the plug-in variance of each bin's accuracy.  [−1, 1]; lower is better.

    Σ (n_b / n) [gap_b² − a_b (1 − a_b) / (n_b − 1)], where a_b is the accuracy; bins of one example count 0.  Negative
    values are noise around 0; the authors report √max(0, ·).  Takes no sample weights; other arguments as for
    `calib.ece`.  Raises `InputError` for bad input.  Source: Kumar et al. (2019), section 5.

    >>> round(debiased_squared_ce([0.5, 0.5, 0.9, 0.9], [0, 1, 1, 1], n_bins=2, of=1), 6)  # (0 − 0.25 + 0.01 − 0) / 2
    -0.12
    """
    return calibration_curve(predictions, labels, n_bins=n_bins, binning=binning, of=of).debiased_squared_ce


def unbiased_squared_ce(
    predictions: Predictions | Outcomes | ArrayLike,
    labels: ArrayLike | None = None,
    *,
    n_bins: int = 15,
    binning: Binning = "equal-width",
    of: Of = "predicted",
) -> float:
    """Unbiased estimate of the squared l2 calibration error of given bins.  [−1, 1]; lower is better.

    Σ (n_b / n) [(Σ r)² − Σ r²] / (n_b (n_b − 1)) with r = confidence − correct: the mean product of two different
    examples of a bin, so it is 0 in mean for a calibrated model; bins of one example count 0.  Differs from
    `debiased_squared_ce` by how confidences vary within a bin.  Takes no sample weights; other arguments as for
    `calib.ece`.  Raises `InputError` for bad input.  Source: the statistic of Lee et al. (2022), a mean over pairs.

    >>> round(unbiased_squared_ce([0.5, 0.5, 0.9, 0.9], [0, 1, 1, 1], n_bins=2, of=1), 6)  # (−0.5 + 0.02) / 4
    -0.12
    """
    outcomes = unweighted(as_outcomes(predictions, labels, of=of), "unbiased_squared_ce")
    index, _ = bins_of(outcomes, n_bins, binning)
    count = np.bincount(index, minlength=n_bins)
    total, squares = (sums_by(index, outcomes.residual**power, n_bins) for power in (1, 2))
    several = count > 1
    return float(((total**2 - squares)[several] / (count[several] - 1)).sum() / outcomes.n)


def bias_reduced_ece(
    predictions: Predictions | Outcomes | ArrayLike,
    labels: ArrayLike | None = None,
    *,
    n_bins: int = 15,
    binning: Binning = "equal-mass",
    resamples: int = 1000,
    seed: int = 0,
    of: Of = "predicted",
) -> float:
    """ECE less an estimate of its bias.  [−1, 1]; lower is better.

    2 · ECE − the mean ECE of ``resamples`` draws in which each bin's accuracy a_b is normal with variance
    a_b (1 − a_b) / n_b around what was observed.  It reduces the bias and does not remove it; negative values are noise
    around 0.  Takes no sample weights; other arguments as for `calib.ece`.  Raises `InputError` for bad input.  Source:
    Kumar et al. (2019), appendix D.

    >>> bias_reduced_ece([0.9, 0.9, 0.8, 0.8], [1, 1, 1, 1], n_bins=2, of=1)  # accuracies of 1 do not vary
    0.15
    """
    check_resamples(resamples)
    rng = generator(seed)
    outcomes = unweighted(as_outcomes(predictions, labels, of=of), "bias_reduced_ece")
    curve = calibration_curve(outcomes, n_bins=n_bins, binning=binning)
    held = curve.count > 0
    count, accuracy, gap = curve.count[held], curve.accuracy[held], curve.gap[held]
    error = np.sqrt(accuracy * (1 - accuracy) / count) * rng.standard_normal((resamples, len(count)))
    return float(2 * curve.ece - (np.abs(gap - error) @ count).mean() / curve.n)
