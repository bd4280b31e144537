"""Is a path a plain file that can be read?  Asked before anything waits for a pipe or reads a device without end."""

from pathlib import Path

from calib.errors import InputError


def check_file(path: Path | str, expected: str, *, help: str, largest: int | None = None) -> None:
    """Raise `InputError`, naming ``path``, where it is no plain file, cannot be read, or is beyond ``largest`` bytes.

    >>> check_file(".", "a checkpoint", help="name a file")
    Traceback (most recent call last):
        ...
    calib.errors.InputError: . is a folder, a checkpoint was expected
    """
    path = Path(path)
    try:
        if not path.is_file():
            there = "is a folder" if path.is_dir() else "is a pipe or a device" if path.exists() else "does not exist"
            raise InputError(f"{path} {there}, {expected} was expected", help=help)
        if largest is not None and path.stat().st_size > largest:
            raise InputError(f"{path} is too large, {expected} was expected", help=help)
        with path.open("rb") as file:
            file.read(1)
    except OSError as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: OSError) -> InputError:
    """The error for a file that the system does not let be read."""
    return InputError(
        f"cannot read {path}: {error.strerror or error}", help="check the path, its permissions and the disk"
    )
