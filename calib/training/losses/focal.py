"""The focal loss: cross-entropy that cares less for the classes a network is already sure of."""

import torch
from torch import Tensor
from torch.nn import functional

from calib.errors import InputError
from calib.targets import uniform_smoothing
from calib.training.losses._inputs import target_rows, widened
from calib.training.losses.smoothing import smoothed_cross_entropy


def focal_loss(logits: Tensor, targets: Tensor, *, gamma: float, smoothing: float = 0.0) -> Tensor:
    """Focal loss ``(n,)`` in nats of ``logits (n, k)``: −Σ_k t_k (1 − p_k)^γ ln p_k, one an example, not averaged.

    ``targets`` are labels int64 ``(n,)``, for which it is −(1 − p_y)^γ ln p_y, or rows ``(n, k)`` that sum to 1;
    ``smoothing`` α makes them (1 − α)·t + α/k.  ``gamma`` γ ≥ 0; 0 is the cross-entropy, 3 is a usual value.  Values
    and gradients are finite wherever the logits are, also where a probability rounds to 0 or 1 and for γ below 1.

    Raises `InputError` for γ below 0 or not finite, smoothing out of range and shapes that do not fit.  Source: Lin et
    al. (2017), Focal Loss for Dense Object Detection; for calibration Mukhoti et al. (2020).

    >>> focal_loss(torch.zeros(1, 2), torch.tensor([0]), gamma=3.0)  # ln 2 / 8
    tensor([0.0866])
    """
    if not 0 <= gamma < float("inf"):
        raise InputError(f"gamma must be at least 0 and finite, got {gamma}", help="3 is a usual value, 0 is plain")
    if gamma == 0:
        return smoothed_cross_entropy(logits, targets, smoothing=smoothing)
    logits = widened(logits)
    weight = uniform_smoothing(smoothing, logits.shape[1])
    rows = (1 - weight) * target_rows(targets, logits) + weight / logits.shape[1]
    log_p, log_rest = _log_probabilities(logits)
    return -(rows * (gamma * log_rest).exp() * log_p).sum(dim=1)


def _log_probabilities(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Logarithms of p and of 1 − p, both ``(n, k)`` and both exact to rounding at either end.

    Only the largest p of a row can come near 1; both its logarithms follow from r, the log-odds against it.  The others
    are at most 1/2, where ln(1 − p) is harmless.  Where the largest stands in a formula for the others it is replaced
    before, not after: the gradient of what is not chosen would be 0 · ∞.
    """
    top = logits.detach().argmax(dim=1, keepdim=True)
    is_top = torch.zeros_like(logits, dtype=torch.bool).scatter(1, top, True)
    r = logits.masked_fill(is_top, -float("inf")).logsumexp(dim=1, keepdim=True) - logits.gather(1, top)
    shared = functional.softplus(r)
    log_p = functional.log_softmax(logits, dim=1)
    others = log_p.masked_fill(is_top, -float("inf")).exp()
    return torch.where(is_top, -shared, log_p), torch.where(is_top, r - shared, (-others).log1p())
