"""KS and Kuiper errors against plain running sums, hand-worked numbers, ties and saturated confidences."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from calib.errors import InputError
from calib.metrics.cumulative import ks_error, kuiper_error
from calib.outcomes import Outcomes
from calib.predictions import Predictions

from .. import references
from ..references import sample

quiet = settings(deadline=None, derandomize=True, max_examples=60)

C8 = [0.51, 0.55, 0.61, 0.66, 0.68, 0.71, 0.81, 0.85]
A8 = [0, 1, 1, 1, 0, 0, 1, 1]
CORP = ([0.1, 0.3, 0.4, 0.6, 0.8, 0.9], [0, 1, 0, 1, 0, 1])


def running_sums(confidence: Sequence[float], correct: Sequence[bool]) -> list[float]:
    """Gupta et al. (2021): for each distinct confidence, Σ (c − a) / n over the examples up to it; 0 first."""
    sums = [0.0]
    for limit in sorted(set(confidence)):
        inside = [c - a for c, a in zip(confidence, correct, strict=True) if c <= limit]
        sums.append(math.fsum(inside) / len(confidence))
    return sums


def near_calibrated(n: int, seed: int) -> tuple[list[float], list[bool]]:
    """Confidences rounded to 0.05, so that most are tied, and outcomes that follow them."""
    rng = np.random.default_rng(seed)
    confidence = np.round(rng.uniform(size=n) * 20) / 20
    return confidence.tolist(), (rng.uniform(size=n) < confidence).tolist()


def both(confidence: Any, correct: Any, weight: Any = None) -> tuple[float, float]:
    outcomes = Outcomes.from_confidence(confidence, correct, sample_weight=weight)
    return ks_error(outcomes), kuiper_error(outcomes)


def test_ks_of_the_vector_of_robustness_metrics() -> None:
    assert both(C8, A8)[0] == pytest.approx(0.09, abs=1e-15)


def test_ks_of_the_forecasts_of_corp() -> None:
    assert both(*CORP)[0] == pytest.approx(0.1, abs=1e-15)


def test_kuiper_of_the_forecasts_of_corp_by_hand() -> None:
    # residuals .1 −.7 .4 −.4 .8 −.1: sums .1 −.6 −.2 −.6 .2 .1, from −.6 to .2
    assert both(*CORP)[1] == pytest.approx(0.8 / 6, abs=1e-15)


@pytest.mark.parametrize("n", [1, 2, 7, 100])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_both_are_read_from_the_running_sums(n: int, seed: int) -> None:
    confidence, correct = near_calibrated(n, seed)
    sums = running_sums(confidence, correct)
    expected = max(map(abs, sums)), max(sums) - min(sums)
    assert both(confidence, correct) == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])
def test_both_are_read_from_the_running_sums_of_predictions(scale: float) -> None:
    logits, labels = sample(300, 4, scale=scale, true_temperature=1.05)
    probs = references.softmax_rows(logits)
    sums = running_sums(*references.top_label(probs, labels.tolist()))
    for predictions in (Predictions.from_logits(logits, labels), Predictions.from_probs(probs, labels)):
        assert ks_error(predictions) == pytest.approx(max(map(abs, sums)), abs=1e-13)
        assert kuiper_error(predictions) == pytest.approx(max(sums) - min(sums), abs=1e-13)


def test_both_work_for_one_class() -> None:
    probs, labels = [[0.7, 0.3], [0.4, 0.6], [0.2, 0.8]], [0, 0, 1]  # class 0: residuals in order .2 −.6 −.3
    assert ks_error(probs, labels, of=0) == pytest.approx(0.7 / 3, abs=1e-15)
    assert kuiper_error(probs, labels, of=0) == pytest.approx(0.9 / 3, abs=1e-15)


def test_tied_confidences_enter_together_in_whatever_order_they_come() -> None:
    # one at a time, wrong ones first, the sums would reach 1.5 / 4
    assert both([0.75] * 4, [0, 0, 1, 1]) == pytest.approx((0.25, 0.25), abs=1e-15)
    assert both([0.75] * 4, [1, 0, 1, 1]) == pytest.approx((0, 0), abs=1e-15)


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 1, 0, 2], [2, 3, 1, 0]])
def test_the_order_of_saturated_confidences_is_of_no_consequence(order: list[int]) -> None:
    logits = np.array([[40.0, 0.0], [50.0, 0.0], [60.0, 0.0], [70.0, 0.0]])
    predictions = Predictions.from_logits(logits, np.array([1, 0, 0, 1])[order])
    assert (predictions.outcomes.confidence == 1).all()
    assert ks_error(predictions) == kuiper_error(predictions) == 0.5


@pytest.mark.parametrize(
    ("confidence", "correct", "expected"),
    [([1.0] * 3, [1] * 3, 0), ([1.0] * 3, [0] * 3, 1), ([0.0] * 3, [0] * 3, 0), ([0.0] * 3, [1] * 3, 1)],
    ids=["certain and right", "certain and wrong", "impossible and absent", "impossible and there"],
)
def test_the_ends_are_exact(confidence: list[float], correct: list[int], expected: float) -> None:
    assert both(confidence, correct) == (expected, expected)


def test_one_example_has_the_size_of_its_residual() -> None:
    assert both([0.7], [1]) == pytest.approx((0.3, 0.3), abs=1e-15)
    assert both([0.7], [0]) == pytest.approx((0.7, 0.7), abs=1e-15)


def test_where_all_are_right_or_all_wrong_both_are_the_overall_gap() -> None:
    assert both(C8, [1] * 8) == pytest.approx((1 - np.mean(C8),) * 2, abs=1e-15)
    assert both(C8, [0] * 8) == pytest.approx((np.mean(C8),) * 2, abs=1e-15)


@quiet
@given(st.integers(1, 60), st.integers(0, 2**31))
def test_gap_is_at_most_ks_and_kuiper_lies_between_ks_and_twice_that(n: int, seed: int) -> None:
    confidence, correct = near_calibrated(n, seed)
    ks, kuiper = both(confidence, correct)
    assert abs(np.mean(confidence) - np.mean(correct)) <= ks + 1e-14
    assert ks - 1e-14 <= kuiper <= 2 * ks + 1e-14
    assert 0 <= ks <= kuiper <= 1


@quiet
@given(st.integers(1, 30), st.integers(0, 2**31))
def test_kuiper_stays_and_ks_reads_from_the_other_side_when_the_order_is_turned_round(n: int, seed: int) -> None:
    confidence, correct = map(np.array, near_calibrated(n, seed))
    turned = both(1 - confidence, ~correct)  # residuals change sign and order
    assert turned[1] == pytest.approx(both(confidence, correct)[1], abs=1e-14)


@quiet
@given(st.integers(1, 30), st.integers(0, 2**31), st.integers(2, 4))
def test_order_and_repetition_of_rows_do_not_matter(n: int, seed: int, times: int) -> None:
    confidence, correct = map(np.array, near_calibrated(n, seed))
    once = both(confidence, correct)
    order = np.random.default_rng(seed).permutation(n)
    assert both(confidence[order], correct[order]) == pytest.approx(once, abs=1e-14)
    assert both(np.tile(confidence, times), np.tile(correct, times)) == pytest.approx(once, abs=1e-14)


@quiet
@given(st.integers(1, 30), st.integers(0, 2**31))
def test_whole_weights_are_repeated_rows(n: int, seed: int) -> None:
    confidence, correct = map(np.array, near_calibrated(n, seed))
    weight = np.random.default_rng(seed).integers(0, 4, n)
    weight[0] = 2
    repeated = both(np.repeat(confidence, weight), np.repeat(correct, weight))
    assert both(confidence, correct, weight) == pytest.approx(repeated, abs=1e-14)
    assert both(confidence, correct, weight * 0.37) == pytest.approx(repeated, abs=1e-14)


def test_errors_that_cancel_overall_are_seen() -> None:
    confidence, correct = [0.25] * 4 + [0.75] * 4, [0, 0, 0, 0] + [1] * 4
    ks, kuiper = both(confidence, correct)
    assert np.mean(confidence) - np.mean(correct) == 0
    assert (ks, kuiper) == pytest.approx((0.125, 0.125), abs=1e-15)


def test_outcomes_are_not_asked_about_another_class() -> None:
    with pytest.raises(InputError, match="one event"):
        ks_error(Outcomes.from_confidence(C8, A8), of=1)
