"""Intervals: hand-worked cases, agreement with exact and published ones, and a slice of the measured coverage."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import calib
from benchmarks._worlds import World, draw, world
from calib.binning import bin_index, equal_width_edges
from calib.errors import InputError
from calib.intervals import ece_interval, interval_of_sums
from calib.inversion import BinSums, Inversion
from calib.outcomes import Outcomes

from .references import ece_and_mce, sample


def log(confidence: Any, correct: Any, weight: Any = None) -> Outcomes:
    return Outcomes.from_confidence(confidence, correct, sample_weight=weight)


def overconfident(n: int = 400, seed: int = 0, by: float = 0.1) -> Outcomes:
    """Confidences spread over eight of fifteen bins, each claiming ``by`` too much."""
    rng = np.random.default_rng(seed)
    confidence = rng.uniform(0.5, 1, n)
    return log(confidence, rng.random(n) < confidence - by)


def exact_accuracy(right: int, n: int, tail: float = 0.025) -> tuple[float, float]:
    """Clopper & Pearson's interval by bisection on sums of binomial probabilities."""
    from math import comb

    def at_least(p: float) -> float:
        return sum(comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(right, n + 1))

    def at_most(p: float) -> float:
        return sum(comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(right + 1))

    def bisect(too_low: Callable[[float], bool]) -> float:
        low, high = 0.0, 1.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if too_low(middle) else (low, middle)
        return low

    return bisect(lambda p: at_least(p) < tail), bisect(lambda p: at_most(p) > tail)


@pytest.mark.parametrize(("right", "n"), [(60, 100), (240, 400), (70, 100)])
def test_in_one_bin_the_limits_are_those_of_its_accuracy(right: int, n: int) -> None:
    interval = ece_interval(log([0.9] * n, [1] * right + [0] * (n - right)))
    low, high = exact_accuracy(right, n)
    assert interval.estimate == pytest.approx(0.9 - right / n, abs=1e-12)
    assert interval.low == pytest.approx(0.9 - high, abs=0.15 * (high - low))
    assert interval.high == pytest.approx(0.9 - low, abs=0.15 * (high - low))


@pytest.mark.parametrize("n", [20, 100, 1000])
def test_certainty_that_was_right_every_time_leaves_about_what_the_rule_of_three_says(n: int) -> None:
    interval = ece_interval(log([1.0] * n, [1] * n))
    assert interval.estimate == interval.low == 0
    assert interval.high == pytest.approx(1 - 0.025 ** (1 / n), rel=0.2)


@pytest.mark.parametrize("correct", [0, 1])
def test_one_example_says_almost_nothing(correct: int) -> None:
    interval = ece_interval(log([0.9], [correct]))
    assert interval.low == 0
    assert interval.high >= 0.87


def test_certainty_that_was_wrong_every_time_has_an_error_near_one() -> None:
    interval = ece_interval(log([1.0] * 200, [0] * 200))
    assert interval.estimate == interval.high == 1
    assert interval.low == pytest.approx(0.025 ** (1 / 200), abs=0.01)


@pytest.mark.parametrize("n_bins", [1, 10, 15, 40])
def test_the_estimate_is_the_error_of_the_loop_over_bins(n_bins: int) -> None:
    outcomes = overconfident(97)
    loop = ece_and_mce(outcomes.confidence.tolist(), outcomes.correct.tolist(), n_bins)[0]
    assert ece_interval(outcomes, n_bins=n_bins).estimate == pytest.approx(loop, abs=1e-13)


@pytest.mark.parametrize("seed", range(8))
def test_the_lower_limit_leaves_zero_where_consistency_resampling_rejects_calibration(seed: int) -> None:
    logits, labels = sample(500, 4, true_temperature=1 + seed / 25, seed=seed)
    predictions = calib.Predictions.from_logits(logits, labels)
    beyond = float(np.mean(calib.ece_null(predictions) < calib.ece(predictions)))
    low = ece_interval(predictions).low
    assert low > 0 if beyond > 0.985 else low == 0 if beyond < 0.965 else low < 0.02


def test_forms_of_one_input_give_one_interval() -> None:
    logits, labels = sample(200, 3)
    predictions = calib.Predictions.from_logits(logits, labels)
    interval = ece_interval(predictions)
    assert interval == ece_interval(predictions.outcomes) == ece_interval(predictions, seed=0)
    assert ece_interval(predictions, of=1) == ece_interval(Outcomes.of_class(predictions, 1))


def test_equal_seeds_agree_and_others_differ_by_little() -> None:
    outcomes = overconfident()
    first, again, other = (ece_interval(outcomes, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first.low != other.low
    assert first.low == pytest.approx(other.low, abs=0.15 * (first.high - first.low))
    assert first.high == pytest.approx(other.high, abs=0.15 * (first.high - first.low))


def test_the_order_of_rows_does_not_matter() -> None:
    outcomes = overconfident()
    order = np.random.default_rng(0).permutation(outcomes.n)
    there, back = ece_interval(outcomes), ece_interval(outcomes[order])
    assert back.low == pytest.approx(there.low, abs=1e-4)
    assert back.high == pytest.approx(there.high, abs=1e-4)


def test_a_higher_level_gives_a_wider_interval() -> None:
    intervals = [ece_interval(overconfident(), level=level) for level in (0.5, 0.8, 0.95, 0.99)]
    for inner, outer in pairwise(intervals):
        assert outer.low < inner.low < inner.high < outer.high


def test_more_data_give_narrower_limits() -> None:
    widths = [
        interval.high - interval.low for interval in (ece_interval(overconfident(n)) for n in (100, 1000, 10_000))
    ]
    assert widths[0] > 2 * widths[1] > 4 * widths[2]


def test_an_ece_below_chance_buys_no_narrow_interval() -> None:
    confidence = np.repeat(np.arange(0.55, 1, 0.1), 100)
    balanced = np.concatenate([np.arange(100) < 100 * level - 1e-9 for level in np.arange(0.55, 1, 0.1)])
    interval = ece_interval(log(confidence, balanced))
    assert interval.estimate == pytest.approx(0, abs=1e-12)
    assert interval.high > 0.03


def test_sums_of_parts_give_the_interval_of_the_whole() -> None:
    outcomes = overconfident(300)
    index = bin_index(outcomes.confidence, equal_width_edges(15))
    parts = [BinSums.of(outcomes[rows], index[rows], 15) for rows in (np.arange(100), np.arange(100, 300))]
    names = ("mass", "confidence", "correct", "square")
    whole = interval_of_sums(BinSums(*(sum(getattr(part, name) for part in parts) for name in names)))
    assert whole.high == pytest.approx(ece_interval(outcomes).high, abs=1e-4)


def test_the_scale_of_weights_does_not_matter_and_weight_zero_is_absence() -> None:
    outcomes = overconfident(300)
    columns = outcomes.confidence, outcomes.correct
    plain = ece_interval(outcomes)
    assert ece_interval(log(*columns, np.ones(300))) == plain
    heavy = ece_interval(log(*columns, np.full(300, 7.0)))
    assert heavy.low == pytest.approx(plain.low, abs=1e-4)
    half = np.repeat([1.0, 0.0], 150)
    dropped = ece_interval(outcomes[np.arange(150)])
    assert ece_interval(log(*columns, half)).high == pytest.approx(dropped.high, abs=1e-4)


def test_unequal_weights_widen_the_interval() -> None:
    outcomes = overconfident(1000)
    uneven = np.random.default_rng(0).exponential(size=1000) ** 2
    plain, weighted = ece_interval(outcomes), ece_interval(log(outcomes.confidence, outcomes.correct, uneven))
    assert weighted.high - weighted.low > 1.4 * (plain.high - plain.low)


def test_the_search_ends_where_the_test_changes_its_mind() -> None:
    outcomes = overconfident(300)
    index = bin_index(outcomes.confidence, equal_width_edges(15))
    inversion = Inversion.of(BinSums.of(outcomes, index, 15), 0)
    for quantile in (0.975, 0.5, 0.025):
        error = inversion.error_at(quantile)
        assert inversion.excess(error - 0.002, quantile) < 0 < inversion.excess(error + 0.002, quantile)


def covered(population: World, n: int, times: int) -> tuple[float, float]:
    """Share of data sets whose interval holds the true ECE, and the same of the percentile bootstrap."""
    rng = np.random.default_rng(0)
    member = np.eye(population.n_bins)[population.bins]
    rows, right = draw(population, n, times, rng)
    ours = theirs = 0
    for i in range(times):
        sums = BinSums(*(column @ member for column in (rows[i], rows[i] * population.confidence, right[i], rows[i])))
        above = Inversion.of(sums, seed=i).excess(population.ece, (0.975, 0.025))
        ours += above[0] >= -1e-9 and above[1] <= 1e-9
        accuracy = np.divide(sums.correct, sums.mass, out=np.zeros(len(sums.mass)), where=sums.mass > 0)
        again = rng.binomial(sums.mass.astype(int), accuracy, size=(200, len(sums.mass)))
        low, high = np.quantile(np.abs(sums.confidence - again).sum(axis=1) / n, (0.025, 0.975))
        theirs += low <= population.ece <= high
    return ours / times, theirs / times


@pytest.mark.parametrize(
    ("profile", "shape", "ece", "n"),
    [
        ("broad", "one bad bin", 0.02, 500),
        ("saturated", "overconfident", 0.05, 500),
        ("broad", "alternating", 0.02, 2000),
    ],
)
def test_intervals_hold_the_truth(profile: str, shape: str, ece: float, n: int) -> None:
    ours, theirs = covered(world(profile, shape, ece), n, 200)
    assert ours >= 0.90  # 0.95 less three standard errors
    assert theirs < 0.85


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["overconfident", "underconfident", "alternating", "one bad bin"])
@pytest.mark.parametrize("ece", [0.02, 0.05, 0.1])
@pytest.mark.parametrize("n", [500, 2000, 10_000])
def test_coverage_is_what_the_documentation_says(shape: str, ece: float, n: int) -> None:
    assert covered(world("broad", shape, ece), n, 2000)[0] >= 0.925


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"level": 1.0}, "level must lie between 0 and 1, got 1.0"),
        ({"level": 95}, "level must lie between 0 and 1, got 95"),
        ({"n_bins": 0}, "n_bins must be a whole number"),
        ({"seed": -1}, "a seed must be a whole number"),
    ],
)
def test_bad_options_are_refused(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        ece_interval(overconfident(20), **options)


# Means


# Bootstrap


# Two models
