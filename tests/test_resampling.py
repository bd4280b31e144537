"""Intervals of means and, by the bootstrap, of anything: against Student, Wilson, Hall and scipy."""

from typing import Any

import numpy as np
import pytest

import calib
from calib.errors import InputError
from calib.intervals import Interval, ece_interval
from calib.metrics.ranking import auroc
from calib.outcomes import Outcomes
from calib.resampling import bootstrap_interval, mean_interval

from .references import sample
from .test_intervals import log, overconfident


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


def test_a_mean_of_numbers_that_weigh_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="all sample weights are 0"):
        mean_interval([1.0, 2.0], sample_weight=[0, 0])


def test_a_metric_that_is_undefined_on_the_data_is_refused() -> None:
    with pytest.raises(InputError, match="the metric is nan on the data"):
        bootstrap_interval(auroc, log([0.5, 0.6], [1, 1]), resamples=20)
    with pytest.raises(InputError, match="resamples must be a whole number"):
        bootstrap_interval(gap, overconfident(20), resamples=0)
    with pytest.raises(InputError, match="an interval takes at least 20 resamples, got 1"):
        bootstrap_interval(gap, overconfident(20), resamples=1)


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
