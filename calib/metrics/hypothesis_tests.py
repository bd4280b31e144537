"""Tests of calibration: is the gap between confidence and correctness more than chance?"""

from dataclasses import dataclass
from math import erfc, inf, sqrt
from typing import Literal

import numpy as np

from calib._arrays import Float
from calib._checks import check_choice, check_resamples, check_whole, generator
from calib.arguments import as_outcomes, unweighted
from calib.binning import MAX_BINS, bin_index, bins_of, equal_width_edges
from calib.errors import InputError
from calib.outcomes import Outcomes
from calib.predictions import ArrayLike, Of, Predictions
from calib.uncertainty import CELLS_PER_BIN

TIE = 1e-12  # statistics that differ by less than this part differ by rounding alone


@dataclass(frozen=True)
class Spiegelhalter:
    """``z``, standard normal for a calibrated model, and its two-sided ``p_value``."""

    z: float
    p_value: float


def spiegelhalter(
    predictions: Predictions | Outcomes | ArrayLike, labels: ArrayLike | None = None, *, of: Of = "predicted"
) -> Spiegelhalter:
    """Test whether the Brier score is what a calibrated model's would be; z > 0 where it is worse (overconfidence).

    Takes `Predictions`, or probabilities ``(n, k)`` (``(n,)`` = P(y = 1)) and labels ``(n,)``, or `Outcomes`.
    The event is that the predicted class is right; ``of=c`` asks about class c, ``of=1`` about P(y = 1).
    z = Σ (a − c)(1 − 2c) / √Σ (1 − 2c)² c(1 − c), which is blind to c = 1/2 and to errors that cancel.  Where no c
    lies strictly between 0 and 1 but at 1/2, z is 0 (p = 1), or inf (p = 0) where the impossible happened.  Raises
    `InputError` for bad input and for sample weights.  Source: Spiegelhalter (1986).

    >>> result = spiegelhalter([0.8, 0.8, 0.8, 0.8], [1, 1, 0, 0], of=1)
    >>> round(result.z, 4), round(result.p_value, 4)  # 0.72 / 0.48
    (1.5, 0.1336)
    """
    outcomes = unweighted(as_outcomes(predictions, labels, of=of), "spiegelhalter")
    tilt = 1 - 2 * outcomes.confidence
    excess = -float((outcomes.residual * tilt).sum())
    deviation = float(np.sqrt((tilt**2 * outcomes.confidence * (1 - outcomes.confidence)).sum()))
    if deviation == 0:
        return Spiegelhalter(0.0, 1.0) if excess == 0 else Spiegelhalter(inf, 0.0)
    return Spiegelhalter(excess / deviation, erfc(abs(excess / deviation) / sqrt(2)))


@dataclass(frozen=True)
class HosmerLemeshow:
    """``statistic``, χ² distributed with ``degrees_of_freedom`` for a calibrated model, and its ``p_value``."""

    statistic: float
    degrees_of_freedom: int
    p_value: float


def hosmer_lemeshow(
    predictions: Predictions | Outcomes | ArrayLike,
    labels: ArrayLike | None = None,
    *,
    n_groups: int = 10,
    held_out: bool = True,
    of: Of = "predicted",
) -> HosmerLemeshow:
    """Test whether right answers are as many as claimed in groups of rising confidence, equal in number of rows.

    Arguments as for `spiegelhalter`.  The statistic is Σ (right − claimed)² / (m c̄ (1 − c̄)) over groups of m rows with
    mean confidence c̄.  Rows that tie stay together, in the group where their middle falls, so that groups may be
    fewer; one that claims c̄ = 0 or 1 counts only where that is wrong, and then the statistic is inf.  The degrees of
    freedom are the number of groups for rows that the model was not fitted on, and 2 less with ``held_out=False``.  m c̄
    (1 − c̄) is a little more than the variance where confidences differ within a group, which errs on the safe side.
    Raises `InputError` for bad input, for sample weights, and where no degree of freedom is left to training rows.
    Source: Hosmer & Lemeshow (1980).

    >>> result = hosmer_lemeshow([0.2] * 5 + [0.8] * 5, [1, 1, 0, 0, 0] + [1, 1, 1, 1, 0], n_groups=2, of=1)
    >>> round(result.statistic, 4), result.degrees_of_freedom, round(result.p_value, 4)  # (2 − 1)² / 0.8 + 0
    (1.25, 2, 0.5353)
    """
    from scipy.special import chdtrc

    check_whole("n_groups", n_groups, lowest=1, highest=MAX_BINS, help="10 is the usual one")
    outcomes = unweighted(as_outcomes(predictions, labels, of=of), "hosmer_lemeshow")
    group = bins_of(outcomes, n_groups, "equal-mass")[0]
    held, group = np.unique(group, return_inverse=True)
    rows, claimed, unclaimed, right = (
        np.bincount(group, weights=column, minlength=len(held))
        for column in (np.ones(outcomes.n), outcomes.confidence, 1 - outcomes.confidence, outcomes.correct)
    )
    excess, variance = right - claimed, claimed * unclaimed / rows
    random = variance > 0
    freedom = int(random.sum()) - (0 if held_out else 2)
    if not held_out and freedom <= 0:
        raise InputError(
            f"{int(random.sum())} groups leave no degrees of freedom to rows that the model was fitted on",
            help="ask for more groups; confidences that tie cannot be parted",
        )
    if (excess[~random] != 0).any():
        return HosmerLemeshow(inf, freedom, 0.0)
    with np.errstate(over="ignore"):  # what was all but ruled out happened
        statistic = float((excess[random] ** 2 / variance[random]).sum())
    return HosmerLemeshow(statistic, freedom, float(chdtrc(freedom, statistic)) if freedom else 1.0)


def calibration_p_value(
    predictions: Predictions | Outcomes | ArrayLike,
    labels: ArrayLike | None = None,
    *,
    n_bins: int = 15,
    resamples: int = 1000,
    seed: int = 0,
    statistic: Literal["ece", "rmsce", "ks"] = "ece",
    of: Of = "predicted",
) -> float:
    """Probability that a calibrated model with these confidences has so large an error.  (0, 1]; small: miscalibrated.

    Arguments as for `spiegelhalter`.  Correctness is drawn anew ``resamples`` times as if every confidence were true;
    p = (1 + number of draws with at least the observed error) / (1 + ``resamples``), never 0.  The error is the mean
    ("ece") or root mean square ("rmsce") gap over ``n_bins`` of equal width, or the largest sum of gaps from 0 up to
    any confidence ("ks"), read off a grid that is 256 times as fine.  Raises `InputError` for bad input and for sample
    weights.  Source: Bröcker & Smith (2007), with the confidences kept instead of resampled.

    >>> calibration_p_value([0.9] * 40, [1] * 36 + [0] * 4, of=1)
    1.0
    >>> calibration_p_value([0.9] * 40, [1] * 20 + [0] * 20, of=1) < 0.01
    True
    """
    edges = equal_width_edges(n_bins)
    check_resamples(resamples)
    check_choice("statistic", statistic, ("ece", "rmsce", "ks"))
    rng = generator(seed)
    outcomes = unweighted(as_outcomes(predictions, labels, of=of), "calibration_p_value")
    fine = np.arange((len(edges) - 1) * CELLS_PER_BIN + 1) / ((len(edges) - 1) * CELLS_PER_BIN)
    cell, index, count = np.unique(bin_index(outcomes.confidence, fine), return_inverse=True, return_counts=True)
    claimed = np.bincount(index, weights=outcomes.confidence)
    first_of_bin = np.unique(cell // CELLS_PER_BIN, return_index=True)[1]
    rows = np.add.reduceat(count, first_of_bin)

    def error(right: Float) -> float:
        if statistic == "ks":
            return float(np.abs(np.cumsum(right - claimed)).max())
        sums = np.add.reduceat(right, first_of_bin) - np.add.reduceat(claimed, first_of_bin)
        return float(np.abs(sums).sum() if statistic == "ece" else np.sqrt((sums**2 / rows).sum()))

    observed = error(np.bincount(index, weights=outcomes.correct).astype(np.float64))
    probability = np.minimum(claimed / count, 1.0)
    draws = [error(rng.binomial(count, probability).astype(np.float64)) for _ in range(resamples)]
    return float((1 + np.sum(np.asarray(draws) >= observed * (1 - TIE))) / (1 + resamples))
