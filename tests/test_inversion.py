"""Inverted tests of the largest and of the root mean squared gap hold the truth; so does the nearest curve."""

from typing import Literal

import numpy as np
import pytest

from benchmarks._worlds import draw, world
from calib.intervals import ece_interval, mce_interval, rmsce_interval
from calib.inversion import BinSums, Inversion

from .test_intervals import exact_accuracy, log


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("error", [0.0, 1e-9, 0.03, 0.4])
def test_the_nearest_curve_has_the_error_asked_for(power: Literal[1, 2], error: float) -> None:
    rng = np.random.default_rng(0)
    mass = np.array([1.0, 3, 0, 40, 500])
    sums = BinSums(mass, mass * [0.1, 0.3, 0.5, 0.7, 0.9], np.array([0.0, 2, 0, 28, 400]), mass)
    inversion = Inversion.of(sums, 0, power)
    parts = np.abs(rng.normal(size=(4, 200))) * rng.choice([0, 1e-6, 0.1], size=(4, 200))
    nearest = inversion._nearest(parts, error)
    assert (nearest**power).sum(axis=0) ** (1 / power) == pytest.approx(np.full(200, error), rel=1e-7, abs=1e-12)
    steps = (parts - nearest) / inversion.standard_error
    assert (np.abs(steps - steps.max(axis=0)) * (nearest > 0) < 1e-6).all()  # the same for all that stay above 0


def test_in_one_bin_all_errors_have_one_interval() -> None:
    outcomes = log([0.9] * 400, [1] * 300 + [0] * 100)
    absolute, squared, largest = (f(outcomes) for f in (ece_interval, rmsce_interval, mce_interval))
    assert squared.estimate == pytest.approx(absolute.estimate) == largest.estimate
    assert [squared.low, squared.high] == pytest.approx([absolute.low, absolute.high], abs=2e-3)
    low, high = exact_accuracy(300, 400)
    assert [largest.low, largest.high] == pytest.approx([0.9 - high, 0.9 - low], abs=1e-9)


def test_the_interval_of_the_largest_gap_asks_more_of_each_of_many_bins() -> None:
    outcomes = log([0.95] * 50 + [0.75] * 40 + [0.55] * 3, [1] * 50 + [1] * 20 + [0] * 20 + [1, 1, 0])
    limits = [exact_accuracy(right, n, 0.025 / 3) for right, n in ((50, 50), (20, 40), (2, 3))]
    gaps = [
        (max(low - c, c - high, 0), max(c - low, high - c))
        for c, (low, high) in zip((0.95, 0.75, 0.55), limits, strict=True)
    ]
    interval = mce_interval(outcomes)
    assert interval.estimate == pytest.approx(0.25)
    assert interval.low == pytest.approx(max(near for near, _ in gaps), abs=1e-9)
    assert interval.high == pytest.approx(max(far for _, far in gaps), abs=1e-9)


@pytest.mark.parametrize(("shape", "error", "n"), [("overconfident", 0.0, 500), ("one bad bin", 0.05, 2000)])
def test_the_largest_true_gap_is_held(shape: str, error: float, n: int) -> None:
    population = world("broad", shape, error)
    member = np.eye(population.n_bins)[population.bins]
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(100):
        atoms = rng.integers(len(population.bins), size=n)
        sums, counts = (population.confidence - population.right)[atoms] @ member[atoms], member[atoms].sum(axis=0)
        truth = np.abs(np.divide(sums, counts, out=np.zeros(15), where=counts > 0)).max()
        interval = mce_interval(log(population.confidence[atoms], rng.random(n) < population.right[atoms]))
        held += interval.low <= truth <= interval.high
    assert held >= 90


@pytest.mark.parametrize(
    ("profile", "shape", "ece", "n"), [("broad", "one bad bin", 0.05, 500), ("saturated", "overconfident", 0.1, 2000)]
)
def test_intervals_of_the_root_mean_square_hold_the_truth(profile: str, shape: str, ece: float, n: int) -> None:
    population = world(profile, shape, ece)
    member = np.eye(15)[population.bins]
    share, gap = member.mean(axis=0), (population.confidence - population.right) @ member / len(member)
    truth = float(np.sqrt(np.divide(gap**2, share, out=np.zeros(15), where=share > 0).sum()))
    rows, right = draw(population, n, 200, np.random.default_rng(0))
    held = 0
    for i in range(200):
        sums = BinSums(*(column @ member for column in (rows[i], rows[i] * population.confidence, right[i], rows[i])))
        above = Inversion.of(sums, i, 2).excess(truth, (0.975, 0.025))
        held += above[0] >= -1e-9 and above[1] <= 1e-9
    assert held >= 180
