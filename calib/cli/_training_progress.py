"""What ``calib train`` shows while it trains: a bar over the steps, with the latest numbers and the time left."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from calib.cli._output import say

if TYPE_CHECKING:
    from rich.progress import Progress

    from calib.training.checkpoint import Checkpoint
    from calib.training.events import EventWriter

SECONDS = 30.0  # between two lines at least, where there is no terminal to draw a bar on


class TrainingProgress:
    """On a terminal a bar that moves; elsewhere, for logs, a line after an epoch now and then."""

    def __init__(self, progress: "Progress", name: str) -> None:
        self._progress = progress
        self._task = progress.add_task(name, total=None)
        self.events: EventWriter | None = None
        self._numbers, self._said = "", time.monotonic()

    def step(self, done: int, total: int, numbers: Mapping[str, float]) -> None:
        """Move the bar."""
        self._progress.update(
            self._task,
            completed=done,
            total=total,
            description=f"epoch {numbers['epoch']:.0f}, loss {numbers['loss']:.3f}{self._numbers}",
        )

    def epoch(self, checkpoint: "Checkpoint") -> None:
        """Keep the numbers of the held-out examples for the bar; say them where there is none; write the events."""
        row = checkpoint.history[-1]
        if self.events is not None:
            self.events.row(row)
        self._numbers = f"; held out {row['calibration_accuracy']:.3f}, ECE {row['calibration_ece']:.3f}"
        if self._progress.disable and time.monotonic() - self._said >= SECONDS:
            self._said = time.monotonic()
            left = (checkpoint.n_epochs - len(checkpoint.history)) * row["seconds"]
            say(
                f"epoch {row['epoch']:.0f} of {checkpoint.n_epochs}: loss {row['loss']:.3f}{self._numbers}; "
                f"about {left / 60:.0f} min left"
            )
