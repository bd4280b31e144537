"""Read CIFAR's pickled layout, the one torchvision leaves on disk, without letting the file run anything."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, ClassVar

import numpy as np
import numpy.typing as npt

from calib._arrays import Int
from calib.datasets.cifar_binary import PIXELS
from calib.errors import InputError

_reconstruct: Any = np.empty(0).__reduce__()[0]  # numpy's own, whatever its module is called today


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
            batch = _Unpickler(file, path).load()
    except InputError:
        raise
    except OSError as error:
        raise InputError(
            f"cannot read {path}: {error.strerror or error}", help="check that the file is readable"
        ) from error
    except Exception as error:  # a damaged pickle raises nearly anything: EOFError, KeyError, MemoryError, ...
        raise _refused(path, f"it is cut short or damaged ({type(error).__name__}: {error})") from error
    if not isinstance(batch, dict):
        raise _refused(path, f"it holds a {type(batch).__name__}, a dict was expected")
    return batch


def _entry(batch: Mapping[Any, Any], key: str) -> Any:
    """Python 2 wrote the official keys as bytes; files written anew by Python 3 have text."""
    return batch.get(key.encode(), batch.get(key))


def _refused(path: Path, reason: str) -> InputError:
    return InputError(f"{path} is not an official CIFAR file: {reason}", help="remove the file and fetch it again")


def _empty_array(kind: Any, shape: Any, typecode: Any) -> Any:
    """An array as pickle begins it, empty; anything else could ask for memory without end."""
    if kind is not _ndarray or tuple(shape) != (0,):
        raise ValueError("an array is begun in an unusual way")
    return _reconstruct(np.ndarray, (0,), b"b")


def _byte_dtype(name: Any, *_flags: Any) -> np.dtype[np.uint8]:
    """The one dtype that images have; the flags 0 and 1 of old files make numpy 2.4 warn, so they are left out."""
    if name not in (b"u1", "u1"):
        raise ValueError(f"values of type {name!r} were found, unsigned bytes were expected")
    return np.dtype("u1")


def _latin1(text: Any, encoding: Any) -> bytes:
    """How Python 3 writes bytes in pickles of protocol 2."""
    if encoding not in (b"latin1", "latin1"):
        raise ValueError(f"the encoding {encoding!r} is not expected")
    return str(text).encode("latin-1")


def _ndarray(*_arguments: Any) -> Any:
    """Stands for numpy.ndarray, which an official file hands to `_empty_array` and never calls."""
    raise ValueError("an array is made in an unusual way")


_ALLOWED = MappingProxyType(
    {
        ("numpy.core.multiarray", "_reconstruct"): _empty_array,  # numpy 1
        ("numpy._core.multiarray", "_reconstruct"): _empty_array,  # numpy 2
        ("numpy", "ndarray"): _ndarray,
        ("numpy", "dtype"): _byte_dtype,
        ("_codecs", "encode"): _latin1,
    }
)


class _Unpickler(pickle._Unpickler):
    """Finds the four names that an array needs and no others: the only way in which a pickle can reach code.

    Built on the unpickler in Python, not the one in C, whose memo is a list: there a single flipped bit in a memo
    number fills tens of gigabytes of memory.
    """

    stack: list[Any]

    def __init__(self, file: IO[bytes], path: Path) -> None:
        super().__init__(file, encoding="bytes")
        self._path = path

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise InputError(
                f"{self._path} names {module}.{name}, which an official CIFAR file does not; nothing in it was run",
                help="do not trust the file: remove it and fetch the official one",
            )
        return _ALLOWED[module, name]

    def _build(self) -> None:
        """Give an array its content; what else pickle could build would set attributes on calib's own functions."""
        state, target = self.stack.pop(), self.stack[-1]
        if isinstance(target, np.ndarray):
            target.__setstate__(state)
        elif not isinstance(target, np.dtype):  # of a dtype, only the byte order would be set, and bytes have none
            raise ValueError("an object is made in an unusual way")

    dispatch: ClassVar[Any] = MappingProxyType({**pickle._Unpickler.dispatch, pickle.BUILD[0]: _build})
