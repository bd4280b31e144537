"""How much a teacher's logits say of which image they saw: after training, and in its course."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from calib._arrays import Float, Int
from calib._nearest import unknown
from calib.errors import InputError
from calib.files.atomic import atomic_file
from calib.index_information import index_information

if TYPE_CHECKING:
    import pandas as pd

    from calib.training.augmentation import AugmentedImages
    from calib.training.checkpoint import Checkpoint
    from calib.training.config import TrainConfig

PASSES = 5  # augmentations that the mean of an example is taken over
PER_CLASS = 300  # examples of either class
LOOKS = 15  # epochs of a training after which it is measured, beside the first


@dataclass(frozen=True, eq=False)
class Probe:
    """Training images of two classes, at most the first `PER_CLASS` of either, which are looked at again and again."""

    images: "AugmentedImages"
    rows: Int
    classes: tuple[int, int]

    @classmethod
    def of(
        cls, checkpoint: "Checkpoint", classes: Sequence[str], *, data_dir: Path | None = None, device: str = "cpu"
    ) -> "Probe":
        """Find the images of two ``classes``.  Raises `InputError` for classes that the network does not know."""
        if missing := [name for name in classes if name not in checkpoint.class_names]:
            raise unknown("class", missing[0], checkpoint.class_names)
        one, other = (checkpoint.class_names.index(name) for name in classes)
        images, labels = training_images(checkpoint, data_dir=data_dir, device=device)
        rows = np.concatenate([np.flatnonzero(labels == c)[:PER_CLASS] for c in (one, other)])
        return cls(images, rows, (one, other))

    def gaps(self, checkpoint: "Checkpoint", *, device: str = "cpu") -> tuple[Float, Float]:
        """Logit differences of the two classes for augmented images: one draw each, and means of `PASSES`.

        Augmented as in the first epochs of the training.
        """
        one, other = self.classes
        passes = augmented_logits(checkpoint, self.images, self.rows, device=device)
        gaps = [logits[:, one] - logits[:, other] for logits in passes]
        return gaps[-1], np.asarray(np.mean(gaps[:-1], axis=0))


def training_images(
    checkpoint: "Checkpoint",
    config: "TrainConfig | None" = None,
    *,
    data_dir: Path | None = None,
    device: str = "cpu",
) -> "tuple[AugmentedImages, Int]":
    """The images that a network was trained on, augmented as ``config`` says (None: its own), and their labels."""
    from calib.datasets import load_dataset
    from calib.training.augmentation import AugmentedImages

    dataset, rows = load_dataset(checkpoint.config.dataset, data_dir=data_dir), checkpoint.split.train
    augmented = config or checkpoint.config
    images = AugmentedImages.of(dataset.images[rows], checkpoint.normalisation, augmented, device=device)
    return images, dataset.labels[rows]


def augmented_logits(
    checkpoint: "Checkpoint", images: "AugmentedImages", rows: Int, *, device: str = "cpu"
) -> Iterator[Float]:
    """Logits ``(n, k)`` of training images ``rows``, augmented as in each of the first `PASSES` + 1 epochs."""
    import torch

    network = checkpoint.model().to(device).eval()
    for epoch in range(1, PASSES + 2):
        with torch.inference_mode():
            parts = torch.split(torch.from_numpy(rows), 500)
            yield torch.cat([network(images.batch(part, epoch)).double().cpu() for part in parts]).numpy()


def looks(n_epochs: int) -> tuple[int, ...]:
    """The epochs after which a training of ``n_epochs`` is measured: the first, the last and some between.

    >>> looks(30)
    (1, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30)
    """
    return tuple(sorted({1, *(max(1, round(n_epochs * i / LOOKS)) for i in range(1, LOOKS + 1))}))


def log_information(
    folder: Path, classes: Sequence[str], data_dir: Path | None, device: str, name: str
) -> "Callable[[Checkpoint], None]":
    """What is called after every epoch of the teacher ``name``: it writes the information after each of `looks` down.

    Rows of a training that is taken up again stay, those of one that begins anew go.
    """
    file, probe = course_file(folder, name), None

    def look(checkpoint: "Checkpoint") -> None:
        nonlocal probe
        epoch = len(checkpoint.history)
        if epoch not in looks(checkpoint.n_epochs):
            return
        if probe is None:
            probe = Probe.of(checkpoint, classes, data_dir=data_dir, device=device)
        found = {before: value for before, value in read_course(file).items() if before < epoch}
        found[epoch] = index_information(*probe.gaps(checkpoint, device=device))
        lines = ["epoch,information", *(f"{at},{value!r}" for at, value in found.items())]
        file.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(file) as target:
            target.write(("\n".join(lines) + "\n").encode())

    return look


def course_file(folder: Path, name: str) -> Path:
    """Where the course of a teacher's information is kept.

    >>> course_file(Path("here"), "teachers/hard-seed0").as_posix()
    'here/information/hard-seed0.csv'
    """
    return folder / "information" / f"{Path(name).name}.csv"


def read_course(file: Path) -> dict[int, float]:
    """Information by epoch; empty where there is no ``file``.  Raises `InputError` where it is something else."""
    if not file.is_file():
        return {}
    try:
        first, *rows = file.read_text(encoding="utf-8").splitlines()
        if first != "epoch,information":
            raise ValueError(f"it begins with {first!r}")
        pairs = [row.split(",") for row in rows]
        return {int(epoch): float(value) for epoch, value in pairs}
    except (ValueError, OSError) as error:
        raise InputError(f"{file} is not what the study wrote: {error}", help="remove it") from error


def information_course(teachers: "pd.DataFrame", folder: Path) -> "pd.DataFrame":
    """One row a teacher and epoch: ``run``, ``model``, ``smoothing``, ``seed``, ``epoch`` and ``information`` in nats.

    ``teachers`` has the finished ones, with their ``epochs`` and the information after the last; the others are those
    that `log_information` wrote into ``folder``, none for networks that were trained without it.
    """
    import pandas as pd

    same, rows = ["run", "model", "smoothing", "seed"], []
    for teacher in teachers.to_dict("records"):
        found = read_course(course_file(folder, teacher["run"])) | {teacher["epochs"]: teacher["information"]}
        known = {name: teacher[name] for name in same}
        rows += [{**known, "epoch": epoch, "information": found[epoch]} for epoch in sorted(found)]
    return pd.DataFrame(rows, columns=[*same, "epoch", "information"])
