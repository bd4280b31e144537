"""Populations whose true ECE is known, and data sets drawn from them: what coverage is measured on."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from calib._arrays import Float, Int
from calib.binning import bin_index, equal_width_edges

ATOMS = 240  # equally frequent confidences


@dataclass(frozen=True, eq=False)
class World:
    """A population: confidences, the chance that each is right, the bin of each, and their true ECE."""

    confidence: Float
    right: Float
    bins: Int
    n_bins: int
    ece: float


def world(profile: str, shape: str, ece: float, n_bins: int = 15) -> World:
    """A population of this true ECE; negative ``n_bins`` are bins of equal mass, whose edges the population fixes."""
    from scipy.special import betaincinv, ndtri

    grid = (np.arange(ATOMS) + 0.5) / ATOMS
    profiles: dict[str, Callable[[], Float]] = {
        "broad": lambda: 0.1 + 0.9 * betaincinv(2.5, 1.0, grid),
        "saturated": lambda: np.where(grid > 0.7, 1.0, np.maximum(1 / (1 + np.exp(-5.5 - 3.5 * ndtri(grid))), 0.1)),
        "low": lambda: 0.1 + 0.9 * betaincinv(1.5, 3.0, grid),
        "U-shaped": lambda: betaincinv(0.5, 0.5, grid),
    }
    confidence = profiles[profile]()
    if n_bins > 0:
        bins = bin_index(confidence, equal_width_edges(n_bins))
    else:
        n_bins = -n_bins
        edges = np.unique(np.quantile(confidence, np.arange(n_bins + 1) / n_bins))
        bins = bin_index(confidence, edges)

    def error(right: Float) -> float:
        return float(np.abs(np.bincount(bins, weights=confidence - right)).sum() / ATOMS)

    moved = _mover(shape, confidence, bins, n_bins)
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if error(moved(middle)) < ece else (low, middle)
    right = confidence if ece == 0 else moved(high)
    if abs(error(right) - ece) > 1e-9:
        raise ValueError(f"{profile}, {shape} cannot have an ECE of {ece}")
    return World(confidence, right, bins, n_bins, error(right))


def _mover(shape: str, confidence: Float, bins: Int, n_bins: int) -> Callable[[float], Float]:
    """Chances of being right as a function of how bad the shape is made, 0 … 1."""
    if shape == "temperature 2":
        with np.errstate(divide="ignore"):
            log_odds = np.log(confidence) - np.log1p(-confidence)
        return lambda amount: 1 / (1 + np.exp(-log_odds * (1 - amount)))
    held = np.bincount(bins, minlength=n_bins)
    inner = np.where(np.arange(n_bins) < n_bins - 1, held, 0) if held[-1] < ATOMS / 2 else held
    direction = {
        "overconfident": np.ones(n_bins),
        "underconfident": -np.ones(n_bins),
        "alternating": np.where((n_bins - 1 - np.arange(n_bins)) % 2 == 0, 1.0, -1.0),
        "one bad bin": np.arange(n_bins) == np.argmax(inner),
    }[shape]
    return lambda amount: np.clip(confidence - amount * direction[bins], 0, 1)


def draw(population: World, n: int, times: int, rng: np.random.Generator) -> tuple[Int, Int]:
    """How many rows have each confidence, and how many of those are right; ``(times, ATOMS)`` each."""
    rows = rng.multinomial(n, np.full(ATOMS, 1 / ATOMS), size=times)
    return rows, rng.binomial(rows, population.right)
