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
        raise InputError("the validation step must return a dictionary with `logits`", help=_HOW)
    if "labels" in outputs:
        return outputs["logits"], outputs["labels"]
    if not isinstance(batch, list | tuple) or len(batch) < 2:
        raise InputError(f"the labels are no second part of a batch that is a {type(batch).__name__}", help=_HOW)
    return outputs["logits"], batch[1]


_HOW = 'return {"loss": loss, "logits": logits, "labels": labels}, or pass read=lambda outputs, batch: (logits, labels)'


class CalibrationCallback(Base):
    """Log ``val_ece``, ``val_nll``, ``val_brier``, ``val_mce``, ``val_gap`` and ``val_accuracy``; ``test_…`` likewise.

    ``read`` finds logits ``(n, k)`` and labels ``(n,)`` in what a step returned and its batch; steps that return None
    are left out.  ``prefix`` goes before the names.  Of several dataloaders each has its numbers, under Lightning's
    ``/dataloader_idx_0``.  The numbers are exact over all batches and, by one merge of sums, over all processes; a
    sampler that repeats examples to make processes even counts them twice (``use_distributed_sampler=False`` and a
    sampler of one's own avoid it).

        import pytorch_lightning as lightning
        from calib.integrations.lightning import CalibrationCallback

        lightning.Trainer(callbacks=[CalibrationCallback()]).fit(module, train_loader, validation_loader)
    """

    def __init__(self, *, read: Read = logits_and_labels, n_bins: int = 15, prefix: str = "") -> None:
        if Base is object:
            raise InputError("Lightning is not installed", help="pip install pytorch-lightning")
        super().__init__()
        self.read, self.n_bins, self.prefix = read, n_bins, prefix
        self.states: dict[int, CalibrationState] = {}

    def on_validation_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """Begin anew."""
        self.states = {}

    on_test_epoch_start = on_validation_epoch_start

    def on_validation_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """Add a batch.  Raises `InputError` for bad logits or labels."""
        if outputs is None:
            return
        logits, labels = self.read(outputs, batch)
        state = self.states.setdefault(dataloader_idx, CalibrationState(n_bins=self.n_bins))
        state.update(Predictions.from_logits(logits, labels))

    on_test_batch_end = on_validation_batch_end

    def on_validation_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Log the numbers of the epoch, the same on every process."""
        self._log(trainer, pl_module, "val", trainer.num_val_batches)

    def on_test_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Likewise of a test."""
        self._log(trainer, pl_module, "test", trainer.num_test_batches)

    def _log(self, trainer: Any, module: Any, stage: str, loaders: Any) -> None:
        several = isinstance(loaders, list) and len(loaders) > 1
        for index in range(len(loaders) if several else 1):  # every process merges, also one that saw no batch
            state = self.states.get(index, CalibrationState(n_bins=self.n_bins))
            whole = all_merge(state) if trainer.world_size > 1 else state
            if whole.curve.n == 0:
                continue
            summary, suffix = whole.compute(), f"/dataloader_idx_{index}" if several else ""
            names = {f"{self.prefix}{stage}_{name}{suffix}": getattr(summary, name) for name in NAMES}
            module.log_dict(names, sync_dist=False, add_dataloader_idx=False)
