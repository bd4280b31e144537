"""The margin penalty: logits may lie a margin below the largest for nothing, and pay for more."""

from torch import Tensor

from calib.errors import InputError
from calib.training.losses._inputs import widened


def margin_penalty(logits: Tensor, *, margin: float) -> Tensor:
    """Mean over classes of max(0, max_j z_j − z_k − m), ``(n,)``, for ``logits (n, k)``; in units of logits, ≥ 0.

    Margin-based label smoothing (MbLS) is the cross-entropy of hard labels plus a weight times this; its authors use
    m = 10 with weight 0.1 on images.  At ``margin`` m = 0 every distance between logits costs, as in label smoothing.
    Where several logits are largest they share the gradient.

    Raises `InputError` for a margin below 0 or not finite, and for logits of another shape.  Source: Liu et al. (2022),
    The Devil is in the Margin: Margin-based Label Smoothing for Network Calibration.

    >>> import torch
    >>> margin_penalty(torch.tensor([[5.0, 1.0, -3.0, 4.0]]), margin=2.0)  # (0 + 2 + 6 + 0) / 4
    tensor([2.])
    """
    if not 0 <= margin < float("inf"):
        raise InputError(f"margin must be at least 0 and finite, got {margin}", help="10 is a usual value for images")
    logits = widened(logits)
    return (logits.amax(dim=1, keepdim=True) - logits - margin).relu().mean(dim=1)
