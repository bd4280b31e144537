"""The smoothed cross-entropy as a loss argument: the other way to train on `calib.smooth_labels` rows."""

from torch import Tensor
from torch.nn import functional

from calib.targets import Convention, uniform_smoothing


def smoothed_cross_entropy(
    logits: Tensor, labels: Tensor, *, smoothing: float, convention: Convention = "uniform"
) -> Tensor:
    """Mean cross-entropy in nats of ``logits (n, k)`` against smoothed ``labels (n,)``.

    Equal in value and gradient to the cross-entropy against the rows of `calib.smooth_labels`.  Use it for training
    only: on held-out data report the NLL of hard labels, or smoothed and hard models cannot be compared.  Raises
    `InputError` for smoothing out of range.

    >>> import torch
    >>> round(smoothed_cross_entropy(torch.zeros(1, 4), torch.tensor([2]), smoothing=0.1).item(), 4)  # ln 4
    1.3863
    """
    weight = uniform_smoothing(smoothing, logits.shape[1], convention=convention)
    return functional.cross_entropy(logits, labels, label_smoothing=weight)
