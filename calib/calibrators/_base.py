"""What every post-hoc calibrator is, and what they share: distributions in, distributions out, targets checked."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, Self

import numpy as np

from calib._arrays import AnyArray, Float, Int, read_only, to_numpy
from calib._blocks import ROW_SUM_TOLERANCE, read_blocks, row_sums
from calib._checks import check_some_weight
from calib.errors import InputError
from calib.predictions import ArrayLike, Predictions, require_predictions

COUNTERS = ("fallback_rows", "raised_rows", "cut_labels")  # notes in provenance about the rows of one transform
LOWEST = -708.0  # the logarithm of the smallest normal float64: what a probability of 0 counts as in a linear map


class Calibrator(Protocol):
    """What every post-hoc calibrator is: a fitted, frozen value; no unfitted state exists."""

    @classmethod
    def fit(cls, predictions: Predictions, *, targets: ArrayLike | None = None) -> Self:
        """Fit on the calibration split; ``targets`` ``(n, k)`` are soft labels, where the method takes them."""

    def transform(self, predictions: Predictions) -> Predictions:
        """Return calibrated predictions; the argument stays as it is."""


def log_probs(predictions: Predictions) -> Float:
    """Logarithms of the probabilities that the predictions carry, ``(n, k)`` in float64; −inf where one is 0.

    Raises `InputError` for plain arrays and for bad values.
    """
    require_predictions(predictions)
    logs = np.empty((predictions.n, predictions.n_classes))
    for block in read_blocks(predictions, form="logits"):
        total = row_sums(np.exp(block.values))
        np.subtract(block.values, np.log(total)[:, None], out=logs[block.rows])
    return logs


def finite_log_probs(predictions: Predictions) -> Float:
    """The same for linear maps, which cannot hold −inf: a probability of 0 counts as the smallest float64."""
    return np.maximum(log_probs(predictions), LOWEST)


def binary_log_odds(predictions: Predictions, method: str) -> Float:
    """Log-odds of class 1, ``(n,)``; ±inf where its probability is 1 or 0.  Raises `InputError` unless k = 2."""
    require_predictions(predictions)
    if predictions.n_classes != 2:
        raise InputError(
            f"{method} is for two classes, these predictions have {predictions.n_classes}",
            help="temperature, vector and matrix scaling take any number; isotonic regression goes class by class",
        )
    logs = log_probs(predictions)
    log_odds: Float = logs[:, 1] - logs[:, 0]
    return log_odds


def with_logits(predictions: Predictions, logits: Float) -> Predictions:
    """The same examples with other logits, at temperature 1."""
    return replace(predictions, values=read_only(logits), kind="logits", beta=1.0)


def with_probs(predictions: Predictions, probs: Float, notes: Mapping[str, Any] | None = None) -> Predictions:
    """The same examples with other probabilities; ``notes`` join their provenance."""
    provenance = {name: value for name, value in predictions.provenance.items() if name not in COUNTERS}
    provenance |= notes or {}
    return replace(predictions, values=read_only(probs), kind="probs", beta=1.0, provenance=provenance)


def from_one_vs_rest(predictions: Predictions, scores: Float) -> Predictions:
    """Distributions from one score ``(n, k)`` a class, each at least 0, divided by their sum.

    A row whose scores are all 0 keeps the distribution that it had; ``provenance["fallback_rows"]`` counts these rows.
    """
    total = scores.sum(axis=1)
    empty = ~(total > 0)
    probs = np.divide(scores, total[:, None], out=np.zeros_like(scores), where=~empty[:, None])
    if empty.any():
        probs[empty] = np.exp(log_probs(predictions[empty]))
    return with_probs(predictions, probs, {"fallback_rows": int(empty.sum())})


def rejoined(predictions: Predictions, parts: Sequence[Predictions], rows: Int) -> Predictions:
    """One set of predictions from calibrated parts of it; ``rows`` ``(n,)`` says which row each came from."""
    original = np.argsort(rows)
    if len({part.kind for part in parts}) > 1:
        parts = [part if part.kind == "probs" else with_probs(part, np.exp(log_probs(part))) for part in parts]
    counts = [counted_rows(predictions, part) for part in parts]
    return replace(
        predictions,
        values=read_only(np.concatenate([part.values for part in parts])[original]),
        kind=parts[0].kind,
        beta=np.concatenate([np.broadcast_to(part.beta, part.n) for part in parts])[original],
        provenance={
            **{name: value for name, value in predictions.provenance.items() if name not in COUNTERS},
            **{
                name: sum(count.get(name, 0) for count in counts) for name in COUNTERS if any(name in c for c in counts)
            },
        },
    )


def counted_rows(before: Predictions, after: Predictions) -> dict[str, int]:
    """What a calibrator noted in the provenance about its rows, but not what was there before it."""
    if after.provenance is before.provenance:
        return {}
    return {name: int(after.provenance[name]) for name in COUNTERS if name in after.provenance}


def keep_predicted(probs: AnyArray, predicted: Int) -> Float:
    """The same probabilities with the predicted classes on top: raised to the row maximum, or one float above a tie."""
    rows = np.flatnonzero(probs.argmax(axis=1) != predicted)
    probs[rows, predicted[rows]] = np.nextafter(probs[rows].max(axis=1), 2)
    return probs


def check_classes(predictions: Predictions, k: int, method: str) -> None:
    """Raise `InputError` unless the predictions have the ``k`` classes that a calibrator was fitted to."""
    require_predictions(predictions)
    if predictions.n_classes != k:
        raise InputError(
            f"this {method} was fitted to {k} classes, these predictions have {predictions.n_classes}",
            help="fit it again on a calibration split of this model",
        )


def one_hot(predictions: Predictions, targets: ArrayLike | None) -> Float:
    """Soft labels ``(n, k)``: those given, checked, or the labels as rows of zeros and a one.  Raises `InputError`."""
    require_predictions(predictions)
    if targets is None:
        return np.eye(predictions.n_classes)[predictions.labels]
    rows = to_numpy(targets)
    if rows.dtype.kind not in "fiub" or rows.shape != predictions.values.shape:
        raise InputError(
            f"targets must be numbers of shape {predictions.values.shape}, got {rows.dtype} {rows.shape}",
            help="pass one distribution an example, with a column for each class",
        )
    rows = rows.astype(np.float64)
    bad = ~((np.abs(rows.sum(axis=1) - 1) <= ROW_SUM_TOLERANCE) & (rows.min(axis=1) >= 0))
    if bad.any():
        row = int(np.argmax(bad))
        raise InputError(
            f"targets must be distributions, row {row} sums to {rows[row].sum():g} with a lowest entry of "
            f"{rows[row].min():g}",
            help="give each row entries of at least 0 that sum to 1",
        )
    normalised: Float = rows / rows.sum(axis=1, keepdims=True)
    return normalised


def refuse_targets(targets: ArrayLike | None, method: str) -> None:
    """Raise `InputError` where soft labels come to a method that counts hard ones."""
    if targets is not None:
        raise InputError(
            f"{method} takes no soft targets", help="leave `targets` out, or use temperature, vector or matrix scaling"
        )


def example_weights(predictions: Predictions) -> Float:
    """Sample weights ``(n,)`` with a mean of 1 over the rows that count, or ones.  Raises `InputError` if all are 0."""
    require_predictions(predictions)
    if predictions.sample_weight is None:
        return np.broadcast_to(np.float64(1), predictions.n)
    check_some_weight(predictions.sample_weight)
    weight: Float = predictions.sample_weight / predictions.sample_weight[predictions.sample_weight > 0].mean()
    return weight


def examples_that_count(predictions: Predictions) -> Predictions:
    """The rows whose weight is above 0.  Raises `InputError` for plain arrays and where there are none."""
    weight = example_weights(predictions)
    return predictions if (weight > 0).all() else predictions[weight > 0]
