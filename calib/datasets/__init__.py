"""Data sets by name: one a file, one registry; and how they are split."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType

from calib._nearest import unknown
from calib.datasets import cifar, digits, mnist_family, pooled
from calib.datasets._types import Dataset, SplitSizes
from calib.datasets.human_labels import check_clean_labels, read_labels
from calib.datasets.label_noise import asymmetric_label_noise, symmetric_label_noise
from calib.datasets.splits import Split, fingerprint, split

__all__ = [
    "DATASETS",
    "Dataset",
    "DatasetEntry",
    "Split",
    "SplitSizes",
    "asymmetric_label_noise",
    "check_clean_labels",
    "dataset_entry",
    "fingerprint",
    "load_dataset",
    "read_labels",
    "split",
    "symmetric_label_noise",
]


@dataclass(frozen=True)
class DatasetEntry:
    """What is known of a data set before it is read; ``find(data_dir)`` says where it lies, None if nowhere."""

    name: str
    n_images: int
    shape: tuple[int, int, int]
    n_classes: int
    find: Callable[[Path | None], Path | None]
    load: Callable[[Path | None], Dataset]


def _cifar_entry(variant: cifar.Variant) -> DatasetEntry:
    find, load = partial(cifar.find, variant), partial(cifar.load, variant)
    return DatasetEntry(variant.name, cifar.N_IMAGES, cifar.SHAPE, len(variant.class_names), find, load)


def _mnist_entries(member: mnist_family.Member) -> tuple[DatasetEntry, DatasetEntry]:
    """The data set, and its small images from the same files."""
    n_images, n_classes, find = mnist_family.N_IMAGES, len(member.class_names), partial(mnist_family.find, member)
    large, small = partial(mnist_family.load, member), partial(pooled.load, member)
    return (
        DatasetEntry(member.name, n_images, mnist_family.SHAPE, n_classes, find, large),
        DatasetEntry(pooled.pooled_name(member), n_images, pooled.SHAPE, n_classes, find, small),
    )


_REGISTRY = MappingProxyType(
    {
        entry.name: entry
        for entry in (
            _cifar_entry(cifar.CIFAR10),
            _cifar_entry(cifar.CIFAR100),
            DatasetEntry(digits.NAME, digits.N_IMAGES, digits.SHAPE, len(digits.CLASS_NAMES), digits.find, digits.load),
            *_mnist_entries(mnist_family.FASHION_MNIST),
            *_mnist_entries(mnist_family.MNIST),
        )
    }
)

DATASETS: tuple[str, ...] = tuple(_REGISTRY)


def dataset_entry(name: str) -> DatasetEntry:
    """Look a data set up by name.  Raises `InputError` for an unknown name, with the nearest known one.

    >>> dataset_entry("cifar100").n_classes
    100
    """
    if name not in _REGISTRY:
        raise unknown("data set", name, DATASETS)
    return _REGISTRY[name]


def load_dataset(name: str, *, data_dir: Path | None = None) -> Dataset:
    """Read a data set from disk; nothing is ever downloaded here.

    It is looked for in ``data_dir`` alone if that is given (the folder with the files, or its parent), else in
    ``$CALIB_DATA`` and in the user's cache folder, where ``calib data download`` puts it.

    Raises `InputError` where the name is unknown, or the files are not found, incomplete or damaged.

    >>> load_dataset("digits").shape
    (1, 8, 8)
    """
    return dataset_entry(name).load(None if data_dir is None else Path(data_dir))
