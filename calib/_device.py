"""The fused pass over logits that lie on an accelerator: reduced there, only columns come over."""

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
