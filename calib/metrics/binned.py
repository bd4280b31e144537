"""Calibration errors from bins of one event's confidence: by default, that the predicted class is right."""

import numpy as np

from calib.arguments import as_outcomes, unweighted
from calib.binning import Binning, Closed, check_binning, check_bins, ranked_groups
from calib.curve import calibration_curve
from calib.outcomes import Outcomes
from calib.predictions import ArrayLike, Of, Predictions


def ece(
    predictions: Predictions | Outcomes | ArrayLike,
    labels: ArrayLike | None = None,
    *,
    n_bins: int = 15,
    binning: Binning = "equal-width",
    closed: Closed = "right",
    of: Of = "predicted",
) -> float:
    """Expected calibration error, Σ (n_b / n) |mean confidence − accuracy|.  [0, 1]; lower is better.

    Takes `Predictions`, probabilities ``(n, k)`` (``(n,)`` = P(y = 1)) and labels ``(n,)``, or `Outcomes`.  Bins are
    (a, b], 0 is in the first and 1.0 in the last; ``closed="left"`` makes them [a, b), ``binning="equal-mass"`` gives
    each as many examples (ties pooled).  ``of=c`` asks about P(label = c) instead of the predicted class: ``of=1`` is
    P(y = 1).  A calibrated model scores above 0 at finite n: see `calib.ece_null`.  Sample weights are used.  Raises
    `InputError` for bad input.  Source: Guo et al. (2017), eq. 3.

    >>> round(ece([[0.9, 0.1], [0.2, 0.8]], [0, 1]), 4)
    0.15
    """
    return calibration_curve(predictions, labels, n_bins=n_bins, binning=binning, closed=closed, of=of).ece


def rmsce(
    predictions: Predictions | Outcomes | ArrayLike,
    labels: ArrayLike | None = None,
    *,
    n_bins: int = 15,
    binning: Binning = "equal-width",
    closed: Closed = "right",
    of: Of = "predicted",
) -> float:
    """Root mean squared calibration error, the l2 norm of `ece`.  [0, 1]; lower is better; never below `ece`.

    Arguments as for `ece`.  Sample weights are used.  Raises `InputError` for bad input.  Source: Hendrycks et al.
    (2019).

    >>> round(rmsce([[0.9, 0.1], [0.2, 0.8]], [0, 1]), 4)
    0.1581
    """
    return calibration_curve(predictions, labels, n_bins=n_bins, binning=binning, closed=closed, of=of).rmsce


def mce(
    predictions: Predictions | Outcomes | ArrayLike,
    labels: ArrayLike | None = None,
    *,
    n_bins: int = 15,
    binning: Binning = "equal-width",
    closed: Closed = "right",
    of: Of = "predicted",
) -> float:
    """Maximum calibration error over the bins that hold examples.  [0, 1]; lower is better.

    Arguments as for `ece`.  One example in a bin is enough to set it: a diagnostic, not a score.  Sample weights are
    used.  Raises `InputError` for bad input.  Source: Guo et al. (2017), eq. 5.

    >>> round(mce([[0.9, 0.1], [0.2, 0.8]], [0, 1]), 4)
    0.2
    """
    return calibration_curve(predictions, labels, n_bins=n_bins, binning=binning, closed=closed, of=of).mce


def average_calibration_error(
    predictions: Predictions | Outcomes | ArrayLike,
    labels: ArrayLike | None = None,
    *,
    n_bins: int = 15,
    binning: Binning = "equal-width",
    closed: Closed = "right",
    of: Of = "predicted",
) -> float:
    """Mean of |mean confidence − accuracy| over the bins that hold examples, each counting once.  [0, 1].

    What netcal and others call ACE; Nixon's ACE is `calib.classwise_ece` with equal-mass bins.  Arguments as for `ece`.
    Sample weights are used within bins.  Raises `InputError` for bad input.  Source: Neumann et al. (2018).

    >>> round(average_calibration_error([[0.9, 0.1], [0.9, 0.1], [0.2, 0.8]], [0, 0, 1], n_bins=10), 4)
    0.15
    """
    curve = calibration_curve(predictions, labels, n_bins=n_bins, binning=binning, closed=closed, of=of)
    return curve.average_calibration_error


def ece_sweep(
    predictions: Predictions | Outcomes | ArrayLike,
    labels: ArrayLike | None = None,
    *,
    binning: Binning = "equal-mass",
    max_bins: int = 10_000,
    of: Of = "predicted",
) -> float:
    """ECE with as many bins as keep their accuracies in ascending order.  [0, 1]; lower is better.

    Bins are added one at a time until some accuracy lies below the one before it (bins without examples aside); the
    number before that is used.  It stops at the first such number, as the authors do, or at ``max_bins``.  Ties are
    pooled.  Takes no sample weights.  Other arguments as for `ece`.  Raises `InputError` for bad input.  Source:
    Roelofs et al. (2022), algorithm 1.

    >>> round(ece_sweep([0.51, 0.55, 0.61, 0.66, 0.68, 0.71, 0.81, 0.85], [0, 1, 1, 1, 0, 0, 1, 1]), 4)
    0.0475
    """
    check_bins(max_bins)
    check_binning(binning)
    outcomes = unweighted(as_outcomes(predictions, labels, of=of), "ece_sweep")
    order, group, middle = ranked_groups(outcomes)
    columns = (outcomes.confidence[order], outcomes.correct[order].astype(np.float64))
    confidence_to, correct_to = (np.concatenate([[0.0], np.cumsum(column)]) for column in columns)
    equal_mass = binning == "equal-mass"
    position = middle[group] if equal_mass else columns[0]
    best = 0.0
    for n_bins in range(1, min(max_bins, outcomes.n) + 1):
        inner = np.searchsorted(position, np.arange(1, n_bins) / n_bins, side="left" if equal_mass else "right")
        ends = np.concatenate([[0], inner, [outcomes.n]])
        count, confidence, correct = np.diff(ends), np.diff(confidence_to[ends]), np.diff(correct_to[ends])
        held = count > 0
        if (np.diff(correct[held] / count[held]) < 0).any():
            break
        best = float(np.abs(confidence - correct).sum() / outcomes.n)
    return best
