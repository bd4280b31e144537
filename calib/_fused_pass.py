"""The fused pass over blocks of rows: predictions in, per-example columns filled in."""

from typing import TYPE_CHECKING

import numpy as np

from calib._arrays import AnyArray, Bool, DeviceArray, Float, Int
from calib._blocks import Block, map_blocks, probability_form, row_sums

if TYPE_CHECKING:
    from calib.outcomes import Losses, Outcomes
    from calib.predictions import Predictions


def write_confidences(predictions: "Predictions", confidence: Float, correct: Bool) -> None:
    """Fill in the two columns that binned errors of the predicted class need; about half of the work of the whole."""
    form = probability_form(predictions)

    def write(block: Block) -> None:
        rows = block.rows
        correct[rows] = block.predicted == predictions.labels[rows]
        if form == "given":
            confidence[rows] = block.values[np.arange(len(block.values)), block.predicted]
        else:
            odds = _without(block.values, block.predicted)
            np.divide(1, 1 + row_sums(odds), out=confidence[rows])

    map_blocks(predictions, write, form=form)


def write_columns(predictions: "Predictions", columns: "Outcomes", losses: "Losses") -> None:
    """Fill in all columns, on the accelerator where the logits lie there; memory does not grow with n or k.

    Raises `InputError` naming the first row that holds NaN or +inf, or is no distribution.
    """
    if isinstance(predictions.values, DeviceArray):
        from calib._device import reduced_rows

        for rows, predicted, *found in reduced_rows(predictions):
            _write(columns, losses, rows, predicted, predictions.labels[rows], *found)
        return
    form = probability_form(predictions)
    write = _write_from_logits if form == "odds" else _write_from_probs
    map_blocks(predictions, lambda block: write(predictions, block, columns, losses), form=form)


def _write_from_logits(predictions: "Predictions", block: Block, columns: "Outcomes", losses: "Losses") -> None:
    labels, predicted = predictions.labels[block.rows], block.predicted
    true_logit = exact_logits(predictions, block, np.arange(len(labels)), labels)
    _write(columns, losses, block.rows, predicted, labels, true_logit, *rest_of_row(predictions, block, predicted))


def _write(
    columns: "Outcomes",
    losses: "Losses",
    rows: slice,
    predicted: Int,
    labels: Int,
    true_logit: Float,
    log_rest: Float,
    rest: Float,
    squares: Float,
) -> None:
    """Fill in some rows from what the pass found: ``rest`` are the odds against the predicted class."""
    confidence = 1 / (1 + rest)
    columns.correct[rows] = predicted == labels
    columns.confidence[rows] = confidence
    np.negative(log_rest, out=columns.log_odds[rows])
    losses.predicted[rows] = predicted
    np.subtract(np.log1p(rest), true_logit, out=losses.nll[rows])
    # Σ p² − 2 p of the label + 1; odds of the predicted class are 1
    losses.brier[rows] = ((1 + squares) * confidence - 2 * np.exp(true_logit)) * confidence + 1


def _write_from_probs(predictions: "Predictions", block: Block, columns: "Outcomes", losses: "Losses") -> None:
    rows, probs, predicted, labels = block.rows, block.values, block.predicted, predictions.labels[block.rows]
    index = np.arange(len(probs))
    confidence, true_prob = probs[index, predicted], probs[index, labels]
    columns.correct[rows] = predicted == labels
    columns.confidence[rows] = confidence
    losses.predicted[rows] = predicted
    with np.errstate(divide="ignore"):
        losses.nll[rows] = np.log(probs.sum(axis=1)) - np.log(true_prob)  # as under any temperature: rows normalised
    losses.brier[rows] = np.einsum("ij,ij->i", probs, probs) - 2 * true_prob + 1


def exact_logits(predictions: "Predictions", block: Block, rows: Int, classes: Int) -> Float:
    """Some entries of a block as logits times ``beta``, relative to the row maximum, in float64 whatever was given."""
    logits: Float = predictions.values[block.rows][rows, classes].astype(np.float64)
    beta = np.broadcast_to(np.asarray(predictions.beta, np.float64), predictions.n)[block.rows]
    with np.errstate(divide="ignore", over="ignore"):
        if predictions.kind == "probs":
            logits = np.log(logits)
        return (logits - block.top[rows]) * beta[rows]


def rest_of_row(predictions: "Predictions", block: Block, excluded: Int) -> tuple[Float, Float, Float]:
    """For every class but ``excluded``: log Σ exp(logit), Σ exp(logit), Σ exp(2 · logit), relative to the row maximum.

    Overwrites the block.  Rows whose sum leaves the range of the block's dtype are done again in float64 with their own
    maximum factored out, so that tiny remainders keep their digits and their order.
    """
    odds = _without(block.values, excluded)
    sums = row_sums(odds)
    squares = np.einsum("ij,ij->i", odds, odds).astype(np.float64)
    tiny = np.flatnonzero(sums < _SMALLEST[odds.dtype.char])
    with np.errstate(divide="ignore"):
        log_sums = np.log(sums)
    if len(tiny):
        log_sums[tiny], squares[tiny] = _tiny_rest(predictions, block, tiny, excluded[tiny])
        sums[tiny] = np.exp(log_sums[tiny])
    return log_sums, sums, squares


_SMALLEST = {"f": 1e-30, "d": 1e-290}  # sums above these have lost nothing to underflow


def _without(odds: AnyArray, excluded: Int) -> AnyArray:
    """The same array with one entry a row set to 0."""
    odds.ravel()[np.arange(0, odds.size, odds.shape[1]) + excluded] = 0.0
    return odds


def _tiny_rest(predictions: "Predictions", block: Block, rows: Int, excluded: Int) -> tuple[Float, Float]:
    logits = exact_logits(predictions, block, rows[:, None], np.arange(predictions.n_classes))
    logits[np.arange(len(rows)), excluded] = -np.inf
    runner_up = logits.max(axis=1)
    reachable = np.where(np.isfinite(runner_up), runner_up, 0.0)
    odds = np.exp(logits - reachable[:, None])
    with np.errstate(divide="ignore", over="ignore"):  # twice a logit may be beyond float64: its odds are 0
        return reachable + np.log(odds.sum(axis=1)), np.exp(2 * reachable) * np.einsum("ij,ij->i", odds, odds)
