"""mnist and fashion-mnist: 70,000 grey pictures each, 28 × 28, 10 classes, from four IDX files of the same names."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from calib._arrays import Int
from calib.datasets._types import Dataset, SplitSizes
from calib.datasets.idx import idx_bytes, read_idx
from calib.datasets.locate import download_command, first_complete, is_file, not_found, search_roots
from calib.errors import InputError

N_IMAGES = 70_000
SHAPE = (1, 28, 28)
DEBIAN = Path("/usr/share/datasets")  # packages of Debian and Ubuntu have their folder here

_ROWS = {"train": 60_000, "t10k": 10_000}
_IMAGES, _LABELS = "images-idx3-ubyte", "labels-idx1-ubyte"
_FILES = tuple(f"{part}-{kind}" for part in _ROWS for kind in (_IMAGES, _LABELS))


@dataclass(frozen=True)
class Member:
    """A data set of the family: ``mean`` and ``std`` are those of the official training images.

    ``folder`` is where a download is put, ``torchvision`` where that package puts it; ``package`` is Debian's,
    if it has one.
    """

    name: str
    class_names: tuple[str, ...]
    mean: float
    std: float
    folder: str
    torchvision: str
    package: str | None = None


MNIST = Member(
    name="mnist",
    class_names=tuple("0123456789"),
    mean=0.1307,
    std=0.3081,
    folder="mnist",
    torchvision="MNIST/raw",
)
FASHION_MNIST = Member(
    name="fashion-mnist",
    class_names=(
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
    mean=0.2860,
    std=0.3530,
    folder="fashion-mnist",
    torchvision="FashionMNIST/raw",
    package="dataset-fashion-mnist",
)

# md5 of each file as it is without gzip, which may pack it in many ways: Debian's are the official ones packed anew
OWNERS: Mapping[str, str] = MappingProxyType(
    {
        "6bbc9ace898e44ae57da46a324031adb": MNIST.name,
        "a25bea736e30d166cdddb491f175f624": MNIST.name,
        "2646ac647ad5339dbf082846283269ea": MNIST.name,
        "27ae3e4e09519cfbb04c329615203637": MNIST.name,
        "f4a8712d7a061bf5bd6d2ca38dc4d50a": FASHION_MNIST.name,
        "9018921c3c673c538a1fc5bad174d6f9": FASHION_MNIST.name,
        "8181f5470baa50b63fa0f6fddb340f0a": FASHION_MNIST.name,
        "15d484375f8d13e6eb1aabb0c3f46965": FASHION_MNIST.name,
    }
)


def find(member: Member, data_dir: Path | None = None) -> Path | None:
    """The folder with the four files, gzipped or plain, under ``data_dir`` or the usual places; None if there is none.

    They may lie in ``data_dir`` itself, or in its ``mnist/``, ``MNIST/raw/`` (torchvision's, likewise of the other) or
    ``raw/``.  A folder whose labels are another data set's is passed by; so is one whose labels have no known md5,
    unless it has one of the names that are the data set's own.
    """
    folders = [folder for folder in _folders(member, data_dir) if _stranger(member, folder) is None]
    # A folder may mix plain and gzipped files, so "complete" is asked of either ending at once.
    whole = [folder for folder in folders if all(_file(folder, name) for name in _FILES)]
    some = first_complete(folders, [*_FILES, *(f"{name}.gz" for name in _FILES)])
    return whole[0] if whole else some


def load(member: Member, data_dir: Path | None = None) -> Dataset:
    """Read the four files: 60,000 official training images, then 10,000 test images.

    Raises `InputError` where they are not found, not what they must be, or of another member of the family.  Sources:
    Y. LeCun, L. Bottou, Y. Bengio and P. Haffner (1998), Gradient-based learning applied to document recognition; H.
    Xiao, K. Rasul and R. Vollgraf (2017), arXiv:1708.07747, MIT.
    """
    folder = find(member, data_dir)
    if folder is None:
        for other in _folders(member, data_dir):
            refuse_others(member, other, data_dir)
        raise _not_found(member, data_dir)
    parts = [_read_part(member, folder, part, rows, data_dir) for part, rows in _ROWS.items()]
    return Dataset(
        name=member.name,
        images=np.concatenate([images for images, _ in parts])[:, None],
        labels=np.concatenate([labels for _, labels in parts]),
        class_names=member.class_names,
        mean=(member.mean,),
        std=(member.std,),
        pixel_max=255,
        n_train=_ROWS["train"],
        usual_sizes=SplitSizes(train=55_000, calibration=5_000),
    )


def refuse_others(member: Member, folder: Path, data_dir: Path | None = None) -> None:
    """Raise `InputError` where the labels in ``folder`` are not this data set's; that they are missing is no fault."""
    if (path := _stranger(member, folder)) is not None:
        _refuse(member, path, read_idx(path), data_dir)


def _refuse(member: Member, path: Path, array: npt.NDArray[np.uint8], data_dir: Path | None) -> NoReturn:
    name, owner = member.name, OWNERS.get(_md5(array))
    if owner is None:
        raise InputError(
            f"{path} has not the md5 of {name}, nor a folder of its name",
            help=f"if it is to be taken for {name}, put the four files into a folder {member.folder}/",
        )
    raise InputError(
        f"{path} is of {owner}; the files of {name} have the same names",
        help=f"move those of {owner} into a folder {owner}/"
        if _named(member, path.parent)
        else f"{download_command(name, data_dir)}, which makes a folder {member.folder}/ for it",
    )


def _folders(member: Member, data_dir: Path | None) -> list[Path]:
    inside = ("", member.folder, member.torchvision, "raw")
    folders = [root / name for root in search_roots(data_dir) for name in inside]
    return folders if member.package is None or data_dir is not None else [*folders, DEBIAN / member.folder]


def _stranger(member: Member, folder: Path) -> Path | None:
    """The file of labels, if any, that speaks against this data set; one that cannot be read does not."""
    for part in _ROWS:
        path = _file(folder, f"{part}-{_LABELS}")
        try:
            if path is not None and not _fits(member, path, read_idx(path)):
                return path
        except InputError:
            continue
    return None


def _fits(member: Member, path: Path, array: npt.NDArray[np.uint8]) -> bool:
    owner = OWNERS.get(_md5(array))
    return owner == member.name or (owner is None and _named(member, path.parent))


def _named(member: Member, folder: Path) -> bool:
    """Whether the folder's name says which member of the family it holds."""
    return any(folder.absolute().match(name) for name in (member.folder, member.torchvision))


def _md5(array: npt.NDArray[np.uint8]) -> str:
    return hashlib.md5(idx_bytes(array), usedforsecurity=False).hexdigest()


def _not_found(member: Member, data_dir: Path | None) -> InputError:
    places, tip = search_roots(data_dir), ""
    if member.package is not None:
        tip = f"; or on Debian and Ubuntu: apt install {member.package}"
        debian = DEBIAN / member.folder
        if data_dir is None:
            places = (*places, debian)
        else:
            tip += f", then --data-dir {debian}"
    looked_for = "train-images-idx3-ubyte[.gz] and its three companions"
    return not_found(member.name, looked_for=looked_for, folders=places, data_dir=data_dir, tip=tip)


def _read_part(
    member: Member, folder: Path, part: str, rows: int, data_dir: Path | None
) -> tuple[npt.NDArray[np.uint8], Int]:
    arrays = []
    for kind, shape in ((_IMAGES, (rows, *SHAPE[1:])), (_LABELS, (rows,))):
        path = _file(folder, f"{part}-{kind}")
        if path is None:
            raise InputError(
                f"{folder} lacks {part}-{kind}[.gz], one of the four files of {member.name}",
                help=download_command(member.name, data_dir),
            )
        array = read_idx(path)
        if array.shape != shape:
            raise InputError(
                f"{path} must hold an array {shape}, got {array.shape}",
                help=f"fetch the file again, from {member.name}",
            )
        if not _fits(member, path, array):
            _refuse(member, path, array, data_dir)
        arrays.append(array)
    if arrays[1].max() >= len(member.class_names):
        raise InputError(
            f"the labels of {folder} reach {arrays[1].max()}, at most 9 was expected", help="fetch them again"
        )
    return arrays[0], arrays[1].astype(np.int64)


def _file(folder: Path, name: str) -> Path | None:
    """The plain file before the gzipped one: torchvision keeps both, and the plain one is faster."""
    return next((path for path in (folder / name, folder / f"{name}.gz") if is_file(path)), None)
