"""The fused pass against plain loops, at the ends of the number range, and for any cut into blocks."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from calib.outcomes import Outcomes
from calib.predictions import Predictions

from . import references
from .references import sample

COLUMNS = ("predicted", "correct", "confidence", "log_odds", "nll", "brier")
quiet = settings(deadline=None, derandomize=True, max_examples=60)


def assert_same(got: Outcomes, want: Outcomes, rtol: float = 1e-12, rows: Any = slice(None)) -> None:
    for name in COLUMNS:
        np.testing.assert_allclose(getattr(got, name), getattr(want, name)[rows], rtol=rtol, atol=rtol, err_msg=name)


@st.composite
def logits_and_labels(draw: Any) -> tuple[Any, Any]:
    n, k = draw(st.integers(1, 12)), draw(st.integers(2, 6))
    entries = st.lists(st.floats(-40, 40, width=32), min_size=n * k, max_size=n * k)
    labels = st.lists(st.integers(0, k - 1), min_size=n, max_size=n)
    return np.array(draw(entries)).reshape(n, k), np.array(draw(labels))


@pytest.mark.parametrize("beta", [1.0, 0.3, 7.0])
def test_every_column_is_what_the_loops_say(beta: float) -> None:
    logits, labels = sample(300, 5, scale=3)
    outcomes = replace(Predictions.from_logits(logits, labels), beta=beta).outcomes
    probs = references.softmax_rows(logits, 1 / beta)
    confidence, correct = references.top_label(probs, labels)
    np.testing.assert_allclose(outcomes.confidence, confidence, rtol=1e-13)
    assert outcomes.correct.tolist() == correct
    assert outcomes.predicted.tolist() == logits.argmax(axis=1).tolist()
    for i, (row, y) in enumerate(zip(probs, labels.tolist(), strict=True)):
        top = row.index(max(row))
        rest = math.fsum(p for j, p in enumerate(row) if j != top)
        assert outcomes.log_odds[i] == pytest.approx(math.log(row[top] / rest), rel=1e-12)
        assert outcomes.nll[i] == pytest.approx(references.nll([row], [y]), rel=1e-12)
        assert outcomes.brier[i] == pytest.approx(references.brier([row], [y]), rel=1e-12, abs=1e-15)


def test_logits_and_their_probabilities_give_the_same_columns() -> None:
    logits, labels = sample(200, 4)
    probs = np.array(references.softmax_rows(logits))
    assert_same(Predictions.from_probs(probs, labels).outcomes, Predictions.from_logits(logits, labels).outcomes)


def test_a_probability_that_was_given_is_read_back_to_the_last_bit() -> None:
    values = np.array([0.3, 0.6, 0.7, 0.9])
    probs, labels = references.rows_of_confidence(values, [True] * 4, k=10)
    assert Predictions.from_probs(probs, labels).outcomes.confidence.tolist() == values.tolist()


def test_where_float32_confidence_saturates_the_log_odds_keep_their_order() -> None:
    margins = np.array([20, 40, 90, 200, 1000, 50000], np.float32)
    logits = np.stack([margins, np.zeros_like(margins), np.full_like(margins, -3)], axis=1)
    outcomes = Predictions.from_logits(logits, np.zeros(6, int)).outcomes
    assert (outcomes.confidence[1:] == 1.0).all()
    assert (np.diff(outcomes.log_odds) > 0).all()
    np.testing.assert_allclose(outcomes.log_odds, margins.astype(np.float64) - math.log1p(math.exp(-3)), rtol=1e-7)
    assert (np.diff(outcomes.nll[:4]) < 0).all()
    assert outcomes.nll[2] == pytest.approx(math.exp(-90) * (1 + math.exp(-3)), rel=1e-12)


def test_a_hopeless_label_costs_its_logit_gap_however_large() -> None:
    outcomes = Predictions.from_logits([[1e5, 0.0, -2e5]], [2]).outcomes
    assert (outcomes.nll[0], outcomes.brier[0], outcomes.confidence[0]) == (3e5, 2.0, 1.0)


def test_a_logit_of_minus_infinity_is_a_probability_of_zero() -> None:
    logits = np.array([[0.0, -np.inf, 1.0], [2.0, -np.inf, -np.inf], [2.0, -np.inf, 0.0]])
    labels = np.array([2, 0, 1])
    probs: list[list[float]] = [
        [1 / (1 + math.e), 0, math.e / (1 + math.e)],
        [1, 0, 0],
        [0.8807970779778824, 0, 0.11920292202211757],
    ]
    for predictions in (Predictions.from_logits(logits, labels), Predictions.from_probs(probs, labels)):
        outcomes = predictions.outcomes
        np.testing.assert_allclose(outcomes.nll, [math.log1p(math.exp(-1)), 0, np.inf], rtol=1e-12)
        np.testing.assert_allclose(outcomes.confidence, [row[i] for row, i in zip(probs, (2, 0, 0), strict=True)])
        np.testing.assert_allclose(outcomes.log_odds, [1, np.inf, 2], rtol=1e-12)
        np.testing.assert_allclose(outcomes.brier[1], 0, atol=0)


def test_probabilities_of_zero_stay_zero_at_any_temperature() -> None:
    predictions = replace(Predictions.from_probs([[0.0, 0.25, 0.75], [0.0, 1.0, 0.0]], [2, 0]), beta=2.0)
    outcomes = predictions.outcomes
    np.testing.assert_allclose(outcomes.confidence, [0.9, 1.0], rtol=1e-15)
    np.testing.assert_allclose(outcomes.nll, [-math.log(0.9), np.inf], rtol=1e-14)


@pytest.mark.parametrize("k", [2, 3, 10, 1000])
def test_equal_logits_are_the_uniform_distribution(k: int) -> None:
    outcomes = Predictions.from_logits(np.full((2, k), 5.0), [0, k - 1]).outcomes
    assert outcomes.predicted.tolist() == [0, 0]
    np.testing.assert_allclose(outcomes.confidence, 1 / k, rtol=1e-14)
    np.testing.assert_allclose(outcomes.nll, math.log(k), rtol=1e-14)
    np.testing.assert_allclose(outcomes.brier, 1 - 1 / k, rtol=1e-13)


def test_float32_logits_keep_six_digits_of_what_float64_gives() -> None:
    logits, labels = sample(100, 7)
    narrow = logits.astype(np.float32)
    assert_same(
        Predictions.from_logits(narrow, labels).outcomes,
        Predictions.from_logits(narrow.astype(np.float64), labels).outcomes,
        rtol=1e-6,
    )
    assert_same(
        Predictions.from_logits(narrow, labels).outcomes, Predictions.from_logits(logits, labels).outcomes, rtol=1e-5
    )


def test_float16_logits_do_not_overflow_at_a_low_temperature() -> None:
    logits = np.array([[60000, -60000, 59968]], np.float16)
    outcomes = replace(Predictions.from_logits(logits, [0]), beta=1e-2).outcomes
    assert outcomes.log_odds[0] == pytest.approx(0.32, rel=1e-6)
    assert replace(Predictions.from_logits(logits, [1]), beta=100.0).outcomes.nll[0] == 12_000_000


def test_a_temperature_breaks_no_near_tie_of_logits() -> None:
    logits = np.array([[1.0, np.nextafter(1.0, 2)], [1e6, np.nextafter(1e6, 2e6)]])
    for beta in (1e-8, 0.3, 1.0, 1e8):
        predictions = replace(Predictions.from_logits(logits, [1, 1]), beta=beta)
        assert predictions.outcomes.predicted.tolist() == [1, 1]


def test_a_temperature_breaks_no_near_tie_of_probabilities() -> None:
    low = 0.33560655527301547
    high = float(np.nextafter(low, 1))
    predictions = Predictions.from_probs([[low, high, 1 - low - high]], [1])
    assert predictions.outcomes.predicted.tolist() == [1]
    assert replace(predictions, beta=0.5).outcomes.predicted.tolist() == [1]


@pytest.mark.parametrize("block_entries", [1, 7, 64, 10**9])
@pytest.mark.parametrize("per_row", [False, True])
def test_the_cut_into_blocks_does_not_show(monkeypatch: pytest.MonkeyPatch, block_entries: int, per_row: bool) -> None:
    logits, labels = sample(101, 5)
    beta: Any = np.linspace(0.5, 2, 101) if per_row else 0.7
    for make, values in (
        (Predictions.from_logits, logits),
        (Predictions.from_probs, np.array(references.softmax_rows(logits))),
    ):
        whole = replace(make(values, labels), beta=beta).outcomes
        with monkeypatch.context() as patch:
            patch.setattr("calib._arrays.BLOCK_ENTRIES", block_entries)
            assert_same(replace(make(values, labels), beta=beta).outcomes, whole)


@quiet
@given(logits_and_labels(), st.randoms(use_true_random=False))
def test_permuting_rows_permutes_columns(data: tuple[Any, Any], random: Any) -> None:
    logits, labels = data
    order = list(range(len(labels)))
    random.shuffle(order)
    outcomes = Predictions.from_logits(logits, labels).outcomes
    assert_same(Predictions.from_logits(logits[order], labels[order]).outcomes, outcomes, rows=order)


@quiet
@given(logits_and_labels(), st.integers(-(2**20), 2**20))
def test_a_constant_added_to_a_row_changes_nothing(data: tuple[Any, Any], shift: int) -> None:
    logits, labels = np.round(data[0] * 64) / 64, data[1]  # so that adding the shift is exact
    assert_same(
        Predictions.from_logits(logits + shift, labels).outcomes, Predictions.from_logits(logits, labels).outcomes
    )


@quiet
@given(logits_and_labels(), st.floats(0.01, 100))
def test_scaling_logits_is_the_same_as_carrying_a_temperature(data: tuple[Any, Any], beta: float) -> None:
    logits, labels = data
    carried = replace(Predictions.from_logits(logits, labels), beta=beta).outcomes
    scaled = Predictions.from_logits(logits * beta, labels).outcomes
    np.testing.assert_allclose(carried.nll, scaled.nll, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(carried.confidence, scaled.confidence, rtol=1e-9)


@quiet
@given(logits_and_labels())
def test_columns_stay_in_their_ranges(data: tuple[Any, Any]) -> None:
    logits, labels = data
    outcomes = Predictions.from_logits(logits, labels).outcomes
    k = logits.shape[1]
    assert (outcomes.confidence >= (1 - 1e-14) / k).all()
    assert (outcomes.confidence <= 1).all()
    assert (outcomes.nll >= 0).all()
    assert (outcomes.brier >= -1e-15).all()
    assert (outcomes.brier <= 2).all()
    assert (outcomes.log_odds >= -math.log(k - 1) - 1e-12).all()
    assert (outcomes.correct == (outcomes.predicted == labels)).all()


@quiet
@given(logits_and_labels(), st.randoms(use_true_random=False))
def test_relabelling_the_classes_changes_no_score(data: tuple[Any, Any], random: Any) -> None:
    logits, labels = data
    order = list(range(logits.shape[1]))
    random.shuffle(order)
    moved = Predictions.from_logits(logits[:, order], np.array([order.index(y) for y in labels])).outcomes
    still = Predictions.from_logits(logits, labels).outcomes
    for name in ("confidence", "log_odds", "nll", "brier"):
        np.testing.assert_allclose(getattr(moved, name), getattr(still, name), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equal_margins_tie_whatever_the_logits_are(dtype: Any) -> None:
    rng = np.random.default_rng(0)
    level = rng.normal(0, 3, 500).astype(dtype)
    even = Predictions.from_logits(np.stack([level, level], axis=1), np.arange(500) % 2)
    assert set(even.outcomes.confidence) == set(even.confidences.confidence) == {0.5}
    quarters = (rng.integers(-40, 40, 500) / 4).astype(dtype)
    margin = (rng.integers(0, 20, 500) / 4).astype(dtype)
    grid = Predictions.from_logits(np.stack([quarters, quarters - margin], axis=1), np.arange(500) % 2).outcomes
    assert len(set(grid.log_odds)) == len(set(margin))


def test_a_row_does_not_depend_on_the_rows_beside_it() -> None:
    logits = np.array([[2.0, 2.0], [40.0, 0.0], [3.1, 0.2]], np.float32)
    together = Predictions.from_logits(logits, [0, 0, 0]).outcomes
    alone = [Predictions.from_logits(logits[i : i + 1], [0]).outcomes for i in range(3)]
    for name in COLUMNS:
        assert getattr(together, name).tolist() == [getattr(one, name)[0] for one in alone]


@pytest.mark.parametrize("temperature", [1e46, 1e-40])
def test_a_temperature_beyond_float32_is_applied_to_float32_logits_all_the_same(temperature: float) -> None:
    rows = np.array([[1, 1, -np.inf], [2, 1, -np.inf]], np.float32)
    predictions = replace(Predictions.from_logits(rows, [0, 0]), beta=1 / temperature)
    expected = [0.5, 0.5 if temperature > 1 else 1.0]
    assert predictions.outcomes.confidence.tolist() == predictions.confidences.confidence.tolist() == expected


def test_the_short_pass_finds_what_the_whole_one_finds() -> None:
    logits, labels = sample(300, 5, scale=8)
    for make, values in ((Predictions.from_logits, logits), (Predictions.from_probs, references.softmax_rows(logits))):
        predictions = make(values, labels)
        short, whole = predictions.confidences, predictions.outcomes
        assert short.confidence.tolist() == whole.confidence.tolist()
        assert short.correct.tolist() == whole.correct.tolist()


def test_a_mean_over_weights_of_0_is_nan_and_an_infinite_loss_of_weight_0_counts_nothing() -> None:
    outcomes = Outcomes.from_confidence([0.9, 0.5], [1, 0], sample_weight=[0, 1])
    assert outcomes.mean(np.array([np.inf, 2.0])) == 2.0
    assert math.isnan(outcomes[:1].mean(np.array([1.0])))
