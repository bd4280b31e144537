"""Murphy's parts against loops over groups, published values; calibration and refinement against plain fits."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st

import calib
from calib.errors import InputError
from calib.metrics.decomposition import MurphyDecomposition, calibration_refinement, murphy_decomposition

from .. import references
from ..references import rows_of_confidence, sample

quiet = settings(deadline=None, derandomize=True, max_examples=60)
MURPHY = [0.2] * 10 + [0.6] * 10 + [0.9] * 10, [1] * 3 + [0] * 7 + [1] * 5 + [0] * 5 + [1] * 9 + [0]


def murphy_loop(
    confidence: Sequence[float], correct: Sequence[bool], pool: Callable[[float], object]
) -> tuple[float, ...]:
    """Score, reliability, resolution, uncertainty, within-bin variance and covariance, one group after another."""
    n = len(confidence)
    groups: dict[object, list[tuple[float, bool]]] = {}
    for c, y in zip(confidence, correct, strict=True):
        groups.setdefault(pool(c), []).append((c, y))
    base = sum(correct) / n
    reliability = resolution = variance = covariance = 0.0
    for rows in groups.values():
        forecast = math.fsum(c for c, _ in rows) / len(rows)
        hits = sum(y for _, y in rows) / len(rows)
        reliability += len(rows) / n * (forecast - hits) ** 2
        resolution += len(rows) / n * (hits - base) ** 2
        variance += math.fsum((c - forecast) ** 2 for c, _ in rows) / n
        covariance += 2 * math.fsum((c - forecast) * (y - hits) for c, y in rows) / n
    score = math.fsum((c - y) ** 2 for c, y in zip(confidence, correct, strict=True)) / n
    return score, reliability, resolution, base * (1 - base), variance, covariance


def bin_of(n_bins: int | None) -> Callable[[float], object]:
    """The bin (a, b] of equal width that holds a value, or the value itself."""
    return lambda c: c if n_bins is None else next(i for i in range(n_bins) if c <= (i + 1) / n_bins)


def numbers(parts: MurphyDecomposition) -> tuple[float, ...]:
    return (
        parts.score,
        parts.reliability,
        parts.resolution,
        parts.uncertainty,
        parts.within_variance,
        parts.within_covariance,
    )


def total(parts: MurphyDecomposition) -> float:
    between = parts.reliability - parts.resolution + parts.uncertainty
    return between + parts.within_variance - parts.within_covariance


@pytest.mark.parametrize("n_bins", [None, 15, 10])
def test_the_published_forecasts(n_bins: int | None) -> None:
    parts = murphy_decomposition(*MURPHY, of=1, n_bins=n_bins)
    assert parts.score == pytest.approx(0.19, abs=1e-15)
    assert parts.reliability == pytest.approx(0.2 / 30, abs=1e-15)
    assert parts.resolution == pytest.approx(0.56 / 9, abs=1e-15)
    assert parts.uncertainty == pytest.approx(17 * 13 / 900, abs=1e-15)
    assert parts.within_variance == pytest.approx(0, abs=1e-30)
    assert parts.within_covariance == pytest.approx(0, abs=1e-15)


def test_one_bin_worked_by_hand() -> None:
    parts = murphy_decomposition([0.25, 0.75, 1.0], [0, 1, 1], of=1, n_bins=1)
    assert parts.score == pytest.approx(1 / 24)
    assert parts.reliability == pytest.approx(0, abs=1e-15)  # claimed 2/3 and was right in 2/3
    assert parts.resolution == 0
    assert parts.uncertainty == pytest.approx(2 / 9)
    assert parts.within_variance == pytest.approx(7 / 72)
    assert parts.within_covariance == pytest.approx(5 / 18)


@quiet
@given(
    st.lists(st.tuples(st.integers(0, 20), st.booleans(), st.integers(0, 3)), min_size=1, max_size=25),
    st.sampled_from([None, 1, 3, 7, 50]),
)
def test_all_parts_are_what_the_loop_says_and_weights_are_numbers_of_copies(
    rows: list[tuple[int, bool, int]], n_bins: int | None
) -> None:
    confidence, correct, weight = (np.array(column) for column in zip(*rows, strict=True))
    assume(weight.any())
    weighted = calib.Outcomes.from_confidence(confidence / 20, correct, sample_weight=weight)
    copies, copied = np.repeat(confidence / 20, weight), np.repeat(correct, weight)
    want = murphy_loop(copies.tolist(), copied.tolist(), bin_of(n_bins))
    assert numbers(murphy_decomposition(weighted, n_bins=n_bins)) == pytest.approx(want, abs=1e-14)
    plain = calib.Outcomes.from_confidence(copies, copied)
    assert numbers(murphy_decomposition(plain, n_bins=n_bins)) == pytest.approx(want, abs=1e-14)


@pytest.mark.parametrize("n_bins", [None, 1, 5, 15, 100, 10_000])
@pytest.mark.parametrize("true_temperature", [1.0, 1.5])
def test_parts_of_a_network_sum_to_its_score(n_bins: int | None, true_temperature: float) -> None:
    predictions = calib.Predictions.from_logits(*sample(400, 4, true_temperature=true_temperature))
    parts = murphy_decomposition(predictions, n_bins=n_bins)
    assert total(parts) == pytest.approx(parts.score, abs=1e-15)
    assert parts.score == pytest.approx(float((predictions.outcomes.residual**2).mean()), abs=1e-15)
    confidence, correct = predictions.outcomes.confidence.tolist(), predictions.outcomes.correct.tolist()
    assert numbers(parts) == pytest.approx(murphy_loop(confidence, correct, bin_of(n_bins)), abs=1e-13)
    assert n_bins is None or n_bins > 100 or parts.within_variance > 1e-6  # the parts within bins were needed


def test_forecasts_that_all_differ_are_all_resolution_and_no_help() -> None:
    parts = murphy_decomposition(calib.Outcomes.from_confidence([0.6, 0.7, 0.8], [1, 0, 1]))
    assert parts.resolution == pytest.approx(parts.uncertainty)
    assert parts.reliability == pytest.approx(parts.score)


def test_pooling_is_by_confidence_so_that_rows_saturated_at_one_are_one_forecast() -> None:
    parts = murphy_decomposition(calib.Predictions.from_logits([[60.0, 0.0], [50.0, 0.0]], [0, 1]))
    assert numbers(parts) == (0.5, 0.25, 0, 0.25, 0, 0)


@pytest.mark.parametrize("n_bins", [None, 15])
@pytest.mark.parametrize("confidence", [0.0, 0.75, 1.0])
@pytest.mark.parametrize("correct", [False, True])
@pytest.mark.parametrize("n", [1, 5])
def test_one_forecast_and_one_outcome_leave_the_squared_gap(
    n_bins: int | None, confidence: float, correct: bool, n: int
) -> None:
    rows = calib.Outcomes.from_confidence(np.full(n, confidence), np.full(n, correct))
    gap = (confidence - correct) ** 2
    assert numbers(murphy_decomposition(rows, n_bins=n_bins)) == pytest.approx((gap, gap, 0, 0, 0, 0), abs=1e-30)


def test_for_two_classes_the_score_is_half_the_brier_score() -> None:
    positive, labels = rows_of_confidence([0.9, 0.7, 0.6, 0.8], [1, 0, 1, 1])
    assert 2 * murphy_decomposition(positive, labels, of=1).score == pytest.approx(calib.brier(positive, labels))
    assert 2 * murphy_decomposition(positive, labels).score == pytest.approx(calib.brier(positive, labels))


@pytest.mark.parametrize("order", [slice(None, None, -1), np.random.default_rng(0).permutation(50)])
@pytest.mark.parametrize("n_bins", [None, 5])
def test_the_order_of_rows_does_not_matter(order: Any, n_bins: int | None) -> None:
    predictions = calib.Predictions.from_logits(*sample(50, 3))
    want = numbers(murphy_decomposition(predictions, n_bins=n_bins))
    assert numbers(murphy_decomposition(predictions[order], n_bins=n_bins)) == pytest.approx(want, abs=1e-15)


@pytest.mark.parametrize("n_bins", [0, 1.5, True])
def test_a_number_of_bins_that_is_none_is_refused(n_bins: Any) -> None:
    with pytest.raises(InputError, match="n_bins must be a whole number"):
        murphy_decomposition(*MURPHY, of=1, n_bins=n_bins)


@pytest.mark.parametrize(
    ("confidence", "accuracy", "k", "before", "after", "temperature"),
    [(0.9, 0.8, 2, 0.544805, 0.500402, 1.584963), (0.9, 0.8, 10, 0.984250, 0.939847, 1.226294)],
)
def test_the_closed_form_of_one_confidence(
    confidence: float, accuracy: float, k: int, before: float, after: float, temperature: float
) -> None:
    # wrong answers go to class 1 alone, which has the probability of every other wrong class
    probs, labels = rows_of_confidence(np.full(100, confidence), np.arange(100) < round(100 * accuracy), k)
    parts = calibration_refinement(probs, labels, folds=None)
    assert parts.loss == pytest.approx(before, abs=1e-6)
    assert parts.refinement == pytest.approx(after, abs=1e-6)
    assert parts.calibration == pytest.approx(before - after, abs=1e-6)
    assert [fit.temperature for fit in parts.fits] == [pytest.approx(temperature, abs=1e-6)]


@pytest.mark.parametrize("loss", ["nll", "brier"])
@pytest.mark.parametrize("folds", [None, 2, 5])
def test_refinement_is_the_loss_after_plain_fits(loss: Literal["nll", "brier"], folds: int | None) -> None:
    logits, labels = sample(60, 3, seed=1)
    parts = calibration_refinement(calib.Predictions.from_logits(logits, labels), loss=loss, folds=folds, seed=4)
    fold = np.zeros(60, int) if folds is None else np.random.default_rng(4).permutation(60) % folds
    probs: list[list[float]] = []
    scored: list[int] = []
    for i in range(folds or 1):
        seen = fold == i if folds is None else fold != i
        best = references.temperature(logits[seen], labels[seen].tolist())
        probs += references.softmax_rows(logits[fold == i], best)
        scored += labels[fold == i].tolist()
    mean = references.nll if loss == "nll" else references.brier
    assert parts.loss == pytest.approx(mean(references.softmax_rows(logits), labels.tolist()), abs=1e-12)
    assert parts.refinement == pytest.approx(mean(probs, scored), abs=1e-9)
    assert parts.calibration + parts.refinement == pytest.approx(parts.loss, abs=1e-15)
    assert len(parts.fits) == (folds or 1)


@pytest.mark.parametrize("loss", ["nll", "brier"])
def test_overconfidence_is_calibration_and_leaves_refinement_alone(loss: Literal["nll", "brier"]) -> None:
    logits, labels = sample(4000, 5, true_temperature=1.0)
    honest = calibration_refinement(calib.Predictions.from_logits(logits, labels), loss=loss)
    confident = calibration_refinement(calib.Predictions.from_logits(2.5 * logits, labels), loss=loss)
    assert honest.calibration == pytest.approx(0, abs=1e-3)
    assert confident.calibration > 0.02
    assert confident.refinement == pytest.approx(honest.refinement, abs=1e-9)


def test_calibration_is_never_negative_in_sample_but_may_be_across_folds() -> None:
    in_sample, across = [], []
    for seed in range(20):
        predictions = calib.Predictions.from_logits(*sample(50, 3, true_temperature=1.0, seed=seed))
        in_sample.append(calibration_refinement(predictions, folds=None).calibration)
        across.append(calibration_refinement(predictions).calibration)
    assert min(in_sample) >= 0
    assert min(across) < 0


def test_one_seed_gives_one_split_and_another_another() -> None:
    predictions = calib.Predictions.from_logits(*sample(50, 3))
    assert calibration_refinement(predictions, seed=1) == calibration_refinement(predictions, seed=1)
    assert calibration_refinement(predictions, seed=1) != calibration_refinement(predictions, seed=2)


def test_a_fit_without_a_best_temperature_says_so_and_changes_nothing() -> None:
    parts = calibration_refinement([[0.9, 0.1], [0.2, 0.8]], [0, 1], folds=None)
    assert parts.fits[0].status == "separable"
    assert parts.calibration == 0
    assert parts.refinement == parts.loss


def test_an_infinite_nll_is_refused_and_its_brier_score_is_not() -> None:
    probs, labels = [[0.9, 0.1], [0.0, 1.0], [0.3, 0.7]], [0, 0, 1]
    with pytest.raises(InputError, match=r"NLL is infinite .* the label of row 1 had probability 0"):
        calibration_refinement(probs, labels, folds=None)
    assert calibration_refinement(probs, labels, loss="brier", folds=None).loss == pytest.approx(
        calib.brier(probs, labels)
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "ece"}, "loss must be nll or brier, got 'ece'"),
        ({"folds": 1}, "cross-fitting needs between 2 and n = 3 folds"),
        ({"folds": 4}, "cross-fitting needs between 2 and n = 3 folds"),
        ({"folds": "5"}, "folds must be a whole number or None"),
        ({"folds": True}, "folds must be a whole number or None"),
        ({"folds": 2, "seed": -1}, "a seed must be a whole number"),
    ],
)
def test_options_that_are_none_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        calibration_refinement([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7]], [0, 0, 1], **options)


def test_refinement_refuses_sample_weights() -> None:
    weighted = calib.Predictions.from_logits([[1.0, 0.0], [2.0, 0.0]], [0, 1], sample_weight=[1, 2])
    with pytest.raises(InputError, match="calibration_refinement takes no sample weights"):
        calibration_refinement(weighted, folds=None)
