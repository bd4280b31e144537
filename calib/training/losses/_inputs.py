"""What every loss does first: check shapes, widen half-precision logits, turn labels into rows."""

import torch
from torch import Tensor
from torch.nn import functional

from calib.errors import InputError


def widened(logits: Tensor) -> Tensor:
    """Logits ``(n, k)`` in float32, or in float64 if they are: half precision is for networks, not for their losses.

    Raises `InputError` for other shapes and fewer than two classes.

    >>> widened(torch.zeros(1, 2, dtype=torch.bfloat16)).dtype
    torch.float32
    """
    if logits.ndim != 2 or logits.shape[1] < 2:
        raise InputError(
            f"logits must have shape (n, k) with k of at least 2, got {tuple(logits.shape)}",
            help="pass one row an example, one column a class",
        )
    return logits if logits.dtype == torch.float64 else logits.float()


def fitting(targets: Tensor, logits: Tensor) -> Tensor:
    """Labels ``(n,)`` as they are, or target rows ``(n, k)`` in the dtype of the logits they belong to.

    Values are not looked at, which would make an accelerator wait.  Raises `InputError` for other shapes, and for
    labels that are no int64.

    >>> fitting(torch.tensor([[1, 0]]), torch.zeros(1, 2))
    tensor([[1., 0.]])
    """
    if targets.shape == logits.shape:
        return targets.to(logits.dtype)
    if targets.shape == logits.shape[:1] and targets.dtype == torch.int64:
        return targets
    raise InputError(
        f"targets must be int64 labels ({logits.shape[0]},) or rows {tuple(logits.shape)}, "
        f"got {targets.dtype} {tuple(targets.shape)}",
        help="pass one class index or one distribution an example",
    )


def target_rows(targets: Tensor, logits: Tensor) -> Tensor:
    """Labels or rows as rows ``(n, k)`` in the dtype of the logits.  Raises `InputError` as `fitting` does.

    >>> target_rows(torch.tensor([1]), torch.zeros(1, 3))
    tensor([[0., 1., 0.]])
    """
    rows = fitting(targets, logits)
    return rows if rows.ndim == 2 else functional.one_hot(rows, logits.shape[1]).to(logits.dtype)
