"""Download a data set from its official address: fetch, check, unpack, and prove that it can be read."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from calib.datasets import dataset_entry
from calib.datasets.locate import default_root
from calib.datasets.mnist_family import FASHION_MNIST, MNIST, Member, refuse_others
from calib.errors import InputError
from calib.files.atomic import atomic_folder

if TYPE_CHECKING:
    import tarfile

Progress: TypeAlias = Callable[[int, int], None]


@dataclass(frozen=True)
class RemoteFile:
    """One published file: its name, its size in bytes and its md5."""

    name: str
    n_bytes: int
    md5: str


@dataclass(frozen=True)
class Source:
    """Where a data set is published, and the folder it is put in; ``members`` are those unpacked from an archive.

    ``family`` is the data set whose files have names that others use too: of those, none is overwritten.
    """

    base_url: str
    folder: str
    files: tuple[RemoteFile, ...]
    members: tuple[str, ...] = ()
    family: Member | None = None


_TORONTO = "https://www.cs.toronto.edu/~kriz/"
_ZALANDO = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"  # answers over http only

_MIRROR = "https://ossci-datasets.s3.amazonaws.com/mnist/"  # the one that torchvision asks first

# The md5s of CIFAR stand on https://www.cs.toronto.edu/~kriz/cifar.html, those of Fashion-MNIST in the README of
# zalandoresearch/fashion-mnist, and of it and MNIST in torchvision's datasets/mnist.py.
_MNIST = Source(
    base_url=_MIRROR,
    folder=MNIST.folder,
    files=(
        RemoteFile("train-images-idx3-ubyte.gz", 9_912_422, "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
        RemoteFile("train-labels-idx1-ubyte.gz", 28_881, "d53e105ee54ea40749a09fcbcd1e9432"),
        RemoteFile("t10k-images-idx3-ubyte.gz", 1_648_877, "9fb629c4189551a2d022fa330f9573f3"),
        RemoteFile("t10k-labels-idx1-ubyte.gz", 4_542, "ec29112dd5afa0611ce80d1b7f02629c"),
    ),
    family=MNIST,
)
_FASHION = Source(
    base_url=_ZALANDO,
    folder=FASHION_MNIST.folder,
    files=(
        RemoteFile("train-images-idx3-ubyte.gz", 26_421_880, "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        RemoteFile("train-labels-idx1-ubyte.gz", 29_515, "25c81989df183df01b3e8a0aad5dffbe"),
        RemoteFile("t10k-images-idx3-ubyte.gz", 4_422_102, "bef4ecab320f06d8554ea6380940ec79"),
        RemoteFile("t10k-labels-idx1-ubyte.gz", 5_148, "bb300cfdad3c16e7a12a480ee83cd310"),
    ),
    family=FASHION_MNIST,
)
_SOURCES = MappingProxyType(
    {
        "cifar10": Source(
            base_url=_TORONTO,
            folder="cifar-10-batches-bin",
            files=(RemoteFile("cifar-10-binary.tar.gz", 170_052_171, "c32a1d4ab5d03f1284b67883e8d87530"),),
            members=(*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin", "batches.meta.txt"),
        ),
        "cifar100": Source(
            base_url=_TORONTO,
            folder="cifar-100-binary",
            files=(RemoteFile("cifar-100-binary.tar.gz", 168_513_733, "03b5dce01913d631647c71ecec9e9cb8"),),
            members=("train.bin", "test.bin", "fine_label_names.txt", "coarse_label_names.txt"),
        ),
        "fashion-mnist": _FASHION,
        "fashion-mnist-14": _FASHION,  # made from the same files
        "mnist": _MNIST,
        "mnist-14": _MNIST,
    }
)


def download(
    name: str, *, data_dir: Path | None = None, base_url: str | None = None, progress: Progress | None = None
) -> Path:
    """Fetch a data set into ``data_dir``, by default `locate.default_root`, and return the folder with its files.

    Nothing is fetched where `load_dataset` can read it already.  A broken transfer is resumed by the next call.
    ``base_url``, or ``$CALIB_DATA_URL``, names a mirror that has the files of the official names in one folder.
    ``progress`` is called with the bytes there so far and the bytes in all.

    Raises `InputError` where the name is unknown, the server cannot be reached, the checksum is wrong, the archive
    lacks a file, or the folder cannot be written or holds another data set under the same names of files.

    >>> download("digits").name  # is part of calib
    'datasets'
    """
    entry = dataset_entry(name)
    if (there := _readable(name, data_dir)) is not None:
        return there
    source = _SOURCES[name]
    root = default_root() if data_dir is None else Path(data_dir)
    root = root.parent if root.name == source.folder else root  # the folder itself may be named, as for loading
    if source.family is not None:
        refuse_others(source.family, root / source.folder, data_dir)
    base = (base_url or os.environ.get("CALIB_DATA_URL") or source.base_url).rstrip("/") + "/"
    _fetch_all(source, base, root, progress or (lambda done, total: None))
    if source.members:
        archive = root / source.files[0].name
        _unpack(archive, root / source.folder, source.members)
        archive.unlink()
    entry.load(root)  # raises, naming the file, should what was published be something else
    return root / source.folder


def _readable(name: str, data_dir: Path | None) -> Path | None:
    """The folder of the data set if all of it can be read: what is cut short or damaged is worth fetching again."""
    entry = dataset_entry(name)
    folder = entry.find(data_dir)
    if folder is None:
        return None
    try:
        entry.load(data_dir)
    except InputError:
        return None
    return folder


def _fetch_all(source: Source, base: str, root: Path, progress: Progress) -> None:
    from calib.datasets.fetch import fetch

    total, before = sum(file.n_bytes for file in source.files), 0
    folder = root if source.members else root / source.folder
    for file in source.files:
        url = base + file.name
        by_hand = f"fetch {url} by other means, put it into {folder} and run the command again"
        report = _shifted(progress, before, total)
        fetch(url, folder / file.name, md5=file.md5, n_bytes=file.n_bytes, progress=report, by_hand=by_hand)
        before += file.n_bytes


def _shifted(progress: Progress, before: int, total: int) -> Callable[[int], None]:
    return lambda done: progress(before + done, total)


def _unpack(archive: Path, folder: Path, names: tuple[str, ...]) -> None:
    """Copy the expected files out of ``archive`` into ``folder``, which appears whole or not at all.

    No name, link or mode in the archive reaches the disk: a member is taken only if it is a plain file under the very
    name that is expected, and its bytes are written to a file that is named here.
    """
    import tarfile
    import zlib

    if folder.is_dir() and (others := sorted({path.name for path in folder.iterdir()} - {*names, "readme.html"})):
        raise InputError(
            f"{folder} is incomplete and holds {others[0]}, which is not of this data set: it was left alone",
            help="move the folder away, or name another --data-dir",
        )
    with atomic_folder(folder, force=True) as temporary:
        try:
            with tarfile.open(archive, "r:gz") as tar:
                _copy_members(tar, folder.name, names, temporary)
        except (tarfile.TarError, EOFError, zlib.error) as error:
            raise InputError(
                f"{archive} cannot be unpacked: {error}", help="remove it and run the command again"
            ) from error
        if missing := [name for name in names if not (temporary / name).is_file()]:
            raise InputError(
                f"{archive} lacks {folder.name}/{missing[0]} as a plain file",
                help="it is not the official archive: remove it",
            )


def _copy_members(tar: "tarfile.TarFile", folder: str, names: tuple[str, ...], target: Path) -> None:
    import shutil

    expected = {f"{folder}/{name}": name for name in names}
    for member in tar:
        name = expected.get(member.name)
        content = tar.extractfile(member) if name is not None and member.isreg() else None
        if name is not None and content is not None:
            with content, (target / name).open("wb") as file:
                shutil.copyfileobj(content, file)
