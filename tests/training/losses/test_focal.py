"""The focal loss against its formula, and at both ends of probability, where the formula as it stands breaks."""

import itertools
import math
from decimal import Decimal, localcontext
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from calib.errors import InputError
from calib.training.losses import focal_loss, smoothed_cross_entropy

from . import sample

GAMMAS = [0.0, 0.5, 1.0, 2.0, 5.0]


def by_hand(row: Any, target: Any, gamma: float, smoothing: float = 0.0) -> float:
    k = len(row)
    total = 0.0
    for t, log_p in zip(target, sample.log_softmax(row), strict=True):
        total -= ((1 - smoothing) * t + smoothing / k) * (1 - math.exp(log_p)) ** gamma * log_p
    return total


@pytest.mark.parametrize("gamma", GAMMAS)
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("kind", ["labels", "rows"])
def test_value_and_gradient_are_those_of_the_formula(kind: str, smoothing: float, gamma: float) -> None:
    logits, targets = sample.logits(), sample.labels() if kind == "labels" else sample.rows()
    rows = [sample.one_hot(t, 5) for t in targets] if kind == "labels" else targets
    given = torch.tensor(targets)
    loss = focal_loss(torch.tensor(logits), given, gamma=gamma, smoothing=smoothing)
    expected = [by_hand(z, t, gamma, smoothing) for z, t in zip(logits, rows, strict=True)]
    sample.assert_equal(loss, expected, rtol=1e-11)  # the loop forms 1 − p by subtraction
    slopes = [
        sample.slopes(partial(by_hand, target=t, gamma=gamma, smoothing=smoothing), z)
        for z, t in zip(logits, rows, strict=True)
    ]
    found = sample.gradient(lambda z: focal_loss(z, given, gamma=gamma, smoothing=smoothing), logits)
    np.testing.assert_allclose(found, slopes, rtol=1e-6, atol=1e-8)


def test_gamma_0_is_the_cross_entropy_and_higher_ones_are_below_it() -> None:
    logits, labels = torch.tensor(sample.logits()), torch.tensor(sample.labels())
    losses = [focal_loss(logits, labels, gamma=gamma) for gamma in GAMMAS]
    assert torch.equal(losses[0], smoothed_cross_entropy(logits, labels, smoothing=0.0))
    assert all(bool((high < low).all()) for low, high in itertools.pairwise(losses))


def exact(margin: float, gamma: float) -> tuple[float, float]:
    """Loss of label 0 and its slope in z_0 for logits (margin, 0), in 300 digits."""
    with localcontext() as context:
        context.prec = 300
        g = Decimal(gamma)
        rest = 1 / (1 + Decimal(margin).exp())  # 1 − p
        p = 1 - rest
        # d/dz of −(1 − p)^γ ln p, with dp/dz = p (1 − p)
        return float(-(rest**g) * p.ln()), float((g * rest**g * p * p.ln()) - rest ** (g + 1))


@pytest.mark.parametrize("gamma", [0.0, 0.25, 0.5, 1.0, 3.0])
@pytest.mark.parametrize("margin", [-600.0, -80.0, -20.0, -1.0, 0.0, 1.0, 10.0, 20.0, 30.0, 36.0, 60.0])
def test_both_ends_of_probability_keep_their_relative_precision(margin: float, gamma: float) -> None:
    logits = np.array([[margin, 0.0]])
    loss, slope = exact(margin, gamma)
    label = torch.tensor([0])
    found = sample.gradient(lambda z: focal_loss(z, label, gamma=gamma), logits)
    if gamma > 0:  # γ = 0 is torch's cross-entropy, which at p = 1 is right to absolute precision only
        np.testing.assert_allclose(focal_loss(torch.tensor(logits), label, gamma=gamma).numpy(), [loss], rtol=1e-11)
        np.testing.assert_allclose(found, [[slope, -slope]], rtol=1e-11)
    else:
        np.testing.assert_allclose(found, [[slope, -slope]], atol=1e-15)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("gamma", [1e-3, 0.5, 1.0, 3.0])
@pytest.mark.parametrize("margin", [-60_000.0, -200.0, -20.0, 0.0, 20.0, 200.0, 60_000.0])
def test_values_and_gradients_are_finite_where_a_probability_rounds_to_0_or_1(
    margin: float, gamma: float, dtype: torch.dtype
) -> None:
    z = torch.tensor([[margin, 0.0, 0.0], [0.0, margin, 1.0], [margin, margin, margin]], dtype=dtype).requires_grad_()
    for targets in (torch.tensor([0, 1, 2]), torch.full((3, 3), 1 / 3)):
        loss = focal_loss(z, targets, gamma=gamma)
        (found,) = torch.autograd.grad(loss.sum(), z)
        assert loss.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
        assert torch.isfinite(loss).all()
        assert (loss >= 0).all()
        assert torch.isfinite(found).all()


def test_bfloat16_logits_are_computed_in_float32() -> None:
    logits, labels = torch.tensor(sample.logits()).bfloat16(), torch.tensor(sample.labels())
    assert torch.equal(focal_loss(logits, labels, gamma=2.0), focal_loss(logits.float(), labels, gamma=2.0))


def test_a_shift_of_all_logits_changes_nothing() -> None:
    logits, labels = torch.tensor(sample.logits()), torch.tensor(sample.labels())
    moved = focal_loss(logits + 100, labels, gamma=2.0)
    torch.testing.assert_close(moved, focal_loss(logits, labels, gamma=2.0), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("gamma", [-0.1, math.nan, math.inf])
def test_a_gamma_that_is_no_exponent_is_refused(gamma: float) -> None:
    with pytest.raises(InputError, match="gamma must be at least 0 and finite"):
        focal_loss(torch.zeros(1, 2), torch.tensor([0]), gamma=gamma)


def test_smoothing_out_of_range_and_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="smoothing must lie in"):
        focal_loss(torch.zeros(1, 2), torch.tensor([0]), gamma=1.0, smoothing=-0.1)
    with pytest.raises(InputError, match="targets must be"):
        focal_loss(torch.zeros(1, 2), torch.tensor([0, 1]), gamma=1.0)
