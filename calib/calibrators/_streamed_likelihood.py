"""The likelihood of predictions in parts: every read goes through all of them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from calib._checks import check_some_weight
from calib.calibrators._likelihood import LEAST_ROWS, ORDER, SAMPLE_ENTRIES, Likelihood
from calib.calibrators._moments import Limits, Moments, combined_limits, combined_moments
from calib.calibrators.temperature import TemperatureScaling, fitted_to
from calib.parts import Likeness, OnPart, Parts, total_of
from calib.predictions import Predictions


class StreamedLikelihood:
    """`Likelihood` of parts: every read goes through all of them and adds their moments up."""

    small = False

    def __init__(self, parts: Parts, on_part: OnPart | None = None) -> None:
        self.reads = 0
        self.n = 0
        self._parts, self._on_part = parts, on_part
        self.likeness: Likeness | None = None  # known after a read, as `n`
        self._total = self._squares = 0.0

    def fit(self) -> TemperatureScaling:
        """The temperature under which these parts are likeliest."""
        fitted = fitted_to(self, n=0)
        return replace(fitted, n=self.n)  # known after a read

    @property
    def effective(self) -> float:
        """Examples (Kish 1965); n without weights.  Known after a read."""
        return self._total**2 / self._squares

    def sample(self) -> Likelihood:
        """The likelihood of some rows."""
        rows = max(LEAST_ROWS, SAMPLE_ENTRIES // self._parts.sample(1).n_classes)
        return Likelihood(self._parts.sample(rows))

    def at(self, beta: float, order: int = ORDER) -> Moments:
        """NLL and ``order`` derivatives at β."""
        read = self._read(partial(_moments_of, beta=beta, order=order))
        return combined_moments([(weight, moments) for weight, moments, _, _ in read.found])

    def first(self, beta: float, order: int = ORDER, *, at_one: bool) -> tuple[float, Moments, Limits]:
        """NLL at 1 (0 unless asked for), likewise all of it at β, and what NLL does at both ends."""
        read = self._read(partial(_first_of, beta=beta, order=order, at_one=at_one))
        mean = sum(weight * nll for weight, _, nll, _ in read.found) / read.weight
        limits = [(weight, limits) for weight, _, _, limits in read.found if limits is not None]
        return (
            mean,
            combined_moments([(weight, moments) for weight, moments, _, _ in read.found]),
            combined_limits(limits),
        )

    def _read(self, of: "Callable[[Predictions], _Read]") -> "_Read":
        """Go through all parts once, and keep their sums."""
        self.reads += 1
        read = total_of(self._parts.gather(of), self._on_part)
        self.n, self.likeness, self._total, self._squares = read.n, read.likeness, read.weight, read.squares
        check_some_weight(np.array([read.weight]))
        return read


@dataclass(frozen=True, eq=False)
class _Read:
    """Rows, Σ w and Σ w² of some parts, and of each that counts: weight, moments, NLL at 1 and limits where asked."""

    n: int
    likeness: Likeness
    weight: float
    squares: float
    found: tuple[tuple[float, Moments, float, Limits | None], ...]

    def __add__(self, other: "_Read") -> "_Read":
        self.likeness.check(other.likeness)
        return replace(
            self,
            n=self.n + other.n,
            weight=self.weight + other.weight,
            squares=self.squares + other.squares,
            found=self.found + other.found,
        )


def _moments_of(part: Predictions, *, beta: float, order: int) -> _Read:
    return _read_of(part, lambda one: (one.at(beta, order), 0.0, None))


def _first_of(part: Predictions, *, beta: float, order: int, at_one: bool) -> _Read:
    def found(one: Likelihood) -> tuple[Moments, float, Limits]:
        nll_at_one, moments, limits = one.first(beta, order, at_one=at_one)
        return moments, nll_at_one, limits

    return _read_of(part, found)


def _read_of(part: Predictions, of: Callable[[Likelihood], tuple[Moments, float, Limits | None]]) -> _Read:
    weight = np.ones(part.n) if part.sample_weight is None else part.sample_weight
    total = float(weight.sum())
    found = ((total, *of(Likelihood(part))),) if total > 0 else ()
    return _Read(part.n, Likeness.of(part), total, float(np.square(weight).sum()), found)
