"""The test behind intervals of binned errors: which values of the true error would explain the observed one?

The plug-in ECE is biased upwards and its bias depends on the unknown curve, so resampling around the data misses the
truth (`docs/coverage.md` has the numbers).  Here each candidate value θ is tested: the data are moved to the nearest
curve whose error is θ, data sets are drawn from it, and θ belongs to the interval while the observed statistic is not
extreme among theirs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np

from calib._arrays import Float, Int
from calib._checks import generator
from calib._sums import sums_by
from calib.outcomes import Outcomes

DRAWS = 1000  # data sets a candidate; the tail probabilities of an interval have a standard error of 0.005
Power: TypeAlias = Literal[1, 2]
_STEP = 0.01  # limits are found to this share of a standard error
_NEWTON = 30  # steps beyond one for each bin that stops at 0
_TIE = 1e-9  # statistics this close are equal: of discrete data, or of few bins


@dataclass(frozen=True, eq=False)
class BinSums:
    """What an interval needs of the data: sums over the examples of each bin, ``(b,)``; they may come from a stream.

    ``mass``, ``confidence`` and ``correct`` are Σ w, Σ w · confidence and Σ w · correct; ``square`` is Σ w².  Without
    weights w = 1.
    """

    mass: Float
    confidence: Float
    correct: Float
    square: Float

    @classmethod
    def of(cls, outcomes: Outcomes, bins: Int, n_bins: int) -> "BinSums":
        """Sum over ``bins`` ``(n,)``, the bin of each example."""
        weight = outcomes.relative_mass
        columns = (weight, weight * outcomes.confidence, weight * outcomes.correct, weight**2)
        return cls(*(sums_by(bins, column, n_bins) for column in columns))

    def occupied(self) -> tuple[Float, Float, Float, Float]:
        """Share, mean confidence, accuracy and number of examples of each bin that holds any."""
        held = self.mass > 0
        mass, square = self.mass[held], self.square[held]
        confidence, accuracy = (np.minimum(column[held] / mass, 1.0) for column in (self.confidence, self.correct))
        count = np.divide(mass**2, square, out=np.ones_like(mass), where=square > 0)
        # effective examples (Kish 1965); plain ones without weights
        return mass / mass.sum(), confidence, accuracy, np.maximum(np.rint(count), 1.0)


@dataclass(frozen=True, eq=False)
class Inversion:
    """The test of every candidate error, on the occupied bins; columns ``(b, 1)``, or ``(b, DRAWS)`` where drawn.

    The error is the l1 norm (``power`` 1, as of ECE) or the l2 norm (2, as of RMSCE) of the bins' parts: their gaps
    times ``scale``, which is their share of the examples or its root.  ``standard_error`` is a rough one of the part,
    never 0.
    ``drawn_count`` and ``normal`` are the randomness of the data sets that are drawn: it is the same for every
    candidate, so that limits depend smoothly on the data.
    """

    power: Power
    confidence: Float
    accuracy: Float
    scale: Float
    standard_error: Float
    drawn_count: Float
    drawn_scale: Float
    normal: Float

    @classmethod
    def of(cls, sums: BinSums, seed: int, power: Power = 1) -> "Inversion":
        """Prepare the test.  Raises `InputError` for a bad seed."""
        share, confidence, accuracy, count = sums.occupied()
        # One example at the bin's confidence, half a right and half a wrong one: no bin is ever certain.
        guess = (count * accuracy + confidence + 0.5) / (count + 2)
        rng = generator(seed)
        drawn_count = rng.multinomial(int(count.sum()), count / count.sum(), size=DRAWS).T.astype(np.float64)
        drawn_mass = drawn_count * (share / count)[:, None]
        scale = share ** (1 / power)
        return cls(
            power,
            confidence[:, None],
            accuracy[:, None],
            scale[:, None],
            (scale * np.sqrt(guess * (1 - guess) / count))[:, None],
            drawn_count,
            (drawn_mass / drawn_mass.sum(axis=0)) ** (1 / power),
            rng.standard_normal(drawn_count.shape),
        )

    @cached_property
    def size(self) -> Float:
        """The bins' parts of the observed error, ``(b, 1)``."""
        return self.scale * np.abs(self.confidence - self.accuracy)

    @property
    def plug_in(self) -> float:
        """The observed error."""
        return float(self._total(self.size)[0])

    @cached_property
    def observed(self) -> Float:
        """The same, raised to what chance leads to: an error below that buys no narrower limits."""
        by_chance = float(np.median(self._total(self._draw(0.0))))
        return self.size if self.plug_in >= by_chance else self._nearest(self.size, by_chance)

    def excess(self, error: float, quantile: float | Sequence[float]) -> Float:
        """Quantiles of the statistic among the data sets of a candidate, less the observed one; they rise with both."""
        statistics = self._statistic(np.concatenate([self.observed, self._draw(error)], axis=1), error)
        above: Float = np.quantile(statistics[1:], quantile) - statistics[0]
        return above

    def error_at(self, quantile: float) -> float:
        """The candidate among whose data sets the observed statistic is this quantile; 0 where 0 puts it lower.

        So 0.975 gives the lower limit of a 95 % interval, 0.025 the upper one and 0.5 a median-unbiased estimate.  Of
        candidates that tie, the limit is the one further out.
        """
        nudge = _TIE if quantile > 0.5 else -_TIE
        scale = float(np.sqrt((self.standard_error**2).sum()))
        largest = float(self._total(self.scale * np.maximum(self.confidence, 1 - self.confidence))[0])
        start = min(float(self._total(self.observed)[0]), largest)
        return _crossing(lambda error: float(self.excess(error, quantile)) + nudge, start, scale, largest)

    def curve(self, error: float) -> Float:
        """The bins' signed parts ``(b, 1)`` of the nearest curve of this error; over its limit a gap changes sign."""
        gap = self._nearest(self.size, error)
        over = np.where(self.confidence >= self.accuracy, 1.0, -1.0)
        room = self.scale * np.where(over > 0, self.confidence, 1 - self.confidence)
        signed: Float = np.where(gap <= room, over, -over) * gap
        return signed

    def _draw(self, error: float) -> Float:
        """Parts ``(b, DRAWS)`` of data sets whose true curve is the nearest one of this error."""
        true = np.clip(self.confidence - self.curve(error) / self.scale, 0, 1)
        # A binomial as a normal with its skewness, rounded to whole examples: smooth in the candidate.
        spread = np.sqrt(self.drawn_count * (true * (1 - true))) * self.normal
        right = np.rint(self.drawn_count * true + spread + (self.normal**2 - 1) * ((1 - 2 * true) / 6))
        accuracy = np.clip(right, 0, self.drawn_count) / np.maximum(self.drawn_count, 1)
        parts: Float = self.drawn_scale * np.abs(self.confidence - accuracy)
        return parts

    def _total(self, size: Float) -> Float:
        """The error of each column of parts, ``(m,)``."""
        total: Float = (size**self.power).sum(axis=0) ** (1 / self.power)
        return total

    def _nearest(self, size: Float, error: float) -> Float:
        """Move the bins of each column by one number of standard errors, none below 0, until they make ``error``."""
        steps = np.full(size.shape[1], -error / float(self._total(self.standard_error)[0]))  # too far up, or just right
        for _ in range(len(size) + _NEWTON):  # Newton on a convex function: from above, so never past the root
            moved = np.maximum(size - steps * self.standard_error, 0)
            total = self._total(moved)
            slope = (self.standard_error * (moved > 0) * moved ** (self.power - 1)).sum(axis=0)
            slope = np.divide(slope, total ** (self.power - 1), out=np.zeros_like(slope), where=total > 0)
            change = np.divide(total - error, slope, out=np.zeros_like(slope), where=slope > 0)
            if (change <= 1e-9 * np.maximum(np.abs(steps), 1e-9)).all():
                break
            steps = steps + change
        nearest: Float = np.maximum(size - steps * self.standard_error, 0)
        return nearest

    def _statistic(self, size: Float, error: float) -> Float:
        """How far the plug-in error of each column lies above what the nearest curve of this error gives, in its sd.

        Errors count to their power here, that is as sums over bins, whose mean and sd are known: a part is |N(mean, 1)|
        standard errors.
        """
        from scipy.special import erf

        mean = self._nearest(size, error) / self.standard_error
        if self.power == 1:
            expected = mean * erf(mean / np.sqrt(2)) + np.sqrt(2 / np.pi) * np.exp(-(mean**2) / 2)
            variance = 1 + mean**2 - expected**2
        else:
            expected, variance = mean**2 + 1, 4 * mean**2 + 2
        weight = self.standard_error[:, 0] ** self.power
        above: Float = ((size**self.power).sum(axis=0) - weight @ expected) / np.sqrt(weight**2 @ variance)
        return above


def _crossing(excess: Callable[[float], float], start: float, scale: float, largest: float) -> float:
    """Where a rising function passes 0 within [0, largest], searched from ``start`` in steps of ``scale``."""
    low, below = 0.0, excess(0.0)
    if below > 0:
        return 0.0
    high, above = start, excess(start)
    while above <= 0:
        if high >= largest:
            return largest
        low, below = high, above
        high = min(high + 2 * scale, largest)
        above = excess(high)
    while high - low > _STEP * scale:
        fraction = min(max(below / (below - above), 0.1), 0.9)  # regula falsi, kept from creeping along one side
        middle = low + fraction * (high - low)
        value = excess(middle)
        if value <= 0:
            low, below = middle, value
        else:
            high, above = middle, value
    return low + (high - low) * below / (below - above)
