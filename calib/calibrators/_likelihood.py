"""Mean NLL as a function of β = 1/T, with its derivatives, from one read of the predictions."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from calib._arrays import AnyArray, DeviceArray, Float, Scratch, torch_is_ready
from calib._blocks import SHORT, Block, Form, is_narrow, map_blocks, read_blocks, row_sums
from calib.calibrators._base import example_weights, one_hot
from calib.calibrators._moments import COLUMNS, FAR, HUGE, Asked, Limits, Moments, row_moments
from calib.predictions import ArrayLike, Predictions

KEPT_ENTRIES = 32_768  # predictions up to this size are read once and kept
ORDER = 5  # derivatives of NLL that a read finds: from a good start it is the only one
SAMPLE_SHARE = 32  # rows to one of the sample,
SAMPLE_ROWS = 2_000  # unless that makes fewer than these;
SAMPLE_ENTRIES = 2_000_000  # at most so many numbers,
LEAST_ROWS = 64  # but these rows however long they are


@dataclass(frozen=True, eq=False)
class _Part:
    """Some rows, ready for any β: ``logits`` less the row maximum, ``(m, k)``, or ``(k, m)`` where rows are short."""

    logits: Float
    true_logit: Float
    weight: Float | None  # None counts all alike


class Likelihood:
    """NLL of predictions under any β, with its derivatives.  ``reads`` counts how often all was gone through."""

    def __init__(self, predictions: Predictions, targets: ArrayLike | None = None) -> None:
        self.predictions = predictions
        self.targets = None if targets is None else one_hot(predictions, targets)
        self._weight = None if predictions.sample_weight is None else example_weights(predictions)
        self.total = self.effective = float(predictions.n)  # Σ weight, and the number of examples that count
        if self._weight is not None:
            self.total = float(self._weight.sum())
            self.effective = self.total**2 / float(np.square(self._weight).sum())  # Kish (1965)
        self.reads = 0
        self._short = predictions.n_classes <= SHORT
        self._lowest = -np.inf  # no sum of a row's logits, less its maximum, is below
        self._scratch = Scratch()
        self._kept: list[tuple[_Part, Float]] | None = None

    @property
    def small(self) -> bool:
        """Whether the values are read once and kept."""
        return self.predictions.n * self.predictions.n_classes <= KEPT_ENTRIES

    def sample(self) -> "Likelihood | None":
        """The likelihood of some rows that count, evenly spaced; None where it would take more than a third of them."""
        counted = None if self._weight is None else np.flatnonzero(self._weight)
        n = self.predictions.n if counted is None else len(counted)
        rows = _sample_rows(n, self.predictions.n_classes)
        if n < 3 * rows:
            return None
        every = slice(None, None, (-(-n // rows) - 1) | 1)  # odd: the length of what repeats is often even
        some = every if counted is None else counted[every]
        return Likelihood(self.predictions[some], None if self.targets is None else self.targets[some])

    def at(self, beta: float, order: int = ORDER) -> Moments:
        """NLL and ``order`` derivatives at β, from one read."""
        return self._gone_through(Asked(beta, order, lowest=self._lowest))[1]

    def first(self, beta: float, order: int = ORDER, *, at_one: bool) -> tuple[float, Moments, Limits]:
        """NLL at 1 (0 unless asked for), likewise all of it at β, and what NLL does at both ends, from one read.

        NLL at 1 is of float32 exponentials where the logits are no longer.
        """
        return self._gone_through(Asked(beta, order, at_one=at_one))

    def _gone_through(self, asked: Asked) -> tuple[float, Moments, Limits]:
        parts = list(self._read(asked))
        sums = (np.sum([sums for sums, _ in parts], axis=0) / self.total).tolist()
        ends = np.array([ends for _, ends in parts])
        lowest, highest, impossible = ends[:, :3].sum(axis=0) / self.total
        self._lowest = float(ends[:, 3].min())
        nll, derivatives, squares = sums[1], sums[2 : 2 + asked.order], sums[2 + asked.order :]
        moments = Moments(asked.beta, nll, tuple(derivatives), tuple(square / self.total for square in squares))
        return sums[0], moments, Limits(float(lowest), float(highest), impossible == 0)

    def _read(self, asked: Asked) -> Iterable[tuple[Float, Float]]:
        """Of every block the sums that `_sums` and `_ends` make."""
        if self.small and not isinstance(self.predictions.values, DeviceArray):
            return [(self._sums(part, replace(asked, lowest=ends[-1])), ends) for part, ends in self._parts()]
        self.reads += 1
        if self.predictions.kind == "logits" and torch_is_ready():
            from calib.calibrators._torch_sums import torch_sums

            return torch_sums(self.predictions, self._weight, self.targets, asked)

        def reduce(block: Block) -> tuple[Float, Float]:
            part = self._prepared(block)
            ends = self._ends(part) if asked.lowest is None else np.array([0.0, 0.0, 0.0, asked.lowest])
            return self._sums(part, replace(asked, lowest=ends[-1])), ends

        return map_blocks(self.predictions, reduce, form=self._form, exact=True, columns=COLUMNS)

    @property
    def _form(self) -> Form:
        return "columns" if self._short else "logits"

    def _parts(self) -> list[tuple[_Part, Float]]:
        if self._kept is None:
            self.reads += 1
            self._kept = []
            for block in read_blocks(self.predictions, form=self._form):
                part = self._prepared(block)
                kept = _Part(part.logits.copy(), part.true_logit, part.weight)
                self._kept.append((kept, self._ends(kept)))
        return self._kept

    def _prepared(self, block: Block) -> _Part:
        """A block with its true logits."""
        logits, weight = block.values, None if self._weight is None else self._weight[block.rows]
        by_row = logits.T if self._short else logits
        if self.targets is None:
            true_logit = by_row[np.arange(len(by_row)), self.predictions.labels[block.rows]]
        else:
            targets = self.targets[block.rows]
            true_logit = np.einsum("ij,ij->i", np.where(targets > 0, by_row, 0), targets)
        if weight is not None:
            true_logit[weight == 0] = 0.0  # an impossible label of weight 0 is none
        return _Part(logits, true_logit, weight)

    def _ends(self, part: _Part) -> Float:
        """Sums behind `Limits`: of both slopes, and of impossible labels; and the lowest sum of a row's logits."""
        logits, weight = part.logits, part.weight
        count: AnyArray | int = self.predictions.n_classes
        with np.errstate(over="ignore"):
            total = (_column_sums if self._short else row_sums)(logits)
            lowest = total.min()
            if not lowest > -HUGE:
                finite = np.isfinite(logits)
                axis = 0 if self._short else 1
                total, count = np.where(finite, logits, 0.0).sum(axis=axis), finite.sum(axis=axis)
            if weight is not None:
                total = np.where(weight > 0, total, 0.0)  # infinite ones too
            impossible = ~np.isfinite(part.true_logit)
            known = np.where(impossible, 0.0, part.true_logit)
            sums = _dot(weight, total / count - known), -_dot(weight, known), impossible.sum(), lowest
        return np.array(sums, np.float64)

    def _sums(self, part: _Part, asked: Asked) -> Float:
        """Σ weight · NLL at 1 (0 unless asked for), and what `row_moments` sums at β."""
        scaled, odds = (self._scratch.array(name, part.logits.shape) for name in ("scaled", "odds"))
        sums, before = (_column_sums if self._short else row_sums), 0.0
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            if asked.at_one:
                given = part.logits.astype(np.float32) if is_narrow(self.predictions) else part.logits
                odds[...] = np.exp(given)
                before = _dot(part.weight, np.log(sums(odds)) - part.true_logit)
            np.multiply(part.logits, asked.beta, out=scaled)
            if asked.far:
                np.maximum(scaled, -FAR, out=scaled)  # it will be times a probability of 0
            total = sums(np.exp(scaled, out=odds))
            means = []
            for _ in range(asked.order):
                odds *= scaled
                means.append(sums(odds) / total)
            true = asked.beta * part.true_logit
            return np.array([before, *row_moments(np.log(total) - true, means, true, part.weight, _dot)])


def _sample_rows(n: int, k: int) -> int:
    return max(LEAST_ROWS, min(max(SAMPLE_ROWS, n // SAMPLE_SHARE), SAMPLE_ENTRIES // k, n // 4))


def _column_sums(values: AnyArray) -> Float:
    """Sums over the rows ``(m,)``, in float64 at the end."""
    sums: AnyArray = values.sum(axis=0)
    return sums.astype(np.float64)


def _dot(weight: Float | None, column: Float) -> float:
    """Σ w · c, or Σ c; not by BLAS, which would start threads of its own."""
    return float(column.sum() if weight is None else np.einsum("i,i->", weight, column))
