"""Say in words what a file looks like from its first bytes, so that an error can name it."""

import re
import zipfile
from pathlib import Path

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"version https://git-lfs", "a Git LFS pointer (fetch the real file with `git lfs pull`)"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x80\x02", "a pickle (Python objects)"),
    (b"\x80\x03", "a pickle (Python objects)"),
    (b"\x80\x04", "a pickle (Python objects)"),
    (b"\x80\x05", "a pickle (Python objects)"),
    (b"\x93NUMPY", "a .npy array"),
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"\x1f\x8b", "a gzip file"),
    (b"\xfd7zXZ", "an xz file"),
    (b"BZh", "a bzip2 file"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a PNG picture"),
)
_CALIBRATOR = re.compile(rb'\{\s*"format": \d+,\s*"method": "')


def describe(path: Path | str) -> str:
    """Describe a file in a few words.

    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = pathlib.Path(folder, "model.pt")
    ...     _ = page.write_text("<!DOCTYPE html><title>404</title>")
    ...     describe(page)
    'an HTML page (a download that went wrong?)'
    """
    with Path(path).open("rb") as file:
        head = file.read(512)
    if not head:
        return "an empty file"
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            truncated = name == "a zip archive" and not is_zip(path)
            return "a truncated zip archive (.npz or checkpoint)" if truncated else name
    if head[257:262] == b"ustar":
        return "a tar archive"
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 100_000_000:
        return "a safetensors file"
    text = head.lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return "an HTML page (a download that went wrong?)"
    if _CALIBRATOR.match(text):
        return "a calibrator that calib saved (for `calib apply` and --calibrator)"
    if text.startswith((b"{", b"[")):
        return "JSON text"
    if all(byte >= 32 or byte in b"\t\r\n" for byte in head):
        return "a text file"
    return "unknown binary data"


def is_zip(path: Path | str) -> bool:
    """Whether a file is a zip archive, be it a damaged one."""
    try:
        return zipfile.is_zipfile(path)
    except zipfile.BadZipFile:  # of several disks, or so it says
        return True


def is_npz(path: Path | str) -> bool:
    """Whether a file is a zip archive of ``.npy`` arrays, whatever its name."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return False
    return bool(names) and all(name.endswith(".npy") for name in names)
