"""calib's exact sums as a metric of torchmetrics: constant memory, one all-reduce, any loop that knows `Metric`."""

# mypy: disable-error-code="misc"

from typing import Any

import numpy as np
import torch
from torch import Tensor

from calib.binning import Closed
from calib.curve import CalibrationCurve
from calib.errors import InputError
from calib.predictions import Kind, Predictions
from calib.state import CalibrationState

try:
    from torchmetrics import Metric
except ImportError:  # this file can still be read, and says what is missing when it is used
    Metric = torch.nn.Module

NAMES = ("accuracy", "nll", "brier", "ece", "rmsce", "mce", "gap")


class CalibrationMetric(Metric):
    """Accuracy, NLL, Brier score, ECE, RMSCE, MCE and gap of all batches, as a dictionary of float64 scalars.

    ``kind`` says whether `update` is given logits or probabilities; ``n_bins`` and ``closed`` are those of `calib.ece`.
    The state is sums in float64, ``(n_bins,)`` and a few scalars, that are added over processes: every example counts
    once and memory does not grow, unlike that of ``torchmetrics.CalibrationError``, which keeps all confidences.
    Raises `InputError` for bad input, and where torchmetrics is not installed.

        from calib.integrations.torchmetrics import CalibrationMetric

        metric = CalibrationMetric(kind="logits").to(device)
        for images, labels in loader:
            metric.update(model(images), labels)
        metric.compute()["ece"]
    """

    full_state_update = False
    is_differentiable = False

    def __init__(self, *, kind: Kind, n_bins: int = 15, closed: Closed = "right", **torchmetrics_options: Any) -> None:
        if Metric is torch.nn.Module:
            raise InputError("torchmetrics is not installed", help="pip install torchmetrics")
        super().__init__(**torchmetrics_options)
        if kind not in ("logits", "probs"):
            raise InputError(f"kind must be logits or probs, got {kind!r}", help="say what the network returns")
        empty = CalibrationState(n_bins=n_bins, closed=closed).curve
        self.kind, self.closed, self.edges = kind, closed, empty.edges
        self.add_state("bins", torch.zeros(3, n_bins, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("losses", torch.zeros(3, dtype=torch.float64), dist_reduce_fx="sum")
        # what sets metrics apart, for collections that let metrics of equal states share one
        convention = torch.tensor([closed == "left", kind == "probs"], dtype=torch.float64)
        self.add_state("convention", convention, dist_reduce_fx="max")

    def set_dtype(self, dst_type: Any) -> "CalibrationMetric":
        """Leave the sums in float64: shorter numbers stop counting."""
        return self

    def update(self, preds: Tensor, target: Tensor) -> None:
        """Add a batch: scores ``(n, k)`` and labels ``(n,)``."""
        make = Predictions.from_logits if self.kind == "logits" else Predictions.from_probs
        part = CalibrationState(n_bins=len(self.edges) - 1, closed=self.closed)
        part.update(make(preds, target))
        curve = part.curve
        self.bins += torch.from_numpy(np.stack([curve.count, curve.confidence_sum, curve.correct_sum])).to(self.bins)
        nll, brier = (0.0, 0.0) if part.losses is None else part.losses
        self.losses += torch.tensor([nll, brier, part.infinite_nll], dtype=torch.float64).to(self.losses)

    def compute(self) -> dict[str, Tensor]:
        """Read the numbers from the sums.  Raises `InputError` where there was no batch."""
        count, confidence, correct = self.bins.double().cpu().numpy()
        nll, brier, infinite = self.losses.double().cpu().numpy()
        state = CalibrationState(n_bins=len(count), closed=self.closed)
        state.curve = CalibrationCurve(self.edges, count.astype(np.int64), confidence, correct, None, self.closed)
        state.losses, state.infinite_nll = np.array([nll, brier]), int(infinite)
        summary = state.compute()
        found = {name: getattr(summary, name) for name in NAMES}
        return {name: torch.tensor(one, dtype=torch.float64, device=self.device) for name, one in found.items()}
