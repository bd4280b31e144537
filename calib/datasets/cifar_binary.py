"""Read CIFAR's official binary layout: records of one or two label bytes and 3,072 pixels, channel first."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from calib._arrays import Int
from calib.errors import InputError
from calib.files.plain_file import unreadable

PIXELS = 3 * 32 * 32


def read_batch(path: Path, *, n_rows: int, n_classes: int, label_bytes: int) -> tuple[npt.NDArray[np.uint8], Int]:
    """Read images uint8 ``(n_rows, 3, 32, 32)`` and labels ``(n_rows,)`` from one ``.bin`` file.

    CIFAR-100 has two label bytes, coarse and fine; the last one is taken.  Raises `InputError` where the file has not
    exactly ``n_rows`` records, or a label is no class.  Format: https://www.cs.toronto.edu/~kriz/cifar.html
    """
    n_bytes = n_rows * (label_bytes + PIXELS)
    try:
        size = path.stat().st_size
        if size != n_bytes:
            state = "cut short" if size < n_bytes else "too long"
            raise InputError(
                f"{path} is {state}: {n_rows:,} records take {n_bytes:,} bytes, it has {size:,}",
                help="remove the file and fetch it again",
            )
        records = np.fromfile(path, dtype=np.uint8).reshape(n_rows, label_bytes + PIXELS)
    except OSError as error:
        raise unreadable(path, error) from error
    labels = records[:, label_bytes - 1].astype(np.int64)
    if labels.max() >= n_classes:
        row = int(np.argmax(labels >= n_classes))
        raise InputError(
            f"{path}: labels must lie in 0 … {n_classes - 1}, record {row} has {labels[row]}",
            help="check that the file belongs to this data set, and fetch it again",
        )
    return records[:, label_bytes:].reshape(n_rows, 3, 32, 32), labels


def read_names(path: Path) -> tuple[str, ...]:
    """Read one class name a line; empty lines, with which the official file ends, are left out.

    Raises `InputError` where the file is no UTF-8 text.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the class names in {path}: {error}", help="fetch the file again") from error
    return tuple(line.strip() for line in lines if line.strip())
