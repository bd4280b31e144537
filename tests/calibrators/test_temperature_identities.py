"""What holds for every temperature: identities at the optimum, composition, and what moves it not."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st

import calib
from calib.calibrators.temperature import TemperatureScaling
from calib.errors import InputError
from calib.predictions import Predictions

from .. import references
from ..references import sample
from .test_temperature import fit, quiet, slope_of_nll


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
