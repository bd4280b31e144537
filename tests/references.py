"""The papers' definitions as plain loops, slow and obvious: what the fast code is held against."""

import math
from collections.abc import Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import numpy as np


def softmax(logits: Sequence[float], temperature: float = 1.0) -> list[float]:
    """The softmax of one row, row maximum first."""
    top = max(logits)
    weights = [math.exp((logit - top) / temperature) for logit in logits]
    total = math.fsum(weights)
    return [weight / total for weight in weights]


def softmax_rows(logits: Any, temperature: float = 1.0) -> list[list[float]]:
    return [softmax(row, temperature) for row in np.asarray(logits, np.float64).tolist()]


def nll(probs: Sequence[Sequence[float]], labels: Sequence[int]) -> float:
    """Mean of −ln of the label's probability."""
    losses = [math.inf if row[y] == 0 else -math.log(row[y]) for row, y in zip(probs, labels, strict=True)]
    return math.fsum(losses) / len(losses)


def brier(probs: Sequence[Sequence[float]], labels: Sequence[int]) -> float:
    """Brier (1950): squared distance to the one-hot row, summed over classes."""
    squares = [(p - (j == y)) ** 2 for row, y in zip(probs, labels, strict=True) for j, p in enumerate(row)]
    return math.fsum(squares) / len(labels)


def top_label(probs: Sequence[Sequence[float]], labels: Sequence[int]) -> tuple[list[float], list[bool]]:
    """Confidence and correctness of the predicted class, ties to the lowest index."""
    confidence = [max(row) for row in probs]
    return confidence, [row.index(top) == y for row, top, y in zip(probs, confidence, labels, strict=True)]


def ece_and_mce(confidence: Sequence[float], correct: Sequence[bool], n_bins: int) -> tuple[float, float]:
    """Guo et al. (2017), eq. 3 and 5: a loop over bins (a, b] between the numbers nearest to i/n; 0 joins the first."""
    ece = mce = 0.0
    for i in range(n_bins):
        low, high = float(Fraction(i, n_bins)), float(Fraction(i + 1, n_bins))
        inside = [j for j, c in enumerate(confidence) if low < c <= high or (i == 0 and c == 0)]
        if inside:
            accuracy = sum(correct[j] for j in inside) / len(inside)
            gap = abs(accuracy - math.fsum(confidence[j] for j in inside) / len(inside))
            ece += gap * len(inside) / len(confidence)
            mce = max(mce, gap)
    return ece, mce


def temperature(logits: Any, labels: Sequence[int]) -> float:
    """The T that minimises NLL, to 14 digits: bisection on the slope of NLL in 1/T, in decimals of 34 digits."""
    rows = [[Decimal(value) for value in row] for row in np.asarray(logits, np.float64).tolist()]
    with localcontext(prec=34):
        rows = [[value - max(row) for value in row] for row in rows]

        def slope(beta: Decimal) -> Decimal:
            total = Decimal(0)
            for row, label in zip(rows, labels, strict=True):
                finite = [value for value in row if value.is_finite()]
                weights = [(beta * value).exp() for value in finite]
                expected = sum((w * z for w, z in zip(weights, finite, strict=True)), Decimal(0)) / sum(weights)
                total += expected - row[label]
            return total

        low, high = Decimal("1e-8"), Decimal("1e8")
        assert slope(low) < 0 < slope(high)
        while high / low - 1 > Decimal("1e-14"):
            middle = (low * high).sqrt()
            low, high = (middle, high) if slope(middle) < 0 else (low, middle)
        return float(1 / low)


def rows_of_confidence(confidence: Any, correct: Any, k: int = 2) -> tuple[Any, Any]:
    """Probabilities ``(n, k)`` whose predicted class, 0, has this confidence, and labels that make it so correct."""
    top = np.asarray(confidence, np.float64)
    probs = np.repeat(((1 - top) / (k - 1))[:, None], k, axis=1)
    probs[:, 0] = top
    return probs, np.where(np.asarray(correct, bool), 0, 1)


def sample(n: int, k: int, *, true_temperature: float = 1.5, scale: float = 2.0, seed: int = 0) -> tuple[Any, Any]:
    """Gaussian logits, and labels drawn from their softmax at ``true_temperature``."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, k)) * scale
    gumbel = rng.gumbel(size=(n, k))
    return logits, (logits / true_temperature + gumbel).argmax(axis=1)


def equal_width_bin(value: float, n_bins: int, closed: str = "right") -> int:
    """The bin of one value, compared with every edge in turn; 0 joins the first bin and 1 the last."""
    for i in range(n_bins):
        low, high = float(Fraction(i, n_bins)), float(Fraction(i + 1, n_bins))
        if low < value <= high if closed == "right" else low <= value < high:
            return i
    return 0 if value == 0 else n_bins - 1


def gaps(
    confidence: Sequence[float], correct: Sequence[bool], bins: Sequence[int], weight: Sequence[float] | None = None
) -> dict[int, tuple[float, float]]:
    """Weight and mean confidence − accuracy of every bin that holds examples."""
    mass = [1.0] * len(bins) if weight is None else list(weight)
    found = {}
    for b in sorted(set(bins)):
        inside = [i for i, other in enumerate(bins) if other == b]
        total = math.fsum(mass[i] for i in inside)
        if total > 0:
            found[b] = (total, math.fsum(mass[i] * (confidence[i] - correct[i]) for i in inside) / total)
    return found


def equal_mass_bins(values: Sequence[float], n_bins: int) -> list[int]:
    """Rank the values; a group of ties goes, whole, where the middle of its ranks belongs."""
    n = len(values)
    bins = []
    for value in values:
        below, upto = sum(other < value for other in values), sum(other <= value for other in values)
        bins.append(min(n_bins - 1, int(Fraction(below + upto, 2 * n) * n_bins)))
    return bins
