"""Read CIFAR's pickled layout, the one torchvision leaves on disk, without letting the file run anything."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from calib._arrays import Int
from calib._text import printable
from calib.datasets.cifar_binary import PIXELS
from calib.errors import InputError
from calib.files.plain_file import unreadable
from calib.files.plain_pickle import UnexpectedNameError, load_plain


def read_batch(path: Path, *, n_rows: int, n_classes: int, label_key: str) -> tuple[npt.NDArray[np.uint8], Int]:
    """Read images uint8 ``(n_rows, 3, 32, 32)`` and labels ``(n_rows,)`` from one pickled batch.

    Raises `InputError` where the file names any global but the four that arrays need (nothing is then executed), is
    damaged, or does not hold exactly ``n_rows`` images and labels.  Format: https://www.cs.toronto.edu/~kriz/cifar.html
    """
    batch = _read(path)
    pixels, given = _entry(batch, "data"), _entry(batch, label_key)
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.shape != (n_rows, PIXELS):
        came = f"{pixels.dtype} {pixels.shape}" if isinstance(pixels, np.ndarray) else type(pixels).__name__
        raise _refused(path, f"'data' must be uint8 ({n_rows}, {PIXELS}), got {came}")
    if not isinstance(given, list) or len(given) != n_rows or any(type(label) is not int for label in given):
        raise _refused(path, f"'{label_key}' must be a list of {n_rows} integers")
    if min(given) < 0 or max(given) >= n_classes:
        raise _refused(path, f"labels must lie in 0 … {n_classes - 1}, got {min(given)} … {max(given)}")
    return pixels.reshape(n_rows, 3, 32, 32), np.array(given, dtype=np.int64)


def read_names(path: Path, *, key: str) -> tuple[str, ...]:
    """Read the class names from a pickled ``batches.meta`` or ``meta``, as careful as `read_batch`."""
    names = _entry(_read(path), key)
    if not isinstance(names, list) or not all(isinstance(name, bytes | str) for name in names):
        raise _refused(path, f"'{key}' must be a list of names")
    return tuple(name.decode("utf-8", "replace") if isinstance(name, bytes) else name for name in names)


def _read(path: Path) -> Mapping[Any, Any]:
    try:
        with path.open("rb") as file:
            batch = load_plain(file, dtypes={"u1"})
    except UnexpectedNameError as error:
        raise InputError(
            f"{path} names {printable(str(error))}, which an official CIFAR file does not; nothing in it was run",
            help="do not trust the file: remove it and fetch the official one",
        ) from error
    except OSError as error:
        raise unreadable(path, error) from error
    except ValueError as error:
        raise _refused(path, f"it is cut short or damaged ({error})") from error
    if not isinstance(batch, dict):
        raise _refused(path, f"it holds a {type(batch).__name__}, a dict was expected")
    return batch


def _entry(batch: Mapping[Any, Any], key: str) -> Any:
    """Python 2 wrote the official keys as bytes; files written anew by Python 3 have text."""
    return batch.get(key.encode(), batch.get(key))


def _refused(path: Path, reason: str) -> InputError:
    return InputError(f"{path} is not an official CIFAR file: {reason}", help="remove the file and fetch it again")
