"""Smoothed cross-entropy: one loss an example, for labels and for rows, equal to the loss on smoothed rows."""

from typing import Any

import numpy as np
import pytest
import torch

from calib.errors import InputError
from calib.targets import Convention, smooth_labels
from calib.training.losses import smoothed_cross_entropy

from . import sample


def by_hand(logits: Any, targets: Any, smoothing: float) -> list[float]:
    k = logits.shape[1]
    targets = [sample.one_hot(t, k) for t in targets] if targets.ndim == 1 else targets
    smoothed = [[(1 - smoothing) * t + smoothing / k for t in row] for row in targets]
    return [sample.cross_entropy(t, z) for t, z in zip(smoothed, logits, strict=True)]


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("kind", ["labels", "rows"])
def test_each_example_has_the_cross_entropy_of_its_smoothed_target(kind: str, smoothing: float) -> None:
    logits, targets = sample.logits(), sample.labels() if kind == "labels" else sample.rows()
    loss = smoothed_cross_entropy(torch.tensor(logits), torch.tensor(targets), smoothing=smoothing)
    sample.assert_equal(loss, by_hand(logits, targets, smoothing))


@pytest.mark.parametrize("convention", ["uniform", "wrong-classes"])
@pytest.mark.parametrize("kind", ["labels", "rows"])
def test_smoothing_in_the_loss_or_in_the_rows_is_the_same_in_value_and_gradient(
    kind: str, convention: Convention
) -> None:
    logits, targets = sample.logits(), torch.tensor(sample.labels() if kind == "labels" else sample.rows())
    smooth = smooth_labels(targets, 5, smoothing=0.3, convention=convention)
    weight = torch.arange(30, dtype=torch.float64)  # a gradient of each example, not of their sum alone

    def in_loss(z: torch.Tensor) -> torch.Tensor:
        return smoothed_cross_entropy(z, targets, smoothing=0.3, convention=convention) * weight

    def in_rows(z: torch.Tensor) -> torch.Tensor:
        return smoothed_cross_entropy(z, smooth, smoothing=0.0) * weight

    z = torch.tensor(logits)
    torch.testing.assert_close(in_loss(z), in_rows(z), rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(sample.gradient(in_loss, logits), sample.gradient(in_rows, logits), rtol=0, atol=1e-13)


def test_half_precision_logits_are_computed_in_float32() -> None:
    logits = torch.tensor(sample.logits(scale=20)).bfloat16()
    targets = torch.tensor(sample.labels())
    for given in (targets, torch.nn.functional.one_hot(targets, 5), torch.tensor(sample.rows())):
        loss = smoothed_cross_entropy(logits, given, smoothing=0.1)
        assert loss.dtype == torch.float32
        assert torch.equal(loss, smoothed_cross_entropy(logits.float(), given, smoothing=0.1))


@pytest.mark.parametrize(
    ("logits", "targets", "message"),
    [
        (torch.zeros(3), torch.zeros(3).long(), r"logits must have shape \(n, k\).*got \(3,\)"),
        (torch.zeros(3, 1), torch.zeros(3).long(), r"got \(3, 1\)"),
        (torch.zeros(3, 2), torch.zeros(4).long(), r"targets must be int64 labels \(3,\) or rows \(3, 2\), got .* \(4"),
        (torch.zeros(3, 2), torch.zeros(3), "got torch.float32"),
        (torch.zeros(3, 2), torch.zeros(3).int(), "got torch.int32"),
        (torch.zeros(3, 2), torch.zeros(3, 3), r"got torch.float32 \(3, 3\)"),
    ],
)
def test_what_does_not_fit_together_is_refused(logits: Any, targets: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        smoothed_cross_entropy(logits, targets, smoothing=0.1)
    assert caught.value.help


def test_smoothing_out_of_range_is_refused() -> None:
    with pytest.raises(InputError, match=r"smoothing must lie in \[0, 1\]"):
        smoothed_cross_entropy(torch.zeros(1, 2), torch.tensor([0]), smoothing=1.5)
