"""The maps of the calibrators as functions of tensors, in operations that gradients, torch.export and ONNX follow."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from calib.calibrators._base import LOWEST
from calib.calibrators.isotonic import SLOPE

Table: TypeAlias = Mapping[str, Tensor]


@dataclass(frozen=True, eq=False)
class Rows:
    """What the maps read of scores ``(n, k)``, in the dtype of the computation.

    ``shift`` are logits less the row maximum; ``top`` marks the predicted class of each row; ``given`` are the
    probabilities where those were given, which step functions and splines read as they are.
    """

    shift: Tensor
    top: Tensor
    given: Tensor | None

    @property
    def probs(self) -> Tensor:
        """The distributions before calibration."""
        return torch.softmax(self.shift, dim=-1)

    @property
    def finite_log_probs(self) -> Tensor:
        """As `calib.calibrators._base.finite_log_probs`."""
        return torch.log_softmax(self.shift, dim=-1).clamp(min=LOWEST)


def rows_of(scores: Tensor, *, are_probs: bool) -> Rows:
    """Read scores ``(n, k)``."""
    logits = scores.log() if are_probs else scores
    top = torch.arange(scores.shape[-1], device=scores.device) == scores.argmax(dim=-1, keepdim=True)
    shift = logits - logits.amax(dim=-1, keepdim=True)
    return Rows(shift, top, scores.clamp(max=1.0) if are_probs else None)


def _temperature(rows: Rows, table: Table) -> Tensor:
    return rows.shift / table["temperature"]


def _vector(rows: Rows, table: Table) -> Tensor:
    return table["scale"] * rows.finite_log_probs + table["intercept"]


def _matrix(rows: Rows, table: Table) -> Tensor:
    return torch.nn.functional.linear(rows.finite_log_probs, table["matrix"], table["intercept"])


def _structured_vector(rows: Rows, table: Table) -> Tensor:
    return table["scale"] * _mixed(rows, table) + table["intercept"]


def _structured_matrix(rows: Rows, table: Table) -> Tensor:
    return torch.nn.functional.linear(_mixed(rows, table), table["matrix"], table["intercept"])


def _platt(rows: Rows, table: Table) -> Tensor:
    return _two_logits(table["slope"] * _binary_log_odds(rows, table) + table["intercept"])


def _beta(rows: Rows, table: Table) -> Tensor:
    log_odds = _binary_log_odds(rows, table)
    zero = torch.zeros_like(log_odds)
    log_p, minus_log_rest = -_log_add(-log_odds, zero), _log_add(log_odds, zero)
    return _two_logits(table["a"] * log_p + table["b"] * minus_log_rest + table["c"])


def _ensemble(rows: Rows, table: Table) -> Tensor:
    scaled, given, uniform = table["weights"].unbind()
    k = rows.shift.shape[-1]
    mixture = scaled * torch.softmax(rows.shift / table["temperature"], dim=-1) + given * rows.probs + uniform / k
    return _keep_predicted(mixture, rows)


def _desmoothing(rows: Rows, table: Table) -> Tensor:
    above = torch.relu(rows.probs - table["smoothing"] / rows.shift.shape[-1])
    return _keep_predicted(above / above.sum(dim=-1, keepdim=True), rows)


def _steps(rows: Rows, table: Table) -> Tensor:
    """One step function a class, or of P(y = 1) alone of two."""
    log_odds = _class_log_odds(rows)
    if log_odds.shape[-1] == 2:
        positive = _step(table, log_odds[:, 1:])
        scores = torch.cat([1 - positive, positive], dim=-1)
    else:
        scores = _step(table, log_odds)
    total = scores.sum(dim=-1, keepdim=True)
    return torch.where(total > 0, scores / total, rows.probs)


def _pooled_steps(rows: Rows, table: Table) -> Tensor:
    scores = _step(table, _class_log_odds(rows)) + SLOPE * rows.probs
    return _keep_predicted(scores / scores.sum(dim=-1, keepdim=True), rows)


def _spline(rows: Rows, table: Table) -> Tensor:
    """Interpolated in 1 − confidence, which keeps its digits in float32 where the confidence has reached 1."""
    if rows.given is None:
        rest = rows.shift.exp().masked_fill(rows.top, 0.0).sum(dim=-1, keepdim=True)
        doubt = rest / (1 + rest)
    else:
        doubt = 1 - rows.given.amax(dim=-1, keepdim=True)
    upper = _edges_below(table["doubt"], doubt)
    lower = (upper - 1).clamp(min=0)
    start, end = table["doubt"].gather(0, lower), table["doubt"].gather(0, upper)
    low, high = table["recalibrated"].gather(0, lower), table["recalibrated"].gather(0, upper)
    wanted = low + (high - low) * torch.where(end > start, (doubt - start) / (end - start), 0.0)
    others = rows.shift.masked_fill(rows.top, -torch.inf)
    none = others.amax(dim=-1, keepdim=True) == -torch.inf  # the others had no probability: they share evenly
    others = torch.softmax(torch.where(none, torch.zeros_like(others), others).masked_fill(rows.top, -torch.inf), -1)
    largest = others.amax(dim=-1, keepdim=True)
    wanted = wanted + rows.shift.amax(dim=-1, keepdim=True).detach()  # 0, or NaN in a bad row
    confidence = torch.maximum(wanted, largest / (1 + largest))
    return _keep_predicted(torch.where(rows.top, confidence, others * (1 - confidence)), rows)


LOGITS: Mapping[str, Callable[[Rows, Table], Tensor]] = {
    "temperature": _temperature,
    "vector": _vector,
    "matrix": _matrix,
    "dirichlet": _matrix,
    "structured-vector": _structured_vector,
    "structured-matrix": _structured_matrix,
    "platt": _platt,
    "beta": _beta,
}
PROBS: Mapping[str, Callable[[Rows, Table], Tensor]] = {
    "ensemble-temperature": _ensemble,
    "desmoothing": _desmoothing,
    "histogram": _steps,
    "bbq": _steps,
    "isotonic": _steps,
    "isotonic, pooled": _pooled_steps,
    "spline": _spline,
}


def _log_add(one: Tensor, other: Tensor) -> Tensor:
    """ln(exp(one) + exp(other)); torch.logaddexp, softplus and logsigmoid lose the small ones, here or in ONNX."""
    return torch.maximum(one, other) + torch.log1p(torch.exp(-(one - other).abs()))


def _mixed(rows: Rows, table: Table) -> Tensor:
    """ln((1 − e) softmax(z / T) + e / k); e = 0 leaves the first term alone."""
    logs = torch.log_softmax(rows.finite_log_probs / table["temperature"], dim=-1)
    uniform = torch.log(table["mixing"] / logs.shape[-1])
    return _log_add(logs + torch.log1p(-table["mixing"]), uniform.expand_as(logs))


def _binary_log_odds(rows: Rows, table: Table) -> Tensor:
    log_odds = rows.shift[:, 1:] - rows.shift[:, :1]
    return torch.minimum(torch.maximum(log_odds, -table["limit"]), table["limit"])


def _two_logits(logits: Tensor) -> Tensor:
    return torch.cat([torch.zeros_like(logits), logits], dim=-1)


def _keep_predicted(probs: Tensor, rows: Rows) -> Tensor:
    """As `calib.calibrators._base.keep_predicted`: of a tie the predicted class comes out on top."""
    predicted = rows.top.to(torch.int64).argmax(dim=-1, keepdim=True)
    moved = probs.argmax(dim=-1, keepdim=True) != predicted
    lifted = probs.amax(dim=-1, keepdim=True) * (1 + torch.finfo(probs.dtype).eps)
    return torch.where(rows.top & moved, lifted, probs)


def _class_log_odds(rows: Rows) -> Tensor:
    """As `calib.calibrators._steps.class_log_odds`."""
    if rows.given is not None:
        return rows.given.log() - torch.log1p(-rows.given)
    odds = rows.shift.exp()
    others = rows.shift.masked_fill(rows.top, -torch.inf)
    runner_up = others.amax(dim=-1, keepdim=True)
    runner_up = torch.where(runner_up == -torch.inf, torch.zeros_like(runner_up), runner_up)
    against = (others - runner_up).exp().sum(dim=-1, keepdim=True).log() + runner_up
    return torch.where(rows.top, -against, rows.shift - (odds.sum(dim=-1, keepdim=True) - odds).log())


def _step(table: Table, log_odds: Tensor) -> Tensor:
    """The value of each log-odds' step; NaN stays NaN."""
    edges, values = (table[name].expand(-1, log_odds.shape[-1]) for name in ("edges", "values"))
    return torch.where(log_odds.isnan(), log_odds, values.gather(0, _edges_below(edges, log_odds)))


def _edges_below(edges: Tensor, values: Tensor) -> Tensor:
    """How many of its column's ascending edges ``(2^h − 1, c)`` lie below each value ``(n, c)``, by h halvings.

    It is torch.searchsorted(side="left") column by column; that has no ONNX form, and torch.bucketize is for one
    column, which for many classes makes a graph of as many copies.
    """
    index = torch.zeros_like(values, dtype=torch.int64)
    step = (edges.shape[0] + 1) // 2
    while step > 0:
        index = torch.where(edges.gather(0, index + (step - 1)) < values, index + step, index)
        step //= 2
    return index
