"""What a report is about: a model with its diagnosis, and what else is known of it."""

import shlex
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Protocol

from calib._arrays import AnyArray
from calib._text import printable
from calib.diagnosis import Diagnosis
from calib.errors import InputError
from calib.group_report import group_report, groups_off
from calib.groups import members_of

if TYPE_CHECKING:
    import pandas as pd

HELD_OUT, NEW = "held-out.npz", "new"  # what commands call files that the reader has to bring
TABLES = (".csv", ".jsonl", ".parquet", ".feather", ".arrow")  # endings that `calib apply` writes too, beside .npz


class Images(Protocol):
    """Images by their row: an array, or what reads one at a time."""

    @property
    def dtype(self) -> Any:
        """Of the pixels."""

    @property
    def shape(self) -> tuple[int, ...]:
        """That of all in one array."""

    def __getitem__(self, row: int, /) -> Any: ...


@dataclass(frozen=True, eq=False)
class Subject:
    """One model of a report.

    ``source`` and ``calibration_source`` are what a command line calls its predictions, with the options that open
    them; None where they have no file.  ``held_out`` is the command that saves predictions of other examples, where
    there is one.  ``notes`` are sentences a reader must know.  ``groups`` are the name of a column and its values
    ``(n,)``.  ``images`` are of the test examples, in their order: uint8 ``(n, height, width)``,
    ``(n, height, width, 3)`` or ``(n, 1 or 3, height, width)``.  Raises `InputError` for other images, and for groups
    of another number.
    """

    name: str
    diagnosis: Diagnosis
    source: str | None = None
    calibration_source: str | None = None
    held_out: str | None = None
    notes: tuple[str, ...] = ()
    groups: tuple[str, AnyArray] | None = None
    images: Images | None = None

    def __post_init__(self) -> None:
        images, n = self.images, self.diagnosis.before.n
        if self.groups is not None:
            members_of(self.diagnosis.before, self.groups[1])
        if images is None:
            return
        grey = len(images.shape) == 3
        colour = len(images.shape) == 4 and (images.shape[3] in (1, 3) or images.shape[1] in (1, 3))
        if images.dtype != "uint8" or not (grey or colour) or images.shape[0] != n:
            raise InputError(
                f"images must be uint8 ({n}, height, width), with 1 or 3 colours, got {images.dtype} {images.shape}",
                help="pass those of the test examples, in their order",
            )

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes, or their numbers."""
        before = self.diagnosis.before
        return before.class_names or tuple(map(str, range(before.n_classes)))

    @property
    def fitted_on_test(self) -> bool:
        """Whether the temperature was fitted on the test split itself, for want of another."""
        return self.diagnosis.cross_fitted and self.diagnosis.before.provenance.get("split") == "test"

    @cached_property
    def group_table(self) -> "pd.DataFrame | None":
        """Every group by itself, with the one temperature of all; None where there are no groups."""
        if self.groups is None:
            return None
        return group_report(self.diagnosis, self.groups[1], seed=self.diagnosis.seed)

    @property
    def by_group(self) -> str | None:
        """The column whose groups need temperatures of their own: one for all leaves some of them miscalibrated."""
        if self.groups is None or self.group_table is None or not self.diagnosis.needs_temperature:
            return None
        return self.groups[0] if groups_off(self.group_table) else None

    @property
    def new(self) -> str:
        """What commands call a file of other examples, of the kind that the source is."""
        return f"{NEW}{self._ending}"

    @property
    def _ending(self) -> str:
        ending = "" if self.source is None else PurePath(shlex.split(self.source)[0]).suffix.lower()
        return ending if ending in TABLES else ".npz"

    @property
    def to_ship(self) -> str:
        """What to ship, and where its temperature is fitted or applied, to be read after "Ship"."""
        column = None if self.by_group is None else printable(self.by_group, limit=60)
        what = self.diagnosis.paste if column is None else f"one temperature for each {column}"
        if self.source is None or not self.diagnosis.cross_fitted:
            return what
        return (
            f"{what}, T fitted anew on {HELD_OUT}"
            if self.fitted_on_test
            else f"{what} for other examples, here {self.new}"
        )

    @property
    def why(self) -> str:
        """Of a temperature without a calibration split: what its numbers are, and on which examples to use it."""
        if not self.diagnosis.cross_fitted or self.diagnosis.fitted.status != "ok":
            return ""
        start = "There was no calibration split: the numbers with a temperature are cross-fitted in 5 folds"
        if self.fitted_on_test:
            return (
                f"{start}, and the one named comes from the test examples themselves, on which it cannot be judged. "
                f"Fit it on examples that the model was neither trained nor tested on: {HELD_OUT} stands for their "
                "predictions."
            )
        new = "" if self.source is None else f": {self.new} stands for these"
        what = "temperature to ship is that" if self.by_group is None else "temperatures to ship are those"
        return f"{start}, and the {what} of all examples, to be applied to others{new}."

    @property
    def commands(self) -> list[str]:
        """How to fit and apply the temperature of `to_ship`: commands, or Python where the predictions have no file."""
        if self.source is None:
            if self.by_group is not None:
                return ["calib.GroupedCalibrator.fit(calib.TemperatureScaling, predictions, groups)"]
            if self.fitted_on_test:
                return ["calib.TemperatureScaling.fit(held_out).transform(predictions)"]
            return [f"calib.TemperatureScaling({self.diagnosis.fitted.temperature:.4g}).transform(predictions)"]
        fit_on, apply_to = self.calibration_source or self.source, self.source
        if self.fitted_on_test:
            fit_on = HELD_OUT
        elif self.diagnosis.cross_fitted:
            apply_to = self.new
        group_by = "" if self.by_group is None else f" --group-by {quoted(self.by_group)}"
        save = [self.held_out] if self.fitted_on_test and self.held_out else []
        return [
            *save,
            f"calib calibrate {fit_on}{group_by} -o calibrator.json",
            f"calib apply calibrator.json {apply_to} -o calibrated{self._ending}",
        ]

    @property
    def other_methods(self) -> str:
        """How to compare every method on these predictions."""
        if self.source is None:
            return "calib.compare_calibrators(test, calibration)"
        command = f"calib compare-calibrators {self.source}"
        if self.calibration_source is None:
            return command
        path, *_ = shlex.split(self.calibration_source)  # the options that open the source are there already
        return f"{command} --calibration {quoted(path)}"

    def pixels(self, row: int) -> AnyArray:
        """One image as uint8 ``(height, width, 3)``.  Raises `InputError` where there are none."""
        if self.images is None:
            raise InputError(f"{self.name} has no images", help="pass them with the predictions")
        image: AnyArray = self.images[row]
        if image.ndim == 2:
            image = image[:, :, None]
        elif image.shape[2] not in (1, 3):
            image = image.transpose(1, 2, 0)
        return image.repeat(3, axis=2) if image.shape[2] == 1 else image


def quoted(*words: str) -> str:
    """Words as one types them into a shell."""
    return shlex.join(words)
