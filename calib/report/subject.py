"""What a report is about: a model with its diagnosis, and what else is known of it."""

import shlex
from dataclasses import dataclass

from calib._arrays import AnyArray
from calib.diagnosis import Diagnosis
from calib.errors import InputError
from calib.groups import members_of


@dataclass(frozen=True, eq=False)
class Subject:
    """One model of a report.

    ``source`` and ``calibration_source`` are what a command line calls its predictions, with the options that open
    them; None where they have no file.  ``notes`` are sentences a reader must know.  ``groups`` are the name of a
    column and its values ``(n,)``.  ``images`` are of the test examples, in their order: uint8 ``(n, height, width)``,
    ``(n, height, width, 3)`` or ``(n, 1 or 3, height, width)``.  Raises `InputError` for other images, and for groups
    of another number.
    """

    name: str
    diagnosis: Diagnosis
    source: str | None = None
    calibration_source: str | None = None
    notes: tuple[str, ...] = ()
    groups: tuple[str, AnyArray] | None = None
    images: AnyArray | None = None

    def __post_init__(self) -> None:
        images, n = self.images, self.diagnosis.before.n
        if self.groups is not None:
            members_of(self.diagnosis.before, self.groups[1])
        if images is None:
            return
        grey = images.ndim == 3
        colour = images.ndim == 4 and (images.shape[3] in (1, 3) or images.shape[1] in (1, 3))
        if images.dtype != "uint8" or len(images) != n or not (grey or colour):
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
    def fit_command(self) -> str:
        """How to fit and save the temperature: a command, or Python where the predictions have no file."""
        if self.source is None:
            return f"calib.TemperatureScaling({self.diagnosis.fitted.temperature:.4g}).transform(predictions)"
        return f"calib calibrate {self.calibration_source or self.source} -o calibrator.json"

    @property
    def commands(self) -> list[str]:
        """`fit_command`, and how to apply it."""
        apply = [] if self.source is None else [f"calib apply calibrator.json {self.source} -o calibrated.npz"]
        return [self.fit_command, *apply]

    @property
    def other_methods(self) -> str:
        """How to compare every method on these predictions."""
        if self.source is None:
            return "calib.compare_calibrators(test, calibration)"
        given = "" if self.calibration_source is None else f" --calibration {self.calibration_source}"
        return f"calib compare-calibrators {self.source}{given}"

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
