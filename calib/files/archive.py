"""Check a zip archive before anything in it is believed: its directory, its names and its checksums."""

import struct
import zipfile
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
            if stored_only and any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
                raise InputError(f"{path} has compressed parts, where none belong", help="do not trust this file")
            inflated = sum(member.file_size for member in archive.infolist())
            if inflated > max(2**30, 50 * path.stat().st_size):
                raise InputError(f"{path} would inflate to {inflated / 2**30:.0f} GiB", help="do not trust this file")
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
    if len(set(names)) != len(names) or any(".." in name.split("/") or name.startswith("/") for name in names):
        raise InputError(f"{path} has duplicate or escaping member names", help="do not trust this file")
    return names


def _declared_members(path: Path) -> int:
    """The number of members that the end record declares; one flipped bit can make the directory skip some."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 65_557))  # the end record and the longest comment there can be
        tail = file.read()
    (count,) = struct.unpack_from("<H", tail, tail.rindex(_END_OF_DIRECTORY) + 10)
    return int(count)
