"""The test images that a network of somebody else is run on: those of a data set, or of folders named by class."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from calib._arrays import Int
from calib._nearest import unknown
from calib._text import listed
from calib.datasets import DATASETS, load_dataset
from calib.datasets.image_folder import MEAN, STD, image_folder
from calib.errors import InputError
from calib.reading import Reading
from calib.training.images import Normalisation

FOLDER = "folder"  # --dataset folder: images in folders named by class


@dataclass(frozen=True, eq=False)
class ForeignData:
    """A name, images in batches, their classes, the normalisation of pixels; ``shape`` is (channels, height, width)."""

    name: str
    batches: Iterator[tuple[Any, Int]]
    class_names: tuple[str, ...]
    normalisation: Normalisation
    shape: tuple[int, int, int]
    notes: tuple[str, ...]


def data_of(reading: Reading) -> ForeignData:
    """What ``reading`` names, normalised as it says.  Raises `InputError` where it names nothing that can be had."""
    if reading.dataset is None:
        raise InputError(
            "these weights do not say what data to run them on",
            help=f"add --dataset NAME ({', '.join(DATASETS)}), or --dataset {FOLDER} --data-dir DIR (images in folders "
            "named by class), or save predictions, by calib.predict(model, loader), and evaluate those",
        )
    data = _folder(reading) if reading.dataset == FOLDER else _registered(reading.dataset, reading)
    if (reading.mean is None) != (reading.std is None):
        raise InputError("--mean and --std go together", help="give both, one number a channel")
    notes = data.notes
    if reading.mean is None:
        own = "ImageNet" if reading.dataset == FOLDER else data.name
        notes = (*notes, f"mean and std are those of {own}: --mean and --std say others")
    ours = data.normalisation
    mean, std = (_per_channel(one, data.shape[0]) for one in (reading.mean or ours.mean, reading.std or ours.std))
    names = data.class_names if reading.class_names is None else reading.class_names
    if len(names) != len(data.class_names):
        raise InputError(
            f"{len(names)} class names were given, {data.name} has {len(data.class_names)} classes",
            help="give one name a class, in the order of the labels",
        )
    return replace(data, class_names=names, normalisation=Normalisation(mean, std, ours.pixel_max), notes=notes)


def _folder(reading: Reading) -> ForeignData:
    if reading.data_dir is None:
        raise InputError(
            "--dataset folder needs --data-dir",
            help="add --data-dir FOLDER, which holds a folder of images for each class",
        )
    images = image_folder(reading.data_dir, image_size=224 if reading.image_size is None else reading.image_size)
    names = images.class_names
    return ForeignData(
        str(reading.data_dir),
        images.batches(reading.batch_size),
        names,
        Normalisation(MEAN, STD, 255),
        (3, images.image_size, images.image_size),
        (f"{len(images)} images of {len(names)} classes, in the order {listed(names)}",),
    )


def _registered(name: str, reading: Reading) -> ForeignData:
    if name not in DATASETS:
        raise unknown("data set", name, (*DATASETS, FOLDER), more=" (images in folders named by class)")
    dataset = load_dataset(name, data_dir=reading.data_dir)
    channels, height, width = dataset.shape
    if reading.image_size not in (None, height, width):
        raise InputError(f"the images of {name} are {height}×{width}", help="leave --image-size out")
    rows = dataset.test_rows
    parts = np.split(rows, range(reading.batch_size, len(rows), reading.batch_size))
    whole = f"{name} has no official test part: all {dataset.n} images were used"
    return ForeignData(
        name,
        ((dataset.images[part], dataset.labels[part]) for part in parts),
        dataset.class_names,
        Normalisation(dataset.mean, dataset.std, dataset.pixel_max),
        (channels, height, width),
        (whole,) if dataset.n_train is None else (),
    )


def _per_channel(values: tuple[float, ...], n_channels: int) -> tuple[float, ...]:
    if len(values) == 1:
        return values * n_channels
    if len(values) != n_channels:
        raise InputError(
            f"--mean and --std are a number a channel, got {len(values)} for {n_channels}", help="such as .5,.5,.5"
        )
    return values
