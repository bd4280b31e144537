"""The sums of `_likelihood` by torch: where the logits lie, or on the processor, with its exponentials and threads."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from math import inf, isfinite
from typing import Any

import numpy as np

from calib._arrays import DeviceArray, Float, as_tensor, is_tensor, to_numpy
from calib._blocks import SHORT, check_logits, is_narrow
from calib._device import BLOCK_ENTRIES as DEVICE_ENTRIES
from calib.calibrators._moments import COLUMNS, FAR, HUGE, Asked, row_moments
from calib.predictions import Predictions

ENTRIES = 786_432  # of a block: torch's threads need more work between calls than numpy's
LOG2_E = float(1 / np.log(2))  # powers of 2 take less time than those of e


def torch_sums(
    predictions: Predictions, weight: Float | None, targets: Float | None, asked: Asked
) -> Iterator[tuple[Float, Float]]:
    """Yield for blocks of rows what `Likelihood` sums: NLL at 1, moments at β; ends.

    Raises `InputError` naming the first bad row.
    """
    torch: Any = sys.modules["torch"]
    n, k = predictions.n, predictions.n_classes
    values: Any = predictions.values
    if isinstance(values, DeviceArray):
        values = values.tensor
    device, most = as_tensor(values[:0]).device, DEVICE_ENTRIES if is_tensor(values) else ENTRIES
    step = min(n, max(1, most // max(COLUMNS, k)))
    classes = 0 if k <= SHORT else 1  # the axis of the classes: short rows lie one after another
    spare = torch.empty(2, step * k, dtype=torch.float64, device=device)
    single = spare[1] if not is_narrow(predictions) else torch.empty(step * k, dtype=torch.float32, device=device)
    carried = np.broadcast_to(np.asarray(predictions.beta, np.float64), n)
    has_carried = bool(np.any(np.asarray(predictions.beta) != 1))
    powers_of_two = [0, 0, *range(1, asked.order + 1), *([2, 3, 4] if asked.order > 2 else [])]
    units = np.log(2) ** np.array(powers_of_two)  # of the sums: from bits to nats
    zero = torch.zeros((), dtype=torch.float64, device=device)

    def column(whole: Any, rows: slice) -> Any:
        return as_tensor(whole[rows]).to(device)

    for start in range(0, n, step):
        rows = slice(start, min(start + step, n))
        shape = (k, rows.stop - start) if classes == 0 else (rows.stop - start, k)
        logits, odds = (part[: shape[0] * shape[1]].view(shape) for part in spare)
        by_row = logits.T if classes == 0 else logits
        by_row.copy_(as_tensor(values[rows]))
        top = logits.amax(dim=classes)
        if not isfinite(top.sum()):
            check_logits(to_numpy(by_row), to_numpy(top), start)
        logits -= top.unsqueeze(classes)
        if has_carried:
            logits *= column(carried, rows).unsqueeze(classes)
        share = None if weight is None else column(weight, rows)
        of = column(predictions.labels if targets is None else targets, rows)
        true_logit = _true_logit(by_row, of, share)
        ends = [zero, zero, zero, zero + (asked.lowest or 0.0)]
        if asked.lowest is None:
            ends = _ends(by_row, true_logit, share)
        before = zero
        if asked.at_one:
            powers = single[: logits.numel()].view(shape)
            odds.copy_(powers.copy_(logits).mul_(LOG2_E).exp2_())
            before = _dot(share, odds.sum(dim=classes).log_() - true_logit)
        logits *= asked.beta * LOG2_E
        if replace(asked, lowest=float(ends[-1])).far:
            logits.clamp_(min=-FAR)
        total = torch.exp2(logits, out=odds).sum(dim=classes)
        per_total = 1 / total
        means = [odds.mul_(logits).sum(dim=classes).mul_(per_total) for _ in range(asked.order)]
        true_logit *= asked.beta
        nll = total.log_().sub_(true_logit)
        sums = [before, *row_moments(nll, means, true_logit.mul_(LOG2_E), share, _dot)]
        yield to_numpy(torch.stack(sums)) * units, to_numpy(torch.stack(ends))


def _true_logit(by_row: Any, of: Any, share: Any | None) -> Any:
    """The logit of the label, or the mean of them under soft targets; 0 in rows that do not count."""
    true_logit = by_row.gather(1, of[:, None])[:, 0] if of.ndim == 1 else (of * by_row.where(of > 0, 0.0)).sum(dim=1)
    return true_logit if share is None else true_logit.where(share > 0, 0.0)  # an impossible label may have no weight


def _dot(share: Any, column: Any) -> Any:
    return column.sum() if share is None else share @ column


def _ends(by_row: Any, true_logit: Any, share: Any) -> list[Any]:
    """As `Likelihood._ends`."""
    total, count, known = by_row.sum(dim=1), by_row.shape[1], true_logit
    lowest, impossible = total.min(), (true_logit == -inf).sum().double()
    if impossible:
        known = true_logit.where(true_logit > -inf, 0.0)
    if not float(lowest) > -HUGE:
        finite = by_row.isfinite()
        total, count = by_row.where(finite, 0.0).sum(dim=1), finite.sum(dim=1)
    if share is not None:
        total = total.where(share > 0, 0.0)  # infinite ones too
    known = _dot(share, known)
    return [_dot(share, total / count) - known, -known, impossible, lowest]
