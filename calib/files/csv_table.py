"""Tables of text: comma, semicolon or tab, gzipped or not, into named columns."""

import csv
import io
import warnings
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from calib._arrays import AnyArray
from calib._text import printable
from calib.errors import InputError
from calib.files.bounded_lines import bounded_lines
from calib.files.score_columns import UNIQUE, role_of

LINES = 100  # that the names of the columns may go over


def read_csv(path: Path | str) -> dict[str, AnyArray]:
    """Read a table whose first line names its columns; an empty cell is NaN, ids stay as they are written.

    The separator is that of ``,``, ``;`` and tab by which the header has most columns.  Raises `InputError` for a
    damaged file, names that come twice, and lines of unequal length.
    """
    found = _frame_columns(Path(path), text=UNIQUE, na_values=[""], **to_the_last_bit())
    return {name: column.to_numpy() for name, column in found}


def read_cells(path: Path | str) -> dict[str, list[str]]:
    """The same columns as they are written, letter by letter: 007 stays 007.  Raises as `read_csv` does."""
    return {name: column.tolist() for name, column in _frame_columns(Path(path), text=None, na_values=[])}


def _frame_columns(path: Path, *, text: Sequence[str] | None, **options: Any) -> Iterator[tuple[str, Any]]:
    """Each column as a series of pandas, with the name that the header gives it; as words those of ``text``, or all."""
    import pandas as pd

    try:
        header, separator = _header(path)
        with bounded_lines(path) as lines, warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                lines,
                sep=separator,
                encoding="utf-8-sig",
                keep_default_na=False,
                index_col=False,
                low_memory=False,
                dtype=str if text is None else {i: str for i, name in enumerate(header) if role_of(name) in text},
                **options,
            )
    except InputError:
        raise
    except MemoryError as error:
        raise InputError(f"{path} does not fit into memory", help="give it as Parquet, which is streamed") from error
    except Exception as error:  # pandas raises a dozen kinds on a damaged file; each means the same
        reason = printable(str(error).splitlines()[0] if str(error) else type(error).__name__)
        raise InputError(f"{path} is no table of columns ({reason})", help="write it again as CSV in UTF-8") from error
    if len(frame.columns) != len(header):
        raise InputError(f"{path} has {len(frame.columns)} columns for {len(header)} names", help="name every column")
    return ((name, frame.iloc[:, i]) for i, name in enumerate(header))


def to_the_last_bit() -> dict[str, Any]:
    """The option by which ``pandas.read_csv`` reads numbers as they were written; pandas 3 does so anyway."""
    import pandas as pd

    return {"float_precision": "round_trip"} if pd.__version__.startswith("2.") else {}


def _header(path: Path) -> tuple[list[str], str]:
    with bounded_lines(path) as content, io.TextIOWrapper(content, encoding="utf-8-sig", newline="") as lines:
        head = list(islice(lines, LINES))
    if not head or not head[0].strip():
        raise InputError(f"{path} begins with an empty line", help="the first line names the columns")
    read = {separator: _names(head, separator) for separator in ",;\t"}
    separator = max(read, key=lambda separator: len(read[separator]))
    names = read[separator]
    if not names:
        raise ValueError("quotes in its first line are not closed")
    if all(_is_number(name) for name in names):
        raise InputError(
            f"{path} begins with numbers, not with the names of its columns",
            help="write a first line such as label,prob_0,prob_1",
        )
    repeated = [name for name in names if names.count(name) > 1]
    if repeated:
        raise InputError(f"{path} has two columns {printable(repeated[0])!r}", help="give each its own name")
    return names, separator


def _names(head: list[str], separator: str) -> list[str]:
    """The names of the columns if this separates them; none where quotes say that it does not."""
    try:
        return next(csv.reader(head, delimiter=separator, strict=True))
    except csv.Error:
        return []


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
