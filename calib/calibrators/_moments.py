"""Mean NLL at one β = 1/T with its derivatives in β, and what it does at both ends."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import comb, factorial
from typing import Any

import numpy as np

COLUMNS = 16  # numbers of a row, about, that its moments are made of
FAR = 1e4  # exp(−w) is 0 from here on
HUGE = 1e300  # sums of logits up to here are finite at their β, one by one
_ROUNDING = 1e-13  # a sum this small beside what it is made of is 0


@dataclass(frozen=True)
class Moments:
    """Mean NLL at one β and its ``derivatives``, from the first on; rows count by their weight, which sums to 1.

    Derivatives are in the relative change of β, so that they have no unit: under the model at β they are the mean of
    E w − w_y, the mean variance of w, and its further mean cumulants, where w are the logits times β.  ``squares`` are
    the sum of squared weight · (E w − w_y), whose root over the curvature is the sandwich standard error of log β, and
    its first two derivatives while w keeps its unit.
    """

    beta: float
    nll: float
    derivatives: tuple[float, ...]
    squares: tuple[float, ...]

    @property
    def slope(self) -> float:
        """First derivative of mean NLL."""
        return self.derivatives[0]

    @property
    def curvature(self) -> float:
        """Second derivative of mean NLL: what an example tells of log β on average."""
        return self.derivatives[1]

    def left_out(self, change: float) -> float:
        """What the series may miss of the root of the slope, if that is at this relative ``change`` of β.

        An estimate: the terms that are not known are taken to grow on as those that are, each at most so many times the
        one before as keeps all known ones below a geometric series from the second on.
        """
        if not self.curvature > 0:
            return np.inf
        half, order = self.curvature / 2, len(self.derivatives)
        terms = ((n, abs(derivative) / factorial(n)) for n, derivative in enumerate(self.derivatives, 1))
        ratio = abs(change) * max((term / half) ** (1 / (n - 2)) for n, term in terms if n > 2)
        return abs(change) * (order + 1) / 2 * ratio ** (order - 1) / (1 - ratio) ** 2 if ratio < 1 else np.inf

    def moved(self, change: float) -> "Moments":
        """The moments at β (1 + ``change``) by their series."""
        series = (self.nll, *self.derivatives)
        nll, *there = (taylor(series[order:], change) for order in range(1 + len(self.derivatives)))
        unit = 1 + change
        derivatives = tuple(derivative * unit**order for order, derivative in enumerate(there, 1))
        slope, curvature, *more = derivatives
        squares = max(taylor(self.squares, change), 0.0) * unit**2
        return Moments(self.beta * unit, nll, (slope, max(curvature, 0.0), *more), (squares,))


@dataclass(frozen=True)
class Limits:
    """The slope of NLL at β → 0 and β → ∞, and whether every label has a probability above 0."""

    lowest: float
    highest: float
    possible: bool

    def __post_init__(self) -> None:
        if abs(self.lowest) < _ROUNDING * (abs(self.lowest) + abs(self.highest)):
            object.__setattr__(self, "lowest", 0.0)


@dataclass(frozen=True)
class Asked:
    """What a read is asked for: moments at ``beta`` with ``order`` ≥ 1 derivatives, and NLL at 1 if ``at_one``.

    ``lowest`` is the lowest sum of a row's logits, less its maximum; None where this read is the first, and finds it.
    """

    beta: float
    order: int
    at_one: bool = False
    lowest: float | None = None

    @property
    def far(self) -> bool:
        """Whether a logit times β may be −inf."""
        return self.lowest is None or not self.lowest * self.beta > -HUGE


def taylor(derivatives: Sequence[float], change: float) -> float:
    """Value of the series whose value and ``derivatives`` at 0 are given.

    >>> taylor((1.0, 2.0, 6.0), 0.5)
    2.75
    """
    return sum(derivative * change**order / factorial(order) for order, derivative in enumerate(derivatives))


def cumulants(means: Sequence[Any]) -> list[Any]:
    """Cumulants from E z, E z², …, of any arrays or tensors: mean, variance, and so on.

    >>> cumulants([2.0, 5.0])
    [2.0, 1.0]
    """
    found: list[Any] = []
    for n, mean in enumerate(means, 1):
        for m in range(1, n):
            product = found[m - 1] * means[n - m - 1]
            if (times := comb(n - 1, m - 1)) > 1:
                product *= times
            mean = mean - product
        found.append(mean)
    return found


def row_moments(
    nll: Any, means: Sequence[Any], true: Any, weight: Any | None, dot: Callable[[Any | None, Any], Any]
) -> list[Any]:
    """Σ weight · NLL and each derivative, then, of three and more, the ``squares``, of some rows; arrays or tensors.

    ``means`` are E w, E w², …, ``true`` is w of the label, and ``dot(weight, a)`` Σ weight · a, also of None for 1.
    """
    mean, *cumulated = cumulants(means)
    columns = [mean - true, *cumulated]
    sums = [dot(weight, column) for column in (nll, *columns)]
    if len(columns) < 3:
        return sums
    slope, variance, third = columns[:3] if weight is None else (weight * column for column in columns[:3])
    return [
        *sums,
        dot(slope, slope),
        2 * dot(slope, variance),
        2 * (dot(variance, variance) + dot(slope, third)),
    ]


def combined_moments(parts: Sequence[tuple[float, Moments]]) -> Moments:
    """The moments of a whole from the total weights and the moments of its parts, all at one β."""
    weights = np.array([weight for weight, _ in parts])
    share, moments = weights / weights.sum(), [found for _, found in parts]
    return Moments(
        moments[0].beta,
        float(np.dot(share, [one.nll for one in moments])),
        tuple(map(float, share @ np.array([one.derivatives for one in moments]))),
        tuple(map(float, share**2 @ np.array([one.squares for one in moments]))),
    )


def combined_limits(parts: Sequence[tuple[float, Limits]]) -> Limits:
    """Likewise what NLL does at both ends."""
    weights = np.array([weight for weight, _ in parts])
    share, limits = weights / weights.sum(), [found for _, found in parts]
    lowest, highest = (float(np.dot(share, [getattr(one, name) for one in limits])) for name in ("lowest", "highest"))
    return Limits(lowest, highest, all(one.possible for one in limits))
