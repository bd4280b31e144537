"""What every study is told alike: how its networks are trained, and how its table is shown."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from calib._text import printable
from calib.cli._networks import command_line, train_networks
from calib.cli._options import DataDir, Device, Force, Json, TableFormat, Workers, taking
from calib.cli._output import emit, refuse_picture_as_folder, render, say
from calib.export import Format

if TYPE_CHECKING:
    import pandas as pd

    from calib.studies.train_all import Watch
    from calib.training.config import TrainConfig

    Shown: TypeAlias = tuple[pd.DataFrame, Callable[[pd.DataFrame], pd.DataFrame]]  # every number, and how it reads


@dataclass(frozen=True)
class Work:
    """How networks are trained and looked at, and their table is written."""

    workers: int | None = None
    data_dir: Path | None = None
    device: str = "cpu"
    format: Format = "table"
    force: bool = False

    @property
    def where(self) -> dict[str, object]:
        """Where networks and their data are, as the functions of the studies take it."""
        return {"data_dir": self.data_dir, "device": self.device}

    def train(self, configs: "Mapping[str, TrainConfig]", folder: Path, *, watch: "Watch | None" = None) -> list[Path]:
        """As `train_networks`."""
        options = {"workers": self.workers, "force": self.force, "data_dir": self.data_dir, "device": self.device}
        return train_networks(configs, folder, watch=watch, **options)  # type: ignore[arg-type]  # as it takes them

    def command(self, study: str, options: Mapping[str, object]) -> str:
        """The line that makes the study again."""
        rest = {"workers": self.workers, "device": None if self.device == "cpu" else self.device}
        return command_line(f"calib study {study}", {**options, **rest})

    def show(self, first: "Shown", *more: "Shown", **extra: object) -> None:
        """Print a table, and for people those that go with it; ``extra`` is what JSON says beside the rows."""
        full, readable = first
        emit(render(self.format, full=full, shown=readable(full), extra=extra), None)
        if self.format in ("table", "markdown", "latex"):
            for full, readable in more:
                emit(f"\n{render(self.format, full=full, shown=readable(full), extra={})}", None)


ALONE = Work()


def _work(
    workers: Workers = None,
    data_dir: DataDir = None,
    device: Device = "cpu",
    format: TableFormat = "table",
    json: Json = False,
    force: Force = False,
) -> Work:
    from calib.inference import resolve_device

    return Work(workers, data_dir, resolve_device(device), "json" if json else format, force)


studies = partial(taking, "work", _work)


def study_folder(output: Path | None, default: str, *, title: str, files: Sequence[str]) -> Path:
    """The folder to fill.  Raises `InputError` for the name of a picture, and for a folder that is somebody else's."""
    from calib.studies._files import refuse_foreign

    folder = output or Path(default)
    refuse_picture_as_folder(folder)
    refuse_foreign(folder, title, files)
    return folder


def filled(folder: Path, networks: int, files: Sequence[str]) -> None:
    """Say what is in a folder now."""
    say(f"\nIn {printable(str(folder))}: {networks} run directories, {', '.join(files)}")
