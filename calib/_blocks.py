"""Reading predictions block by block: checked, widened, and as differences to the row maximum; in several threads."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar

import numpy as np

from calib._arrays import AnyArray, Bool, Float, Int, blocks
from calib.errors import InputError

if TYPE_CHECKING:
    from calib.predictions import Predictions

ROW_SUM_TOLERANCE = 4e-3  # what rounding to bfloat16 can add up to; covers float16 and a few printed decimals too
MOST_THREADS = 8
SHORT = 32  # columns up to which they are compared one after another: argmax has a start to pay for every row
LONG = 4096  # entries from which a plain float32 sum loses the sixth digit, and numpy sums pairwise instead
Form: TypeAlias = Literal["given", "logits", "odds", "columns"]
ResultT = TypeVar("ResultT")


@dataclass(frozen=True, eq=False)
class Block:
    """Some rows of predictions, checked.

    ``values`` ``(m, k)`` may be overwritten.  What they are is asked for: "given" probabilities as they are; "logits"
    times ``beta``, less the row maximum; "odds", their exponentials, so that equal margins have equal odds; or
    "columns", the logits again, ``(k, m)`` and without ``predicted``, for sums over short rows.  ``predicted`` is read
    from the values as given: logarithm and ``beta`` could make two of them equal.  ``top`` is the row maximum before it
    was subtracted, of log-probabilities where they became logits.
    """

    rows: slice
    values: AnyArray
    predicted: Int
    top: AnyArray


def map_blocks(
    predictions: "Predictions",
    reduce: Callable[[Block], ResultT],
    *,
    form: Form,
    exact: bool = False,
    columns: int = 1,
) -> list[ResultT]:
    """Apply ``reduce`` to every block and return the results in the order of the rows, whatever thread made them.

    Blocks are float32 where the scores are float32 or shorter, unless they must be ``exact``; float64 otherwise.  Few
    blocks are read in this thread; many by as many threads as there are cores, up to 8 (or ``OMP_NUM_THREADS``), for
    numpy works without the interpreter's lock.  ``reduce`` must not keep a block: its memory is used again.  Where
    it makes more numbers of a row on its way than there are classes, they are ``columns``, and blocks have fewer rows.
    """
    narrow = is_narrow(predictions) and is_moderate(predictions.beta) and not exact

    def reduce_some(parts: list[slice]) -> list[ResultT]:
        reader = _Reader(predictions, form, np.float32 if narrow else np.float64)
        return [reduce(reader.read(rows)) for rows in parts]

    width = max(columns, predictions.n_classes) * (1 if narrow else 2)  # as many bytes of either kind
    return in_threads(reduce_some, list(blocks(predictions.n, width)))


def in_threads(reduce_some: Callable[[list[slice]], list[ResultT]], parts: list[slice]) -> list[ResultT]:
    """What ``reduce_some`` makes of ``parts``, in their order: of all at once where they are few, else in threads."""
    threads = min(_threads(), len(parts) // 4)
    if threads < 2:
        return reduce_some(parts)
    from concurrent.futures import ThreadPoolExecutor

    step = -(-len(parts) // (4 * threads))
    with ThreadPoolExecutor(threads) as pool:
        some = pool.map(reduce_some, [parts[i : i + step] for i in range(0, len(parts), step)])
        return [result for results in some for result in results]


def read_blocks(predictions: "Predictions", *, form: Form) -> Iterator[Block]:
    """Yield the blocks in float64, one after the other; each is gone when the next is asked for."""
    reader = _Reader(predictions, form, np.float64)
    for rows in blocks(predictions.n, predictions.n_classes):
        yield reader.read(rows)


class _Reader:
    """Reads one block after the other into the same memory: allocating it anew would cost more than the arithmetic."""

    def __init__(self, predictions: "Predictions", form: Form, dtype: type[np.floating]) -> None:
        self.predictions, self.form, self.dtype = predictions, form, np.dtype(dtype)
        self.beta = np.asarray(predictions.beta)
        self.scaled = bool(np.any(self.beta != 1))
        rows = next(iter(blocks(predictions.n, predictions.n_classes)))
        self.scratch: AnyArray = np.empty(rows.stop * predictions.n_classes, dtype)

    def read(self, rows: slice) -> Block:
        """Check and widen one block.  Raises `InputError` naming the first bad row."""
        predictions, given = self.predictions, self.predictions.values[rows]
        if self.form == "columns":
            return self._read_columns(rows, given)
        values: AnyArray = self.scratch[: given.size].reshape(given.shape)
        if given.dtype != self.dtype or not given.flags.c_contiguous:
            np.copyto(values, given, casting="same_kind")
            given = values
        predicted, top = _row_maximum(given)
        if predictions.kind == "logits":
            check_logits(given, top, rows.start)
        else:
            _check_probs(given, rows.start)
            if self.form == "given":
                return Block(rows, np.minimum(given, 1.0, out=values), predicted, top)  # what rounding left above 1
            with np.errstate(divide="ignore"):
                given, top = np.log(given, out=values), np.log(top)
        with np.errstate(over="ignore"):  # differences beyond the range are −inf
            np.subtract(given, top[:, None], out=values)
            if self.scaled:
                values *= (self.beta if self.beta.ndim == 0 else self.beta[rows, None]).astype(self.dtype)
        if self.form == "odds":
            np.exp(values, out=values)
        return Block(rows, values, predicted, top)

    def _read_columns(self, rows: slice, given: AnyArray) -> Block:
        values: AnyArray = self.scratch[: given.size].reshape(given.shape[::-1])
        np.copyto(values, given.T, casting="same_kind")
        top = values.max(axis=0)
        if self.predictions.kind == "logits":
            check_logits(given, top, rows.start)
        else:
            _check_probs(given, rows.start)
            with np.errstate(divide="ignore"):
                np.log(values, out=values)
            top = np.log(top)
        with np.errstate(over="ignore"):
            values -= top
            if self.scaled:
                values *= (self.beta if self.beta.ndim == 0 else self.beta[rows]).astype(self.dtype)
        return Block(rows, values, _NONE, top)


_NONE: Int = np.empty(0, np.int64)


def _row_maximum(block: AnyArray) -> tuple[Int, AnyArray]:
    """Where each row has its maximum, ties to the lowest index, and that maximum; NaN where a row holds one."""
    if block.shape[1] > SHORT:
        predicted = block.argmax(axis=1)
        return predicted, block.ravel()[np.arange(0, block.size, block.shape[1]) + predicted]
    columns = np.ascontiguousarray(block.T)
    top = columns.max(axis=0)
    before = np.ones(len(top), bool)  # whether the maximum has not come yet
    first = np.zeros(len(top), np.int8)
    for column in columns[:-1]:
        before &= column != top
        first += before
    return first.astype(np.int64), top


def probability_form(predictions: "Predictions") -> Form:
    """What to ask for when probabilities are wanted: those given, or odds where a softmax or temperature is due."""
    return "odds" if predictions.kind == "logits" or np.any(np.asarray(predictions.beta) != 1) else "given"


def is_narrow(predictions: "Predictions") -> bool:
    """Whether float32 holds every digit of the scores, and those are logits."""
    return predictions.kind == "logits" and predictions.values.dtype.itemsize <= 4


def is_moderate(beta: float | Float) -> bool:
    """Whether every inverse temperature is a number that float32 can hold, with room to spare."""
    return bool(np.min(beta) > 1e-30 and np.max(beta) < 1e30)


def row_sums(values: AnyArray) -> Float:
    """Sums over the columns ``(m,)``, in float64 at the end; pairwise where rows are long."""
    sums: AnyArray = values.sum(axis=1) if values.shape[1] > LONG else np.einsum("ij->i", values)
    return sums.astype(np.float64)


def _threads() -> int:
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    return min(int(wanted) if wanted.isdecimal() and int(wanted) else os.cpu_count() or 1, MOST_THREADS)


def check_logits(block: AnyArray, top: AnyArray, first_row: int) -> None:
    """Raise `InputError` for the first row of a block whose maximum ``top`` is not finite."""
    if np.isfinite(top).all():
        return
    bad = ~np.isfinite(top)
    row = int(np.argmax(bad))
    if np.isneginf(top[row]):
        raise InputError(f"row {first_row + row} of the logits is −inf for every class", help="drop or mend this row")
    value, column = _first(block[row], ~(block[row] < np.inf))
    like = f" ({bad.sum()} of rows {first_row} … {first_row + len(block) - 1} are like it)" if bad.sum() > 1 else ""
    raise InputError(
        f"logits must be numbers or −inf, row {first_row + row} column {column} holds {value}{like}",
        help="find out where it comes from (a diverged model, an overflow), or drop the row",
    )


def _check_probs(block: AnyArray, first_row: int) -> None:
    sums = block.sum(axis=1)
    good = (np.abs(sums - 1) <= ROW_SUM_TOLERANCE) & (block.min(axis=1) >= 0)
    if good.all():
        return
    if (np.abs(sums - 100) <= max(1, min(5, 0.5 * block.shape[1]))).all() and block.min() >= 0:
        raise InputError("probabilities must sum to 1, these rows sum to 100: percentages", help="divide them by 100")
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
        f"the probabilities of a row must sum to 1, {where} sums to {sums[row]:.6g} (tolerance {ROW_SUM_TOLERANCE:g})",
        help="divide each row by its sum if that is what you mean; logits are called so: columns logit_0, … of a file, "
        "Predictions.from_logits in Python",
    )


def _first(row: AnyArray, mask: Bool) -> tuple[float, int]:
    column = int(np.argmax(mask))
    return float(row[column]), column
