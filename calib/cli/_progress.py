"""Progress bars on stderr: drawn on a terminal alone, gone when the work is done."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer
from typing import TYPE_CHECKING

from calib._text import printable

if TYPE_CHECKING:
    from rich.progress import Progress

PATIENCE = 1.0  # seconds after which work that counts nothing is shown to go on


@contextmanager
def counting_bar(what: str, *, before: str = "") -> Iterator[Callable[[float, int | None], None]]:
    """A progress bar as a function of how many there are and of how many in all.

    Before it is first called the bar just moves, and says ``before``, where that is given.
    """
    with progress_bar() as progress, _patient(progress, before) as waiting:

        def tell(done: float, total: int | None) -> None:
            waiting.cancel()
            task = progress.task_ids[0] if progress.task_ids else progress.add_task(what, total=total)
            progress.update(task, description=what, completed=done, total=total)

        yield tell


@contextmanager
def working(what: str) -> Iterator[None]:
    """A bar that moves while something is done of which nobody can say how much is left."""
    with counting_bar("", before=what):
        yield


@contextmanager
def _patient(progress: "Progress", what: str) -> Iterator[Timer]:
    """What draws a moving bar once it took so long that one wonders."""
    timer = Timer(PATIENCE, progress.add_task, [printable(what, limit=60)], {"total": None})
    timer.daemon = True
    if what and not progress.disable:
        timer.start()
    try:
        yield timer
    finally:
        timer.cancel()


@contextmanager
def progress_bar() -> Iterator["Progress"]:
    """A progress bar on stderr, drawn only where stderr is a terminal."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        Task,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn as Remaining,
    )
    from rich.text import Text

    class Count(MofNCompleteColumn):
        """How many of how many; nothing where nothing is counted."""

        def render(self, task: Task) -> Text:
            return super().render(task) if task.completed or task.total is not None else Text()

    class Time(Remaining):
        """What remains where that is known, else what has passed."""

        def render(self, task: Task) -> Text:
            return super().render(task) if task.total is not None else TimeElapsedColumn().render(task)

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), Count(), Time())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as progress:
        yield progress
