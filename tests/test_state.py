"""The additive state: any partition, any order, any number of processes, more examples than float32 can count."""

import io
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import calib
from calib.errors import InputError

from .references import sample

quiet = settings(deadline=None, derandomize=True, max_examples=60)
SUMS = ("accuracy", "mean_confidence", "gap", "ece", "rmsce", "mce", "nll", "brier")


def state_of(*parts: Any, **options: Any) -> calib.CalibrationState:
    state = calib.CalibrationState(**options)
    for part in parts:
        state.update(part)
    return state


def assert_same(got: Any, want: Any) -> None:
    assert got.n == want.n
    assert got.curve.count.tolist() == want.curve.count.tolist()
    for name in SUMS:
        assert getattr(got, name) == pytest.approx(getattr(want, name), rel=1e-12, abs=1e-12), name


@quiet
@given(st.lists(st.integers(0, 200), max_size=6), st.integers(0, 1000), st.randoms(use_true_random=False))
def test_any_partition_in_any_order_gives_the_same_state(cuts: list[int], seed: int, random: Any) -> None:
    predictions = calib.Predictions.from_logits(*sample(200, 4, true_temperature=1.0, seed=seed))
    bounds = [0, *sorted(cuts), 200]
    parts = [predictions[low:high] for low, high in pairwise(bounds) if high > low]
    random.shuffle(parts)
    states = [state_of(part) for part in parts]
    merged = calib.CalibrationState()
    for state in states:
        merged = merged.merge(state)
    whole = state_of(predictions).compute()
    assert_same(state_of(*parts).compute(), whole)
    assert_same(merged.compute(), whole)


def test_what_it_computes_is_what_the_metrics_say() -> None:
    predictions = calib.Predictions.from_logits(*sample(500, 6, true_temperature=1.0))
    found = state_of(predictions[:123], predictions[123:]).compute()
    for name in ("accuracy", "ece", "rmsce", "mce", "nll", "brier"):
        assert getattr(found, name) == pytest.approx(getattr(calib, name)(predictions), rel=1e-12), name
    left = state_of(predictions, n_bins=10, closed="left").compute()
    assert left.ece == pytest.approx(calib.ece(predictions, n_bins=10, closed="left"), rel=1e-12)


def test_more_examples_than_float32_can_count() -> None:
    # 2^24 is where float32 counters stop; doubling 14 examples 27 times makes 1.9e9
    state = state_of(calib.Outcomes.from_confidence([0.95] * 10 + [0.75] * 4, [1] * 9 + [0] + [1, 1, 0, 0]))
    expected = state.compute()
    for _ in range(27):
        state = state.merge(state)
    found = state.compute()
    assert found.n == 14 * 2**27
    assert found.ece == pytest.approx(expected.ece, rel=1e-15)
    state.update(calib.Outcomes.from_confidence([0.5], [True]))
    assert state.compute().n == 14 * 2**27 + 1


def test_weights_are_repeated_rows() -> None:
    rng = np.random.default_rng(0)
    weight = rng.integers(1, 4, 60)
    logits, labels = sample(60, 3)
    weighted = calib.Predictions.from_logits(logits, labels, sample_weight=weight)
    repeated = calib.Predictions.from_logits(np.repeat(logits, weight, axis=0), np.repeat(labels, weight))
    found, want = state_of(weighted[:20], weighted[20:]).compute(), state_of(repeated).compute()
    for name in SUMS:
        assert getattr(found, name) == pytest.approx(getattr(want, name), rel=1e-12), name


def test_an_infinite_nll_is_infinite_with_its_count() -> None:
    state = state_of(calib.Predictions.from_probs([[1.0, 0.0], [0.5, 0.5], [1.0, 0.0]], [1, 0, 1]))
    assert (state.compute().nll, state.compute().infinite_nll) == (float("inf"), 2)


def test_logs_of_confidence_have_no_losses_and_do_not_mix_with_distributions() -> None:
    state = state_of(calib.Outcomes.from_confidence([0.9, 0.6], [1, 0]))
    assert (state.compute().nll, state.compute().brier) == (None, None)
    before = state.compute().n
    with pytest.raises(InputError, match="some parts hold whole distributions and some confidences alone"):
        state.update([[0.9, 0.1]], [0])
    assert state.compute().n == before


def test_what_is_refused_is_not_added() -> None:
    state = state_of(calib.Predictions.from_logits(*sample(10, 3)))
    with pytest.raises(InputError, match="row 0 column 0 holds nan"):
        state.update(calib.Predictions.from_logits([[float("nan"), 0.0]], [0]))
    assert state.compute().n == 10
    with pytest.raises(InputError, match="holds no examples"):
        calib.CalibrationState().compute()
    with pytest.raises(InputError, match="different edges"):
        state.merge(calib.CalibrationState(n_bins=10))


@pytest.mark.parametrize("losses", [True, False])
def test_it_travels_as_bytes(losses: bool) -> None:
    predictions = calib.Predictions.from_logits(*sample(50, 3), sample_weight=np.arange(1, 51))
    state = state_of(predictions if losses else calib.Outcomes.from_confidence([0.9, 0.2], [1, 0]), closed="left")
    back = calib.CalibrationState.from_bytes(state.to_bytes())
    assert vars(back.compute()).keys() == vars(state.compute()).keys()
    assert back.to_bytes() == state.to_bytes()
    assert back.merge(state).compute().ece == pytest.approx(state.compute().ece)


@pytest.mark.parametrize("content", [b"", b"no state", np.array([1, 2]).tobytes()])
def test_other_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(InputError, match="no calibration state"):
        calib.CalibrationState.from_bytes(content)


def test_an_infinite_loss_of_weight_0_counts_nothing() -> None:
    state = state_of(calib.Predictions.from_probs([[1.0, 0.0], [0.5, 0.5]], [1, 0], sample_weight=[0, 1]))
    assert state.compute().nll == pytest.approx(np.log(2))
    assert state.compute().infinite_nll == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("edges", np.zeros(16)),
        ("weight", np.ones(1)),
        ("count", -np.ones(15, np.int64)),
        ("losses", np.zeros(7)),
        ("losses", np.full(2, np.nan)),
        ("correct_sum", np.full(15, np.nan)),
        ("confidence_sum", np.zeros((15, 2))),
        ("confidence_sum", np.full(15, np.inf)),
        ("infinite_nll", np.array(-1)),
    ],
)
def test_bytes_that_hold_no_sums_are_refused(name: str, value: Any) -> None:
    content = dict(np.load(io.BytesIO(state_of(calib.Predictions.from_logits(*sample(9, 3))).to_bytes())))
    file = io.BytesIO()
    np.savez(file, **{**content, name: value})
    with pytest.raises(InputError, match="no calibration state"):
        calib.CalibrationState.from_bytes(file.getvalue())


def test_an_unknown_side_is_refused_at_once() -> None:
    with pytest.raises(InputError, match="closed must be right or left"):
        calib.CalibrationState(closed="up")  # type: ignore[arg-type]


def test_merging_returns_a_new_state_and_takes_states_alone() -> None:
    first, second = calib.CalibrationState(), calib.CalibrationState()
    first.update([0.9], [1])
    second.update([0.2], [0])
    assert (first + second).compute().n == first.merge(second).compute().n == 2
    assert (first.compute().n, second.compute().n) == (1, 1)
    with pytest.raises(InputError, match="a CalibrationState is needed here, got NoneType"):
        first.merge(None)  # type: ignore[arg-type]
