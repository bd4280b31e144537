"""A callback of Lightning that logs the calibration of every validation and test epoch."""

# mypy: disable-error-code="misc,valid-type"

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeAlias

from calib.errors import InputError
from calib.integrations.torch_distributed import all_merge
from calib.predictions import Predictions
from calib.state import CalibrationState

Read: TypeAlias = Callable[[Any, Any], tuple[Any, Any]]  # (outputs of the step, batch) -> logits (n, k), labels (n,)
NAMES = ("accuracy", "nll", "brier", "ece", "mce", "gap")


def _callback() -> Any:
    """The base class: that of the package which is in use, `lightning` or `pytorch_lightning`."""
    packages = ("lightning.pytorch", "pytorch_lightning")
    loaded = [name for name in packages if name in sys.modules]
    for name in loaded or packages:
        try:
            return import_module(name).Callback
        except ImportError:
            continue
    return object  # this file can still be read, and says what is missing when it is used


Base = _callback()


def logits_and_labels(outputs: Any, batch: Any) -> tuple[Any, Any]:
    """``outputs["logits"]``, and ``outputs["labels"]`` or the second part of the batch."""
    if not isinstance(outputs, dict) or "logits" not in outputs:
        raise InputError(
            "the validation step must return a dictionary with `logits`",
            help='return {"loss": loss, "logits": logits}, or pass read=lambda outputs, batch: (logits, labels)',
        )
    return outputs["logits"], outputs["labels"] if "labels" in outputs else batch[1]


class CalibrationCallback(Base):
    """Log ``val_ece``, ``val_nll``, ``val_brier``, ``val_mce``, ``val_gap`` and ``val_accuracy``; ``test_…`` likewise.

    ``read`` finds logits ``(n, k)`` and labels ``(n,)`` in what a step returned and its batch.  The numbers are exact
    over all batches and, by one merge of sums, over all processes; a sampler that repeats examples to make processes
    even counts them twice (``use_distributed_sampler=False`` and a sampler of one's own avoid it).

        import pytorch_lightning as lightning
        from calib.integrations.lightning import CalibrationCallback

        lightning.Trainer(callbacks=[CalibrationCallback()]).fit(module, train_loader, validation_loader)
    """

    def __init__(self, *, read: Read = logits_and_labels, n_bins: int = 15) -> None:
        if Base is object:
            raise InputError("Lightning is not installed", help="pip install pytorch-lightning")
        super().__init__()
        self.read, self.n_bins = read, n_bins
        self.state = CalibrationState(n_bins=n_bins)

    def on_validation_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """Begin anew."""
        self.state = CalibrationState(n_bins=self.n_bins)

    on_test_epoch_start = on_validation_epoch_start

    def on_validation_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """Add a batch.  Raises `InputError` for bad logits or labels."""
        logits, labels = self.read(outputs, batch)
        self.state.update(Predictions.from_logits(logits, labels))

    on_test_batch_end = on_validation_batch_end

    def on_validation_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Log the numbers of the epoch, the same on every process."""
        self._log(trainer, pl_module, "val")

    def on_test_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Likewise of a test."""
        self._log(trainer, pl_module, "test")

    def _log(self, trainer: Any, module: Any, stage: str) -> None:
        whole = all_merge(self.state) if trainer.world_size > 1 else self.state
        summary = whole.compute()
        module.log_dict({f"{stage}_{name}": getattr(summary, name) for name in NAMES}, sync_dist=False)
