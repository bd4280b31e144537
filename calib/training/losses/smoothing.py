"""The smoothed cross-entropy as a loss argument: the other way to train on `calib.smooth_labels` rows."""

from torch import Tensor
from torch.nn import functional

from calib.targets import Convention, uniform_smoothing
from calib.training.losses._inputs import fitting, widened


def smoothed_cross_entropy(
    logits: Tensor, targets: Tensor, *, smoothing: float, convention: Convention = "uniform"
) -> Tensor:
    """Cross-entropy ``(n,)`` in nats of ``logits (n, k)`` against smoothed ``targets``, one an example, not averaged.

    ``targets`` are labels int64 ``(n,)`` or rows ``(n, k)`` that sum to 1, for instance mixed ones.  Equal in value and
    gradient to the cross-entropy against the rows of `calib.smooth_labels`; smoothing 0 is the plain cross-entropy.
    Use it for training only: on held-out data report the NLL of hard labels, or smoothed and hard models cannot be
    compared.  Raises `InputError` for smoothing out of range and shapes that do not fit.

    Source: Szegedy et al. (2016), Rethinking the Inception Architecture for Computer Vision.

    >>> import torch
    >>> smoothed_cross_entropy(torch.zeros(2, 4), torch.tensor([2, 0]), smoothing=0.1)  # ln 4
    tensor([1.3863, 1.3863])
    """
    logits = widened(logits)
    weight = uniform_smoothing(smoothing, logits.shape[1], convention=convention)
    return functional.cross_entropy(logits, fitting(targets, logits), label_smoothing=weight, reduction="none")
