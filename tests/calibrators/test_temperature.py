"""Temperature scaling against a reference of 14 digits, closed forms, its identities, and data without an optimum."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

import calib
from calib.calibrators.cross_fit import cross_fit_with_fits
from calib.calibrators.temperature import TemperatureScaling
from calib.errors import InputError
from calib.predictions import Predictions

from .. import references
from ..references import rows_of_confidence, sample

quiet = settings(deadline=None, derandomize=True, max_examples=40)


def fit(logits: Any, labels: Any) -> TemperatureScaling:
    return TemperatureScaling.fit(Predictions.from_logits(logits, labels))


def slope_of_nll(predictions: Predictions, temperature: float) -> float:
    """The derivative of NLL in ln T, by a central difference."""
    step = 1e-4
    high, low = (calib.nll(TemperatureScaling(temperature * math.exp(s)).transform(predictions)) for s in (step, -step))
    return (high - low) / (2 * step)


@pytest.mark.parametrize("scale", [1e-4, 1e-2, 1.0, 1e2, 1e4])
@pytest.mark.parametrize("true_temperature", [0.3, 1.0, 4.0])
def test_t_is_the_reference_to_eight_digits_from_a_ten_thousandth_to_ten_thousand(
    scale: float, true_temperature: float
) -> None:
    logits, labels = sample(50, 3, true_temperature=true_temperature, seed=2)
    fitted = fit(logits * scale, labels)
    assert fitted.status == "ok"
    assert fitted.temperature == pytest.approx(references.temperature(logits * scale, labels.tolist()), rel=1e-8)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble, torch.bfloat16])
def test_t_is_the_reference_for_the_very_array_that_was_given(dtype: Any) -> None:
    logits, labels = sample(60, 4, scale=5)
    given: Any = torch.tensor(logits, dtype=dtype) if dtype is torch.bfloat16 else logits.astype(dtype)
    exact = given.double().numpy() if dtype is torch.bfloat16 else given.astype(np.float64)
    assert fit(given, labels).temperature == pytest.approx(references.temperature(exact, labels.tolist()), rel=1e-8)


def test_a_million_added_to_rows_in_float64_changes_nothing() -> None:
    logits, labels = sample(60, 4)
    shifted = logits + 1e6 * np.arange(-30, 30)[:, None]
    assert fit(shifted, labels).temperature == pytest.approx(fit(logits, labels).temperature, rel=1e-7)
    assert fit(shifted, labels).temperature == pytest.approx(references.temperature(shifted, labels.tolist()), rel=1e-8)


def test_a_million_added_to_rows_in_float32_costs_what_float32_lost_and_no_more() -> None:
    logits, labels = sample(60, 4)
    shifted = (logits + 1e6).astype(np.float32)
    assert fit(shifted, labels).temperature == pytest.approx(references.temperature(shifted, labels.tolist()), rel=1e-8)


def test_a_logit_of_minus_infinity_counts_as_a_probability_of_zero() -> None:
    logits, labels = sample(60, 4)
    for row in (0, 5):
        logits[row, (labels[row] + 1) % 4] = -np.inf
    logits[7] = -np.inf
    logits[7, labels[7]] = 3.0
    fitted = fit(logits, labels)
    assert fitted.status == "ok"
    assert fitted.temperature == pytest.approx(references.temperature(logits, labels.tolist()), rel=1e-8)


def test_probabilities_give_the_temperature_of_their_logarithms_also_where_one_is_zero() -> None:
    logits, labels = sample(60, 4)
    logits[3, (labels[3] + 2) % 4] = -np.inf
    probs = np.array(references.softmax_rows(logits))
    assert (probs == 0).any()
    got = TemperatureScaling.fit(Predictions.from_probs(probs, labels))
    assert got.temperature == pytest.approx(references.temperature(logits, labels.tolist()), rel=1e-8)
    assert got.nll_after == pytest.approx(fit(logits, labels).nll_after, rel=1e-12)


@pytest.mark.parametrize(
    ("confidence", "accuracy", "k", "temperature", "before", "after"),
    [
        (0.9, 0.8, 2, 1.584963, 0.544805, 0.500402),
        (0.9, 0.8, 10, 1.226294, 0.984250, 0.939847),
        (0.99, 0.75, 100, 1.614098, 2.307610, 1.711115),
        (0.6, 0.8, 10, 0.726294, None, None),
    ],
)
def test_closed_forms(
    confidence: float, accuracy: float, k: int, temperature: float, before: float | None, after: float | None
) -> None:
    probs, labels = rows_of_confidence([confidence] * 100, np.arange(100) < 100 * accuracy, k)
    predictions = Predictions.from_logits(np.log(probs), labels)
    fitted = TemperatureScaling.fit(predictions)
    exact = math.log(confidence * (k - 1) / (1 - confidence)) / math.log(accuracy * (k - 1) / (1 - accuracy))
    assert fitted.temperature == pytest.approx(exact, rel=1e-11)
    assert fitted.temperature == pytest.approx(temperature, abs=1e-6)
    assert calib.ece(fitted.transform(predictions)) == pytest.approx(0, abs=1e-11)
    if before is not None:
        assert fitted.nll_before == pytest.approx(before, abs=1e-6)
        assert fitted.nll_after == pytest.approx(after, abs=1e-6)


def test_the_published_two_by_two_vector() -> None:
    fitted = TemperatureScaling.fit(Predictions.from_probs([[0.2, 0.8], [0.3, 0.7]], [1, 0]))
    assert 1 / fitted.temperature == pytest.approx(0.417770489, abs=1e-9)


def test_the_published_vector_whose_optimum_is_negative_is_reported_and_left_alone() -> None:
    fitted = TemperatureScaling.fit(Predictions.from_probs([[0.35, 0.35, 0.3], [0.8, 0.15, 0.05]], [2, 1]))
    assert (fitted.status, fitted.limit, fitted.temperature) == ("worse than chance", math.inf, 1.0)


def edge(name: str) -> tuple[Any, Any]:
    logits, labels = sample(2000, 10, true_temperature=1.0, seed=1)
    index = np.arange(2000)
    if name == "separable":
        labels = logits.argmax(axis=1)
    elif name == "separable with ties":
        labels = logits.argmax(axis=1)
        logits[index, (labels + 1) % 10] = logits[index, labels]
    elif name == "anti-correlated":
        labels = logits.argmin(axis=1)
    elif name == "constant":
        logits = np.full((2000, 10), 3.0)
    elif name == "constant rows":
        logits = np.repeat(logits[:, :1], 10, axis=1)
    elif name == "impossible label":
        logits[4, labels[4]] = -np.inf
    elif name == "only the label is possible":
        logits = np.full((2000, 10), -np.inf)
        logits[index, labels] = 0.0
    return logits, labels


@pytest.mark.parametrize(
    ("name", "status", "limit"),
    [
        ("separable", "separable", 0.0),
        ("separable with ties", "separable", 0.0),
        ("anti-correlated", "worse than chance", math.inf),
        ("constant", "unidentifiable", None),
        ("constant rows", "unidentifiable", None),
        ("impossible label", "unidentifiable", None),
        ("only the label is possible", "unidentifiable", None),
    ],
)
def test_without_a_finite_optimum_the_temperature_is_one_and_the_status_says_why(
    name: str, status: str, limit: float | None
) -> None:
    predictions = Predictions.from_logits(*edge(name))
    fitted = TemperatureScaling.fit(predictions)
    assert (fitted.status, fitted.limit, fitted.temperature, fitted.n) == (status, limit, 1.0, 2000)
    assert fitted.nll_before == fitted.nll_after == pytest.approx(calib.nll(predictions), rel=1e-12)
    assert math.isnan(fitted.standard_error)


@pytest.mark.parametrize("name", ["separable", "anti-correlated"])
def test_where_there_is_no_optimum_nll_falls_all_the_way_to_the_limit(name: str) -> None:
    predictions = Predictions.from_logits(*edge(name))
    path = [0.1, 0.5, 1.0, 3.0, 30.0]
    losses = [calib.nll(TemperatureScaling(t).transform(predictions)) for t in path]
    assert losses == sorted(losses, reverse=name == "anti-correlated")


def test_labels_that_barely_depend_on_the_logits_have_a_large_but_finite_temperature() -> None:
    logits = np.array([[1.0, 0.0]] * 1001 + [[0.0, 1.0]] * 999)
    fitted = fit(logits, np.zeros(2000, int))
    assert fitted.status == "ok"
    assert fitted.temperature == pytest.approx(1 / math.log(1001 / 999), rel=1e-8)
    logits, labels = sample(150, 3, true_temperature=1000.0, seed=3)
    assert fit(logits, labels).temperature == pytest.approx(references.temperature(logits, labels.tolist()), rel=1e-8)


@pytest.mark.parametrize("factor", [1e-4, 1e4])
def test_scaled_logits_have_scaled_temperatures(factor: float) -> None:
    logits, labels = edge("plain")
    assert fit(logits, labels).temperature == pytest.approx(1, abs=0.05)
    assert fit(logits * factor, labels).temperature == pytest.approx(factor * fit(logits, labels).temperature, rel=1e-9)


def test_one_nan_is_an_error_that_names_the_row() -> None:
    logits, labels = edge("plain")
    logits[1234, 5] = np.nan
    with pytest.raises(InputError, match="row 1234 column 5 holds nan"):
        fit(logits, labels)


def test_one_row_is_enough_to_say_that_there_is_no_optimum() -> None:
    assert fit([[1.0, 0.0]], [0]).status == "separable"
    assert fit([[1.0, 0.0]], [1]).status == "worse than chance"


def test_recovery_of_a_known_temperature_with_its_standard_error() -> None:
    logits, labels = sample(200_000, 10, true_temperature=2.0, scale=3.0)
    predictions = Predictions.from_logits(logits, labels)
    fitted = TemperatureScaling.fit(predictions)
    assert fitted.standard_error == pytest.approx(0.0047, abs=0.0001)
    assert fitted.temperature == pytest.approx(2, abs=4 * 0.0047)
    assert calib.ece(predictions) == pytest.approx(0.2248, abs=0.004)
    assert calib.ece(fitted.transform(predictions)) < 0.0045


@pytest.mark.parametrize("true_temperature", [0.6, 2.5])
def test_the_standard_error_is_the_spread_of_refits(true_temperature: float) -> None:
    fits = [fit(*sample(500, 4, true_temperature=true_temperature, seed=seed)) for seed in range(300)]
    spread = np.std([each.temperature for each in fits], ddof=1)
    assert np.mean([each.standard_error for each in fits]) == pytest.approx(spread, rel=0.16)  # ± 4 sd of the spread


def test_the_standard_error_comes_from_the_curvature_of_nll() -> None:
    logits, labels = sample(300, 5)
    predictions = Predictions.from_logits(logits, labels)
    fitted = TemperatureScaling.fit(predictions)
    at = [
        calib.nll(TemperatureScaling(fitted.temperature + step).transform(predictions)) for step in (-1e-3, 0.0, 1e-3)
    ]
    curvature = (at[0] - 2 * at[1] + at[2]) / 1e-6  # at the optimum the information in T is β⁴ times that in β
    assert fitted.standard_error == pytest.approx(1 / math.sqrt(300 * curvature), rel=1e-4)


def test_fitting_reports_what_it_measured() -> None:
    predictions = Predictions.from_logits(*sample(200, 3))
    fitted = TemperatureScaling.fit(predictions)
    assert fitted.n == 200
    assert fitted.limit is None
    assert fitted.nll_before == pytest.approx(calib.nll(predictions), rel=1e-12)
    assert fitted.nll_after == pytest.approx(calib.nll(fitted.transform(predictions)), rel=1e-12)


def test_at_the_optimum_mean_entropy_is_mean_nll() -> None:
    logits, labels = sample(500, 6, true_temperature=0.7)
    fitted = fit(logits, labels)
    probs = np.array(references.softmax_rows(logits, fitted.temperature))
    assert -(probs * np.log(probs)).sum(axis=1).mean() == pytest.approx(fitted.nll_after, rel=1e-10)


def test_a_scaled_model_needs_no_second_temperature() -> None:
    predictions = Predictions.from_logits(*sample(500, 6, true_temperature=3.0))
    fitted = TemperatureScaling.fit(predictions)
    again = TemperatureScaling.fit(fitted.transform(predictions))
    assert again.temperature == pytest.approx(1, abs=1e-10)
    assert again.nll_before == pytest.approx(fitted.nll_after, rel=1e-12)
    assert again.standard_error == pytest.approx(fitted.standard_error / fitted.temperature, rel=1e-9)


def test_temperatures_compose_by_multiplication() -> None:
    predictions = Predictions.from_logits(*sample(20, 3))
    twice = TemperatureScaling(2.0).transform(TemperatureScaling(4.0).transform(predictions))
    assert twice.beta == 0.125


def test_the_optimum_does_not_depend_on_the_temperature_already_carried() -> None:
    predictions = Predictions.from_logits(*sample(100, 3))
    carried = replace(predictions, beta=5.0)
    assert TemperatureScaling.fit(carried).temperature == pytest.approx(
        5 * TemperatureScaling.fit(predictions).temperature, rel=1e-10
    )


def test_transform_shares_the_logits_and_changes_only_beta() -> None:
    predictions = Predictions.from_logits(*sample(20, 3), class_names=list("abc"), provenance={"a": 1})
    scaled = TemperatureScaling(2.0).transform(predictions)
    assert scaled.values is predictions.values
    assert (predictions.beta, scaled.beta) == (1.0, 0.5)
    assert (scaled.class_names, scaled.provenance) == (predictions.class_names, predictions.provenance)


def test_dividing_by_t_softens_above_one_and_sharpens_below() -> None:
    predictions = Predictions.from_logits([[2.0, 0.0]], [0])
    confidence = [TemperatureScaling(t).transform(predictions).outcomes.confidence[0] for t in (0.5, 1.0, 2.0)]
    np.testing.assert_allclose(confidence, [1 / (1 + math.exp(-4)), 1 / (1 + math.exp(-2)), 1 / (1 + math.exp(-1))])


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.inf, math.nan])
def test_a_temperature_that_is_none_is_refused(temperature: float) -> None:
    with pytest.raises(InputError, match="a temperature must be a positive number"):
        TemperatureScaling(temperature)


@pytest.mark.parametrize("block_entries", [1, 50, 10**9])
def test_the_cut_into_blocks_does_not_show(monkeypatch: pytest.MonkeyPatch, block_entries: int) -> None:
    logits, labels = sample(301, 4)
    whole = fit(logits, labels)
    monkeypatch.setattr("calib._arrays.BLOCK_ENTRIES", block_entries)
    parts = fit(logits, labels)
    assert parts.temperature == pytest.approx(whole.temperature, rel=1e-12)
    assert parts.standard_error == pytest.approx(whole.standard_error, rel=1e-10)


@quiet
@given(st.integers(5, 60), st.integers(2, 6), st.integers(0, 2**31), st.floats(0.05, 20), st.floats(1e-3, 1e3))
def test_a_fit_is_a_minimum_that_scales_and_changes_no_prediction(
    n: int, k: int, seed: int, true_temperature: float, factor: float
) -> None:
    logits, labels = sample(n, k, true_temperature=true_temperature, seed=seed)
    predictions = Predictions.from_logits(logits, labels)
    fitted = TemperatureScaling.fit(predictions)
    scaled = fitted.transform(predictions)
    np.testing.assert_array_equal(scaled.outcomes.predicted, predictions.outcomes.predicted)
    assert calib.accuracy(scaled) == calib.accuracy(predictions)
    assert fitted.nll_after <= fitted.nll_before + 1e-12
    assert fit(logits * factor, labels).status == fitted.status
    if fitted.status == "ok":
        assert slope_of_nll(predictions, fitted.temperature) == pytest.approx(0, abs=1e-7)
        assert fit(logits * factor, labels).temperature == pytest.approx(factor * fitted.temperature, rel=1e-8)


@quiet
@given(st.integers(5, 60), st.integers(2, 6), st.integers(0, 2**31))
def test_neither_order_nor_repetition_nor_the_names_of_classes_move_t(n: int, k: int, seed: int) -> None:
    logits, labels = sample(n, k, seed=seed)
    fitted = fit(logits, labels)
    order = np.random.default_rng(seed).permutation(k)
    others = [
        fit(logits[::-1], labels[::-1]),
        fit(np.repeat(logits, 3, axis=0), np.repeat(labels, 3)),
        fit(logits[:, order], np.argsort(order)[labels]),
    ]
    for other in others:
        assert other.status == fitted.status
        assert other.temperature == pytest.approx(fitted.temperature, rel=1e-9)
    assert others[1].standard_error == pytest.approx(fitted.standard_error / math.sqrt(3), rel=1e-6, nan_ok=True)


@pytest.mark.parametrize("label_logit", [-0.9, -1.0])
def test_a_class_that_is_never_possible_plays_no_part_in_what_is_chance(label_logit: float) -> None:
    logits = np.array([[0.0, label_logit, -2.0]])
    with_fourth = np.append(logits, [[-np.inf]], axis=1)
    without, fitted = fit(logits, [1]), fit(with_fourth, [1])
    assert fitted.status == without.status == ("ok" if label_logit > -1 else "worse than chance")
    assert fitted.temperature == pytest.approx(without.temperature, rel=1e-9)


def test_two_temperatures_that_leave_the_range_together_are_refused() -> None:
    once = TemperatureScaling(1e200).transform(Predictions.from_logits([[1.0, 0.0]], [0]))
    with pytest.raises(InputError, match="leaves the range of float64"):
        TemperatureScaling(1e200).transform(once)


@pytest.mark.parametrize("kept", [0, 10**9])
def test_weights_are_repetitions_for_t_and_their_scale_is_nothing(kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calib.calibrators._likelihood.KEPT_ENTRIES", kept)
    logits, labels = sample(300, 4)
    times = np.random.default_rng(0).integers(0, 4, 300)
    repeated = fit(np.repeat(logits, times, axis=0), np.repeat(labels, times))
    for scale in (1.0, 1e-9, 1e290):
        weighted = Predictions.from_logits(logits, labels, sample_weight=times * scale)
        got = TemperatureScaling.fit(weighted)
        assert got.temperature == pytest.approx(repeated.temperature, rel=1e-9)
        assert got.nll_before == pytest.approx(repeated.nll_before, rel=1e-9)
        assert got.nll_after == pytest.approx(calib.nll(got.transform(weighted)), rel=1e-9)
        effective = times.sum() ** 2 / (times**2).sum()
        assert got.standard_error == pytest.approx(repeated.standard_error * math.sqrt(times.sum() / effective))


def test_an_impossible_label_of_weight_zero_does_no_harm() -> None:
    logits, labels = sample(100, 3)
    logits[4, labels[4]] = -np.inf
    weight = np.ones(100)
    weight[4] = 0
    got = TemperatureScaling.fit(Predictions.from_logits(logits, labels, sample_weight=weight))
    assert got.temperature == pytest.approx(fit(np.delete(logits, 4, 0), np.delete(labels, 4)).temperature, rel=1e-10)


@pytest.mark.parametrize("k", [3, 40])
def test_soft_targets_are_labels_in_parts(k: int) -> None:
    logits, labels = sample(200, k)
    targets = np.random.default_rng(0).dirichlet(np.ones(k), 200)
    targets[:50] = np.eye(k)[labels[:50]]
    logits[60, 1], targets[60, 1] = -np.inf, 0.0
    targets /= targets.sum(axis=1, keepdims=True)
    parts = Predictions.from_logits(
        np.repeat(logits, k, axis=0), np.tile(np.arange(k), 200), sample_weight=targets.ravel()
    )
    fitted = TemperatureScaling.fit(Predictions.from_logits(logits, labels), targets=targets)
    assert fitted.status == "ok"
    assert fitted.temperature == pytest.approx(TemperatureScaling.fit(parts).temperature, rel=1e-9)
    assert fitted.nll_after == pytest.approx(TemperatureScaling.fit(parts).nll_after, rel=1e-9)
    one_hot = TemperatureScaling.fit(Predictions.from_logits(logits, labels), targets=np.eye(k)[labels])
    assert one_hot.temperature == pytest.approx(fit(logits, labels).temperature, rel=1e-10)


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (np.ones((5, 3)), "row 0 sums to 3"),
        (np.ones((5, 2)) / 2, r"shape \(5, 3\)"),
        (np.full((5, 3), np.nan), "row 0 sums to nan"),
        ([["a"] * 3] * 5, "must be numbers"),
    ],
)
def test_targets_that_are_no_distributions_are_refused(targets: Any, message: str) -> None:
    predictions = Predictions.from_logits(*sample(5, 3))
    with pytest.raises(InputError, match=message):
        TemperatureScaling.fit(predictions, targets=targets)


@pytest.mark.parametrize("k", [4, 50])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("true_temperature", [1e-4, 0.3, 0.65, 1.0, 2.5, 1e4])
def test_large_data_take_few_reads_and_lose_no_digit(
    k: int, dtype: Any, true_temperature: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    logits, labels = sample(4000, k, seed=3)
    with np.errstate(over="ignore"):
        given = (logits * true_temperature).astype(dtype)
    if not np.isfinite(given).all():
        pytest.skip("float16 ends at 65504")
    kept = fit(given, labels)
    assert kept.reads == 1
    monkeypatch.setattr("calib.calibrators._likelihood.KEPT_ENTRIES", 10_000)
    read = fit(given, labels)
    assert read.reads <= 4
    assert read.temperature == pytest.approx(kept.temperature, rel=1e-10)
    assert read.standard_error == pytest.approx(kept.standard_error, rel=1e-5)
    assert read.robust_standard_error == pytest.approx(kept.robust_standard_error, rel=1e-5)
    assert read.nll_after == pytest.approx(kept.nll_after, rel=1e-11)
    assert read.nll_before == pytest.approx(kept.nll_before, rel=1e-6)


@pytest.mark.parametrize(
    "name", ["separable", "separable with ties", "anti-correlated", "constant", "impossible label"]
)
def test_large_data_without_an_optimum_are_told_apart_too(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    logits, labels = edge(name)
    for dtype in (np.float32, np.float64):
        kept = fit(logits.astype(dtype), labels)
        with monkeypatch.context() as patched:
            patched.setattr("calib.calibrators._likelihood.KEPT_ENTRIES", 100)
            read = fit(logits.astype(dtype), labels)
        assert (read.status, read.limit, read.temperature) == (kept.status, kept.limit, 1.0)


def test_large_data_whose_sample_misleads_find_their_optimum_too(monkeypatch: pytest.MonkeyPatch) -> None:
    logits, labels = sample(20_000, 4, true_temperature=1.0)
    every = slice(None, None, 40)  # the rows of the first guess
    assert len(labels[every]) == 500
    other = logits.copy()
    other[every] *= 1000
    separable = labels.copy()
    separable[every] = logits[every].argmax(axis=1)
    monkeypatch.setattr("calib.calibrators._optimum.SAMPLE_ENTRIES", 1)
    for case in ((other, labels), (logits, separable)):
        got = fit(*case)
        with monkeypatch.context() as patched:
            patched.setattr("calib.calibrators._likelihood.KEPT_ENTRIES", 10**9)
            assert got.temperature == pytest.approx(fit(*case).temperature, rel=1e-9)


@pytest.mark.parametrize("noise", [0.1, 0.3])
def test_the_robust_standard_error_holds_where_the_model_is_wrong(noise: float) -> None:
    fits = []
    for seed in range(300):
        logits, labels = sample(400, 4, true_temperature=0.6, seed=seed)
        noisy = np.random.default_rng(seed).random(400) < noise
        labels = np.where(noisy, logits.argmin(axis=1), labels)  # no temperature explains these
        fits.append(fit(logits, labels))
    spread = np.std([each.temperature for each in fits], ddof=1)
    robust, informed = (np.mean([getattr(f, n) for f in fits]) for n in ("robust_standard_error", "standard_error"))
    assert robust == pytest.approx(spread, rel=0.16)
    assert abs(informed / spread - 1) > abs(robust / spread - 1)


@pytest.mark.parametrize("objective", ["brier", "ece"])
def test_other_objectives_are_minimised_and_say_so(objective: Any) -> None:
    predictions = Predictions.from_logits(*sample(2000, 4, true_temperature=2.0))
    fitted = TemperatureScaling.fit(predictions, objective=objective)
    metric = {"brier": calib.brier, "ece": calib.ece}[objective]
    assert fitted.objective == objective
    assert math.isnan(fitted.standard_error)
    lowest = metric(fitted.transform(predictions))
    assert all(
        lowest <= metric(TemperatureScaling(t).transform(predictions)) + 1e-9 for t in np.geomspace(0.1, 30, 200)
    )
    assert fitted.nll_after == calib.nll(fitted.transform(predictions))
    assert fitted.nll_after >= TemperatureScaling.fit(predictions).nll_after


def test_objectives_that_are_none_are_refused() -> None:
    predictions = Predictions.from_logits(*sample(50, 3))
    with pytest.raises(InputError, match="objective must be"):
        TemperatureScaling.fit(predictions, objective="mse")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="takes no soft targets"):
        TemperatureScaling.fit(predictions, objective="ece", targets=np.eye(3)[predictions.labels])


def test_an_objective_that_falls_without_end_gives_no_temperature() -> None:
    # The scores rank within rows but their size misleads: the Brier score is best where nothing is claimed.
    rng = np.random.default_rng(0)
    logits = np.zeros((400, 2))
    logits[:, 0] = np.where(np.arange(400) < 20, 40.0, -0.01)
    labels = np.where(np.arange(400) < 20, 0, rng.integers(0, 2, 400))
    fitted = TemperatureScaling.fit(Predictions.from_logits(logits, labels), objective="ece")
    assert fitted.status in ("ok", "no lowest point")
    assert fitted.temperature == 1.0 or fitted.status == "ok"


def test_each_folds_held_out_nll_is_at_least_its_own_optimum() -> None:
    predictions = Predictions.from_logits(*sample(500, 5, true_temperature=1.8))
    scaled, fits = cross_fit_with_fits(TemperatureScaling, predictions)
    for part in {float(beta) for beta in np.asarray(scaled.beta)}:
        rows = np.asarray(scaled.beta) == part
        assert calib.nll(scaled[rows]) >= TemperatureScaling.fit(predictions[rows]).nll_after - 1e-12
    assert len({f.temperature for f in fits}) == 5
