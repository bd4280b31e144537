"""Confidences counted in fine cells of log-odds: what ranks and kernels need of data that are not kept."""

from dataclasses import dataclass

import numpy as np

from calib._arrays import Float, Int
from calib._sums import sums_by
from calib.errors import InputError
from calib.outcomes import Outcomes

PER_NAT = 1024  # cells to a nat of log-odds: none is wider than 1/4096 in confidence
LAST = 64 * PER_NAT  # beyond ±64 nats all is one cell


@dataclass(frozen=True, eq=False)
class LogOddsHistogram:
    """Sums over the examples of each occupied cell, which add up over parts; at most 131,073 cells are kept.

    ``cells`` ``(m,)``, rising, number the cells: cell i holds log-odds from i / 1024 to (i + 1) / 1024.  ``wrong`` and
    ``right`` ``(3, m)`` are Σ w, Σ w · confidence and Σ w · confidence² over the wrong and the right examples of each,
    ``squares`` ``(m,)`` Σ w² over both; w is 1 where there are no sample weights.
    """

    cells: Int
    wrong: Float
    right: Float
    squares: Float

    @classmethod
    def empty(cls) -> "LogOddsHistogram":
        """Of no examples."""
        return cls(np.zeros(0, np.int64), np.zeros((3, 0)), np.zeros((3, 0)), np.zeros(0))

    @classmethod
    def of(cls, outcomes: Outcomes) -> "LogOddsHistogram":
        """Count the examples.

        >>> LogOddsHistogram.of(Outcomes.from_confidence([0.5, 0.5, 0.9], [True, False, True])).cells.tolist()
        [0, 2249]
        """
        counted = outcomes.mass > 0
        weight, confidence = outcomes.mass[counted], outcomes.confidence[counted]
        index = np.floor(np.clip(outcomes.log_odds[counted] * PER_NAT, -LAST, LAST)).astype(np.int64)
        if not len(index):
            return cls.empty()
        first = int(index.min())
        index -= first
        length = int(index.max()) + 1
        squares = sums_by(index, weight**2, length)
        index += length * outcomes.correct[counted]
        sums = np.empty((3, 2, length))
        for power, column in enumerate((weight, weight * confidence, weight * confidence**2)):
            sums[power] = sums_by(index, column, 2 * length).reshape(2, length)
        return _occupied(first, sums[:, 0], sums[:, 1], squares)

    def __add__(self, other: "LogOddsHistogram") -> "LogOddsHistogram":
        """The histogram of both data sets."""
        if not len(self.cells) or not len(other.cells):
            return self if len(self.cells) else other
        first, last = (pick(self.cells[end], other.cells[end]) for pick, end in ((min, 0), (max, -1)))
        length = int(last - first) + 1
        (wrong, right), squares = np.zeros((2, 3, length)), np.zeros(length)
        for part in (self, other):
            wrong[:, part.cells - first] += part.wrong
            right[:, part.cells - first] += part.right
            squares[part.cells - first] += part.squares
        return _occupied(int(first), wrong, right, squares)

    @classmethod
    def checked(cls, cells: Int, wrong: Float, right: Float, squares: Float) -> "LogOddsHistogram":
        """Arrays from outside.  Raises `InputError` where they are no such sums."""
        good = cells.dtype == np.int64 and cells.ndim == 1 and bool((np.diff(cells) > 0).all())
        good = good and (not len(cells) or bool(cells[0] >= -LAST and cells[-1] <= LAST))
        for sums, shape in ((wrong, (3, len(cells))), (right, (3, len(cells))), (squares, (len(cells),))):
            good = good and sums.dtype == np.float64 and sums.shape == shape
            good = good and bool((np.isfinite(sums) & (sums >= 0)).all())
        for sums in (wrong, right):  # Σ w c² ≤ Σ w c ≤ Σ w
            good = good and bool((sums[1:] <= sums[:-1] * (1 + 1e-9)).all())
        if not good or not ((wrong[0] + right[0] > 0) & (squares > 0)).all():
            raise InputError("these are no sums over cells of log-odds", help="pass what to_bytes() returned")
        return cls(cells, wrong, right, squares)

    @property
    def mass(self) -> Float:
        """Weight of each cell, ``(m,)``: its number of examples where there are no weights."""
        return np.asarray(self.wrong[0] + self.right[0])

    @property
    def confidence(self) -> Float:
        """Mean confidence in each cell, ``(m,)``."""
        return np.asarray(np.minimum((self.wrong[1] + self.right[1]) / self.mass, 1.0))

    @property
    def limits(self) -> tuple[Float, Float]:
        """The lowest and highest confidence that each cell can hold, ``(m,)`` each."""
        low = np.where(self.cells == -LAST, -np.inf, self.cells / PER_NAT)
        high = np.where(self.cells == LAST, np.inf, (self.cells + 1) / PER_NAT)
        with np.errstate(over="ignore"):
            return 1 / (1 + np.exp(-low)), 1 / (1 + np.exp(-high))


def _occupied(first: int, wrong: Float, right: Float, squares: Float) -> LogOddsHistogram:
    held = np.flatnonzero(wrong[0] + right[0] > 0)
    return LogOddsHistogram(held + first, wrong[:, held], right[:, held], squares[held])
