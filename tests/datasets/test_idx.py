import gzip
import io
import struct
from pathlib import Path

import numpy as np
import pytest

from calib.datasets.idx import read_idx
from calib.errors import InputError

from .synthetic import idx_bytes

ARRAY = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


@pytest.mark.parametrize("gzipped", [False, True])
def test_an_array_comes_back_whatever_the_file_is_called(tmp_path: Path, gzipped: bool) -> None:
    path = tmp_path / "array"
    path.write_bytes(gzip.compress(idx_bytes(ARRAY)) if gzipped else idx_bytes(ARRAY))
    assert np.array_equal(read_idx(path), ARRAY)


def test_a_file_cut_at_any_byte_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "cut"
    for content in (idx_bytes(ARRAY), gzip.compress(idx_bytes(ARRAY))):
        for length in range(len(content)):
            path.write_bytes(content[:length])
            with pytest.raises(InputError, match="cut"):
                read_idx(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (idx_bytes(ARRAY) + b"\0", "more than the 24 bytes that it declares"),
        (gzip.compress(idx_bytes(ARRAY) + b"\0", mtime=0), "more than the 24 bytes that it declares"),
        (b"\x01" + idx_bytes(ARRAY)[1:], "two zero bytes"),
        (b"<html>not found</html>", "two zero bytes"),
        (b"\0\0\x0d" + idx_bytes(ARRAY)[3:], "type 0x0d"),
        (b"\0\0\x08\x00", "0 dimensions"),
        (b"\0\0\x08\xff" + b"\0" * 2000, "255 dimensions"),
        (b"\0\0\x08\x03" + struct.pack(">3I", 2**32 - 1, 2**32 - 1, 2**32 - 1), "at most"),
    ],
)
def test_what_is_not_exactly_one_array_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "bad"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_idx(path)


def test_a_gzip_file_with_a_flipped_bit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "flipped.gz"
    content = bytearray(gzip.compress(idx_bytes(np.zeros((100, 100), dtype=np.uint8))))
    content[-6] ^= 1  # in the checksum
    path.write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        read_idx(path)


def test_no_more_than_the_declared_bytes_and_one_are_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(idx_bytes(ARRAY) + b"\0" * 50_000_000))  # 50 kB on disk
    asked = []

    class Counting(gzip.GzipFile):
        def read(self, size: int | None = -1) -> bytes:
            asked.append(size)
            return super().read(size)

    monkeypatch.setattr(gzip, "open", lambda file: Counting(fileobj=file))
    with pytest.raises(InputError, match="more than the 24 bytes"):
        read_idx(path)
    assert asked == [4, 12, 25]


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(InputError, match="cannot read"):
            read_idx(path)


def test_the_synthetic_files_have_the_published_format() -> None:
    # http://yann.lecun.com/exdb/mnist: magic 2049 for labels, big-endian sizes
    header = io.BytesIO(idx_bytes(np.zeros(5, dtype=np.uint8))).read(8)
    assert struct.unpack(">II", header) == (2049, 5)
