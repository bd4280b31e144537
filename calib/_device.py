"""Passes over logits that lie on an accelerator: reduced there, only columns and sums come over."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from calib._arrays import Float, Int, to_numpy
from calib._blocks import check_logits, is_moderate

if TYPE_CHECKING:
    from calib.predictions import Predictions

BLOCK_ENTRIES = 4_194_304  # 16 MiB of float32: large enough to be worth the start of a dozen kernels
SMALLEST = {True: 1e-290, False: 1e-30}  # by whether float64: sums above these have lost nothing to underflow


def reduced_rows(predictions: "Predictions") -> Iterator[tuple[slice, Int, Float, Float, Float, Float]]:
    """Yield ``(rows, predicted, true_logit, log_rest, rest, squares)`` for blocks of rows, on the processor.

    Logits count relative to the row maximum, times ``beta``; ``rest`` is Σ exp(logit) over every class but the
    predicted one, ``squares`` Σ exp(2 · logit).  Raises `InputError` naming the first bad row.
    """
    torch: Any = sys.modules["torch"]
    logits: Any = predictions.values.tensor  # type: ignore[attr-defined]  # a DeviceArray
    n, k = predictions.values.shape
    narrow = logits.dtype != torch.float64 and is_moderate(predictions.beta)
    wide = torch.float32 if narrow else torch.float64
    beta = torch.as_tensor(np.broadcast_to(np.asarray(predictions.beta, np.float64), n).copy(), device=logits.device)
    labels = torch.as_tensor(predictions.labels.copy(), device=logits.device)
    step = max(1, BLOCK_ENTRIES // k)
    for start in range(0, n, step):
        rows = slice(start, min(start + step, n))
        block = logits[rows].to(wide)
        predicted = block.argmax(dim=1, keepdim=True)
        top = block.gather(1, predicted)
        if not bool(torch.isfinite(top).all()):
            check_logits(to_numpy(block), to_numpy(top[:, 0]), start)
        scale = beta[rows, None]
        true_logit = (block.gather(1, labels[rows, None]).double() - top.double()) * scale
        odds = ((block - top) * scale.to(wide)).exp_().scatter_(1, predicted, 0.0)
        rest = odds.sum(dim=1, dtype=torch.float64)
        squares = odds.square_().sum(dim=1, dtype=torch.float64)
        log_rest = rest.log()
        tiny = torch.nonzero(rest < SMALLEST[wide == torch.float64])[:, 0]
        if len(tiny):
            far = ((block[tiny].double() - top[tiny].double()) * scale[tiny]).scatter_(1, predicted[tiny], -torch.inf)
            log_rest[tiny] = far.logsumexp(dim=1)
            rest[tiny] = log_rest[tiny].exp()
            squares[tiny] = (2 * far).logsumexp(dim=1).exp()
        columns = (to_numpy(column) for column in (true_logit[:, 0], log_rest, rest, squares))
        yield (rows, to_numpy(predicted[:, 0]), *columns)  # type: ignore[misc]  # four of them


def nll_sums(
    predictions: "Predictions", beta: float, weight: Float, targets: Float | None
) -> Iterator[tuple[Float, Float]]:
    """Yield for blocks of rows what `calib.calibrators._likelihood` sums: ``(5,)`` of NLL at 1, moments at β; ends.

    In float64 on the device.  Raises `InputError` naming the first bad row.
    """
    torch: Any = sys.modules["torch"]
    logits: Any = predictions.values.tensor  # type: ignore[attr-defined]  # a DeviceArray
    n, k = predictions.values.shape
    carried = np.broadcast_to(np.asarray(predictions.beta, np.float64), n)
    step = max(1, BLOCK_ENTRIES // k)
    for start in range(0, n, step):
        rows = slice(start, min(start + step, n))
        scale, share, labels = (
            torch.as_tensor(column[rows].copy(), device=logits.device)
            for column in (carried, weight, predictions.labels)
        )
        block = logits[rows].double()
        top = block.amax(dim=1, keepdim=True)
        if not bool(torch.isfinite(top).all()):
            check_logits(to_numpy(block), to_numpy(top[:, 0]), start)
        block = (block - top) * scale[:, None]
        if targets is None:
            true_logit = block.gather(1, labels[:, None])[:, 0]
        else:
            soft = torch.as_tensor(targets[rows], device=logits.device)
            true_logit = (soft * block.where(soft > 0, 0.0)).sum(dim=1)
        true_logit = true_logit.where(share > 0, 0.0)
        finite = torch.isfinite(block)
        block = block.where(finite, 0.0)
        known = true_logit.where(torch.isfinite(true_logit), 0.0)
        ends = [
            share @ (block.sum(dim=1) / finite.sum(dim=1) - known),
            -(share @ known),
            (~torch.isfinite(true_logit)).any(),
            (~finite).any(),
        ]
        odds = (beta * block).exp_().mul_(finite)
        total, first = odds.sum(dim=1), (odds * block).sum(dim=1)
        mean = first / total
        slope = mean - true_logit
        columns = [
            (block.exp() * finite).sum(dim=1).log() - true_logit,
            total.log() - beta * true_logit,
            slope,
            odds.mul_(block).mul_(block).sum(dim=1) / total - mean**2,
        ]
        moments = [*(share @ column for column in columns), ((share * slope) ** 2).sum()]
        yield np.array([float(entry) for entry in moments]), np.array([float(end) for end in ends])
