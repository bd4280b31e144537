"""Intervals: hand-worked cases, agreement with exact and published ones, and a slice of the measured coverage."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pytest

import calib
from benchmarks._worlds import World, draw, world
from calib._arrays import Float
from calib.binning import bin_index, equal_width_edges
from calib.differences import ece_difference_interval, paired_interval
from calib.errors import InputError
from calib.intervals import Interval, ece_interval, interval_of_sums, mce_interval, rmsce_interval
from calib.inversion import BinSums, Inversion
from calib.metrics.ranking import auroc
from calib.outcomes import Outcomes
from calib.resampling import bootstrap_interval, mean_interval

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


def test_symmetric_numbers_get_students_interval() -> None:
    interval = mean_interval([1.0, 2.0, 3.0, 4.0, 5.0])
    assert interval.estimate == 3
    assert (interval.low, interval.high) == pytest.approx(
        (3 - 1.963243, 3 + 1.963243), abs=1e-5
    )  # 2.776445 · √(2.5 / 5)


def test_skewed_numbers_get_halls_interval() -> None:
    values = [0.0, 0.0, 0.0, 0.0, 0.5, 1.0, 1.0, 6.0]
    n, mean = len(values), sum(values) / len(values)
    variance = sum((value - mean) ** 2 for value in values) / n
    a = sum((value - mean) ** 3 for value in values) / n / variance**1.5 / n**0.5
    interval = mean_interval(values)
    for limit, quantile in ((interval.low, 2.364624), (interval.high, -2.364624)):
        t = (mean - limit) / (variance / (n - 1)) ** 0.5
        assert t + a * t**2 / 3 + a**2 * t**3 / 27 + a / 6 == pytest.approx(quantile, abs=1e-5)
    assert interval.high - mean > mean - interval.low


def test_zeros_and_ones_get_wilsons_interval() -> None:
    interval = mean_interval(np.repeat([True, False], [9, 1]))
    assert (interval.low, interval.high) == pytest.approx((0.5958500, 0.9821238), abs=1e-6)
    assert mean_interval([1, 1, 1]).high == 1
    assert mean_interval([1]).low == pytest.approx(0.2065493, abs=1e-6)


def test_the_mean_of_weighted_numbers() -> None:
    values, weight = np.random.default_rng(0).exponential(size=(2, 50))
    interval = mean_interval(values, sample_weight=weight)
    assert interval.estimate == pytest.approx(float(np.average(values, weights=weight)))
    assert mean_interval(values, sample_weight=5 * weight).low == pytest.approx(interval.low)
    assert mean_interval(values, sample_weight=np.ones(50)) == mean_interval(values)


def test_an_infinite_loss_is_infinite_with_certainty() -> None:
    assert mean_interval([0.1, np.inf, 0.3]) == Interval(np.inf, np.inf, np.inf, 0.95)


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ([0.5], "one number"),
        ([], "column of numbers"),
        ([[1.0]], "column of numbers"),
        ([0.1, np.nan], "row 1 holds NaN"),
    ],
)
def test_columns_without_a_mean_are_refused(values: Any, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        mean_interval(values)


# Bootstrap


def gap(outcomes: Outcomes) -> float:
    return outcomes.mean(outcomes.residual)


def test_the_bootstrap_of_a_mean_is_near_its_own_interval() -> None:
    outcomes = overconfident(500)
    ours, exact = bootstrap_interval(gap, outcomes), mean_interval(outcomes.residual)
    assert ours.estimate == exact.estimate
    assert (ours.low, ours.high) == pytest.approx((exact.low, exact.high), abs=0.005)


def test_bca_agrees_with_scipy() -> None:
    from scipy import stats

    values = np.random.default_rng(3).uniform(size=40) ** 3
    outcomes = log(values, np.zeros(40))
    rng = np.random.default_rng(0)
    theirs = stats.bootstrap(
        (values,), lambda x, axis: np.var(x, axis=axis), n_resamples=4000, method="BCa", random_state=rng
    ).confidence_interval
    ours = bootstrap_interval(lambda some: float(np.var(some.confidence)), outcomes, resamples=4000)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), rel=0.04)


def test_a_metric_of_ranks_gets_an_interval_inside_its_range() -> None:
    interval = bootstrap_interval(auroc, overconfident(300), resamples=300)
    assert 0.4 < interval.low < interval.estimate < interval.high < 0.8
    assert interval == bootstrap_interval(auroc, overconfident(300), resamples=300, seed=0)


def test_a_constant_metric_is_known_exactly() -> None:
    assert bootstrap_interval(lambda _: 0.25, overconfident(20), resamples=20) == Interval(0.25, 0.25, 0.25, 0.95)


def test_rows_keep_all_their_columns() -> None:
    predictions = calib.Predictions.from_logits(*sample(20, 3))
    rows = np.array([3, 3, 7])
    some, whole = predictions.outcomes[rows], predictions.outcomes
    for name in ("confidence", "correct", "log_odds", "nll", "brier", "predicted"):
        np.testing.assert_array_equal(getattr(some, name), getattr(whole, name)[rows])
    assert log([0.5, 0.6], [0, 1], [2, 3])[np.array([1])].weight == [3]


def test_a_metric_that_is_undefined_on_the_data_is_refused() -> None:
    with pytest.raises(InputError, match="the metric is nan on the data"):
        bootstrap_interval(auroc, log([0.5, 0.6], [1, 1]), resamples=20)
    with pytest.raises(InputError, match="resamples must be a whole number"):
        bootstrap_interval(gap, overconfident(20), resamples=0)
    with pytest.raises(InputError, match="an interval takes at least 20 resamples, got 1"):
        bootstrap_interval(gap, overconfident(20), resamples=1)


# Two models


def softened(outcomes: Outcomes, by: float) -> Outcomes:
    confidence: Float = 1 / (1 + np.exp(-by * outcomes.log_odds))
    return log(confidence, outcomes.correct)


def test_a_model_does_not_differ_from_itself() -> None:
    outcomes = overconfident()
    assert paired_interval(gap, outcomes, outcomes, resamples=20) == Interval(0, 0, 0, 0.95)
    interval = ece_difference_interval(outcomes, outcomes)
    assert interval.low <= interval.estimate == 0 <= interval.high


def test_what_the_rows_share_cancels_in_a_paired_difference() -> None:
    a = overconfident(500)
    b = softened(a, 0.7)
    paired = paired_interval(gap, a, b, resamples=300)
    exact = mean_interval(a.residual - b.residual)
    assert (paired.low, paired.high) == pytest.approx((exact.low, exact.high), abs=0.002)
    assert paired.high - paired.low < 0.3 * (mean_interval(a.residual).high - mean_interval(a.residual).low)


def test_the_difference_of_two_errors_changes_sign_with_their_order() -> None:
    a = overconfident(1000, by=0.2)
    b = softened(a, 0.5)
    there, back = ece_difference_interval(a, b), ece_difference_interval(b, a)
    assert there.low > 0
    assert there.estimate == -back.estimate
    assert (back.low, back.high) == pytest.approx((-there.high, -there.low), abs=0.003)
    both = ece_interval(a), ece_interval(b)
    assert there.high - there.low < sum(interval.high - interval.low for interval in both)


def test_models_that_err_alike_differ_by_a_narrow_interval() -> None:
    a = overconfident(1000, by=0.2)
    interval, own = ece_difference_interval(a, softened(a, 0.9)), ece_interval(a)
    assert interval.high - interval.low < 0.5 * (own.high - own.low)


def test_models_on_other_examples_are_refused() -> None:
    logits, labels = sample(20, 3)
    a, b = (calib.Predictions.from_logits(logits, each) for each in (labels, (labels + 1) % 3))
    with pytest.raises(InputError, match="labels of the models differ in row 0"):
        ece_difference_interval(a, b)
    with pytest.raises(InputError, match="20 and 19 examples"):
        paired_interval(gap, a, a[np.arange(19)])
    with pytest.raises(InputError, match="sample weights of the models differ"):
        paired_interval(gap, log([0.5, 0.6], [0, 1], [1, 2]), log([0.5, 0.6], [0, 1]))
    with pytest.raises(InputError, match="Predictions or Outcomes are needed, got list"):
        paired_interval(gap, [0.5], [0.5])  # type: ignore[arg-type]


@pytest.mark.parametrize("scale", [1e-170, 1.0, 1e170])
def test_the_scale_of_weights_changes_nothing_however_large_or_small(scale: float) -> None:
    rng = np.random.default_rng(0)
    confidence, weight = rng.random(100), rng.random(100) + 0.1
    outcomes = [
        calib.Outcomes.from_confidence(confidence, rng.random(100) < 2, sample_weight=weight * factor)
        for factor in (1, scale)
    ]
    first, second = (ece_interval(one) for one in outcomes)
    assert [first.low, first.high] == pytest.approx([second.low, second.high])


def test_columns_whose_cubes_leave_the_range_of_float64_have_intervals() -> None:
    for unit in (1e-140, 1e110):
        interval = mean_interval(np.array([1.0, 2.0, 5.0]) * unit)
        plain = mean_interval([1.0, 2.0, 5.0])
        assert interval.low / unit == pytest.approx(plain.low)
    for column, weight in (([1.0, 2.0], [1, 1e-20]), ([np.inf, -np.inf, 1.0], None)):
        with pytest.raises(InputError):
            mean_interval(column, sample_weight=weight)


def test_weights_of_0_are_no_part_of_a_resample() -> None:
    outcomes = calib.Outcomes.from_confidence([0.5, 0.6, 0.7, 0.8], [1, 0, 1, 1], sample_weight=[1, 0, 0, 1])
    interval = bootstrap_interval(calib.accuracy, outcomes, resamples=50)
    assert (interval.low, interval.high) == (1.0, 1.0)


def test_a_level_that_the_draws_cannot_resolve_is_refused() -> None:
    with pytest.raises(InputError, match=r"level must be at most 0\.99"):
        ece_interval([[0.9, 0.1]] * 20, [0] * 20, level=0.999)


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
