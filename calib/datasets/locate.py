"""Where data sets lie on disk, and what to say when one is not there."""

import os
import shlex
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from calib.errors import InputError


def search_roots(data_dir: Path | None = None) -> tuple[Path, ...]:
    """The folders to search: ``data_dir`` alone if given, else ``$CALIB_DATA``, then the user's cache.

    >>> [str(root) for root in search_roots(Path("here"))]
    ['here']
    """
    if data_dir is not None:
        return (Path(data_dir),)
    named = os.environ.get("CALIB_DATA")
    return (Path(named), _cache()) if named else (_cache(),)


def default_root() -> Path:
    """The folder that downloads go to when none is named: ``$CALIB_DATA``, else the user's cache."""
    return search_roots()[0]


def first_complete(folders: Iterable[Path], files: Sequence[str]) -> Path | None:
    """The first folder that holds all ``files``; failing that, one that holds some, so that reading names the lack."""
    partial = None
    for folder in folders:
        present = [is_file(folder / name) for name in files]
        if all(present):
            return folder
        if any(present) and partial is None:
            partial = folder
    return partial


def is_file(path: Path) -> bool:
    """Whether ``path`` is a file; unlike the method of pathlib, no error where a folder may not be entered."""
    return os.path.isfile(path)


def not_found(
    name: str, *, looked_for: str, folders: Sequence[Path], data_dir: Path | None, tip: str = ""
) -> InputError:
    """The error for a data set that is nowhere: what was looked for and where, and the command that fetches it."""
    places = ", ".join(str(folder) for folder in folders)
    return InputError(
        f"{name} was not found: looked for {looked_for} in {places}", help=download_command(name, data_dir) + tip
    )


def download_command(name: str, data_dir: Path | None) -> str:
    """The exact command that fetches a data set, quoted for a shell.

    >>> download_command("cifar10", Path("my data"))
    "calib data download cifar10 --data-dir 'my data'"
    """
    return f"calib data download {name}" + ("" if data_dir is None else f" --data-dir {shlex.quote(str(data_dir))}")


def _cache() -> Path:
    if named := os.environ.get("XDG_CACHE_HOME"):
        return Path(named) / "calib" / "data"
    if sys.platform == "win32" and (local := os.environ.get("LOCALAPPDATA")):
        return Path(local) / "calib" / "data"
    return Path(os.path.expanduser("~")) / ".cache" / "calib" / "data"  # unlike Path.home(), never raises
