"""The fused pass over blocks of rows: Predictions in, per-example columns out."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from calib._arrays import AnyArray, Bool, Float, Int, blocks
from calib.errors import InputError

if TYPE_CHECKING:
    from calib.predictions import Predictions

ROW_SUM_TOLERANCE = 1e-3  # covers probabilities in float16 and those printed with a few decimals


@dataclass(frozen=True, eq=False)
class Outcomes:
    """What calibration asks of predictions: columns of length n, in float64.

    ``confidence`` is the probability of the predicted class, in [1/k, 1]; ``log_odds`` = ln(confidence / (1 −
    confidence)), in nats, which keeps its order where confidence has saturated at 1.0; ``nll`` in nats; ``brier`` is
    summed over classes, in [0, 2].  Ties for the predicted class go to the lowest index.
    """

    predicted: Int
    correct: Bool
    confidence: Float
    log_odds: Float
    nll: Float
    brier: Float

    @classmethod
    def of(cls, predictions: "Predictions") -> "Outcomes":
        """Reduce predictions in one pass; memory beside the columns does not grow with n or k.

        Raises `InputError` naming the first row that holds NaN or +inf, or is no distribution.
        """
        n = predictions.n
        columns = cls(np.empty(n, np.int64), np.empty(n, bool), *(np.empty(n) for _ in range(4)))
        scaled = predictions.kind == "logits" or bool(np.any(np.asarray(predictions.beta) != 1))
        reduce_block = _reduce_logits if scaled else _reduce_probs
        for rows, block, predicted in checked_blocks(predictions, as_logits=scaled):
            columns.predicted[rows] = predicted
            columns.correct[rows] = predicted == predictions.labels[rows]
            reduce_block(block, predicted, predictions.labels[rows], rows, columns)
        return columns


def checked_blocks(predictions: "Predictions", *, as_logits: bool) -> Iterator[tuple[slice, Float, Int]]:
    """Yield ``(rows, values, predicted)``: fresh float64 blocks, checked, as logits times ``beta``, row maximum at 0.

    With ``as_logits=False``, for predictions given as probabilities, the probabilities as they are.  The predicted
    class is read from the values as given: logarithm and ``beta`` could make two of them equal.
    """
    beta = np.broadcast_to(np.asarray(predictions.beta, np.float64), predictions.n)
    check = _check_logits if predictions.kind == "logits" else _check_probs
    for rows in blocks(predictions.n, predictions.n_classes):
        block = predictions.values[rows].astype(np.float64, order="C")  # a copy: the steps below work in place
        check(block, rows.start)
        predicted = block.argmax(axis=1)
        if as_logits:
            with np.errstate(divide="ignore", over="ignore"):  # log 0, and differences beyond float64, are −inf
                if predictions.kind == "probs":
                    np.log(block, out=block)
                block -= block.max(axis=1, keepdims=True)
                block *= beta[rows, None]
        yield rows, block, predicted


def _reduce_logits(logits: Float, predicted: Int, labels: Int, rows: slice, columns: Outcomes) -> None:
    """Reduce logits whose row maximum is 0; the runner-up is factored out so that tiny remainders keep all digits."""
    index = np.arange(len(logits))
    true_logit = logits[index, labels]
    logits[index, predicted] = -np.inf
    runner_up = logits.max(axis=1)
    reachable = np.isfinite(runner_up)
    logits -= np.where(reachable, runner_up, 0.0)[:, None]
    others = np.exp(logits, out=logits)  # of every class but the predicted one, relative to the runner-up
    scale, sums = np.exp(runner_up), others.sum(axis=1)
    rest = scale * sums  # odds against the predicted class
    confidence = 1 / (1 + rest)
    squares = scale**2 * np.einsum("ij,ij->i", others, others)
    wrong = predicted != labels
    true_odds = np.where(wrong, np.exp(true_logit), 0.0)
    missing = np.where(wrong, 1 - true_odds * confidence, rest * confidence)  # 1 − p of the label, without cancellation
    columns.confidence[rows] = confidence
    with np.errstate(divide="ignore"):
        columns.log_odds[rows] = -(runner_up + np.log(sums))
    columns.nll[rows] = np.log1p(rest) - true_logit
    columns.brier[rows] = missing**2 + (wrong + squares - true_odds**2) * confidence**2


def _reduce_probs(probs: Float, predicted: Int, labels: Int, rows: slice, columns: Outcomes) -> None:
    index = np.arange(len(probs))
    confidence = probs[index, predicted]
    true_prob = probs[index, labels]
    with np.errstate(divide="ignore"):
        columns.log_odds[rows] = np.log(confidence) - np.log(1 - confidence)
        columns.nll[rows] = np.log(probs.sum(axis=1)) - np.log(true_prob)  # as under any temperature: rows normalised
    columns.confidence[rows] = confidence
    columns.brier[rows] = np.einsum("ij,ij->i", probs, probs) - 2 * true_prob + 1


def _check_logits(block: Float, first_row: int) -> None:
    top = block.max(axis=1)
    if np.isfinite(top).all():
        return
    row = int(np.argmin(np.isfinite(top)))
    if np.isneginf(top[row]):
        raise InputError(f"row {first_row + row} of the logits is −inf for every class", help="drop or mend this row")
    value, column = _first(block[row], ~(block[row] < np.inf))
    raise InputError(
        f"logits must be numbers or −inf, row {first_row + row} column {column} holds {value}",
        help="find out where it comes from (a diverged model, an overflow), or drop the row",
    )


def _check_probs(block: Float, first_row: int) -> None:
    sums = block.sum(axis=1)
    good = (np.abs(sums - 1) <= ROW_SUM_TOLERANCE) & (block.min(axis=1) >= 0)
    if good.all():
        np.minimum(block, 1.0, out=block)  # what rounding left above 1
        return
    row = int(np.argmin(good))
    where = f"row {first_row + row}"
    if np.isnan(block[row]).any():
        _, column = _first(block[row], np.isnan(block[row]))
        raise InputError(
            f"probabilities must be numbers, {where} column {column} holds nan", help="mend or drop the row"
        )
    outside = (block[row] < 0) | (block[row] > 1 + ROW_SUM_TOLERANCE)
    if outside.any():
        value, column = _first(block[row], outside)
        raise InputError(
            f"probabilities must lie in [0, 1], {where} column {column} holds {value:g}",
            help="if these are logits, say so: Predictions.from_logits(logits, labels), or the name `logits` in a file",
        )
    raise InputError(
        f"the probabilities of a row must sum to 1, {where} sums to {sums[row]:.6g}",
        help="divide each row by its sum if that is what you mean; declare logits by Predictions.from_logits(...)",
    )


def _first(row: AnyArray, mask: Bool) -> tuple[float, int]:
    column = int(np.argmax(mask))
    return float(row[column]), column
