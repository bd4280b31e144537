"""What a file looks like, in words for an error."""

import gzip
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calib.files.sniff import describe, is_npz, is_zip


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "an empty file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "a Git LFS pointer"),
        (b"PK\x03\x04rest", "a truncated zip archive"),
        *((pickle.dumps({"a": 1}, protocol), "a pickle") for protocol in range(2, 6)),
        (b"\x93NUMPY\x01\x00", "a .npy array"),
        (b"PAR1\x15\x04", "a Parquet file"),
        (b"ARROW1\0\0", "an Arrow file"),
        (gzip.compress(b"x", mtime=0), "a gzip file"),
        (b"\xfd7zXZ\x00", "an xz file"),
        (b"%PDF-1.7", "a PDF"),
        (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
        ((16).to_bytes(8, "little") + b'{"__metadata__":', "a safetensors file"),
        (b"\n  <!DOCTYPE html><p>404", "an HTML page"),
        (b"<HTML>", "an HTML page"),
        (b' {"logits": []}', "JSON text"),
        (b"[1, 2]", "JSON text"),
        (b"0.1,0.9,1\r\n", "a text file"),
        ("0,1,Müller\n".encode(), "a text file"),
        (b"\x00\x01\x02\x03", "unknown binary data"),
    ],
)
def test_a_file_is_described_by_its_first_bytes(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "model.npz"
    path.write_bytes(content)
    assert describe(path).startswith(words)
    assert describe(str(path)) == describe(path)


def test_a_zip_of_npy_arrays_is_an_npz_whatever_its_name(tmp_path: Path) -> None:
    with (tmp_path / "predictions.dat").open("wb") as file:
        np.savez(file, labels=np.arange(3))
    assert is_npz(tmp_path / "predictions.dat")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"not a zip", pickle.dumps([1])])
def test_what_is_no_zip_is_no_npz(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.npz").write_bytes(content)
    assert not is_npz(tmp_path / "x.npz")


@pytest.mark.parametrize("names", [[], ["data.pkl"], ["labels.npy", "data.pkl"]])
def test_a_zip_of_something_else_is_no_npz(tmp_path: Path, names: Any) -> None:
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        for name in names:
            archive.writestr(name, b"")
    assert not is_npz(tmp_path / "x.npz")


def test_a_folder_or_a_missing_file_is_no_npz(tmp_path: Path) -> None:
    assert not is_npz(tmp_path)
    assert not is_npz(tmp_path / "missing")


def test_an_archive_that_says_it_goes_on_elsewhere_is_a_damaged_archive(tmp_path: Path) -> None:
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, 2)  # of two disks
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0, 0, 0, 0, 0)
    (tmp_path / "x.npz").write_bytes(b"PK\x03\x04" + bytes(60) + locator + end)
    assert is_zip(tmp_path / "x.npz")
    assert describe(tmp_path / "x.npz") == "a zip archive"
    assert not is_npz(tmp_path / "x.npz")
