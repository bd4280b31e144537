"""Mixup: train on weighted means of two examples and of their targets."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from calib._arrays import Int
from calib.errors import InputError


def mixing(n: int, *, alpha: float, key: Sequence[int]) -> tuple[float, Int]:
    """Draw how a batch of ``n`` is mixed: a weight λ ~ Beta(α, α) for all of it, and a partner ``(n,)`` for each.

    Example i becomes λ·x_i + (1 − λ)·x_partner[i].  The partners are a permutation, in which an example may meet
    itself.  ``key`` alone decides, for instance (seed, epoch, batch); ``alpha`` α > 0 is 0.2 to 1 for images, and the
    smaller it is the less is mixed.

    Raises `InputError` for α outside (0, 1e6], no example, or a key that is no sequence of whole numbers ≥ 0.  Source:
    Zhang et al. (2018), mixup: Beyond Empirical Risk Minimization; for calibration Thulasidasan et al. (2019).

    >>> weight, partner = mixing(4, alpha=0.2, key=(0, 1, 2))
    >>> 0 <= weight <= 1, sorted(partner.tolist())
    (True, [0, 1, 2, 3])
    """
    if not 0 < alpha <= 1e6:
        raise InputError(f"alpha must lie in (0, 1e6], got {alpha}", help="0.2 is a usual value; leave mixup out for 0")
    if n < 1:
        raise InputError(f"a batch must have at least one example, got {n}", help="leave out empty batches")
    try:
        rng = np.random.default_rng([*key])
    except (TypeError, ValueError) as error:
        raise InputError(
            f"key must be whole numbers of at least 0, got {key!r}", help="(seed, epoch, batch) will do"
        ) from error
    return float(rng.beta(alpha, alpha)), rng.permutation(n)


def mixed(values: Tensor, partner: Int | Tensor, weight: float) -> Tensor:
    """``weight * values + (1 - weight) * values[partner]``, for inputs or rows ``(n, ...)`` of one batch.

    >>> mixed(torch.tensor([0.0, 8.0]), torch.tensor([1, 0]), 0.75)
    tensor([2., 6.])
    """
    index = torch.as_tensor(partner, device=values.device)
    return weight * values + (1 - weight) * values[index]


def mixed_rows(targets: Tensor, partner: Int | Tensor, weight: float, n_classes: int) -> Tensor:
    """Target rows ``(n, k)`` of a mixed batch, from labels int64 ``(n,)`` (then float32) or rows ``(n, k)``.

    The cross-entropy against them is λ·H(t_i, p) + (1 − λ)·H(t_partner, p), and they still sum to 1.  Raises
    `InputError` for targets of another shape or dtype and for a weight outside [0, 1].

    >>> mixed_rows(torch.tensor([0, 2]), torch.tensor([1, 0]), 0.75, 3)
    tensor([[0.7500, 0.0000, 0.2500],
            [0.2500, 0.0000, 0.7500]])
    """
    if not 0 <= weight <= 1:
        raise InputError(f"weight must lie in [0, 1], got {weight}", help="take it from `mixing`")
    if targets.ndim == 1 and targets.dtype == torch.int64:
        targets = functional.one_hot(targets, n_classes).float()
    if targets.ndim != 2 or targets.shape[1] != n_classes or not targets.is_floating_point():
        raise InputError(
            f"targets must be int64 labels (n,) or rows (n, {n_classes}), got {targets.dtype} {tuple(targets.shape)}",
            help="pass one class index or one distribution an example",
        )
    return mixed(targets, partner, weight)
