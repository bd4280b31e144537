"""cifar10 and cifar100: 60,000 colour photographs of 32 × 32 pixels, in the two layouts that lie on people's disks."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from calib._arrays import Int
from calib.datasets import cifar_binary, cifar_pickle
from calib.datasets._types import Dataset, SplitSizes
from calib.datasets.locate import download_command, first_complete, is_file, not_found, search_roots
from calib.errors import InputError

N_IMAGES = 60_000
SHAPE = (3, 32, 32)

_N_TRAIN, _N_TEST = 50_000, 10_000


@dataclass(frozen=True)
class Layout:
    """One way in which the files lie on disk: their names, and the functions that read them."""

    folder: str
    train: tuple[str, ...]
    test: str
    names: str
    read_batch: Callable[..., tuple[npt.NDArray[np.uint8], Int]]
    read_names: Callable[[Path], tuple[str, ...]]


@dataclass(frozen=True)
class Variant:
    """CIFAR-10 or CIFAR-100: ``mean`` and ``std`` are those of the official training images."""

    name: str
    class_names: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    layouts: tuple[Layout, ...]  # the first is preferred: it cannot hold code, and it is what calib downloads


def find(variant: Variant, data_dir: Path | None = None) -> Path | None:
    """The folder with the files of either layout, under ``data_dir`` or the usual places; None if there is none."""
    found = _find(variant, data_dir)
    return None if found is None else found[0]


def load(variant: Variant, data_dir: Path | None = None) -> Dataset:
    """Read 50,000 official training images, then 10,000 test images, with fine labels.

    Raises `InputError` where the files are not found, incomplete or damaged.  Source: A. Krizhevsky (2009), Learning
    Multiple Layers of Features from Tiny Images.
    """
    found = _find(variant, data_dir)
    if found is None:
        looked_for = " or ".join(f"{layout.folder}/" for layout in variant.layouts)
        raise not_found(variant.name, looked_for=looked_for, folders=search_roots(data_dir), data_dir=data_dir)
    folder, layout = found
    batches = []
    for name in (*layout.train, layout.test):
        if not is_file(folder / name):
            raise InputError(f"{folder} lacks the file {name}", help=download_command(variant.name, data_dir))
        n_rows = _N_TEST if name == layout.test else _N_TRAIN // len(layout.train)
        batches.append(layout.read_batch(folder / name, n_rows=n_rows, n_classes=len(variant.class_names)))
    return Dataset(
        name=variant.name,
        images=np.concatenate([images for images, _ in batches]),
        labels=np.concatenate([labels for _, labels in batches]),
        class_names=_names(folder / layout.names, layout, variant),
        mean=variant.mean,
        std=variant.std,
        pixel_max=255,
        n_train=_N_TRAIN,
        usual_sizes=SplitSizes(train=45_000, calibration=5_000),
    )


def _find(variant: Variant, data_dir: Path | None) -> tuple[Path, Layout] | None:
    """A complete folder of either layout; failing that, one that holds some of the files."""
    partial_ones = []
    for layout in variant.layouts:
        files = (*layout.train, layout.test)
        folders = [folder for root in search_roots(data_dir) for folder in (root, root / layout.folder)]
        folder = first_complete(folders, files)
        if folder is not None:
            if all(is_file(folder / name) for name in files):
                return folder, layout
            partial_ones.append((folder, layout))
    return partial_ones[0] if partial_ones else None


def _names(path: Path, layout: Layout, variant: Variant) -> tuple[str, ...]:
    if not is_file(path):
        return variant.class_names
    names = layout.read_names(path)
    if len(names) != len(variant.class_names):
        raise InputError(
            f"{path} names {len(names)} classes, {variant.name} has {len(variant.class_names)}",
            help="remove the file (the official names are then used) or fetch it again",
        )
    return names


CIFAR10 = Variant(
    name="cifar10",
    class_names=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    mean=(0.4914, 0.4822, 0.4465),
    std=(0.2470, 0.2435, 0.2616),
    layouts=(
        Layout(
            folder="cifar-10-batches-bin",
            train=tuple(f"data_batch_{i}.bin" for i in range(1, 6)),
            test="test_batch.bin",
            names="batches.meta.txt",
            read_batch=partial(cifar_binary.read_batch, label_bytes=1),
            read_names=cifar_binary.read_names,
        ),
        Layout(
            folder="cifar-10-batches-py",
            train=tuple(f"data_batch_{i}" for i in range(1, 6)),
            test="test_batch",
            names="batches.meta",
            read_batch=partial(cifar_pickle.read_batch, label_key="labels"),
            read_names=partial(cifar_pickle.read_names, key="label_names"),
        ),
    ),
)

CIFAR100 = Variant(
    name="cifar100",
    class_names=tuple(
        """apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can
        castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin
        elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster
        man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck
        pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk
        skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger
        tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm""".split()  # noqa: SIM905 - a hundred quoted lines read worse
    ),
    mean=(0.5071, 0.4866, 0.4409),
    std=(0.2673, 0.2564, 0.2762),
    layouts=(
        Layout(
            folder="cifar-100-binary",
            train=("train.bin",),
            test="test.bin",
            names="fine_label_names.txt",
            read_batch=partial(cifar_binary.read_batch, label_bytes=2),
            read_names=cifar_binary.read_names,
        ),
        Layout(
            folder="cifar-100-python",
            train=("train",),
            test="test",
            names="meta",
            read_batch=partial(cifar_pickle.read_batch, label_key="fine_labels"),
            read_names=partial(cifar_pickle.read_names, key="fine_label_names"),
        ),
    ),
)
