"""Write files so that a killed process leaves the old content or the new, never half of either."""

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from calib.errors import InputError


def is_device(path: Path) -> bool:
    """Whether a path is a pipe or a device, or leads to what stands open, and so is nothing to be replaced.

    >>> is_device(Path("/dev/null")), is_device(Path("table.csv"))
    (True, False)
    """
    stands_open = str(path) in ("/dev/stdout", "/dev/stderr") or str(path.parent) in ("/dev/fd", "/proc/self/fd")
    return stands_open or (path.exists() and not path.is_file() and not path.is_dir())


@contextmanager
def atomic_file(path: Path | str) -> Iterator[IO[bytes]]:
    """Open a temporary file beside ``path``; on success sync it to disk and rename it to ``path``, else remove it.

    What is no file, as a pipe or ``/dev/stdout``, is written to as it is.

    Raises `InputError` where the folder cannot be written or the disk is full; an existing ``path`` is then untouched.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder, a file was expected", help="name a file to write")
    if is_device(path):
        with _as_input_error(path), path.open("wb") as device:
            yield device
        return
    with _as_input_error(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=_prefix(path), suffix=".tmp", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            _widen_mode(temporary, 0o666)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)


@contextmanager
def atomic_folder(path: Path | str, *, force: bool = False) -> Iterator[Path]:
    """Fill a temporary folder beside ``path``; on success rename it to ``path``, else remove it with all it holds.

    Raises `InputError` where ``path`` exists and ``force`` is not set, or where it cannot be written: before the body
    runs, so that no long work is lost.
    """
    path = Path(os.path.realpath(path))  # a link stays a link: what it points to is replaced
    if path.exists() and not force:
        raise InputError(f"{path} exists already", help="name another --output, or pass --force to replace it")
    if path.exists() and not path.is_dir():
        raise InputError(f"{path} is a file, a folder was expected", help="name another --output")
    if path == Path.cwd() or path.is_mount():
        raise InputError(f"{path} cannot be replaced: it is in use", help="name a folder of its own as --output")
    with _as_input_error(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=_prefix(path), suffix=".tmp", dir=path.parent))
    try:
        yield temporary
        with _as_input_error(path):
            _widen_mode(temporary, 0o777)
            if path.exists():
                _swap(temporary, path)
            else:
                os.replace(temporary, path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    _sync_folder(path.parent)


def _swap(new: Path, path: Path) -> None:
    """Put ``new`` in the place of the folder ``path``, which stays or comes back if that fails."""
    old = new.with_suffix(".old")
    os.replace(path, old)
    try:
        os.replace(new, path)
    except BaseException:
        os.replace(old, path)
        raise
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def made_folder(path: Path) -> Iterator[None]:
    """Make the folder ``path`` and its parents; those of them that are empty when the body fails go again.

    Raises `InputError` where it cannot be made or written to: before the body runs.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        with _as_input_error(path):
            path.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=path).close()  # asks whether it can be written to
        yield
    except BaseException:
        for folder in missing:
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise


def leftovers(folder: Path) -> list[Path]:
    """Files that `atomic_file` was writing into ``folder`` when its process was killed, or is writing now."""
    return [path for path in folder.glob(".*.tmp") if _TEMPORARY.fullmatch(path.name)]


def _prefix(path: Path) -> str:
    return f".{path.name[:100]}.{os.getpid()}."


_TEMPORARY = re.compile(r"\..+\.\d+\.[^.]+\.tmp")


@contextmanager
def _as_input_error(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            f"cannot write {path}: {reason}", help="name a folder that can be written to and has room"
        ) from error


def _widen_mode(path: Path | str, mode: int) -> None:
    """Give a private temporary file the permissions that a plain ``open`` would have given it."""
    umask = os.umask(0)
    os.umask(umask)
    os.chmod(path, mode & ~umask)


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable, where platform and file system can; the file is in its place either way."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
