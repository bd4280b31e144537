"""The interval of T and the test of T = 1, against closed forms and their own promise."""

import math

import numpy as np
import pytest

from calib.calibrators.temperature import TemperatureScaling
from calib.calibrators.temperature_inference import temperature_interval, temperature_test
from calib.errors import InputError, NumericalError
from calib.predictions import Predictions

from ..references import sample


def log_likelihood(beta: float, right: int, wrong: int, margin: float) -> float:
    return -right * math.log1p(math.exp(-beta * margin)) - wrong * math.log1p(math.exp(beta * margin))


def two_classes(right: int, wrong: int, margin: float) -> Predictions:
    return Predictions.from_logits([[margin, 0.0]] * (right + wrong), [0] * right + [1] * wrong)


@pytest.mark.parametrize(("right", "wrong", "margin"), [(30, 10, 2.0), (300, 20, 0.5), (52, 48, 7.0)])
def test_both_are_those_of_a_binomial_share(right: int, wrong: int, margin: float) -> None:
    predictions = two_classes(right, wrong, margin)
    best = math.log(right / wrong) / margin
    top = log_likelihood(best, right, wrong, margin)
    interval = temperature_interval(predictions)
    assert interval.estimate == pytest.approx(1 / best)
    for limit in (interval.low, interval.high):
        if math.isfinite(limit):
            assert 2 * (top - log_likelihood(1 / limit, right, wrong, margin)) == pytest.approx(
                3.841458820694, rel=1e-6
            )
    assert interval.low < 1 / best < interval.high
    test = temperature_test(predictions)
    assert test.statistic == pytest.approx(2 * (top - log_likelihood(1, right, wrong, margin)), rel=1e-9)
    assert test.p_value == pytest.approx(math.erfc(math.sqrt(test.statistic / 2)), rel=1e-9)


def test_scores_that_may_say_nothing_have_no_upper_limit() -> None:
    interval = temperature_interval(two_classes(52, 48, 1.0))
    assert interval.high == math.inf
    assert 0 < interval.low < interval.estimate


def test_the_interval_is_near_two_standard_errors_where_there_is_plenty_of_data() -> None:
    predictions = Predictions.from_logits(*sample(60_000, 5, true_temperature=1.7))
    fitted, interval = TemperatureScaling.fit(predictions), temperature_interval(predictions)
    assert interval.estimate == fitted.temperature
    assert interval.high - interval.low == pytest.approx(3.92 * fitted.standard_error, rel=0.01)


def test_it_holds_the_true_temperature_as_often_as_it_says() -> None:
    held = p_values = 0
    for seed in range(300):
        predictions = Predictions.from_logits(*sample(150, 3, true_temperature=1.0, seed=seed))
        interval = temperature_interval(predictions, level=0.8)
        held += interval.low <= 1 <= interval.high
        p_values += temperature_test(predictions).p_value >= 0.2
    assert held == p_values  # the interval holds what the test does not reject
    assert 300 * 0.8 - 21 <= held <= 300 * 0.8 + 21  # three standard errors


def test_weights_count_as_fewer_examples_and_targets_as_labels() -> None:
    logits, labels = sample(200, 3)
    plain = temperature_interval(Predictions.from_logits(logits, labels))
    doubled = Predictions.from_logits(np.repeat(logits, 2, 0), np.repeat(labels, 2), sample_weight=[1.0, 0.0] * 200)
    assert temperature_interval(doubled).high == pytest.approx(plain.high, rel=1e-6)
    soft = temperature_interval(Predictions.from_logits(logits, labels), targets=np.eye(3)[labels])
    assert soft.low == pytest.approx(plain.low, rel=1e-9)


def test_without_a_lowest_point_both_say_so() -> None:
    predictions = Predictions.from_logits([[1.0, 0.0]] * 5, [0] * 5)
    for asked in (temperature_interval, temperature_test):
        with pytest.raises(NumericalError, match="no lowest point"):
            asked(predictions)
    with pytest.raises(InputError, match="level must lie"):
        temperature_interval(two_classes(3, 1, 1.0), level=1.5)
