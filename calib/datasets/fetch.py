"""Fetch one file over HTTP: resume where it broke off, check its published md5."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, NoReturn

from calib.errors import InputError

TIMEOUT = 30.0  # seconds without a single byte
_CHUNK = 1 << 18


def fetch(url: str, target: Path, *, md5: str, n_bytes: int, progress: Callable[[int], None], by_hand: str) -> None:
    """Fetch ``url`` into ``target``, by way of ``target.part``, which a later call resumes.

    ``progress`` is told the number of bytes there so far.  Nothing is fetched where ``target`` has the right md5
    already.  Never more than ``n_bytes`` and one are read.  Raises `InputError` where the server cannot be reached or
    breaks off (what came is kept; ``by_hand`` becomes the help), and where the md5 is wrong (the file is then removed).
    """
    if not url.startswith(("http://", "https://")):
        raise InputError(f"{url} is no http:// or https:// address", help="mend CALIB_DATA_URL, or unset it")
    part = target.with_name(f"{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_file() and _md5(target) == md5:
            progress(n_bytes)
            return
        with part.open("ab") as file:
            if file.tell() < n_bytes:
                _append(url, file, n_bytes, progress, by_hand)
        came = _md5(part)
        if came == md5:
            os.replace(part, target)
            return
        part.unlink()
    except OSError as error:  # only the disk's: those of the network are turned into InputError where they happen
        raise InputError(f"cannot write {part}: {error.strerror or error}", help="name another --data-dir") from error
    raise InputError(
        f"{url} has the wrong checksum: md5 {md5} was published, {came} came; the file was removed",
        help=f"run the command again; if it fails again, the server's file is not the official one: {by_hand}",
    )


def _append(url: str, file: IO[bytes], n_bytes: int, progress: Callable[[int], None], by_hand: str) -> None:
    from http.client import HTTPException
    from urllib.error import HTTPError

    start = file.tell()
    try:
        response = _open(url, start)
    except HTTPError as error:
        error.close()
        if error.code == 416 and start:  # nothing lies beyond what is there: the checksum decides what that is worth
            return
        _give_up(url, f"the server answered {error.code} {error.reason}", by_hand)
    except (OSError, HTTPException) as error:
        _give_up(url, _reason(error), by_hand)
    with response:
        if start and not _continues(response, start):  # the server sends the whole file, whatever was asked
            file.truncate(0)
            file.seek(0)
            start = 0
        done = start
        progress(done)
        while done <= n_bytes:
            try:
                chunk = response.read(min(_CHUNK, n_bytes + 1 - done))
            except (OSError, HTTPException) as error:
                file.flush()
                _give_up(url, f"broke off after {done:,} of {n_bytes:,} bytes ({_reason(error)})", by_hand)
            if not chunk:
                break
            file.write(chunk)
            done += len(chunk)
            progress(min(done, n_bytes))
        declared = response.headers.get("Content-Length")
        if declared is not None and declared.isdigit() and done < min(start + int(declared), n_bytes):
            file.flush()
            _give_up(url, f"broke off after {done:,} of {n_bytes:,} bytes", by_hand)


def _open(url: str, start: int) -> Any:
    from urllib.request import Request, urlopen

    headers = {"User-Agent": "calib"}
    if start:
        headers["Range"] = f"bytes={start}-"
    return urlopen(Request(url, headers=headers), timeout=TIMEOUT)  # noqa: S310 - `fetch` has refused other schemes


def _continues(response: Any, start: int) -> bool:
    given = str(response.headers.get("Content-Range", ""))
    return response.status == 206 and given.replace("bytes=", "bytes ").startswith(f"bytes {start}-")


def _reason(error: Exception) -> str:
    """The cause that urllib wraps says more than the wrapping."""
    return str(getattr(error, "reason", None) or error or type(error).__name__)


def _give_up(url: str, reason: str, by_hand: str) -> NoReturn:
    raise InputError(f"cannot fetch {url}: {reason}", help=f"run the command again, it resumes; or {by_hand}")


def _md5(path: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)  # the only checksum that was published
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
