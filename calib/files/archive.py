"""Check a zip archive before anything in it is believed: its directory, its names and its checksums."""

import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path

from calib._text import printable
from calib.errors import InputError

_END_OF_DIRECTORY = b"PK\x05\x06"
_COPY_AGAIN = "copy or download the file again"


def check_archive(path: Path | str, *, stored_only: bool = False) -> list[str]:
    """Read every member of a zip file once, comparing checksums, and return the members' names.

    Raises `InputError` for an archive that is damaged, truncated or inconsistent, that hides members, names one twice,
    or whose names would escape a folder; with ``stored_only`` for compressed members too, before they are inflated.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            _check_directory(path, archive.infolist(), stored_only=stored_only)
            damaged = archive.testzip()
        declared = _declared_members(path)
    except InputError:
        raise
    except Exception as error:  # zipfile raises a dozen kinds on a damaged file; each means the same
        reason = printable(str(error) or type(error).__name__)
        raise InputError(f"{path} is damaged ({reason})", help=_COPY_AGAIN) from error
    if damaged is not None:
        raise InputError(
            f"checksum mismatch in {printable(damaged)} of {path}: the file has changed since it was written",
            help="copy or download it again; files saved with torch's CRC option off also look like this",
        )
    if declared != len(names):
        raise InputError(f"{path} is damaged: it declares {declared} parts and shows {len(names)}", help=_COPY_AGAIN)
    return names


def _check_directory(path: Path, members: Sequence[zipfile.ZipInfo], *, stored_only: bool) -> None:
    """Refuse by what the archive's directory says, before any member is read."""
    names = [member.filename.replace("\\", "/") for member in members]
    inflated, size = sum(member.file_size for member in members), path.stat().st_size
    problem = None
    if stored_only and any(member.compress_type != zipfile.ZIP_STORED for member in members):
        problem = "has compressed parts, where none belong"
    elif stored_only and inflated > size:
        problem = f"declares parts of {inflated:,} bytes, more than it holds"
    elif inflated > max(2**30, 50 * size):
        problem = f"would inflate to {inflated / 2**30:.0f} GiB"
    elif len(set(names)) != len(names) or any(".." in name.split("/") or name.startswith("/") for name in names):
        problem = "has duplicate or escaping member names"
    if problem is not None:
        raise InputError(f"{path} {problem}", help="do not trust this file")


def _declared_members(path: Path) -> int:
    """The number of members that the end record declares; one flipped bit can make the directory skip some."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 65_557))  # the end record and the longest comment there can be
        tail = file.read()
    (count,) = struct.unpack_from("<H", tail, tail.rindex(_END_OF_DIRECTORY) + 10)
    return int(count)
