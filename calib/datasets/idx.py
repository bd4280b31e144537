"""IDX, the format of the MNIST family: read strictly, and never more than the file declares."""

import gzip
import math
import zlib
from pathlib import Path
from typing import NoReturn, Protocol

import numpy as np
import numpy.typing as npt

from calib.errors import InputError
from calib.files.plain_file import unreadable

MAX_BYTES = 1 << 30  # ten times the largest file of the family; more is a damaged header or an attack


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def read_idx(path: Path) -> npt.NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes, plain or gzipped (told by its content), into an array of the declared shape.

    At most the declared number of bytes and one more is ever unpacked.  Raises `InputError` where the magic number is
    wrong, more than `MAX_BYTES` are declared, bytes are missing or left over, or the gzip checksum fails.  Format: Y.
    LeCun, C. Cortes and C. Burges, "The MNIST database of handwritten digits".
    """
    try:
        with path.open("rb") as raw:
            gzipped = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            if not gzipped:
                return _read(raw, path)
            with gzip.open(raw) as unpacked:
                return _read(unpacked, path)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{path} is cut short or damaged: {error}", help="fetch the file again") from error
    except OSError as error:
        raise unreadable(path, error) from error


def idx_bytes(array: npt.NDArray[np.uint8]) -> bytes:
    """The plain file that has this array: the same for every way in which gzip may have packed it.

    >>> idx_bytes(np.array([7, 9], dtype=np.uint8)).hex(" ")
    '00 00 08 01 00 00 00 02 07 09'
    """
    header = b"\0\0\x08" + bytes([array.ndim]) + np.array(array.shape, dtype=">u4").tobytes()
    return header + array.tobytes()


def _read(file: _Readable, path: Path) -> npt.NDArray[np.uint8]:
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        _refuse(path, f"it begins with {magic!r}, an IDX file with two zero bytes")
    if magic[2] != 0x08:
        _refuse(path, f"its values have type 0x{magic[2]:02x}, only 0x08 (unsigned byte) is read")
    n_dimensions = magic[3]
    header = file.read(4 * n_dimensions)
    if not 1 <= n_dimensions <= 8 or len(header) < 4 * n_dimensions:
        _refuse(path, f"its header declares {n_dimensions} dimensions and holds {len(header)} bytes of them")
    shape = tuple(int(size) for size in np.frombuffer(header, dtype=">u4"))
    n_bytes = math.prod(shape)
    if n_bytes > MAX_BYTES:
        _refuse(path, f"it declares {n_bytes:,} bytes, at most {MAX_BYTES:,} are read")
    body = file.read(n_bytes + 1)  # one more than declared: enough to notice what is left over, and no bomb
    if len(body) < n_bytes:
        _refuse(path, f"it declares {n_bytes:,} bytes and holds {len(body):,}")
    if len(body) > n_bytes:
        _refuse(path, f"it holds more than the {n_bytes:,} bytes that it declares")
    return np.frombuffer(body, dtype=np.uint8).reshape(shape)


def _refuse(path: Path, reason: str) -> NoReturn:
    raise InputError(f"{path} is not a whole IDX file: {reason}", help="fetch the file again")
