"""The p-value of consistency resampling: binomial where it can be counted, and errors those of the loops."""

import math
from typing import Any

import numpy as np
import pytest

import calib
from calib.errors import InputError
from calib.metrics.hypothesis_tests import (
    calibration_p_value,
)

from ..references import sample
from .test_hypothesis_tests import STATISTICS, Statistic, draw


def test_the_p_value_is_the_share_of_draws_that_reach_the_observed_ece() -> None:
    predictions = calib.Predictions.from_logits(*sample(300, 3, true_temperature=1.2))
    share = float(np.mean(calib.ece_null(predictions, resamples=2000, seed=1) >= calib.ece(predictions)))
    assert 0.02 < share < 0.9
    error = math.sqrt(2 * share * (1 - share) / 2000)
    assert calibration_p_value(predictions, resamples=2000) == pytest.approx(share, abs=4 * error)


@pytest.mark.parametrize("statistic", STATISTICS)
def test_p_values_of_four_rows_are_binomial(statistic: Statistic) -> None:
    # four rows at 3/4: 1, 2 or all right is as far off as two wrong ones; 0 of 4 right farther than anything
    def p_value(right: int) -> float:
        rows = calib.Outcomes.from_confidence([0.75] * 4, np.arange(4) < right)
        return calibration_p_value(rows, statistic=statistic, resamples=2000)

    assert p_value(3) == 1.0
    assert p_value(4) == pytest.approx(1 - 108 / 256, abs=4 * math.sqrt(0.25 / 2000))
    assert p_value(2) == p_value(4)
    assert p_value(1) == pytest.approx(13 / 256, abs=4 * math.sqrt(0.05 / 2000))
    assert p_value(0) == pytest.approx(1 / 256, abs=4 * math.sqrt(0.004 / 2000))


def test_errors_that_differ_by_rounding_alone_tie() -> None:
    # 0.4 + 0.6 was observed; only three right answers, 0.4 + 0.4, are nearer, and 0.6 + 0.4 is as far
    p_value = calibration_p_value(calib.Outcomes.from_confidence([0.6, 0.8, 0.8], [1, 1, 0]), resamples=2000)
    assert p_value == pytest.approx(1 - 0.6 * 0.8 * 0.8, abs=4 * math.sqrt(0.25 / 2000))


@pytest.mark.parametrize("statistic", STATISTICS)
@pytest.mark.parametrize("seed", [1, 2, 4])
def test_draws_are_one_coin_a_row_and_errors_those_of_the_loops(statistic: Statistic, seed: int) -> None:
    rng = np.random.default_rng(seed)
    confidence = np.concatenate([rng.uniform(0.05, 0.7, 15), rng.uniform(0.94, 0.99, 60)])  # bins of unlike sizes
    index = np.ceil(confidence * 15).astype(int) - 1
    order = np.argsort(confidence)

    def error(correct: Any) -> float:
        residual = correct - confidence
        if statistic == "ks":
            return float(np.abs(np.cumsum(residual[order])).max())
        sums = [math.fsum(residual[index == i]) for i in set(index)]
        rows = [int((index == i).sum()) for i in set(index)]
        if statistic == "ece":
            return math.fsum(abs(total) for total in sums)
        return math.fsum(total**2 / m for total, m in zip(sums, rows, strict=True))

    correct = rng.random(75) < confidence
    share = np.mean([error(rng.random(75) < confidence) >= error(correct) - 1e-9 for _ in range(800)])
    p_value = calibration_p_value(
        calib.Outcomes.from_confidence(confidence, correct), statistic=statistic, resamples=800
    )
    assert 0.02 < share < 0.98
    assert p_value == pytest.approx(share, abs=4 * math.sqrt(2 * share * (1 - share) / 800))


@pytest.mark.parametrize("statistic", STATISTICS)
def test_certainty_is_rejected_where_it_is_wrong_and_never_where_it_is_right(statistic: Statistic) -> None:
    assert calibration_p_value(np.eye(3), [0, 1, 2], statistic=statistic) == 1.0
    assert calibration_p_value(np.eye(3), [0, 1, 1], statistic=statistic) == 1 / 1001


@pytest.mark.parametrize("statistic", STATISTICS)
@pytest.mark.parametrize("n_bins", [1, 15, 10_000])
def test_one_row_and_any_number_of_bins_give_a_p_value(statistic: Statistic, n_bins: int) -> None:
    p_value = calibration_p_value([0.75], [0], of=1, statistic=statistic, n_bins=n_bins)
    assert p_value == pytest.approx(0.25, abs=0.06)  # a wrong answer was to be expected once in four


def test_one_seed_gives_one_p_value_and_another_another() -> None:
    outcomes = draw(200, 5, intercept=-0.2)
    assert calibration_p_value(outcomes, seed=1) == calibration_p_value(outcomes, seed=1)
    assert len({calibration_p_value(outcomes, seed=seed) for seed in range(5)}) > 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_bins": 0}, "n_bins must be a whole number from 1 to 10,000, got 0"),
        ({"resamples": 0}, "resamples must be a whole number of at least 1, got 0"),
        ({"resamples": 10.0}, "resamples must be a whole number of at least 1, got 10.0"),
        ({"seed": -1}, "a seed must be a whole number"),
        ({"statistic": "mce"}, "statistic must be ece or rmsce or ks, got 'mce'"),
    ],
)
def test_options_that_are_none_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        calibration_p_value(draw(20, 0), **options)
