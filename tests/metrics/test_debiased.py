"""Debiased errors against plain loops, published values, and their mean on calibrated data."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import calib
from calib.errors import InputError

from .. import references
from .test_binned import A8, C8

MURPHY = (np.repeat([0.2, 0.6, 0.9], 10), np.array([1] * 3 + [0] * 7 + [1] * 5 + [0] * 5 + [1] * 9 + [0]))


def kumar_loop(confidence: Any, correct: Any, bins: Any) -> float:
    total = 0.0
    for b, (mass, gap) in references.gaps(confidence, correct, bins).items():
        accuracy = sum(y for y, other in zip(correct, bins, strict=True) if other == b) / mass
        total += mass * (gap**2 - accuracy * (1 - accuracy) / (mass - 1)) if mass > 1 else 0
    return total / len(bins)


def pairs_loop(confidence: Any, correct: Any, bins: Any) -> float:
    """The mean product of the residuals of two different examples of a bin."""
    total = 0.0
    for b in set(bins):
        residuals = [c - y for c, y, other in zip(confidence, correct, bins, strict=True) if other == b]
        m = len(residuals)
        products = [r * s for i, r in enumerate(residuals) for j, s in enumerate(residuals) if i != j]
        total += m * math.fsum(products) / (m * (m - 1)) if m > 1 else 0
    return total / len(bins)


@pytest.mark.parametrize("binning", ["equal-width", "equal-mass"])
@pytest.mark.parametrize("n_bins", [1, 3, 10, 60])
def test_both_are_what_the_loops_say(binning: Any, n_bins: int) -> None:
    rng = np.random.default_rng(n_bins)
    confidence = rng.random(50).round(2)
    correct = rng.random(50) < confidence
    if binning == "equal-mass":
        bins = references.equal_mass_bins(confidence.tolist(), n_bins)
    else:
        bins = [references.equal_width_bin(c, n_bins) for c in confidence.tolist()]
    outcomes = calib.Outcomes.from_confidence(confidence, correct)
    for metric, loop in ((calib.debiased_squared_ce, kumar_loop), (calib.unbiased_squared_ce, pairs_loop)):
        got = metric(outcomes, n_bins=n_bins, binning=binning)
        assert got == pytest.approx(loop(confidence.tolist(), correct.tolist(), bins), abs=1e-14)


def test_the_published_values_of_murphys_forecasts() -> None:
    outcomes = calib.Outcomes.from_confidence(*MURPHY)
    assert calib.debiased_squared_ce(outcomes, n_bins=10, binning="equal-width") == pytest.approx(-0.0137037037037)
    assert calib.unbiased_squared_ce(outcomes, n_bins=10) == pytest.approx(-0.0137037037037)  # equal within a bin
    per_example = sum((r.sum() ** 2 - (r**2).sum()) / len(r) for r in np.split(MURPHY[0] - MURPHY[1], 3)) / 30
    assert per_example == pytest.approx(-0.0123333333333)  # T-Cal's normalisation, by n_b instead of n_b − 1


@pytest.mark.parametrize("metric", [calib.debiased_squared_ce, calib.unbiased_squared_ce, calib.bias_reduced_ece])
def test_on_calibrated_data_they_are_far_below_the_plug_in(metric: Callable[..., float]) -> None:
    rng = np.random.default_rng(0)
    values, plug_in = [], []
    for _ in range(200):
        confidence = rng.uniform(0.5, 1, 300)
        outcomes = calib.Outcomes.from_confidence(confidence, rng.random(300) < confidence)
        values.append(metric(outcomes))
        plug_in.append(calib.ece(outcomes) if metric is calib.bias_reduced_ece else calib.rmsce(outcomes) ** 2)
    error = np.std(values) / math.sqrt(200)
    if metric is calib.unbiased_squared_ce:
        assert abs(np.mean(values)) < 4 * error
    assert abs(np.mean(values)) < (0.9 if metric is calib.bias_reduced_ece else 0.1) * np.mean(plug_in)


@pytest.mark.parametrize("metric", [calib.debiased_squared_ce, calib.unbiased_squared_ce])
def test_a_known_miscalibration_is_met(metric: Callable[..., float]) -> None:
    rng = np.random.default_rng(1)
    c = rng.beta(1.1233, 0.1147, 400_000).clip(1e-300, np.nextafter(1, 0))
    probability = 1 / (1 + np.exp(0.88 - 0.49 * (np.log(c) - np.log1p(-c))))
    outcomes = calib.Outcomes.from_confidence(c, rng.random(len(c)) < probability)
    # l2 error 0.185189 by quadrature; 300 bins of equal mass lose less than 0.5 % of it
    assert math.sqrt(metric(outcomes, n_bins=300, binning="equal-mass")) == pytest.approx(0.185189, rel=0.01)
    assert calib.ece_sweep(outcomes) == pytest.approx(0.130714, rel=0.02)


def test_bins_of_one_example_count_nothing() -> None:
    outcomes = calib.Outcomes.from_confidence([0.1, 0.5, 0.9], [1, 1, 0])
    assert calib.debiased_squared_ce(outcomes, n_bins=3) == 0
    assert calib.unbiased_squared_ce(outcomes, n_bins=3) == 0


def test_bias_reduction_has_a_seed_and_a_limit() -> None:
    outcomes = calib.Outcomes.from_confidence(C8 * 10, A8 * 9 + [1 - y for y in A8])
    assert calib.bias_reduced_ece(outcomes, seed=1) == calib.bias_reduced_ece(outcomes, seed=1)
    assert calib.bias_reduced_ece(outcomes, seed=1) != calib.bias_reduced_ece(outcomes, seed=2)
    certain = calib.Outcomes.from_confidence([0.9, 0.9, 0.8, 0.8], [1, 1, 1, 1])
    assert calib.bias_reduced_ece(certain) == pytest.approx(calib.ece(certain, binning="equal-mass"))
    with pytest.raises(InputError, match="resamples must be a whole number of at least 1"):
        calib.bias_reduced_ece(outcomes, resamples=0)


@pytest.mark.parametrize("metric", [calib.debiased_squared_ce, calib.unbiased_squared_ce, calib.bias_reduced_ece])
def test_sample_weights_are_refused_by_name(metric: Callable[..., float]) -> None:
    outcomes = calib.Outcomes.from_confidence(C8, A8, sample_weight=np.ones(8))
    with pytest.raises(InputError, match=f"{metric.__name__} takes no sample weights"):
        metric(outcomes)
