"""Intervals of the difference of two models on the same examples."""

import numpy as np
import pytest

import calib
from calib._arrays import Float
from calib.differences import ece_difference_interval, paired_interval
from calib.errors import InputError
from calib.intervals import Interval, ece_interval
from calib.outcomes import Outcomes
from calib.resampling import mean_interval

from .references import sample
from .test_intervals import log, overconfident
from .test_resampling import gap


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
