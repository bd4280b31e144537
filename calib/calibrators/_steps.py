"""Step functions from a class's log-odds to its new probability: what histogram, isotonic and BBQ calibration share."""

import numpy as np

from calib._arrays import AnyArray, Bool, Float, Int
from calib._blocks import probability_form, read_blocks
from calib.calibrators._base import example_weights, from_one_vs_rest
from calib.errors import InputError
from calib.predictions import Predictions, require_predictions

_ROUNDING = 1e-9  # a tie this near to a limit between bins is on it


def check_steps(edges: tuple[Float, ...], values: tuple[Float, ...], n_classes: int, *, functions: int = 0) -> None:
    """Raise `InputError` unless there is a step function a class, or one for two classes, with values in [0, 1]."""
    expected = functions or (1 if n_classes == 2 else n_classes)
    good = len(edges) == len(values) == expected and all(
        edge.ndim == value.ndim == 1
        and len(value) == len(edge) + 1
        and bool((np.diff(edge) >= 0).all() and ((value >= 0) & (value <= 1)).all())
        for edge, value in zip(edges, values, strict=True)
    )
    if not good:
        raise InputError(
            f"{expected} step function(s) are needed, each with ascending edges and one more probability than edges",
            help="make it by `fit`",
        )


def class_log_odds(predictions: Predictions) -> Float:
    """Log-odds of each class against the others, ``(n, k)``; ±inf where its probability is 1 or 0.

    Of given probabilities each is read on its own, so that equal ones tie; those of logits stay apart where the
    probability has saturated at 1.0.
    """
    from scipy.special import logsumexp

    require_predictions(predictions)
    log_odds = np.empty((predictions.n, predictions.n_classes))
    given = probability_form(predictions) == "given"
    for block in read_blocks(predictions, form="given" if given else "logits"):
        values, into, rows = block.values, log_odds[block.rows], np.arange(len(block.values))
        with np.errstate(divide="ignore"):
            if given:
                into[:] = np.log(values) - np.log1p(-values)
                continue
            odds = np.exp(values)
            into[:] = values - np.log(odds.sum(axis=1, keepdims=True) - odds)
        values[rows, block.predicted] = -np.inf  # the predicted class again, without the subtraction
        into[rows, block.predicted] = -logsumexp(values, axis=1)
    return log_odds


def columns(predictions: Predictions) -> list[tuple[Float, Bool, Float]]:
    """One entry a class, or P(y = 1) alone of two: log-odds, whether it is the label, and weights, each ``(n,)``."""
    log_odds, weight = class_log_odds(predictions), example_weights(predictions)
    classes = [1] if predictions.n_classes == 2 else range(predictions.n_classes)
    return [(log_odds[:, c], predictions.labels == c, weight) for c in classes]


def pooled(scores: Float, event: AnyArray, weight: Float) -> tuple[Float, Float, Float]:
    """Distinct scores, ascending, and for each the weight of its rows and of those with the event; 0 is left out."""
    counted = weight > 0
    distinct, group = np.unique(scores[counted], return_inverse=True)
    total, events = (np.bincount(group, part[counted]).astype(np.float64) for part in (weight, weight * event))
    return distinct, total, events


def middle_ranks(total: Float) -> Float:
    """For each distinct score the share of all weight up to the middle of its own, in (0, 1)."""
    upper = np.cumsum(total)
    middle: Float = (upper - total / 2) / upper[-1]
    return middle


def equal_mass_starts(middle: Float, n_bins: int) -> Int:
    """Which distinct scores start a bin, when each goes, whole, where its middle rank belongs; empty bins are gone."""
    start = np.unique(np.searchsorted(middle * n_bins + _ROUNDING, np.arange(n_bins)))
    return start[start < len(middle)]


def edges_before(distinct: Float, start: Int) -> Float:
    """Limits below the scores that start a step, but for the first: midway to the score before, in log-odds."""
    finite = np.clip(distinct, -np.finfo(np.float64).max, np.finfo(np.float64).max)
    below, above = finite[start[1:] - 1], finite[start[1:]]
    middle = below / 2 + above / 2
    return np.where((middle < above) & (middle >= below), middle, below)  # of neighbouring floats the lower one


def from_steps(predictions: Predictions, edges: tuple[Float, ...], values: tuple[Float, ...]) -> Predictions:
    """Distributions from one step function a class, or of P(y = 1) alone."""
    log_odds = class_log_odds(predictions)
    if predictions.n_classes == 2:
        positive = values[0][np.searchsorted(edges[0], log_odds[:, 1])]
        return from_one_vs_rest(predictions, np.stack([1 - positive, positive], axis=1))
    scores = [
        value[np.searchsorted(edge, log_odds[:, c])] for c, (edge, value) in enumerate(zip(edges, values, strict=True))
    ]
    return from_one_vs_rest(predictions, np.stack(scores, axis=1))
