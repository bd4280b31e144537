"""The margin penalty against its formula, with the loss it is a part of."""

import math

import numpy as np
import pytest
import torch

from calib.errors import InputError
from calib.training.losses import margin_penalty, smoothed_cross_entropy

from . import sample


@pytest.mark.parametrize("margin", [0.0, 1.0, 6.0, 1000.0])
def test_it_is_the_mean_over_all_classes_of_what_exceeds_the_margin(margin: float) -> None:
    logits = sample.logits()
    expected = [sum(max(0.0, max(row) - z - margin) for z in row) / len(row) for row in logits.tolist()]
    sample.assert_equal(margin_penalty(torch.tensor(logits), margin=margin), expected)


def test_a_class_beyond_the_margin_is_drawn_to_the_largest_and_the_others_are_left_alone() -> None:
    gradient = sample.gradient(lambda z: margin_penalty(z, margin=2.0), np.array([[5.0, 1.0, -3.0, 4.0]]))
    np.testing.assert_allclose(gradient, [[0.5, -0.25, -0.25, 0.0]])


def test_within_the_margin_nothing_costs_anything() -> None:
    logits = np.array([[1.0, 0.0, -1.0]])
    assert margin_penalty(torch.tensor(logits), margin=2.0).item() == 0
    assert not sample.gradient(lambda z: margin_penalty(z, margin=2.0), logits).any()


def test_without_a_margin_it_differs_from_label_smoothing_by_log_sum_exp_less_the_largest() -> None:
    # mean_k(−ln p_k) = mean_k(max z − z_k) + ln Σ exp(z − max z): both punish the same distances.
    logits = torch.tensor(sample.logits())
    uniform = smoothed_cross_entropy(logits, torch.tensor(sample.labels()), smoothing=1.0)
    rest = logits.logsumexp(dim=1) - logits.amax(dim=1)
    torch.testing.assert_close(uniform, margin_penalty(logits, margin=0.0) + rest, rtol=1e-12, atol=1e-14)


def test_bfloat16_logits_are_computed_in_float32() -> None:
    logits = torch.tensor(sample.logits()).bfloat16()
    penalty = margin_penalty(logits, margin=1.0)
    assert penalty.dtype == torch.float32
    assert torch.equal(penalty, margin_penalty(logits.float(), margin=1.0))


@pytest.mark.parametrize("margin", [-1.0, math.nan, math.inf])
def test_a_margin_below_0_or_without_end_is_refused(margin: float) -> None:
    with pytest.raises(InputError, match="margin must be at least 0 and finite"):
        margin_penalty(torch.zeros(1, 2), margin=margin)


def test_logits_that_are_no_matrix_are_refused() -> None:
    with pytest.raises(InputError, match="logits must have shape"):
        margin_penalty(torch.zeros(4), margin=1.0)
