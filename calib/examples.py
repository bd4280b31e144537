"""Real predictions that come with calib, by name: to try every command and metric without training anything."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from calib._nearest import unknown
from calib.files.npz import load_predictions
from calib.predictions import Predictions

PREFIX = "example:"  # in front of a name where a path could stand
FOLDER = Path(__file__).with_name("examples_data")  # NAME/calibration.npz and NAME/test.npz
SPLITS = ("calibration", "test")

EXAMPLES: tuple[str, ...] = tuple(
    sorted(path.name for path in FOLDER.glob("*") if all((path / f"{split}.npz").is_file() for split in SPLITS))
)


@dataclass(frozen=True, eq=False)
class Example:
    """Predictions of one network that calib trained, on the calibration and the test split; logits in float16."""

    name: str
    calibration: Predictions
    test: Predictions

    @property
    def provenance(self) -> Mapping[str, Any]:
        """Where the numbers come from: ``config``, ``command``, ``commit``, ``hardware``, ``versions``, hashes."""
        return MappingProxyType({key: value for key, value in self.test.provenance.items() if key != "split"})

    def __repr__(self) -> str:
        return f"Example({self.name}, calibration n={self.calibration.n}, test n={self.test.n})"


def load_example(name: str) -> Example:
    """Load the predictions of an example that comes with calib; `calib.examples.EXAMPLES` are the names.

    Logits ``(n, k)`` in float16, labels ``(n,)`` and class names, of the calibration and of the test split.  On the
    command line ``example:NAME`` stands wherever a run directory could.  Raises `InputError` for an unknown name, with
    the nearest known one.

    >>> example = load_example("digits-resnet8-hard")
    >>> example.test.n, example.calibration.n, example.provenance["config"]["smoothing"]
    (797, 400, 0.0)
    """
    if name not in EXAMPLES:
        raise unknown("example", name, EXAMPLES)
    return read_example(FOLDER / name)


def read_example(folder: Path) -> Example:
    """Read an example from its folder.  Raises `InputError` for what is not there or damaged."""
    calibration, test = (load_predictions(folder / f"{split}.npz") for split in SPLITS)
    return Example(folder.name, calibration, test)


def example_named(path: Path | str) -> str | None:
    """The NAME of ``example:NAME``; None for anything else, which is then a path.

    A file whose own name begins so is reached by its absolute path.

    >>> example_named("example:digits"), example_named("runs/hard")
    ('digits', None)
    """
    text = str(path)
    return text.removeprefix(PREFIX) if text.startswith(PREFIX) else None
