"""Errors about the content of a file begin with the name of the file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from calib.errors import InputError


@contextmanager
def naming(where: Path | str | None) -> Iterator[None]:
    """Put ``where`` before the sentence of an `InputError` from the body; None leaves it as it is.

    >>> with naming("a.csv"):
    ...     raise InputError("row 3 holds nan", help="drop the row")
    Traceback (most recent call last):
        ...
    calib.errors.InputError: a.csv: row 3 holds nan
    """
    try:
        yield
    except InputError as error:
        if where is None:
            raise
        raise type(error)(f"{where}: {error}", help=error.help) from error
