"""Calibration errors from the running sum of residuals, in order of confidence: no bins and no bandwidth."""

import numpy as np

from calib._arrays import Float
from calib.arguments import as_outcomes
from calib.outcomes import Outcomes
from calib.predictions import ArrayLike, Of, Predictions


def ks_error(
    predictions: Predictions | Outcomes | ArrayLike, labels: ArrayLike | None = None, *, of: Of = "predicted"
) -> float:
    """Kolmogorov–Smirnov calibration error.  [0, 1]; lower is better.

    The largest |Σ (c − a)| / n over the examples up to some confidence, c confidence, a correctness; examples of equal
    confidence enter together.  At least |mean confidence − accuracy|, and equal to it where the sums only rise or
    only fall.

    Takes `Predictions`, probabilities ``(n, k)`` and labels ``(n,)``, or `Outcomes`; weighted by sample weights.
    Raises `InputError` for bad input.  Sources: Gupta et al. (2021), KS error; ECCE-MAD of Arrieta-Ibarra et al.
    (2022).

    >>> round(ks_error([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3]], [1, 0, 0]), 4)  # sums −0.3, −0.5, +0.4
    0.1667
    """
    sums = _cumulative(as_outcomes(predictions, labels, of=of))
    return float(max(sums.max(), -sums.min()))


def kuiper_error(
    predictions: Predictions | Outcomes | ArrayLike, labels: ArrayLike | None = None, *, of: Of = "predicted"
) -> float:
    """Kuiper calibration error.  [0, 1]; lower is better.

    The largest |Σ (c − a)| / n over the examples between any two confidences.  From `ks_error` to twice that.
    Arguments and ties as there.  Raises `InputError` for bad input.  Source: ECCE-R of Arrieta-Ibarra et al. (2022).

    >>> round(kuiper_error([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3]], [1, 0, 0]), 4)  # from −0.5 to +0.4
    0.3
    """
    sums = _cumulative(as_outcomes(predictions, labels, of=of))
    return float(sums.max() - sums.min())


def _cumulative(outcomes: Outcomes) -> Float:
    """Running means of the residuals in order of confidence: 0, then one number for each distinct score."""
    order = outcomes.order
    ordered = outcomes.score[order]
    residual = outcomes.residual
    total = float(outcomes.n)
    if outcomes.weight is not None:
        residual, total = residual * outcomes.weight, float(outcomes.weight.sum())
    last = np.append(ordered[1:] != ordered[:-1], True)
    return np.append(0.0, np.cumsum(residual[order])[last] / total)
