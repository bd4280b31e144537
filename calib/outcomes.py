"""The fused pass over blocks of rows: Predictions in, per-example columns out."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from calib._arrays import AnyArray, Bool, Float, Int, blocks, to_numpy
from calib.errors import InputError

if TYPE_CHECKING:
    from calib.predictions import ArrayLike, Predictions

ROW_SUM_TOLERANCE = 1e-3  # covers probabilities in float16 and those printed with a few decimals


@dataclass(frozen=True, eq=False)
class Outcomes:
    """What calibration asks of predictions: columns of length n, in float64.

    ``confidence`` is the probability claimed for an event, usually "the predicted class is right", and ``correct``
    whether it happened; ``log_odds`` = ln(confidence / (1 − confidence)), in nats, keeps its order where confidence
    has saturated at 1.0; ``weight`` is the sample weight, None for equal ones.  Where whole distributions were given
    there are also ``predicted`` (ties go to the lowest index), ``nll`` in nats and ``brier``, summed over classes, in
    [0, 2].
    """

    confidence: Float
    correct: Bool
    log_odds: Float
    weight: Float | None = None
    losses: "Losses | None" = None

    @classmethod
    def from_confidence(
        cls, confidence: "ArrayLike", correct: "ArrayLike", *, weight: "ArrayLike" = None
    ) -> "Outcomes":
        """Take logs that hold nothing but a confidence in [0, 1] and whether it was right, both ``(n,)``.

        Every metric of the predicted class works on the result; those of whole distributions raise `InputError`, as
        does bad input here.

        >>> Outcomes.from_confidence([0.9, 0.6], [True, False]).n
        2
        """
        claimed, happened = to_numpy(confidence), to_numpy(correct)
        if claimed.ndim != 1 or claimed.shape != happened.shape or len(claimed) == 0:
            raise InputError(
                f"confidence and correct must have one shape (n,), got {claimed.shape} and {happened.shape}",
                help="pass one confidence and one truth value an example",
            )
        if claimed.dtype.kind not in "fiub" or happened.dtype.kind not in "fiub":
            raise InputError(
                f"confidence and correct must be numbers, got dtypes {claimed.dtype} and {happened.dtype}",
                help="pass floats in [0, 1] and booleans",
            )
        claimed = claimed.astype(np.float64)
        if not (good := (claimed >= 0) & (claimed <= 1)).all():
            row = int(np.argmin(good))
            raise InputError(f"confidence must lie in [0, 1], row {row} holds {claimed[row]:g}", help="mend or drop it")
        if not (good := (happened == 0) | (happened == 1)).all():
            row = int(np.argmin(good))
            raise InputError(f"correct must be 0 or 1, row {row} holds {happened[row]:g}", help="mend or drop it")
        with np.errstate(divide="ignore"):
            log_odds = np.log(claimed) - np.log1p(-claimed)
        return cls(claimed, happened.astype(bool), log_odds, weights(weight, len(claimed)))

    @classmethod
    def of_class(cls, predictions: "Predictions", index: int) -> "Outcomes":
        """The probability claimed for class ``index``, and whether that is the label.  Raises as `of` does."""
        n = predictions.n
        columns = cls(np.empty(n), predictions.labels == index, np.empty(n), predictions.sample_weight)
        scaled = predictions.kind == "logits" or bool(np.any(np.asarray(predictions.beta) != 1))
        for rows, block, _ in checked_blocks(predictions, as_logits=scaled):
            with np.errstate(divide="ignore", over="ignore"):
                if scaled:
                    own = block[:, index].copy()
                    block[:, index] = -np.inf
                    top = block.max(axis=1)
                    reachable = np.where(np.isfinite(top), top, 0.0)
                    others = reachable + np.log(np.exp(block - reachable[:, None]).sum(axis=1))
                    columns.log_odds[rows] = own - others
                    columns.confidence[rows] = 1 / (1 + np.exp(others - own))
                else:
                    columns.confidence[rows] = block[:, index]
                    columns.log_odds[rows] = np.log(block[:, index]) - np.log1p(-block[:, index])
        return columns

    @property
    def n(self) -> int:
        """Number of examples."""
        return len(self.confidence)

    @property
    def residual(self) -> Float:
        """Confidence − correct, ``(n,)``; its mean is the gap."""
        return self.confidence - self.correct

    @property
    def predicted(self) -> Int:
        """The predicted classes ``(n,)``.  Raises `InputError` where only confidences are known."""
        return self._whole().predicted

    @property
    def nll(self) -> Float:
        """Negative log-likelihood of each label ``(n,)``.  Raises `InputError` where only confidences are known."""
        return self._whole().nll

    @property
    def brier(self) -> Float:
        """Brier score of each row ``(n,)``.  Raises `InputError` where only confidences are known."""
        return self._whole().brier

    def mean(self, column: "Float | Bool") -> float:
        """The mean of a column, by ``weight`` where there are weights."""
        return float(np.mean(column) if self.weight is None else np.average(column, weights=self.weight))

    def _whole(self) -> "Losses":
        if self.losses is None:
            raise InputError(
                "these outcomes hold one confidence an example, the whole distributions are needed here",
                help="pass Predictions, or ask for a metric of the predicted class",
            )
        return self.losses

    @classmethod
    def of(cls, predictions: "Predictions") -> "Outcomes":
        """Reduce predictions in one pass; memory beside the columns does not grow with n or k.

        Raises `InputError` naming the first row that holds NaN or +inf, or is no distribution.
        """
        n = predictions.n
        losses = Losses(np.empty(n, np.int64), np.empty(n), np.empty(n))
        columns = cls(np.empty(n), np.empty(n, bool), np.empty(n), predictions.sample_weight, losses)
        scaled = predictions.kind == "logits" or bool(np.any(np.asarray(predictions.beta) != 1))
        reduce_block = _reduce_logits if scaled else _reduce_probs
        for rows, block, predicted in checked_blocks(predictions, as_logits=scaled):
            losses.predicted[rows] = predicted
            columns.correct[rows] = predicted == predictions.labels[rows]
            reduce_block(block, predicted, predictions.labels[rows], rows, columns)
        return columns


@dataclass(frozen=True, eq=False)
class Losses:
    """The columns of `Outcomes` that need whole distributions."""

    predicted: Int
    nll: Float
    brier: Float


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


def weights(values: "ArrayLike", n: int) -> Float | None:
    """Check sample weights ``(n,)``: finite, at least 0, not all 0.  None stays None.  Raises `InputError`."""
    if values is None:
        return None
    array = to_numpy(values)
    if array.shape != (n,) or array.dtype.kind not in "fiub":
        raise InputError(
            f"sample weights must be {n} numbers, got shape {array.shape} of dtype {array.dtype}",
            help="pass one weight an example",
        )
    array = array.astype(np.float64)
    if not (good := np.isfinite(array) & (array >= 0)).all():
        row = int(np.argmin(good))
        raise InputError(f"sample weights must be at least 0, row {row} holds {array[row]:g}", help="mend or drop it")
    if not array.any():
        raise InputError("all sample weights are 0", help="leave them out for equal weights")
    return array
