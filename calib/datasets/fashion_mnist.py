"""fashion-mnist: 70,000 grey pictures of clothes, 28 × 28 pixels, in 10 classes, from four IDX files."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from calib._arrays import Int
from calib.datasets._types import Dataset, SplitSizes
from calib.datasets.idx import read_idx
from calib.datasets.locate import download_command, first_complete, is_file, not_found, search_roots
from calib.errors import InputError

NAME = "fashion-mnist"
N_IMAGES = 70_000
SHAPE = (1, 28, 28)
CLASS_NAMES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
FOLDER = "fashion-mnist"  # where a download is put, and Debian's name too
DEBIAN = Path("/usr/share/datasets/fashion-mnist")  # the package dataset-fashion-mnist

_ROWS = {"train": 60_000, "t10k": 10_000}
_IMAGES, _LABELS = "images-idx3-ubyte", "labels-idx1-ubyte"
_FILES = tuple(f"{part}-{kind}" for part in _ROWS for kind in (_IMAGES, _LABELS))


def find(data_dir: Path | None = None) -> Path | None:
    """The folder with the four files, gzipped or plain, under ``data_dir`` or the usual places; None if there is none.

    They may lie in ``data_dir`` itself, or in its ``fashion-mnist/``, ``FashionMNIST/raw/`` (torchvision) or ``raw/``.
    """
    folders = [
        folder
        for root in search_roots(data_dir)
        for folder in (root, root / FOLDER, root / "FashionMNIST" / "raw", root / "raw")
    ]
    if data_dir is None:
        folders.append(DEBIAN)
    # A folder may mix plain and gzipped files, so "complete" is asked of either ending at once.
    whole = [folder for folder in folders if all(_file(folder, name) for name in _FILES)]
    some = first_complete(folders, [*_FILES, *(f"{name}.gz" for name in _FILES)])
    return whole[0] if whole else some


def load(data_dir: Path | None = None) -> Dataset:
    """Read the four files: 60,000 official training images, then 10,000 test images.

    Structure is checked, not md5: Debian's files are the official ones packed anew.  Raises `InputError` where they are
    not found, or not what they must be.  Source: H. Xiao, K. Rasul and R. Vollgraf (2017), arXiv:1708.07747, MIT.
    """
    folder = find(data_dir)
    if folder is None:
        raise _not_found(data_dir)
    parts = [_read_part(folder, part, rows, data_dir) for part, rows in _ROWS.items()]
    return Dataset(
        name=NAME,
        images=np.concatenate([images for images, _ in parts])[:, None],
        labels=np.concatenate([labels for _, labels in parts]),
        class_names=CLASS_NAMES,
        mean=(0.2860,),  # of the official training images
        std=(0.3530,),
        pixel_max=255,
        n_train=_ROWS["train"],
        usual_sizes=SplitSizes(train=55_000, calibration=5_000),
    )


def _not_found(data_dir: Path | None) -> InputError:
    places, tip = (*search_roots(data_dir), DEBIAN), "; or on Debian and Ubuntu: apt install dataset-fashion-mnist"
    if data_dir is not None:
        places, tip = search_roots(data_dir), f"{tip}, then --data-dir {DEBIAN}"
    looked_for = "train-images-idx3-ubyte[.gz] and its three companions"
    return not_found(NAME, looked_for=looked_for, folders=places, data_dir=data_dir, tip=tip)


def _read_part(folder: Path, part: str, rows: int, data_dir: Path | None) -> tuple[npt.NDArray[np.uint8], Int]:
    arrays = []
    for kind, shape in ((_IMAGES, (rows, *SHAPE[1:])), (_LABELS, (rows,))):
        path = _file(folder, f"{part}-{kind}")
        if path is None:
            raise InputError(
                f"{folder} lacks {part}-{kind}[.gz], one of the four files of {NAME}",
                help=download_command(NAME, data_dir),
            )
        array = read_idx(path)
        if array.shape != shape:
            raise InputError(
                f"{path} must hold an array {shape}, got {array.shape}", help=f"fetch the file again, from {NAME}"
            )
        arrays.append(array)
    if arrays[1].max() >= len(CLASS_NAMES):
        raise InputError(
            f"the labels of {folder} reach {arrays[1].max()}, at most 9 was expected", help="fetch them again"
        )
    return arrays[0], arrays[1].astype(np.int64)


def _file(folder: Path, name: str) -> Path | None:
    """The plain file before the gzipped one: torchvision keeps both, and the plain one is faster."""
    return next((path for path in (folder / name, folder / f"{name}.gz") if is_file(path)), None)
