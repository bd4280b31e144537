"""Batch normalisation with the statistics of all ranks' rows together, forwards and backwards, also on processors.

torch's own SyncBatchNorm takes no tensors of the processor.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from calib.errors import InputError

if TYPE_CHECKING:
    from calib.training.ranks import Ranks


class CrossRankNorm1d(nn.BatchNorm1d):
    """`torch.nn.BatchNorm1d` over the rows ``(n, c)`` or ``(n, c, length)`` of all ranks."""

    ranks: "Ranks"

    def forward(self, input: Tensor) -> Tensor:
        """Normalise this rank's rows; in training mode every rank must call it, also with no rows."""
        return _forward(self, input, self.ranks) if self.training else super().forward(input)


class CrossRankNorm2d(nn.BatchNorm2d):
    """`torch.nn.BatchNorm2d` over the rows ``(n, c, height, width)`` of all ranks."""

    ranks: "Ranks"

    def forward(self, input: Tensor) -> Tensor:
        """Normalise this rank's rows; in training mode every rank must call it, also with no rows."""
        return _forward(self, input, self.ranks) if self.training else super().forward(input)


class CrossRankNorm3d(nn.BatchNorm3d):
    """`torch.nn.BatchNorm3d` over the rows ``(n, c, depth, height, width)`` of all ranks."""

    ranks: "Ranks"

    def forward(self, input: Tensor) -> Tensor:
        """Normalise this rank's rows; in training mode every rank must call it, also with no rows."""
        return _forward(self, input, self.ranks) if self.training else super().forward(input)


_ACROSS: dict[type[nn.Module], type[CrossRankNorm1d | CrossRankNorm2d | CrossRankNorm3d]] = {
    nn.BatchNorm1d: CrossRankNorm1d,
    nn.BatchNorm2d: CrossRankNorm2d,
    nn.BatchNorm3d: CrossRankNorm3d,
}
_ALREADY_ACROSS = (CrossRankNorm1d, CrossRankNorm2d, CrossRankNorm3d, nn.SyncBatchNorm)


def normalise_across(model: nn.Module, ranks: "Ranks") -> None:
    """Give every batch normalisation in ``model`` the statistics of all ``ranks`` while it trains.

    The modules change their class where they stand, as torch's lazy layers do: parameters, buffers, hooks, the names
    in the state dict and what they compute in eval mode are as before.  Raises `InputError`, and leaves ``model`` as it
    was, for a subclass of torch's batch normalisation, whose own forward pass would be lost.
    """
    found = [(name, module) for name, module in model.named_modules() if isinstance(module, _BatchNorm)]
    for name, module in found:
        if type(module) not in _ACROSS and not isinstance(module, _ALREADY_ACROSS):
            raise InputError(
                f"layer {name!r} is a {type(module).__name__}, which normalises in a way of its own: "
                "its statistics cannot be taken over several processes",
                help="train this architecture in one process",
            )
    for _, module in found:
        across = _ACROSS.get(type(module))
        if across is not None:
            module.__class__ = across
            setattr(module, "ranks", ranks)  # noqa: B010  # mypy takes what a module is given for a tensor


@dataclass(frozen=True, eq=False)
class _Moments:
    """Of all ranks' values in each channel: ``mean (c,)``, biased ``variance (c,)``, their number ``count ()``.

    In float64; the same bits on every rank.
    """

    mean: Tensor
    variance: Tensor
    count: Tensor


def _forward(norm: _BatchNorm, x: Tensor, ranks: "Ranks") -> Tensor:
    """Do what torch's ``_BatchNorm.forward`` does in training mode, with the moments of all ranks."""
    norm._check_input_dim(x)  # type: ignore[no-untyped-call]  # torch ships this method without types
    moments = _moments(x.detach(), ranks)
    if norm.track_running_stats:
        _track(norm, moments)
    normalised: Tensor = _Normalise.apply(x, norm.weight, norm.bias, moments, norm.eps, ranks)  # type: ignore[no-untyped-call]
    return normalised


def _moments(x: Tensor, ranks: "Ranks") -> _Moments:
    """Moments over all ranks in one collective: each rank's mean and centred squares, merged as by Chan et al. (1979).

    Nothing cancels, as in a second pass about the common mean.  Raises ``ValueError``, on every rank, where the global
    batch has a single value per channel.
    """
    dims, c = _all_but_channels(x), x.shape[1]
    count = x.numel() // c
    wide = x if x.dtype == torch.float64 else x.float()
    mean = wide.sum(dims) / max(count, 1)  # an empty share is n = 0, mean 0, not 0 / 0
    squares = (wide - mean.view(_beside(x))).square_().sum(dims)
    # Every rank fills its own row of zeros, so that the sum gathers the rows, and all merge them in the same order.
    rows = torch.zeros(ranks.n, 2 * c + 1, dtype=torch.float64, device=x.device)
    rows[ranks.rank] = torch.cat([mean.double(), squares.double(), rows.new_tensor([count])])
    means, squares, counts = torch.split(ranks.sum(rows), [c, c, 1], dim=1)
    total = counts.sum()
    if count < 2 and float(total) < 2:  # only with so few here can the others have none: spares a GPU the wait
        raise ValueError(
            f"Expected more than 1 value per channel when training, got {int(total)} in {ranks.n} processes together"
        )
    mean = (counts * means).sum(dim=0) / total
    squares = (squares + counts * (means - mean).square()).sum(dim=0)
    return _Moments(mean, squares / total, total)


def _track(norm: _BatchNorm, moments: _Moments) -> None:
    """Move the running statistics; the variance that runs is the unbiased one, as torch has it."""
    share = 0.0 if norm.momentum is None else norm.momentum
    if norm.num_batches_tracked is not None:
        norm.num_batches_tracked.add_(1)
        if norm.momentum is None:  # the mean over all batches so far
            share = 1.0 / float(norm.num_batches_tracked)
    unbiased = moments.variance * (moments.count / (moments.count - 1))
    for running, new in ((norm.running_mean, moments.mean), (norm.running_var, unbiased)):
        if running is not None:
            running.copy_(share * new + (1 - share) * running)


class _Normalise(torch.autograd.Function):
    """``weight · (x − mean) / √(variance + eps) + bias``, where mean and variance depend on the rows of all ranks."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor | None, bias: Tensor | None, moments: _Moments, eps: float, ranks: "Ranks"
    ) -> Tensor:
        kind = x.dtype if weight is None else weight.dtype
        ctx.save_for_backward(x, weight, moments.mean, (moments.variance + eps).rsqrt(), moments.count)
        ctx.ranks = ranks
        mean, variance = moments.mean.to(kind), moments.variance.to(kind)
        return functional.batch_norm(x, mean, variance, weight, bias, training=False, eps=eps)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Pass on gradients of the sum of all ranks' losses.

        With x̂ the normalised input and g the gradient, x receives
        weight / √(variance + eps) · (g − mean of g − x̂ · mean of g · x̂), means over the rows of all ranks.  Weight and
        bias receive this rank's part, as every other parameter does: `Ranks.sum_gradients` adds the parts.
        """
        x, weight, mean, inverse, count = ctx.saved_tensors
        dims, beside = _all_but_channels(x), _beside(x)
        kind = torch.float64 if x.dtype == torch.float64 else torch.float32
        wide = gradient.to(kind)
        normal = (x - mean.to(kind).view(beside)) * inverse.to(kind).view(beside)
        sums = torch.stack([wide.sum(dims), (wide * normal).sum(dims)])
        for_x = for_weight = for_bias = None
        if ctx.needs_input_grad[0]:  # alike on all ranks, as their networks are: all sum, or none
            means = (ctx.ranks.sum(sums.double()) / count).to(kind)
            scale = inverse if weight is None else inverse * weight
            along = normal.mul_(means[1].view(beside))
            for_x = (wide - means[0].view(beside)).sub_(along).mul_(scale.to(kind).view(beside)).to(x.dtype)
        if ctx.needs_input_grad[1]:
            for_weight = sums[1].to(weight.dtype)
        if ctx.needs_input_grad[2]:
            for_bias = sums[0].to(weight.dtype)
        return for_x, for_weight, for_bias, None, None, None


def _all_but_channels(x: Tensor) -> list[int]:
    return [0, *range(2, x.ndim)]


def _beside(x: Tensor) -> list[int]:
    """Shape in which a value a channel stands beside ``x``."""
    return [1, -1, *[1] * (x.ndim - 2)]
