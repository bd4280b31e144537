"""Kernel-density ECE against plain loops, at given and at likeliest bandwidths, and where confidences are shared."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats

from calib.errors import InputError
from calib.metrics import kernel
from calib.metrics.kernel import BANDWIDTHS, _leave_one_out, kde_ece
from calib.outcomes import Outcomes
from calib.predictions import Predictions

from ..references import sample
from .test_kernel import A8, C8, pairs, quiet


def log_kernel(at: float, centre: float, width: float) -> float:
    return float(stats.beta.logpdf(at, centre / width + 1, (1 - centre) / width + 1))


def log_likelihood(confidence: Sequence[float], width: float) -> float:
    total = 0.0
    for j, at in enumerate(confidence):
        logs = [log_kernel(at, centre, width) for i, centre in enumerate(confidence) if i != j]
        top = max(logs)
        total += top + math.log(math.fsum(math.exp(value - top) for value in logs))
    return total


def plain_kde_ece(confidence: Sequence[float], correct: Sequence[int], p: int, width: float | None = None) -> float:
    """Popordanoska et al. (2022) for one confidence an example; the first of the likeliest bandwidths."""
    if width is None:
        width = max(BANDWIDTHS, key=lambda b: log_likelihood(confidence, b))
    total = 0.0
    for j, at in enumerate(confidence):
        logs = [log_kernel(at, centre, width) for centre in confidence]
        top = max(value for i, value in enumerate(logs) if i != j)
        kernels = [math.exp(value - top) if i != j else 0.0 for i, value in enumerate(logs)]
        ratio = math.fsum(k * a for k, a in zip(kernels, correct, strict=True)) / math.fsum(kernels)
        total += abs(ratio - at) ** p
    return float((total / len(confidence)) ** (1 / p))


def kde(confidence: Any, correct: Any, **options: Any) -> float:
    return kde_ece(Outcomes.from_confidence(confidence, correct), **options)


def test_the_bandwidths_are_those_of_the_paper() -> None:
    assert len(BANDWIDTHS) == 20
    assert BANDWIDTHS[0] == pytest.approx(1e-5)
    assert BANDWIDTHS[14:] == pytest.approx((0.1, 0.2, 0.4, 0.6, 0.8, 1.0))


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize(("n", "seed"), [(2, 0), (3, 1), (25, 2)])
def test_kde_ece_is_the_leave_one_out_ratio_at_the_likeliest_bandwidth(p: int, n: int, seed: int) -> None:
    confidence, correct = pairs(n, seed)
    assert kde(confidence, correct, p=p) == pytest.approx(plain_kde_ece(confidence, correct, p), abs=1e-9)


@pytest.mark.parametrize("width", [1e-5, 1e-3, 0.05, 1.0])
def test_kde_ece_at_a_given_bandwidth_is_the_loop(width: float) -> None:
    confidence, correct = pairs(20, 4)
    assert kde(confidence, correct, bandwidth=width) == pytest.approx(
        plain_kde_ece(confidence, correct, 1, width), abs=1e-7 if width < 1e-4 else 1e-10
    )


def test_a_bandwidth_is_found_where_every_likelihood_is_below_one() -> None:
    confidence, correct = [0.001, 0.5, 0.999], [0, 1, 1]
    assert all(log_likelihood(confidence, b) < 0 for b in BANDWIDTHS)
    assert kde(confidence, correct) == pytest.approx(plain_kde_ece(confidence, correct, 1), abs=1e-10)


def test_confidences_of_zero_and_one_that_are_shared_have_the_kernels_of_each_other() -> None:
    confidence, correct = [0.0, 0.0, 0.3, 0.8, 1.0, 1.0, 1.0], [0, 1, 0, 1, 1, 0, 1]
    for width in (0.01, 0.3):
        expected = plain_kde_ece(confidence, correct, 1, width)
        assert kde(confidence, correct, bandwidth=width) == pytest.approx(expected, abs=1e-12)
    assert kde(confidence, correct) == pytest.approx(plain_kde_ece(confidence, correct, 1), abs=1e-12)


@pytest.mark.parametrize("width", [1e-4, 0.05, 1.0])
def test_shared_ends_count_in_the_likelihood(width: float) -> None:
    confidence = np.array([0.0, 0.0, 0.3, 0.8, 1.0, 1.0, 1.0])
    likelihood, _ = _leave_one_out(confidence, confidence > 0.5, width)
    assert likelihood == pytest.approx(log_likelihood(confidence.tolist(), width), abs=1e-7)


@pytest.mark.parametrize("end", [0.0, 1.0])
def test_a_lonely_confidence_of_zero_or_one_is_the_limit_of_those_that_approach_it(end: float) -> None:
    confidence, correct = [abs(end - 0.2), abs(end - 0.2), abs(end - 0.6), end], [1, 0, 1, 1]
    near = [*confidence[:3], 1e-15 if end == 0 else 1 - 2**-50]
    assert kde(confidence, correct, bandwidth=0.05) == pytest.approx(kde(near, correct, bandwidth=0.05), abs=1e-5)
    assert kde([0.0, 1.0], [1, 1]) == 0.5  # each is judged by the other


def test_a_lonely_end_has_no_say_in_the_bandwidth() -> None:
    confidence, correct = pairs(15, 5)
    width = max(BANDWIDTHS, key=lambda b: log_likelihood(confidence, b))
    with_end = [*confidence, 1.0], [*correct, 1]
    inside = [log_likelihood_beside_an_end(confidence, b) for b in BANDWIDTHS]
    width = BANDWIDTHS[int(np.argmax(inside))]
    assert kde(*with_end) == kde(*with_end, bandwidth=width)


def log_likelihood_beside_an_end(confidence: Sequence[float], width: float) -> float:
    """That of the others, to which the kernel around 1 adds."""
    total = 0.0
    for j, at in enumerate(confidence):
        logs = [log_kernel(at, centre, width) for i, centre in enumerate([*confidence, 1.0]) if i != j]
        total += max(logs) + math.log(math.fsum(math.exp(value - max(logs)) for value in logs))
    return total


@pytest.mark.parametrize(
    ("confidence", "correct", "expected"),
    [([1.0] * 4, [1] * 4, 0), ([1.0] * 4, [0] * 4, 1), ([0.0] * 4, [1] * 4, 1), ([0.5] * 4, [1] * 4, 0.5)],
)
def test_equal_confidences_leave_the_accuracy_of_the_others(
    confidence: list[float], correct: list[int], expected: float
) -> None:
    assert kde(confidence, correct) == pytest.approx(expected, abs=1e-12)
    assert kde(confidence, correct, p=2) == pytest.approx(expected, abs=1e-12)


def test_where_all_are_right_it_is_the_mean_distance_to_one() -> None:
    assert kde(C8, [1] * 8) == pytest.approx(1 - np.mean(C8), abs=1e-12)
    assert kde(C8, [0] * 8) == pytest.approx(np.mean(C8), abs=1e-12)


@quiet
@given(st.integers(2, 40), st.integers(0, 2**31))
def test_kde_ece_lies_between_zero_and_one_and_its_root_above_its_mean(n: int, seed: int) -> None:
    confidence, correct = pairs(n, seed)
    first, second = kde(confidence, correct), kde(confidence, correct, p=2)
    assert 0 <= first <= second + 1e-12 <= 1 + 1e-12
    order = np.random.default_rng(seed).permutation(n)
    assert kde(np.array(confidence)[order], np.array(correct)[order]) == pytest.approx(first, abs=1e-10)


def test_kde_ece_of_the_fixture_of_roelofs_comes_near_its_true_error() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.beta(1.1233, 0.1147, 1500)  # some are exactly 1
    with np.errstate(divide="ignore"):
        log_odds = np.log(confidence) - np.log1p(-confidence)
    correct = rng.random(1500) < 1 / (1 + np.exp(0.88 - 0.49 * log_odds))
    assert kde(confidence, correct) == pytest.approx(0.130714, abs=0.02)
    assert kde(confidence, correct, p=2) == pytest.approx(0.185189, abs=0.04)


def test_predictions_and_one_class_are_taken() -> None:
    predictions = Predictions.from_logits(*sample(30, 3))
    top = predictions.outcomes
    assert kde_ece(predictions) == kde(top.confidence, top.correct)
    assert kde_ece([0.9, 0.4, 0.2], [1, 1, 0], of=1) == kde([0.9, 0.4, 0.2], [1, 1, 0])


def test_too_many_examples_are_refused_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "MAX_DENSITY", 7)
    with pytest.raises(InputError, match="at most 7 examples, got 8") as caught:
        kde(C8, A8)
    assert "smooth_ece" in caught.value.help


@pytest.mark.parametrize("p", [0, 3, 1.5, True, "1"])
def test_powers_that_are_none_are_refused(p: Any) -> None:
    with pytest.raises(InputError, match="p must be 1 or 2"):
        kde(C8, A8, p=p)
