"""AUROC, risk–coverage and AURC against pairs, permutations and the limits of perfect rankings."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise, permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st

import calib
from calib.errors import InputError
from calib.metrics.ranking import Ranking, aurc, auroc, e_aurc, risk_coverage

from ..references import rows_of_confidence, sample

quiet = settings(deadline=None, derandomize=True, max_examples=60)
METRICS = (auroc, aurc, e_aurc)
pairs = st.lists(st.tuples(st.integers(0, 10), st.booleans()), min_size=1, max_size=30)


def auroc_of_pairs(confidence: Sequence[float], correct: Sequence[bool]) -> float:
    """Mann & Whitney: the share of (right, wrong) pairs in which the right one is more confident; a tie is half."""
    right = [c for c, y in zip(confidence, correct, strict=True) if y]
    wrong = [c for c, y in zip(confidence, correct, strict=True) if not y]
    won = sum(2 * (r > w) + (r == w) for r in right for w in wrong)
    return won / (2 * len(right) * len(wrong)) if right and wrong else float("nan")


def aurc_of_order(correct: Sequence[bool]) -> Fraction:
    """Geifman et al.: the mean over i of the error rate among the first i rows."""
    risks = [Fraction(sum(not y for y in correct[: i + 1]), i + 1) for i in range(len(correct))]
    return sum(risks, Fraction(0)) / len(risks)


def aurc_of_orders(confidence: Sequence[float], correct: Sequence[bool]) -> Fraction:
    """The mean of `aurc_of_order` over all orders of the rows in which confidence never rises."""
    rows = list(zip(confidence, correct, strict=True))
    orders = [p for p in permutations(rows) if all(a[0] >= b[0] for a, b in pairwise(p))]
    return sum((aurc_of_order([y for _, y in order]) for order in orders), Fraction(0)) / len(orders)


def outcomes_of(rows: Sequence[tuple[float, bool]], scale: float = 1.0) -> calib.Outcomes:
    return calib.Outcomes.from_confidence([c / scale for c, _ in rows], [y for _, y in rows])


@quiet
@given(pairs)
def test_auroc_is_the_share_of_pairs_in_the_right_order(rows: list[tuple[int, bool]]) -> None:
    want = auroc_of_pairs([c / 10 for c, _ in rows], [y for _, y in rows])
    assert auroc(outcomes_of(rows, 10)) == pytest.approx(want, abs=1e-14, nan_ok=True)


@quiet
@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=6))
def test_aurc_is_the_mean_over_all_orders_of_tied_rows(rows: list[tuple[int, bool]]) -> None:
    want = aurc_of_orders([c for c, _ in rows], [y for _, y in rows])
    best = aurc_of_order(sorted((y for _, y in rows), reverse=True))
    assert aurc(outcomes_of(rows, 3)) == pytest.approx(float(want), abs=1e-14)
    assert e_aurc(outcomes_of(rows, 3)) == pytest.approx(float(want - best), abs=1e-14)


@pytest.mark.parametrize("scale", [0.3, 2.0])
def test_a_network_without_ties_is_ranked_as_the_loops_say(scale: float) -> None:
    predictions = calib.Predictions.from_logits(*sample(150, 4, scale=scale))
    outcomes = predictions.outcomes
    order = np.argsort(-outcomes.confidence)
    want = aurc_of_order(outcomes.correct[order].tolist())
    best = aurc_of_order(sorted(outcomes.correct.tolist(), reverse=True))
    assert auroc(predictions) == pytest.approx(
        auroc_of_pairs(outcomes.confidence.tolist(), outcomes.correct.tolist()), abs=1e-14
    )
    assert aurc(predictions) == pytest.approx(float(want), abs=1e-14)
    assert e_aurc(predictions) == pytest.approx(float(want - best), abs=1e-14)


def test_hand_worked_rows() -> None:
    rows = calib.Outcomes.from_confidence([0.9, 0.8, 0.8, 0.6], [True, False, True, False])
    assert auroc(rows) == (1 + 1 + 1 / 2 + 1) / 4
    assert aurc(rows) == pytest.approx((0 + 1 / 4 + 1 / 3 + 1 / 2) / 4, abs=1e-15)  # half an error among the first two
    assert e_aurc(rows) == pytest.approx((1 / 4 + 1 / 3 + 1 / 2 - 1 / 3 - 1 / 2) / 4, abs=1e-15)
    curve = risk_coverage(rows)
    assert curve.coverage.tolist() == [0.25, 0.75, 1.0]
    assert curve.risk.tolist() == [0.0, 1 / 3, 0.5]
    assert curve.threshold.tolist() == [0.9, 0.8, 0.6]


@pytest.mark.parametrize(("error", "limit"), [(0.2, 0.0214852), (0.1, 0.0051755)])
def test_a_perfect_ranking_of_many_rows_has_the_published_aurc_and_no_excess(error: float, limit: float) -> None:
    assert error + (1 - error) * np.log(1 - error) == pytest.approx(limit, abs=5e-8)
    n = 200_000
    confidence = np.linspace(1, 0.5, n)
    correct = np.arange(n) < round((1 - error) * n)
    perfect = calib.Outcomes.from_confidence(confidence, correct)
    assert aurc(perfect) == pytest.approx(limit, abs=error / n + 5e-8)
    assert e_aurc(perfect) == 0.0
    assert auroc(perfect) == 1.0
    assert auroc(calib.Outcomes.from_confidence(confidence[::-1], correct)) == 0.0


def test_confidence_that_says_nothing_leaves_the_error_rate_at_every_coverage() -> None:
    tied = calib.Outcomes.from_confidence(np.full(50, 0.7), np.arange(50) < 40)
    assert auroc(tied) == 0.5
    assert aurc(tied) == pytest.approx(0.2, abs=1e-15)
    assert risk_coverage(tied).risk.tolist() == [0.2]


@pytest.mark.parametrize("correct", [[True, False], [False, True]])
def test_probabilities_that_are_all_one_tie(correct: list[bool]) -> None:
    assert auroc(*rows_of_confidence([1.0, 1.0], correct)) == 0.5
    assert aurc(*rows_of_confidence([1.0, 1.0], correct)) == 0.5
    assert e_aurc(*rows_of_confidence([1.0, 1.0], correct)) == 0.25


def test_logits_are_ranked_where_confidence_has_saturated_at_one() -> None:
    saturated = calib.Predictions.from_logits([[60.0, 0.0], [50.0, 0.0], [0.0, 40.0]], [0, 0, 0])
    assert (saturated.outcomes.confidence == 1).all()
    assert auroc(saturated) == 1.0
    assert e_aurc(saturated) == 0.0
    assert risk_coverage(saturated).threshold.tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(("correct", "area"), [(True, 0.0), (False, 1.0)])
@pytest.mark.parametrize("n", [1, 7])
def test_all_right_or_all_wrong_has_an_aurc_but_no_auroc(correct: bool, area: float, n: int) -> None:
    rows = calib.Outcomes.from_confidence(np.linspace(0, 1, n), np.full(n, correct))
    assert np.isnan(auroc(rows))
    assert aurc(rows) == area
    assert e_aurc(rows) == 0.0
    assert risk_coverage(rows).risk.tolist() == [area] * n


@quiet
@given(pairs)
def test_the_curve_ends_at_the_error_rate_of_all_rows(rows: list[tuple[int, bool]]) -> None:
    curve = risk_coverage(outcomes_of(rows, 10))
    assert curve.coverage[-1] == 1.0
    assert curve.risk[-1] == pytest.approx(np.mean([not y for _, y in rows]), abs=1e-15)
    assert (np.diff(curve.coverage) > 0).all()
    assert (np.diff(curve.threshold) < 0).all()
    for coverage, risk, threshold in zip(curve.coverage, curve.risk, curve.threshold, strict=True):
        answered = [y for c, y in rows if c / 10 >= threshold]
        assert coverage == pytest.approx(len(answered) / len(rows), abs=1e-15)
        assert risk == pytest.approx(1 - np.mean(answered), abs=1e-15)


def test_without_ties_aurc_is_the_mean_of_the_curve() -> None:
    predictions = calib.Predictions.from_logits(*sample(200, 3))
    assert aurc(predictions) == pytest.approx(risk_coverage(predictions).risk.mean(), abs=1e-14)


@quiet
@given(pairs)
def test_excess_is_never_negative_and_areas_stay_in_their_ranges(rows: list[tuple[int, bool]]) -> None:
    outcomes = outcomes_of(rows, 10)
    assert 0 <= e_aurc(outcomes) <= aurc(outcomes) <= 1
    assert np.isnan(auroc(outcomes)) or 0 <= auroc(outcomes) <= 1


@quiet
@given(pairs, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows: list[tuple[int, bool]], random: Any) -> None:
    shuffled = random.sample(rows, len(rows))
    for metric in METRICS:
        assert metric(outcomes_of(shuffled, 10)) == pytest.approx(metric(outcomes_of(rows, 10)), abs=1e-14, nan_ok=True)


@pytest.mark.parametrize("temperature", [0.02, 0.5, 3.0])
def test_a_temperature_never_reorders_two_classes(temperature: float) -> None:
    predictions = calib.Predictions.from_logits(*sample(300, 2))
    scaled = calib.TemperatureScaling(temperature).transform(predictions)
    for metric in METRICS:
        assert metric(scaled) == pytest.approx(metric(predictions), abs=1e-14)


@quiet
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.integers(0, 3)), min_size=1, max_size=20))
def test_weights_of_auroc_are_numbers_of_copies(rows: list[tuple[int, bool, int]]) -> None:
    confidence, correct, weight = (np.array(column) for column in zip(*rows, strict=True))
    assume(weight.any())
    weighted = calib.Outcomes.from_confidence(confidence / 5, correct, sample_weight=weight)
    copied = calib.Outcomes.from_confidence(np.repeat(confidence / 5, weight), np.repeat(correct, weight))
    assert auroc(weighted) == pytest.approx(auroc(copied), abs=1e-14, nan_ok=True)


def test_copying_every_row_leaves_auroc_and_the_curve() -> None:
    predictions = calib.Predictions.from_logits(*sample(60, 3))
    twice = predictions[np.repeat(np.arange(60), 2)]
    assert auroc(twice) == pytest.approx(auroc(predictions), abs=1e-14)
    np.testing.assert_allclose(risk_coverage(twice).risk, risk_coverage(predictions).risk, atol=1e-14)
    np.testing.assert_allclose(risk_coverage(twice).coverage, risk_coverage(predictions).coverage, atol=1e-14)


@pytest.mark.parametrize("metric", [aurc, e_aurc, risk_coverage])
def test_the_others_refuse_sample_weights(metric: Callable[[Any], Any]) -> None:
    weighted = calib.Outcomes.from_confidence([0.9, 0.6], [1, 0], sample_weight=[1, 2])
    with pytest.raises(InputError, match=f"{metric.__name__} takes no sample weights"):
        metric(weighted)


def test_the_probability_of_one_class_is_ranked_by_its_name() -> None:
    positive, labels = [0.9, 0.4, 0.35, 0.2], [1, 0, 1, 0]
    assert auroc(positive, labels, of=1) == 0.75
    assert auroc(positive, labels, of=0) == 0.75
    assert auroc(positive, labels) == auroc_of_pairs([0.9, 0.6, 0.65, 0.8], [True, True, False, True])


def test_one_sort_serves_every_metric() -> None:
    predictions = calib.Predictions.from_logits(*sample(80, 3))
    ranking = Ranking.of(predictions.outcomes)
    assert (ranking.auroc, ranking.aurc, ranking.e_aurc) == (auroc(predictions), aurc(predictions), e_aurc(predictions))
    np.testing.assert_array_equal(ranking.risk_coverage.risk, risk_coverage(predictions).risk)


def test_tensors_and_arrays_agree() -> None:
    torch = pytest.importorskip("torch")
    logits, labels = sample(50, 3)
    probs = torch.softmax(torch.as_tensor(logits), 1)
    for metric in METRICS:
        assert metric(probs, torch.as_tensor(labels)) == metric(probs.numpy(), labels)


def test_risk_and_coverage_are_read_off_the_curve() -> None:
    confidence, correct = [0.9, 0.8, 0.7, 0.6, 0.5], [True, False, True, True, False]
    curve = risk_coverage(calib.Outcomes.from_confidence(confidence, correct))
    assert [curve.risk_at(at) for at in (0.2, 0.21, 0.4, 0.6, 0.8, 1.0)] == [0, 0.5, 0.5, 1 / 3, 0.25, 0.4]
    assert [curve.coverage_at(risk) for risk in (0, 0.24, 0.25, 0.3, 0.39, 0.4, 1)] == [0.2, 0.2, 0.8, 0.8, 0.8, 1, 1]
    assert curve.risk_at(0.1 + 0.2 + 0.3) == 1 / 3  # 0.6000000000000001: rounding answers no row more
    surely_wrong = risk_coverage(calib.Outcomes.from_confidence([0.9, 0.8], [False, True]))
    assert surely_wrong.coverage_at(0.1) == 0
    for bad in (0, -0.1, 1.1, float("nan")):
        with pytest.raises(InputError, match="coverage must lie in"):
            curve.risk_at(bad)
    for bad in (-0.1, 1.1, float("nan")):
        with pytest.raises(InputError, match="risk must lie in"):
            curve.coverage_at(bad)
