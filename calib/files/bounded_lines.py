"""Open text so that neither a line without end nor a small file that inflates to gigabytes fills the memory."""

import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from calib.errors import InputError

LONGEST = 1 << 25  # bytes of a line: a million classes
INFLATED = 1 << 30  # bytes that any gzipped file may have; a larger one at most `RATIO` times its size
RATIO = 50


@contextmanager
def bounded_lines(path: Path | str) -> Iterator[IO[bytes]]:
    """Open ``path``, gzipped or not, told by its content.  Reading raises `InputError` beyond the bounds.

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     _ = file.write(gzip.compress(b"a,b"))
    ...     file.flush()
    ...     with bounded_lines(file.name) as lines:
    ...         lines.read()
    b'a,b'
    """
    path = Path(path)
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        content: Any = gzip.GzipFile(fileobj=file) if zipped else file
        most = max(INFLATED, RATIO * path.stat().st_size) if zipped else None
        with io.BufferedReader(_Bounded(path, content, most), 1 << 18) as lines:
            yield lines


class _Bounded(io.RawIOBase):
    """Counts what is read, since the last line ended and in all."""

    def __init__(self, path: Path, content: Any, most: int | None) -> None:
        self._path, self._content, self._most = path, content, most
        self._line, self._length, self._all = 1, 0, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._content.read(len(buffer))
        buffer[: len(data)] = data
        self._count(data)
        return len(data)

    def _count(self, data: bytes) -> None:
        self._all += len(data)
        last = data.rfind(b"\n")
        self._line += data.count(b"\n") if last >= 0 else 0
        self._length = len(data) - last - 1 if last >= 0 else self._length + len(data)
        if self._length > LONGEST:
            raise InputError(
                f"{self._path} line {self._line} is longer than {LONGEST >> 20} MiB", help="write one example a line"
            )
        if self._most is not None and self._all > self._most:
            raise InputError(
                f"{self._path} inflates to more than {self._most / 2**30:.0f} GiB", help="give it as Parquet"
            )
