"""Training curves as TensorBoard events, for those who watch there; tensorboard itself is optional."""

import math
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from calib.errors import InputError

_TRAINING = ("loss", "accuracy")  # of the training split; calibration_… are of the other, the rest of neither


class EventWriter:
    """Writes one row of the history after the other into ``folder``, where ``tensorboard --logdir`` shows them live.

    Use it as a context, which closes the file at the end; the first row opens it, and a row of epoch 1 removes the
    events of an earlier training in that folder.  A column becomes the scalar ``training/loss``, ``training/accuracy``,
    ``calibration/loss`` (NLL of hard labels), ``calibration/ece``, ``learning_rate`` and so on, at the step ``epoch``;
    what is missing, None or NaN is left out.

    Raises `InputError` where tensorboard is not installed, at once, or the folder cannot be written.
    """

    def __init__(self, folder: Path | str) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise InputError(
                f"TensorBoard events need the package tensorboard ({error})",
                help='in the folder of calib: pip install ".[tensorboard]"; or train without them',
            ) from error
        self._folder, self._open = Path(folder), SummaryWriter
        self._writer: Any = None

    def row(self, epoch_row: Mapping[str, float]) -> None:
        """Write the row of one epoch; it can be seen at once.  Raises `InputError` for a row without its epoch."""
        epoch = epoch_row.get("epoch")
        if epoch is None or not float(epoch).is_integer():
            raise InputError(f"a row of the history has its epoch, a whole number, got {epoch!r}", help="add `epoch`")
        if self._writer is None:
            self._writer = self._opened(first=epoch == 1)
        for column, value in epoch_row.items():
            if column != "epoch" and value is not None and not math.isnan(value):
                self._writer.add_scalar(_tag(column), value, int(epoch))
        self._writer.flush()

    def _opened(self, *, first: bool) -> Any:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for file in self._folder.glob("events.out.tfevents.*") if first else ():
                file.unlink()
            return self._open(str(self._folder))
        except OSError as error:
            raise InputError(
                f"cannot write {self._folder}: {error.strerror or error}", help="name a folder that can be written to"
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()


def _tag(column: str) -> str:
    """``calibration_ece`` -> ``calibration/ece``."""
    if column in _TRAINING:
        return f"training/{column}"
    return column.replace("calibration_", "calibration/", 1) if column.startswith("calibration_") else column
