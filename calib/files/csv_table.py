"""Tables of text: comma, semicolon or tab, gzipped or not, into named columns."""

import csv
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from calib._arrays import AnyArray
from calib._text import printable
from calib.errors import InputError
from calib.files.bounded_lines import bounded_lines


def read_csv(path: Path | str) -> dict[str, AnyArray]:
    """Read a table whose first line names its columns; an empty cell is NaN, everything else stays as it is written.

    The separator is that of ``,``, ``;`` and tab which the header has most of.  Raises `InputError` for a damaged
    file, names that come twice, and lines of unequal length.
    """
    return {name: column.to_numpy() for name, column in _frame_columns(Path(path), na_values=[""], **to_the_last_bit())}


def read_cells(path: Path | str) -> dict[str, list[str]]:
    """The same columns as they are written, letter by letter: 007 stays 007.  Raises as `read_csv` does."""
    return {name: column.tolist() for name, column in _frame_columns(Path(path), na_values=[], dtype=str)}


def _frame_columns(path: Path, **options: Any) -> Iterator[tuple[str, Any]]:
    """Each column as a series of pandas, with the name that the header gives it."""
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
    with bounded_lines(path) as lines:
        head = lines.readline()
    line = head.decode("utf-8-sig").rstrip("\r\n")
    if not line.strip():
        raise InputError(f"{path} begins with an empty line", help="the first line names the columns")
    separator = max(",;\t", key=line.count)
    names = next(csv.reader([line], delimiter=separator))
    if all(_is_number(name) for name in names):
        raise InputError(
            f"{path} begins with numbers, not with the names of its columns",
            help="write a first line such as label,prob_0,prob_1",
        )
    repeated = [name for name in names if names.count(name) > 1]
    if repeated:
        raise InputError(f"{path} has two columns {printable(repeated[0])!r}", help="give each its own name")
    return names, separator


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
