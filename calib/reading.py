"""How to open what people bring: where the data lies, what scores are, what network these weights belong to."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from calib.errors import InputError

if TYPE_CHECKING:
    from calib.predictions import Kind


@dataclass(frozen=True)
class Reading:
    """Answers that a file does not give itself; None is "look for it".

    ``data_dir``, ``device`` and ``batch_size`` are for networks.  Of predictions, ``kind`` says whether scores are
    logits or probabilities, ``labels`` is a file of labels.  Of weights that calib did not train, ``arch`` names the
    architecture, or ``model`` a function "package.module:factory" that makes the network; ``dataset`` the images,
    ``mean`` and ``std`` their normalisation (one number, or one a channel), ``image_size`` the side that images of a
    folder are cut to; ``averaged`` takes the averages over the training.  ``on_images`` is told how many images a
    network has gone through.
    """

    data_dir: Path | None = None
    device: str = "cpu"
    batch_size: int = 500
    kind: "Kind | None" = None
    labels: Path | None = None
    class_names: tuple[str, ...] | None = None
    arch: str | None = None
    model: str | None = None
    dataset: str | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    image_size: int | None = None
    averaged: bool = False
    on_images: Callable[[int], None] | None = field(default=None, compare=False, repr=False)

    def refuse(self, names: tuple[str, ...], *, what: str) -> None:
        """Raise `InputError` where one of these was said though ``what`` has no use for it."""
        for name in names:
            if getattr(self, name) != getattr(AS_IT_IS, name):
                raise InputError(f"--{option_of(name)} was given, but {what}", help="leave it out")


def option_of(name: str) -> str:
    """What the command line calls a field of `Reading`."""
    return {"kind": "from", "averaged": "ema"}.get(name, name.replace("_", "-"))


OF_PREDICTIONS = ("kind", "labels", "class_names")
OF_NETWORKS = ("device", "batch_size")
OF_WEIGHTS = ("arch", "model", "dataset", "mean", "std", "image_size", "averaged")
AS_IT_IS = Reading()  # nothing is said: the file must say all
