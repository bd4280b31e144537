"""CORP against the min–max formula of isotonic regression, published values, and the laws of proper scores."""

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st

import calib
from calib.errors import InputError
from calib.metrics.corp import corp

from ..references import rows_of_confidence, sample

quiet = settings(deadline=None, derandomize=True, max_examples=60)
Score = Literal["brier", "log"]
SCORES: tuple[Score, ...] = ("brier", "log")
C6, Y6 = [0.1, 0.3, 0.4, 0.6, 0.8, 0.9], [0, 1, 0, 1, 0, 1]
rows_strategy = st.lists(
    st.tuples(st.integers(1, 9), st.booleans(), st.integers(0, 3)),
    min_size=1,
    max_size=25,
)


def isotonic(confidence: Sequence[float], correct: Sequence[bool]) -> dict[float, float]:
    """Min–max formula: the value at c is the largest, over starts, of the least mean, over ends, of a run around c."""
    levels = sorted(set(confidence))
    hits = [[y for c, y in zip(confidence, correct, strict=True) if c == level] for level in levels]

    def mean(first: int, last: int) -> float:
        run = [y for group in hits[first : last + 1] for y in group]
        return sum(run) / len(run)

    return {
        level: max(min(mean(first, last) for last in range(i, len(levels))) for first in range(i + 1))
        for i, level in enumerate(levels)
    }


def mean_score(forecasts: Sequence[float], correct: Sequence[bool], score: str) -> float:
    if score == "brier":
        return math.fsum((c - y) ** 2 for c, y in zip(forecasts, correct, strict=True)) / len(forecasts)
    claimed = [c if y else 1 - c for c, y in zip(forecasts, correct, strict=True)]
    return math.fsum(math.inf if p == 0 else -math.log(p) for p in claimed) / len(forecasts)


def test_the_published_example() -> None:
    parts = corp(C6, Y6, of=1)
    assert parts.confidence.tolist() == pytest.approx(C6)
    assert parts.recalibrated.tolist() == [0, 0.5, 0.5, 0.5, 0.5, 1]
    assert parts.count.tolist() == [1] * 6
    assert parts.score == pytest.approx(0.245, abs=1e-15)
    assert parts.miscalibration == pytest.approx(0.235 / 3, abs=1e-15)
    assert parts.discrimination == pytest.approx(1 / 12, abs=1e-15)
    assert parts.uncertainty == 0.25


def test_a_hand_worked_log_score() -> None:
    parts = corp(calib.Outcomes.from_confidence([0.25, 0.75, 0.75, 0.75, 0.75], [0, 1, 1, 0, 1]), score="log")
    assert parts.recalibrated.tolist() == [0, 0.75]
    recalibrated = -(3 * math.log(0.75) + math.log(0.25)) / 5
    assert parts.miscalibration == pytest.approx(-math.log(0.75) / 5, abs=1e-15)
    assert parts.uncertainty == pytest.approx(-0.6 * math.log(0.6) - 0.4 * math.log(0.4), abs=1e-15)
    assert parts.discrimination == pytest.approx(parts.uncertainty - recalibrated, abs=1e-15)


@quiet
@given(rows_strategy, st.sampled_from(SCORES))
def test_all_parts_are_what_the_loops_say_and_weights_are_numbers_of_copies(
    rows: list[tuple[int, bool, int]], score: Score
) -> None:
    confidence, correct, weight = (np.array(column) for column in zip(*rows, strict=True))
    assume(weight.any())
    weighted = calib.Outcomes.from_confidence(confidence / 10, correct, sample_weight=weight)
    copies, copied = np.repeat(confidence / 10, weight).tolist(), np.repeat(correct, weight).tolist()
    curve = isotonic(copies, copied)
    claimed = mean_score(copies, copied, score)
    recalibrated = mean_score([curve[c] for c in copies], copied, score)
    base = mean_score([sum(copied) / len(copied)] * len(copied), copied, score)
    for parts in (corp(weighted, score=score), corp(calib.Outcomes.from_confidence(copies, copied), score=score)):
        assert parts.confidence.tolist() == list(curve)
        assert parts.count.tolist() == [copies.count(c) for c in curve]
        assert parts.recalibrated.tolist() == pytest.approx(list(curve.values()), abs=1e-14)
        assert parts.score == pytest.approx(claimed, abs=1e-13)
        assert parts.miscalibration == pytest.approx(claimed - recalibrated, abs=1e-13)
        assert parts.discrimination == pytest.approx(base - recalibrated, abs=1e-13)
        assert parts.uncertainty == pytest.approx(base, abs=1e-13)


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("true_temperature", [1.0, 1.5])
def test_parts_of_a_network_sum_to_its_score_and_none_is_negative(score: Score, true_temperature: float) -> None:
    predictions = calib.Predictions.from_logits(*sample(500, 4, true_temperature=true_temperature))
    parts = corp(predictions, score=score)
    confidence, correct = predictions.outcomes.confidence.tolist(), predictions.outcomes.correct.tolist()
    assert parts.score == pytest.approx(mean_score(confidence, correct, score), abs=1e-13)
    assert parts.miscalibration - parts.discrimination + parts.uncertainty == pytest.approx(parts.score, abs=1e-14)
    assert parts.miscalibration > 0
    assert parts.discrimination > 0
    assert (np.diff(parts.confidence) > 0).all()
    assert (np.diff(parts.recalibrated) >= 0).all()
    assert np.average(parts.recalibrated, weights=parts.count) == pytest.approx(np.mean(correct), abs=1e-14)


@pytest.mark.parametrize("score", SCORES)
def test_what_was_recalibrated_has_no_miscalibration_left(score: Score) -> None:
    outcomes = calib.Predictions.from_logits(*sample(300, 3)).outcomes
    first = corp(outcomes, score=score)
    level = first.recalibrated[np.searchsorted(first.confidence, outcomes.confidence)]
    again = corp(calib.Outcomes.from_confidence(level, outcomes.correct), score=score)
    assert again.miscalibration == pytest.approx(0, abs=1e-14)
    assert again.discrimination == pytest.approx(first.discrimination, abs=1e-14)


def test_a_rising_map_of_confidence_changes_miscalibration_alone() -> None:
    outcomes = calib.Predictions.from_logits(*sample(300, 3)).outcomes
    first = corp(outcomes)
    bent = corp(calib.Outcomes.from_confidence(outcomes.confidence**3, outcomes.correct))
    assert bent.discrimination == first.discrimination
    assert bent.uncertainty == first.uncertainty
    np.testing.assert_array_equal(bent.recalibrated, first.recalibrated)
    assert bent.miscalibration > 2 * first.miscalibration


def test_miscalibration_tells_a_calibrated_model_from_an_overconfident_one() -> None:
    logits, labels = sample(20_000, 3, true_temperature=1.0, seed=3)
    calibrated = corp(calib.Predictions.from_logits(logits, labels))
    confident = corp(calib.Predictions.from_logits(3 * logits, labels))
    assert calibrated.miscalibration < 0.002
    assert confident.miscalibration > 0.02
    assert confident.discrimination == pytest.approx(calibrated.discrimination, abs=0.005)


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("correct", [[1, 1, 1], [0, 0, 0]], ids=["right", "wrong"])
def test_all_right_or_all_wrong_leaves_nothing_to_discriminate(score: Score, correct: list[int]) -> None:
    parts = corp(calib.Outcomes.from_confidence([0.5, 0.7, 0.9], correct), score=score)
    assert parts.recalibrated.tolist() == correct
    assert parts.uncertainty == parts.discrimination == 0
    assert parts.miscalibration == parts.score > 0


@pytest.mark.parametrize("score", SCORES)
def test_one_row_and_certain_rows_that_are_right(score: Score) -> None:
    assert corp([0.75], [1], of=1, score=score).recalibrated.tolist() == [1.0]
    certain = corp(np.eye(3), [0, 1, 2], score=score)
    assert (certain.score, certain.miscalibration, certain.discrimination, certain.uncertainty) == (0, 0, 0, 0)
    assert certain.count.tolist() == [3]


def test_a_log_score_is_infinite_where_the_impossible_happened() -> None:
    parts = corp(*rows_of_confidence([1.0, 1.0, 0.6], [1, 0, 1]), score="log")
    assert parts.score == parts.miscalibration == math.inf
    assert parts.uncertainty == pytest.approx(-math.log(2 / 3) * 2 / 3 - math.log(1 / 3) / 3, abs=1e-15)
    assert corp(*rows_of_confidence([1.0, 1.0, 0.6], [1, 0, 1])).score == pytest.approx(1.16 / 3, abs=1e-15)


def test_logits_keep_the_log_score_finite_and_the_order_where_confidence_has_saturated() -> None:
    parts = corp(calib.Predictions.from_logits([[50.0, 0.0], [40.0, 0.0]], [0, 1]), score="log")
    assert parts.confidence.tolist() == [1.0, 1.0]
    assert parts.recalibrated.tolist() == [0.0, 1.0]
    assert parts.score == pytest.approx(20, rel=1e-14)


@pytest.mark.parametrize("order", [slice(None, None, -1), np.random.default_rng(0).permutation(50)])
def test_the_order_of_rows_does_not_matter(order: Any) -> None:
    predictions = calib.Predictions.from_logits(*sample(50, 3))
    first, second = corp(predictions), corp(predictions[order])
    np.testing.assert_allclose(second.recalibrated, first.recalibrated, atol=1e-15)
    assert second.miscalibration == pytest.approx(first.miscalibration, abs=1e-15)


def test_an_unknown_score_is_refused() -> None:
    with pytest.raises(InputError, match="score must be brier or log, got 'crps'"):
        corp(C6, Y6, score="crps")  # type: ignore[arg-type]
