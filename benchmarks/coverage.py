"""Do the confidence intervals hold the truth as often as they say?  ``python -m benchmarks.coverage``.

Each world is a population of 240 equally frequent confidences whose chance of being right is known, so the true error
is an exact sum.  A data set of n rows is drawn by counting: how many rows have each confidence, how many of those are
right.  Rows of the tables are printed as they finish; ``python -m benchmarks.coverage ece more rms difference smooth``
picks tables.
"""

import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice

import numpy as np

from benchmarks._worlds import ATOMS, World, draw, world
from calib._arrays import Float, Int
from calib.binning import bin_index, equal_width_edges
from calib.differences import ece_difference_interval, paired_interval
from calib.environment import commit, hardware, versions
from calib.intervals import Interval, interval_of_sums
from calib.inversion import BinSums, Inversion, Power
from calib.metrics.ranking import Ranking
from calib.outcomes import Outcomes
from calib.resampling import bootstrap_interval, mean_interval

REPLICATIONS = 2000  # a coverage of 0.95 has a standard error of 0.005
WIDTHS = 50  # replications whose limits are searched; coverage needs only the test of the true error
BOOTSTRAPS = 100  # replications of the percentile bootstrap, 200 resamples each
HEADER = (
    "| world | true error | n | by chance | plug-in | coverage | low misses | high misses | width | oracle width "
    "| percentile bootstrap |\n| :--- " + "| ---: " * 10 + "|"
)


def main(tables: list[str]) -> None:
    """Measure and print Markdown tables: those named, or all; ``ece:20`` goes on behind row 20 of that one."""
    print(f"{hardware()}, one thread; commit {commit()}; {', '.join(f'{k} {v}' for k, v in versions().items())}\n")
    start = time.perf_counter()
    for table in tables or ("ece", "more", "rms", "difference", "smooth"):
        name, _, done = table.partition(":")
        if name == "difference":
            _differences()
        elif name == "smooth":
            _smooth_metrics()
        else:
            print(HEADER, flush=True)
            rows = {"ece": _main_grid, "more": _other_settings, "rms": _some_of_both}[name]()
            for label, population, n in islice(rows, int(done or 0), None):
                _row(label, population, n, 2 if name == "rms" else 1)
        print(f"\n{time.perf_counter() - start:.0f} s so far.\n", flush=True)


def _main_grid() -> Iterator[tuple[str, World, int]]:
    for profile, shape in SHAPES:
        for ece in (0.0, 0.02, 0.05, 0.1):
            for n in (500, 2000, 10_000):
                if ece > 0 or shape == "overconfident":  # at ECE 0 there are no shapes, two profiles only
                    yield f"{profile}, {shape}" if ece else profile, world(profile, shape, ece), n


SHAPES = [
    ("broad", "overconfident"),
    ("broad", "alternating"),
    ("broad", "one bad bin"),
    ("saturated", "overconfident"),
    ("saturated", "one bad bin"),
]


def _other_settings() -> Iterator[tuple[str, World, int]]:
    for profile, shape, ece, n, n_bins in (
        ("broad", "underconfident", 0.05, 1000, 15),
        ("broad", "temperature 2", 0.1, 1000, 15),
        ("broad", "one bad bin", 0.02, 5000, 15),
        ("low", "overconfident", 0.05, 1000, 15),
        ("low", "alternating", 0.05, 5000, 15),
        ("low", "one bad bin", 0.02, 1000, 15),
        ("U-shaped", "overconfident", 0.1, 1000, 15),
        ("U-shaped", "alternating", 0.05, 5000, 15),
        ("broad", "overconfident", 0.2, 500, 15),
        ("broad", "overconfident", 0.2, 5000, 15),
        ("broad", "overconfident", 0.05, 1000, 10),
        ("saturated", "one bad bin", 0.05, 5000, 10),
        ("broad", "overconfident", 0.05, 1000, 30),
        ("broad", "one bad bin", 0.05, 5000, 30),
        ("saturated", "overconfident", 0.05, 5000, 30),
        ("broad", "overconfident", 0.05, 1000, 1),
        ("broad", "overconfident", 0.05, 5000, 100),
    ):
        yield f"{profile}, {shape}, {n_bins} bins", world(profile, shape, ece, n_bins), n
    for n in (1000, 5000):
        for profile, shape in (("broad", "overconfident"), ("saturated", "one bad bin")):
            yield f"{profile}, {shape}, 15 fixed bins of equal mass", world(profile, shape, 0.05, -15), n
    for ece, n in ((0.1, 300), (0.1, 2000), (0.05, 300), (0.05, 2000)):
        yield "broad, overconfident, 5 bins", world("broad", "overconfident", ece, 5), n


def _some_of_both() -> Iterator[tuple[str, World, int]]:
    """Every profile and shape at two errors and both ends of n, and all of the other settings."""
    for label, population, n in _main_grid():
        if n != 2000 and round(population.ece, 2) in (0, 0.05):
            yield label, population, n
    yield from _other_settings()


def _row(name: str, population: World, n: int, power: Power) -> None:
    rng = np.random.default_rng([n, round(1000 * population.ece), sum(map(ord, name))])
    rows, right = draw(population, n, REPLICATIONS, rng)
    member = np.eye(population.n_bins)[population.bins]
    count, claimed, correct = rows @ member, (rows * population.confidence) @ member, right @ member
    truth = float(_error((population.confidence - population.right) @ member, member.sum(axis=0), power))
    plug_in = _error(claimed - correct, count, power)
    by_chance = _error(claimed - rng.binomial(rows, population.confidence) @ member, count, power).mean()
    misses, widths = np.zeros(2), []
    for i in range(REPLICATIONS):
        sums = BinSums(count[i], claimed[i], correct[i], count[i])
        above = Inversion.of(sums, i, power).excess(truth, (0.975, 0.025))
        missed = np.array([above[0] < -1e-9, above[1] > 1e-9])  # the limits are where these change
        misses += missed
        if i < WIDTHS:
            interval = interval_of_sums(sums, seed=i, power=power)
            widths.append(interval.high - interval.low)
    low, high = misses / REPLICATIONS
    percentile = np.mean([_percentile(population, rows[i], right[i], truth, power, rng) for i in range(BOOTSTRAPS)])
    coverage = f"{1 - low - high:.3f} | {low:.3f} | {high:.3f}"
    print(
        f"| {name} | {truth:.{power + 1}f} | {n} | {by_chance:.3f} | {plug_in.mean():.3f} | {coverage} "
        f"| {np.mean(widths):.4f} | {3.92 * plug_in.std():.4f} | {percentile:.2f} |",
        flush=True,
    )


def _error(gap: Float, count: Float, power: Power) -> Float:
    """ECE or RMSCE from the sums of each bin, ``(..., b)``."""
    parts = np.divide(np.abs(gap) ** power, count ** (power - 1), out=np.zeros(gap.shape), where=count > 0)
    error: Float = (parts.sum(axis=-1) / count.sum(axis=-1)) ** (1 / power)
    return error


def _percentile(population: World, rows: Int, right: Int, truth: float, power: Power, rng: np.random.Generator) -> bool:
    """Whether the percentile bootstrap of the rows holds the true error."""
    residual = np.concatenate([population.confidence - 1, population.confidence])
    cells = np.concatenate([right, rows - right])
    member = np.eye(population.n_bins)[np.tile(population.bins, 2)]
    resampled = rng.multinomial(cells.sum(), cells / cells.sum(), size=200)
    low, high = np.quantile(_error(resampled @ (member * residual[:, None]), resampled @ member, power), (0.025, 0.975))
    return bool(low <= truth <= high)


def _differences() -> None:
    """Two models that rank alike: the second says less of the same thing, as after a temperature."""
    print("| ECE of a | of b | n | coverage | low misses | high misses | width | paired bootstrap (BCa) |")
    print("| ---: " * 8 + "|")
    rng = np.random.default_rng(0)
    for softened, sharpened in ((1.0, 2.0), (1.0, 1.2), (1.3, 2.0), (0.8, 1.25), (2.0, 1.9)):
        for n in (500, 2000):
            _difference_row(softened, sharpened, n, rng)


def _difference_row(first: float, second: float, n: int, rng: np.random.Generator, times: int = 200) -> None:
    """Models a and b multiply the true log-odds by these: b = 2 is a model whose temperature should be 2."""
    truth = world("broad", "overconfident", 0.0)
    log_odds = np.log(truth.confidence) - np.log1p(-truth.confidence)
    claims = [1 / (1 + np.exp(-log_odds * sharper)) for sharper in (first, second)]
    edges = equal_width_edges(15)
    errors = [np.abs(np.bincount(bin_index(c, edges), weights=c - truth.right)).sum() / ATOMS for c in claims]
    misses, plain, widths = np.zeros(2), [], []
    for i in range(times):
        atoms = rng.integers(ATOMS, size=n)
        correct = rng.random(n) < truth.right[atoms]
        a, b = (Outcomes.from_confidence(claim[atoms], correct) for claim in claims)
        interval = ece_difference_interval(a, b, seed=i)
        misses += interval.low > errors[0] - errors[1], interval.high < errors[0] - errors[1]
        widths.append(interval.high - interval.low)
        if i < 100:
            bootstrap = paired_interval(_plug_in_ece, a, b, resamples=200, seed=i)
            plain.append(bootstrap.low <= errors[0] - errors[1] <= bootstrap.high)
    low, high = misses / times
    print(
        f"| {errors[0]:.3f} | {errors[1]:.3f} | {n} | {1 - low - high:.3f} | {low:.3f} | {high:.3f} "
        f"| {np.mean(widths):.4f} | {np.mean(plain):.2f} |",
        flush=True,
    )


def _plug_in_ece(outcomes: Outcomes) -> float:
    bins = bin_index(outcomes.confidence, equal_width_edges(15))
    return float(np.abs(np.bincount(bins, weights=outcomes.residual)).sum() / outcomes.n)


def _smooth_metrics() -> None:
    """Means by `mean_interval`, rankings by `bootstrap_interval`, of two classes."""
    print("| metric | interval | true value | n | replications | coverage | low misses | high misses | width |")
    print("| :--- | :--- " + "| ---: " * 7 + "|")
    population = world("broad", "overconfident", 0.05)
    both = Outcomes.from_confidence(
        np.tile(population.confidence, 2),
        np.repeat([True, False], ATOMS),
        sample_weight=np.concatenate([population.right, 1 - population.right]),
    )
    nll, brier = _losses(both)
    ranking = Ranking.of(both)
    for n, times in ((500, 600), (2000, 200)):
        _smooth_row("accuracy", both.mean(both.correct), n, 2000, lambda o, _: mean_interval(o.correct), population)
        _smooth_row("NLL", both.mean(nll), n, 2000, lambda o, _: mean_interval(_losses(o)[0]), population)
        _smooth_row("Brier", both.mean(brier), n, 2000, lambda o, _: mean_interval(_losses(o)[1]), population)
        _smooth_row("gap", both.mean(both.residual), n, 2000, lambda o, _: mean_interval(o.residual), population)
        for name, value in (("auroc", ranking.auroc), ("aurc", _limit_of_aurc(ranking))):
            _smooth_row(name.upper(), value, n, times, partial(_ranking_interval, name), population)


def _ranking_interval(name: str, outcomes: Outcomes, seed: int) -> Interval:
    return bootstrap_interval(lambda some: float(getattr(Ranking.of(some), name)), outcomes, resamples=400, seed=seed)


def _losses(outcomes: Outcomes) -> tuple[Float, Float]:
    right = np.where(outcomes.correct, outcomes.confidence, 1 - outcomes.confidence)
    return -np.log(right), 2 * (1 - right) ** 2


def _limit_of_aurc(ranking: Ranking) -> float:
    """AURC of the whole population: the integral of risk over coverage, with errors linear within a tie."""
    mass = (ranking.right + ranking.wrong) / ATOMS
    wrong = ranking.wrong / ATOMS
    end = np.cumsum(mass)
    start, before, slope = end - mass, np.cumsum(wrong) - wrong, wrong / mass
    with np.errstate(divide="ignore", invalid="ignore"):
        logarithm = np.where(start > 0, (before - slope * start) * np.log(end / start), 0.0)
    return float((logarithm + slope * mass).sum())


def _smooth_row(
    name: str,
    value: float,
    n: int,
    times: int,
    interval: Callable[[Outcomes, int], Interval],
    population: World,
) -> None:
    rng = np.random.default_rng([n, times])
    misses, width = np.zeros(2), 0.0
    for i in range(times):
        atoms = rng.integers(ATOMS, size=n)
        found = interval(
            Outcomes.from_confidence(population.confidence[atoms], rng.random(n) < population.right[atoms]), i
        )
        misses += found.low > value, found.high < value
        width += (found.high - found.low) / times
    low, high = misses / times
    kind = "BCa" if name in ("AUROC", "AURC") else "Wilson" if name == "accuracy" else "skewness-corrected t"
    print(
        f"| {name} | {kind} | {value:.4f} | {n} | {times} | {1 - low - high:.3f} | {low:.3f} | {high:.3f} "
        f"| {width:.4f} |",
        flush=True,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
