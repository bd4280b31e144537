"""Mean NLL as a function of β = 1/T, with its derivatives, from one read of the predictions."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calib._arrays import AnyArray, DeviceArray, Float
from calib._blocks import SHORT, Block, Form, map_blocks, read_blocks, row_sums
from calib._checks import generator
from calib.calibrators._base import example_weights, one_hot
from calib.predictions import ArrayLike, Predictions

_ROUNDING = 1e-13  # a sum this small beside what it is made of is 0
KEPT_ENTRIES = 262_144  # predictions up to this size (2 MiB) are read once and kept


@dataclass(frozen=True)
class Moments:
    """Mean NLL at one β and its derivatives in β; rows count by their weight, whose total is 1.

    ``slope`` is the mean of E_q z − z_y, ``curvature`` the mean variance of the logits under the model, and ``squares``
    the sum of squared weight · (E_q z − z_y): its root over ``curvature`` is the sandwich standard error of β.
    """

    beta: float
    nll: float
    slope: float
    curvature: float
    squares: float


@dataclass(frozen=True)
class Limits:
    """The slope of NLL at β → 0 and β → ∞, and whether every label has a probability above 0."""

    lowest: float
    highest: float
    possible: bool


@dataclass(frozen=True, eq=False)
class _Part:
    """Some rows, ready for any β: ``logits`` less the row maximum, ``(m, k)``, or ``(k, m)`` where rows are short."""

    logits: AnyArray
    true_logit: Float
    weight: Float


def combined_moments(parts: Sequence[tuple[float, Moments]]) -> Moments:
    """The moments of a whole from the total weights and the moments of its parts, all at one β."""
    weights = np.array([weight for weight, _ in parts])
    share, moments = weights / weights.sum(), [found for _, found in parts]
    nll, slope, curvature = (
        float(np.dot(share, [getattr(one, name) for one in moments])) for name in ("nll", "slope", "curvature")
    )
    return Moments(moments[0].beta, nll, slope, curvature, float(np.dot(share**2, [one.squares for one in moments])))


def combined_limits(parts: Sequence[tuple[float, Limits]]) -> Limits:
    """Likewise what NLL does at both ends."""
    weights = np.array([weight for weight, _ in parts])
    share, limits = weights / weights.sum(), [found for _, found in parts]
    lowest, highest = (float(np.dot(share, [getattr(one, name) for one in limits])) for name in ("lowest", "highest"))
    return _limits(lowest, highest, all(one.possible for one in limits))


def _limits(lowest: float, highest: float, possible: bool) -> Limits:
    if abs(lowest) < _ROUNDING * (abs(lowest) + abs(highest)):
        lowest = 0.0
    return Limits(lowest, highest, possible)


class Likelihood:
    """NLL of predictions under any β.  ``reads`` counts how often the values were gone through."""

    def __init__(self, predictions: Predictions, targets: ArrayLike | None = None) -> None:
        self.predictions = predictions
        self.targets = None if targets is None else one_hot(predictions, targets)
        self.weight = example_weights(predictions)
        self.total = float(self.weight.sum())
        self.effective = self.total**2 / float(np.square(self.weight).sum())  # examples (Kish 1965); n without weights
        self.reads = 0
        self._short = predictions.n_classes <= SHORT
        self._form: Form = "columns" if self._short else "logits"
        self._infinite = True  # whether some logit may be −inf
        self._spare: dict[int, AnyArray] = {}
        self._kept: list[tuple[_Part, Float]] | None = None

    @property
    def small(self) -> bool:
        """Whether the values are read once and kept."""
        return self.predictions.n * self.predictions.n_classes <= KEPT_ENTRIES

    @property
    def n_classes(self) -> int:
        """Number of classes, k."""
        return self.predictions.n_classes

    def sample(self, rows: int) -> "Likelihood":
        """The likelihood of at most as many ``rows`` that count, drawn at random but always the same."""
        counted = np.flatnonzero(self.weight) if self.predictions.sample_weight is not None else None
        n = self.predictions.n if counted is None else len(counted)
        drawn = np.unique(generator(0).integers(n, size=rows))
        some = drawn if counted is None else counted[drawn]
        return Likelihood(self.predictions[some], None if self.targets is None else self.targets[some])

    def at(self, beta: float, *, exact: bool = True) -> Moments:
        """NLL and derivatives at β, from one read.  Not ``exact`` is float32 where the logits are no longer."""
        return self._gone_through(beta, exact, first=False)[1]

    def first(self, beta: float, *, exact: bool = True) -> tuple[float, Moments, Limits]:
        """NLL at 1, all of it at β, and what NLL does at both ends, from one read."""
        return self._gone_through(beta, exact, first=True)

    def _gone_through(self, beta: float, exact: bool, *, first: bool) -> tuple[float, Moments, Limits]:
        if isinstance(self.predictions.values, DeviceArray):
            from calib._device import nll_sums

            self.reads += 1
            parts = list(nll_sums(self.predictions, beta, self.weight, self.targets))
        elif self.small:
            parts = [(self._sums(part, beta, first), ends) for part, ends in self._parts()]
        else:
            self.reads += 1
            exact = exact or not 1e-30 < beta < 1e30

            def reduce(block: Block) -> tuple[Float, Float]:
                part, ends = self._prepared(block, ends=first)
                return self._sums(part, beta, first), ends

            parts = map_blocks(self.predictions, reduce, form=self._form, exact=exact)
        at_one, *means = np.sum([sums for sums, _ in parts], axis=0) / self.total
        lowest, highest, impossible, infinite = np.sum([ends for _, ends in parts], axis=0)
        self._infinite = bool(infinite) if first else self._infinite
        nll, slope, curvature, squares = map(float, means)
        limits = _limits(float(lowest / self.total), float(highest / self.total), not impossible)
        return float(at_one), Moments(beta, nll, slope, curvature, squares / self.total), limits

    def _parts(self) -> list[tuple[_Part, Float]]:
        if self._kept is None:
            self.reads += 1
            self._kept = []
            for block in read_blocks(self.predictions, form=self._form):
                part, ends = self._prepared(block, ends=True)
                self._kept.append((_Part(part.logits.copy(), part.true_logit, part.weight), ends))
        return self._kept

    def _prepared(self, block: Block, *, ends: bool) -> tuple[_Part, Float]:
        """A block with its true logits, and the sums behind the limits where they are asked for."""
        logits, weight = block.values, self.weight[block.rows]
        rows, labels = np.arange(len(weight)), self.predictions.labels[block.rows]
        by_row = logits.T if self._short else logits
        if self.targets is None:
            true_logit = by_row[rows, labels].astype(np.float64)
        else:
            targets = self.targets[block.rows]
            true_logit = np.einsum("ij,ij->i", np.where(targets > 0, by_row, 0), targets)
        if self.predictions.sample_weight is not None:
            true_logit[weight == 0] = 0.0  # an impossible label of weight 0 is none
        needed = ends or self._infinite
        sums = self._ends(logits, true_logit, weight) if needed else np.zeros(4)
        return _Part(logits, true_logit, weight), sums

    def _ends(self, logits: AnyArray, true_logit: Float, weight: Float) -> Float:
        """Sums behind `Limits`, and whether there are logits of −inf, which become the lowest number there is."""
        by_row = logits.T if self._short else logits
        with np.errstate(over="ignore"):
            total = logits.sum(axis=0).astype(np.float64) if self._short else row_sums(logits)
        count: Float | int = by_row.shape[1]
        infinite = not np.isfinite(total).all()
        if infinite:
            finite = np.isfinite(by_row)
            total, count = np.where(finite, by_row, 0.0).sum(axis=1, dtype=np.float64), finite.sum(axis=1)
            np.maximum(logits, np.finfo(logits.dtype).min, out=logits)  # it will be times a probability of 0
        impossible = ~np.isfinite(true_logit)
        known = np.where(impossible, 0.0, true_logit)
        ends = _dot(weight, total / count - known), -_dot(weight, known), impossible.any(), infinite
        return np.array(ends, np.float64)

    def _sums(self, part: _Part, beta: float, at_one: bool) -> Float:
        """Σ w · NLL at 1 (0 unless asked for); at β Σ w · NLL, Σ w · slope, Σ w · variance, Σ (w · slope)²."""
        logits, odds = part.logits, self._scratch(part.logits)
        before = 0.0
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            if at_one:
                np.exp(logits, out=odds)
                total = odds.sum(axis=0).astype(np.float64) if self._short else row_sums(odds)
                before = _dot(part.weight, np.log(total) - part.true_logit)
            np.multiply(logits, logits.dtype.type(beta), out=odds)
            np.exp(odds, out=odds)
            total, first, second = (_column_sums if self._short else _row_sums)(odds, logits)
            mean = first / total
            slope, nll = mean - part.true_logit, np.log(total) - beta * part.true_logit
            moments = [_dot(part.weight, column) for column in (nll, slope, second / total - mean**2)]
            return np.array([before, *moments, np.square(part.weight * slope).sum()])

    def _scratch(self, logits: AnyArray) -> AnyArray:
        """Memory of this thread for as many entries: allocating it anew would cost more than the arithmetic."""
        spare = self._spare.get(threading.get_ident())
        if spare is None or spare.dtype != logits.dtype or spare.size < logits.size:
            spare = self._spare[threading.get_ident()] = np.empty(logits.size, logits.dtype)
        return spare[: logits.size].reshape(logits.shape)


def _dot(weight: Float, column: Float) -> float:
    """Σ w · c; not by BLAS, which would start threads of its own."""
    return float(np.einsum("i,i->", weight, column))


def _row_sums(odds: AnyArray, logits: AnyArray) -> tuple[Float, Float, Float]:
    """Σ odds, Σ odds · logits and Σ odds · logits² over each row; overwrites the odds."""
    total, first = row_sums(odds), np.einsum("ij,ij->i", odds, logits).astype(np.float64)
    odds *= logits
    return total, first, np.einsum("ij,ij->i", odds, logits).astype(np.float64)


def _column_sums(odds: AnyArray, logits: AnyArray) -> tuple[Float, Float, Float]:
    """The same over each column, for few and long rows."""
    total = odds.sum(axis=0).astype(np.float64)
    odds *= logits
    first = odds.sum(axis=0).astype(np.float64)
    odds *= logits
    return total, first, odds.sum(axis=0).astype(np.float64)
