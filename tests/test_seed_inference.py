"""Differences over seeds and over examples, and Holm: worked by hand, against scipy, and right as often as they say."""

import math

import numpy as np
import pytest
from scipy import stats

import calib
from calib.errors import InputError
from calib.predictions import Predictions
from calib.seed_inference import METRICS, over_examples, over_seeds

from .references import sample

MEANS = ("accuracy", "nll", "brier")


def by_seed(values: "list[float] | np.ndarray") -> dict[int, float]:
    return {seed: float(value) for seed, value in enumerate(values)}


def nets(seeds: int, n: int = 200, *, shift: float = 0.0, rows: int = 0) -> dict[int, Predictions]:
    """Networks that see the same ``n`` examples; their errors have a part of their own and a shared one."""
    logits, labels = sample(n, 4, seed=rows)
    noise = [np.random.default_rng([seed, int(100 * shift)]).normal(size=logits.shape) for seed in range(seeds)]
    return {seed: Predictions.from_logits((1 + shift) * (logits + noise[seed]), labels) for seed in range(seeds)}


def within_binomial_limits(hits: int, trials: int, probability: float) -> bool:
    """Whether a count is what chance gives, 999 times in 1,000."""
    return bool(min(stats.binom.cdf(hits, trials, probability), stats.binom.sf(hits - 1, trials, probability)) > 5e-4)


# over seeds


def test_four_seeds_worked_by_hand() -> None:
    # differences 2, 4, 4, 6: mean 4, variance 8/3, standard error √(2/3), t₀.₉₇₅(3) = 3.182446
    found = over_seeds(by_seed([5, 6, 7, 8]), by_seed([3, 2, 3, 2]))
    assert (found.estimate, found.df, found.differences) == (4.0, 3, (2.0, 4.0, 4.0, 6.0))
    assert found.low == pytest.approx(4 - 3.182446 * math.sqrt(2 / 3), abs=1e-6)
    assert found.high == pytest.approx(4 + 3.182446 * math.sqrt(2 / 3), abs=1e-6)
    # t = 4 / √(2/3) = √24, and with 3 df p = 1 − 2/π · (atan √8 + √8 / 9)
    assert found.p_value == pytest.approx(1 - 2 / math.pi * (math.atan(math.sqrt(8)) + math.sqrt(8) / 9), rel=1e-9)


@pytest.mark.parametrize("n", [2, 3, 5, 30])
@pytest.mark.parametrize("level", [0.5, 0.95, 0.99])
def test_interval_and_p_value_are_those_of_scipy(n: int, level: float) -> None:
    rng = np.random.default_rng(n)
    a, b = rng.normal(1, 1, n), rng.normal(0, 1, n)
    found, theirs = over_seeds(by_seed(a), by_seed(b), level=level), stats.ttest_rel(a, b)
    assert found.p_value == pytest.approx(theirs.pvalue, rel=1e-9)
    assert (found.low, found.high) == pytest.approx(tuple(theirs.confidence_interval(level)), rel=1e-9)
    assert found.level == level


def test_seeds_are_paired_by_their_number_not_by_their_place() -> None:
    a, b = {0: 1.0, 1: 5.0, 2: 2.0}, {2: 1.5, 0: 0.0, 1: 4.0}
    assert over_seeds(a, b).differences == (1.0, 1.0, 0.5)
    assert over_seeds(b, a).estimate == -over_seeds(a, b).estimate


def test_with_one_seed_nothing_is_known_of_others() -> None:
    found = over_seeds({7: 2.0}, {7: 1.5})
    assert (found.estimate, found.df) == (0.5, 0)
    assert all(math.isnan(value) for value in (found.low, found.high, found.p_value))


def test_equal_differences_have_no_spread_and_equal_values_no_difference() -> None:
    same = over_seeds(by_seed([0.1, 0.2, 0.3]), by_seed([0.1, 0.2, 0.3]))
    assert (same.low, same.high, same.p_value) == (0.0, 0.0, 1.0)
    nearly = over_seeds(by_seed([0.1 + 2e-17, 0.2]), by_seed([0.1, 0.2 - 3e-17]))
    assert nearly.p_value == 1.0
    shifted = over_seeds(by_seed([0.3, 0.4, 0.5]), by_seed([0.2, 0.3, 0.4]))  # two accuracies of ten examples, say
    assert shifted.estimate == pytest.approx(0.1)
    assert all(math.isnan(value) for value in (shifted.low, shifted.high, shifted.p_value))


def test_an_infinite_loss_leaves_the_interval_unknown() -> None:
    found = over_seeds(by_seed([math.inf, 1.0]), by_seed([1.0, 1.0]))
    assert (found.estimate, math.isnan(found.low), math.isnan(found.p_value)) == (math.inf, True, True)
    assert math.isnan(over_seeds(by_seed([math.inf, 1.0]), by_seed([math.inf, 1.0])).estimate)


def test_missing_seeds_and_nan_are_refused_by_name() -> None:
    with pytest.raises(InputError, match="seed 3 is there for one of the two only"):
        over_seeds({0: 1.0, 3: 1.0}, {0: 1.0})
    with pytest.raises(InputError, match="seed 4 is there for one"):
        over_seeds({0: 1.0}, {0: 1.0, 4: 1.0})
    with pytest.raises(InputError, match="no seeds"):
        over_seeds({}, {})
    with pytest.raises(InputError, match="seed 1 is NaN"):
        over_seeds(by_seed([1.0, 2.0]), by_seed([1.0, math.nan]))
    with pytest.raises(InputError, match="level"):
        over_seeds({0: 1.0}, {0: 1.0}, level=95)


def test_over_seeds_is_wrong_as_often_as_it_says() -> None:
    """Seeds share a part, as paired trainings do; the pairing takes it out, and 4 seeds reject 1 time in 20."""
    rng, trials = np.random.default_rng(0), 1500
    rejected = missed = 0
    for _ in range(trials):
        shared = rng.normal(0, 5, 4)
        found = over_seeds(by_seed(shared + rng.normal(0.3, 1, 4)), by_seed(shared + rng.normal(0, 1, 4)))
        missed += not found.low < 0.3 < found.high
        null = over_seeds(by_seed(shared + rng.normal(0, 1, 4)), by_seed(shared + rng.normal(0, 1, 4)))
        rejected += null.p_value <= 0.05
        assert (null.p_value <= 0.05) == (not null.low < 0 < null.high)
    assert within_binomial_limits(rejected, trials, 0.05)
    assert within_binomial_limits(missed, trials, 0.05)


# over examples


def test_brier_of_two_nets_worked_by_hand() -> None:
    p = Predictions.from_probs([[0.9, 0.1], [0.4, 0.6]], [0, 0])  # .02, .72
    q = Predictions.from_probs([[0.8, 0.2], [0.5, 0.5]], [0, 0])  # .08, .50
    found = over_examples({0: p, 1: q}, {0: q, 1: q}, "brier")
    # seed 0: −.06, .22; seed 1: 0, 0; averaged by example: −.03, .11
    assert found.estimate == pytest.approx(0.04)
    expected = calib.mean_interval([-0.03, 0.11])
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.shared


@pytest.mark.parametrize("metric", METRICS)
def test_the_estimate_is_the_mean_difference_of_the_metric(metric: str) -> None:
    a, b = nets(3), nets(3, shift=0.8)
    measure = getattr(calib, metric)
    expected = np.mean([measure(a[seed]) - measure(b[seed]) for seed in a])
    found = over_examples(a, b, metric)  # type: ignore[arg-type]
    assert found.estimate == pytest.approx(float(expected), abs=1e-12)
    turned = over_examples(b, a, metric)  # type: ignore[arg-type]
    assert turned.estimate == pytest.approx(-found.estimate)
    draws = 0.01 if metric == "ece" else 0.0  # of the correlation; everything else is the same number
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low), abs=draws + 1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_a_net_does_not_differ_from_itself(metric: str) -> None:
    a = nets(2)
    found = over_examples(a, a, metric)  # type: ignore[arg-type]
    assert (found.estimate, found.low, found.high) == (0.0, 0.0, 0.0)


def test_the_jackknife_of_aurc_agrees_with_the_bootstrap_of_one_pair() -> None:
    a, b = nets(1, 1000), nets(1, 1000, shift=0.8)
    found = over_examples(a, b, "aurc")
    theirs = calib.paired_interval(calib.aurc, a[0], b[0], resamples=600)
    assert found.estimate == pytest.approx(theirs.estimate)
    assert found.high - found.low == pytest.approx(theirs.high - theirs.low, rel=0.15)
    assert found.low == pytest.approx(theirs.low, abs=0.2 * (theirs.high - theirs.low))


def test_fewer_examples_than_groups_are_left_out_one_by_one() -> None:
    a, b = nets(2, 30), nets(2, 30, shift=0.5)
    found = over_examples(a, b, "aurc")
    values = []
    for left_out in range(30):
        rows = np.arange(30) != left_out
        values.append(np.mean([calib.aurc(a[s].outcomes[rows]) - calib.aurc(b[s].outcomes[rows]) for s in a]))
    error = math.sqrt(29 / 30 * float(((np.array(values) - np.mean(values)) ** 2).sum()))
    assert (found.high - found.low) / 2 == pytest.approx(float(stats.t.ppf(0.975, 29)) * error, rel=1e-9)


def test_of_ece_the_limits_are_averaged_over_seeds() -> None:
    a, b = nets(2), nets(2, shift=0.8)
    parts = [calib.ece_difference_interval(a[seed], b[seed], n_bins=10) for seed in a]
    found = over_examples(a, b, "ece", n_bins=10)
    assert (found.low, found.high) == pytest.approx(
        ((parts[0].low + parts[1].low) / 2, (parts[0].high + parts[1].high) / 2)
    )


def test_seeds_with_test_examples_of_their_own_are_averaged_and_it_is_said() -> None:
    a, b = ({seed: nets(1, shift=shift, rows=seed)[0] for seed in range(2)} for shift in (0.0, 0.8))
    found = over_examples(a, b, "nll")
    parts = [calib.mean_interval(a[seed].outcomes.nll - b[seed].outcomes.nll) for seed in a]
    assert not found.shared
    assert found.low == pytest.approx((parts[0].low + parts[1].low) / 2)


def test_an_example_is_counted_once_however_many_nets_saw_it() -> None:
    """Eight copies of one net are one net: the interval is that of one, not 1/√8 of it."""
    a, b = nets(1)[0], nets(1, shift=0.5)[0]
    for metric in (*MEANS, "aurc"):
        one = over_examples({0: a}, {0: b}, metric)  # type: ignore[arg-type]
        eight = over_examples(dict.fromkeys(range(8), a), dict.fromkeys(range(8), b), metric)  # type: ignore[arg-type]
        assert (eight.low, eight.high) == pytest.approx((one.low, one.high))


def test_over_examples_is_wrong_as_often_as_it_says() -> None:
    """Three nets whose difference has a part that belongs to the example: rows in nets are no rows of their own."""
    rng, trials, n = np.random.default_rng(1), 400, 120
    covered = naive = 0
    for _ in range(trials):
        own = rng.normal(0, 0.5, n)  # of the example, for all nets
        correct = rng.random(n) < 0.8
        a, b = {}, {}
        for seed in range(3):
            z = 1 + rng.normal(0, 0.3, (2, n)) + np.stack([own, -own])
            sides = [Predictions.from_logits(np.stack([one, 0 * one], axis=1), np.where(correct, 0, 1)) for one in z]
            a[seed], b[seed] = sides
        found = over_examples(a, b, "nll")
        # a and b are drawn alike, so that the mean difference is 0
        covered += found.low < 0 < found.high
        pooled = calib.mean_interval(np.concatenate([a[s].outcomes.nll - b[s].outcomes.nll for s in a]))
        naive += pooled.low < 0 < pooled.high
    assert within_binomial_limits(covered, trials, 0.95)
    assert naive / trials < 0.85  # what treating every row of every net as an example would do


def test_infinite_losses_of_both_leave_the_limits_unknown() -> None:
    a = {0: Predictions.from_probs([[1.0, 0.0], [0.5, 0.5], [0.6, 0.4]], [1, 0, 1])}
    found = over_examples(a, a, "nll")
    assert math.isnan(found.low)
    b = {0: Predictions.from_probs([[0.9, 0.1], [0.5, 0.5], [0.6, 0.4]], [1, 0, 1])}
    assert over_examples(a, b, "nll").estimate == math.inf


def test_other_examples_weights_metrics_and_types_are_refused() -> None:
    a, b = nets(2), nets(2, rows=1)
    with pytest.raises(InputError, match="test examples of seed 0 differ"):
        over_examples(a, b, "nll")
    weighted = Predictions.from_logits(a[0].values, a[0].labels, sample_weight=np.linspace(0, 1, a[0].n))
    with pytest.raises(InputError, match="test examples of seed 0 differ"):
        over_examples({0: a[0]}, {0: weighted}, "nll")
    with pytest.raises(InputError, match="metric must be"):
        over_examples(a, a, "mce")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="Predictions are needed"):
        over_examples({0: [[0.5, 0.5]]}, {0: [[0.5, 0.5]]}, "nll")  # type: ignore[dict-item]
    with pytest.raises(InputError, match="seed 1 is there"):
        over_examples(a, {0: a[0]}, "nll")
    with pytest.raises(InputError, match="level"):
        over_examples(a, a, "nll", level=0)
    one = {0: Predictions.from_logits([[1.0, 0.0]], [0])}
    with pytest.raises(InputError, match="one example"):
        over_examples(one, one, "aurc")


def test_sample_weights_count() -> None:
    logits, labels = sample(50, 3, seed=0)
    weight = np.repeat([2.0, 1.0], 25)
    a = {0: Predictions.from_logits(logits, labels, sample_weight=weight)}
    b = {0: Predictions.from_logits(2 * logits, labels, sample_weight=weight)}
    difference = a[0].outcomes.nll - b[0].outcomes.nll
    assert over_examples(a, b, "nll").estimate == pytest.approx(float(np.average(difference, weights=weight)))


def test_losses_that_are_infinite_in_different_rows_leave_the_interval_unknown() -> None:
    labels = [1, 1, 1]
    p = Predictions.from_probs([[1.0, 0.0], [0.2, 0.8], [0.3, 0.7]], labels)
    q = Predictions.from_probs([[0.9, 0.1], [1.0, 0.0], [0.3, 0.7]], labels)
    found = over_examples({0: p}, {0: q}, "nll")
    assert all(math.isnan(end) for end in (found.estimate, found.low, found.high))


def test_infinite_losses_of_examples_that_weigh_nothing_count_nothing() -> None:
    labels, weight = [1, 1, 1], [0, 1, 1]
    p = Predictions.from_probs([[1.0, 0.0], [0.2, 0.8], [0.3, 0.7]], labels, sample_weight=weight)
    q = Predictions.from_probs([[1.0, 0.0], [0.4, 0.6], [0.3, 0.7]], labels, sample_weight=weight)
    assert over_examples({0: p}, {0: q}, "nll").estimate == pytest.approx(math.log(0.6 / 0.8) / 2)
