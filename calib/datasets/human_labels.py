"""Labels from a file of the user's own: those that people gave, with the mistakes that people make."""

import csv
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from calib._arrays import Int
from calib._door import checked_labels
from calib._nearest import suggestion
from calib._text import printable
from calib.errors import InputError
from calib.files.archive import check_archive
from calib.files.naming import naming
from calib.files.plain_file import check_file, unreadable
from calib.files.plain_pickle import UnexpectedNameError, load_plain
from calib.files.sniff import describe, is_npz, is_zip

CLEAN = "clean_label"  # what CIFAR-10N and -100N call the official labels beside theirs
_NUMBERS = ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8")
_TORCH_MAGIC = 0x1950A86A20F9469CFC6C  # begins files of torch before 1.6
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}(\.0*)?")
_MAKE = 'numpy.savez("labels.npz", noisy=labels) makes a file that is read'


def read_labels(path: Path | str, *, n: int, n_classes: int, key: str | None = None) -> Int:
    r"""Read the labels int64 ``(n,)`` of the official training part, in the official order, from a file.

    Formats, told apart by content: ``.npy``; ``.npz``; text with one label a line, or ``.csv`` with names in the first
    line; and the ``CIFAR-10_human.pt`` and ``CIFAR-100_human.pt`` of CIFAR-N, or any other dict of numpy arrays saved
    by torch.  ``key`` is the name of the array or column; it may be left out where there is only one, `CLEAN` not
    counted.  CIFAR-10N has aggre_label, worse_label and random_label1 to random_label3, CIFAR-100N noisy_label.
    Nothing in a file is run, and archives are checked for damage first; compare the order with `check_clean_labels`.

    Raises `InputError` where the file is missing, damaged or of another kind, holds no such key (it names those there
    are) or Python objects, or not exactly ``n`` whole numbers in 0 … k − 1.  Source of the human labels: Wei et al.
    (2022), Learning with Noisy Labels Revisited, http://www.noisylabels.com.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "labels.csv")
    ...     _ = path.write_text("image,label\n0,2\n1,0\n")
    ...     read_labels(path, n=2, n_classes=3, key="label")
    array([2, 0])
    """
    path = Path(path)
    return _checked(path, _read(path, key), n, n_classes)


def check_clean_labels(path: Path | str, official: Int, *, n_classes: int, key: str = CLEAN) -> bool:
    """Whether the file holds clean labels too, which are then the ``official (n,)``: so that the order is right.

    False where it holds none under ``key``; then nothing is known of the order.  Raises `InputError` where they differ,
    as they do in files made for another order of the images, and where `read_labels` would.
    """
    path = Path(path)
    arrays = _arrays(path)
    if not isinstance(arrays, Mapping) or key not in arrays:
        return False
    clean = _checked(path, arrays[key], len(official), n_classes)
    if (different := clean != official).any():
        row = int(np.argmax(different))
        raise InputError(
            f"{path} is in another order: {different.sum():,} of {len(official):,} of its clean labels are not the "
            f"official ones, row {row} holds {clean[row]}, the data set {official[row]}",
            help="use the file made for the official order of the training images",
        )
    return True


def _checked(path: Path, given: Any, n: int, n_classes: int) -> Int:
    if isinstance(given, list) and all(isinstance(entry, str) for entry in given):
        given = _whole_numbers(path, given)
    try:
        labels = np.asarray(given)
    except ValueError as error:
        raise InputError(f"{path}: the labels are no list of numbers ({error})", help=_MAKE) from error
    if labels.ndim and len(labels) != n:
        raise InputError(
            f"{path} holds {len(labels):,} labels, the training part has {n:,} examples",
            help="one label an example of the official training part is needed, calibration examples included",
        )
    with naming(path):
        return checked_labels(labels, n, n_classes)


def _read(path: Path, key: str | None) -> Any:
    """What the file holds under a key, or alone."""
    arrays = _arrays(path)
    if not isinstance(arrays, Mapping):
        if key is not None:
            raise InputError(f"{path} holds one array without a name, {key!r} was asked for", help="leave out the key")
        return arrays
    if not arrays:
        raise InputError(f"{path} holds no labels", help=_MAKE)
    names = ", ".join(printable(str(name), limit=40) for name in list(arrays)[:20])
    if key is None:
        alone = [name for name in arrays if name != CLEAN]
        if len(alone) != 1:
            raise InputError(f"{path} holds several things: {names}", help="say which one by its key")
        return arrays[alone[0]]
    if key not in arrays:
        raise InputError(f"{path} holds no {key!r}, it holds {names}", help=suggestion(key, arrays))
    return arrays[key]


def _arrays(path: Path) -> Any:
    """The one array of a file, or all by name; what they hold is not yet checked."""
    check_file(path, "a file of labels", help="name a .npy, .npz, .csv or .pt file")
    try:
        if is_zip(path):
            check_archive(path)
            return _npz(path) if is_npz(path) else _torch_zip(path)
        with path.open("rb") as file:
            head = file.read(6)
            file.seek(0)
            if head == b"\x93NUMPY":
                return np.load(file, allow_pickle=False)
            if head.startswith(b"\x80"):
                return _torch_legacy(file)
        if (kind := describe(path)) == "a text file":
            return _text(path)
    except UnexpectedNameError as error:
        raise InputError(
            f"{path} holds Python objects ({printable(str(error))}), labels are plain numbers; nothing in it was run",
            help=f"do not trust a file that is not yours; of your own labels, {_MAKE}",
        ) from error
    except OSError as error:
        raise unreadable(path, error) from error
    except InputError:
        raise
    except Exception as error:  # numpy, csv and pickle raise a dozen kinds on a bad file; each means the same
        reason = printable(str(error) or type(error).__name__)
        raise InputError(f"{path} is damaged, or no file of labels ({reason})", help=_MAKE) from error
    raise InputError(f"{path} is no file of labels: it looks like {kind}", help=_MAKE)


def _npz(path: Path) -> dict[str, Any]:
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _torch_zip(path: Path) -> Any:
    """What torch saves lies in one pickle; numpy arrays are in it, and only tensors would lie beside it."""
    with zipfile.ZipFile(path) as archive:
        pickles = [name for name in archive.namelist() if name.rpartition("/")[2] == "data.pkl"]
        if len(pickles) != 1:
            raise ValueError("a zip archive, but neither of numpy nor of torch")
        with archive.open(pickles[0]) as file:
            return load_plain(file, dtypes=_NUMBERS)


def _torch_legacy(file: Any) -> Any:
    """Before 1.6 torch wrote one pickle after another: a number to know the format by, its version, the machine."""
    if load_plain(file, dtypes=()) != _TORCH_MAGIC:
        raise ValueError("a pickle, but not one that torch saved")
    load_plain(file, dtypes=())
    load_plain(file, dtypes=())
    return load_plain(file, dtypes=_NUMBERS)


def _text(path: Path) -> Any:
    """One label a line, or columns by name; still as texts, for other columns need not hold numbers."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file, strict=True))
    while rows and not rows[-1]:
        rows.pop()
    if rows and len(rows[0]) == 1 and _WHOLE.fullmatch(rows[0][0].strip()):
        return [_entry(row, 0) for row in rows]
    header = [name.strip() for name in rows[0]] if rows else []
    if len(set(header)) != len(header) or any(_WHOLE.fullmatch(name) for name in header):
        raise InputError(
            f"{path} has several columns without names: line 1 is {printable(','.join(header))}",
            help="name each column once in the first line, or keep the labels alone",
        )
    return {name: [_entry(row, column) for row in rows[1:]] for column, name in enumerate(header)}


def _entry(row: list[str], column: int) -> str:
    return row[column].strip() if column < len(row) else ""


def _whole_numbers(path: Path, texts: list[str]) -> list[int]:
    for row, text in enumerate(texts):
        if not _WHOLE.fullmatch(text):
            raise InputError(
                f"{path}: labels must be whole numbers, row {row} holds {printable(text, limit=40) or 'nothing'!r}",
                help="give each example the number of its class, counted from 0",
            )
    return [int(text.partition(".")[0]) for text in texts]
