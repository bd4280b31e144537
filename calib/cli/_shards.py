"""SOURCE as shards: when it is, the files it names, what reads them, and a count of rows on the way."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from calib.cli._progress import counting_bar
from calib.errors import InputError
from calib.reading import OF_WEIGHTS, Reading

if TYPE_CHECKING:
    from calib.files.shards import Shards
    from calib.parts import OnePart, Parts
    from calib.streamed import StreamedReport


@dataclass(frozen=True)
class Engine:
    """What goes through the parts: this process, or Dask's workers, at a ``scheduler`` or started for the purpose."""

    name: Literal["local", "dask"] = "local"
    scheduler: str | None = None

    @contextmanager
    def parts(self) -> "Iterator[Callable[[Shards], Parts]]":
        """The way from shards to the parts that this engine reads."""
        if self.name == "local":
            if self.scheduler is not None:
                raise InputError(
                    f"--scheduler {self.scheduler} is an address of Dask, which reads nothing here",
                    help="add --engine dask, or leave --scheduler out",
                )
            yield lambda shards: shards
            return
        from calib.integrations.dask import DaskParts, connected

        with connected(self.scheduler) as client:
            yield lambda shards: DaskParts.of_shards(client, shards)


HERE = Engine()


def shards_of(source: Path, reading: Reading) -> "Shards":
    """The files that SOURCE names.  Raises `InputError` where there are none, and for labels of their own."""
    from calib.files.shards import Shards

    reading.refuse(OF_WEIGHTS, what=f"{source} is shards of predictions")
    if reading.labels is not None:
        raise InputError("--labels goes with one file of predictions", help="give the shards a column of labels")
    return Shards.of(source, kind=reading.kind, class_names=reading.class_names)


def streamed_report(
    source: Path, calibration: Path | None, reading: Reading, *, bins: int, seed: int, engine: Engine = HERE
) -> "StreamedReport":
    """Evaluate shards under a progress bar.  Raises `InputError` where files to fit on are among those to test on."""
    from calib.streamed import evaluate_streamed

    test = shards_of(source, reading)
    whole = None if calibration is None else _held(calibration, reading)
    fit_on = None if calibration is None or whole is not None else shards_of(calibration, reading)
    if both := {file.resolve() for file in test.files} & {file.resolve() for file in (fit_on.files if fit_on else ())}:
        raise InputError(
            f"{min(both).name} is among the files to test on and among those to fit on",
            help="leave --calibration out, or name other files",
        )
    with row_count() as on_part, engine.parts() as parts_of:
        return evaluate_streamed(
            parts_of(test), whole or (fit_on and parts_of(fit_on)), n_bins=bins, seed=seed, on_part=on_part
        )


def _held(calibration: Path, reading: Reading) -> "OnePart | None":
    """The calibration split of a run or an example, which is in memory; None for files."""
    from calib.examples import example_named
    from calib.files.shards import is_shards
    from calib.parts import OnePart
    from calib.sources import calibration_split

    if example_named(calibration) is None and (is_shards(calibration) or not calibration.is_dir()):
        return None
    return OnePart(calibration_split(calibration, reading))


@contextmanager
def row_count() -> Iterator[Callable[[int], None]]:
    """A progress bar as a function of how many rows were read just now."""
    with counting_bar("rows") as on_progress:
        rows = 0

        def on_part(n: int) -> None:
            nonlocal rows
            rows += n
            on_progress(rows, None)

        yield on_part
