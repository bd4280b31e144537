"""Named columns into CSV, JSON lines, Parquet and Arrow files, which appear whole or not at all."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from calib._extras import library
from calib._text import printable
from calib.errors import InputError
from calib.files.atomic import atomic_file

ROWS = 8192  # that are plain Python values at one time


def write_table(columns: Mapping[str, Any], path: Path | str) -> None:
    """Write columns of one length, lists, arrays ``(n,)`` or ``(n, k)`` or columns of Arrow, in the format of a suffix.

    Numbers are written so that they are read back to the last bit.  Raises `InputError` where the file cannot be
    written, and where its format cannot hold a column.
    """
    path = Path(path)
    write = WRITERS[path.suffix.lower()]
    with atomic_file(path) as file:
        write(columns, file)


def _write_csv(columns: Mapping[str, Any], file: IO[bytes]) -> None:
    with _text(file) as text:
        writer = csv.writer(_Lines(text), lineterminator="\r\n")
        odd = any(re.search(r"[;\t]", name) for name in columns)  # may be taken for what separates columns
        csv.writer(_Lines(text), lineterminator="\r\n", quoting=csv.QUOTE_ALL if odd else csv.QUOTE_MINIMAL).writerow(
            columns
        )
        for row in _rows(columns):
            if nested := [name for name, cell in zip(columns, row, strict=True) if isinstance(cell, list | dict)]:
                raise InputError(
                    f"a CSV file holds no lists, and the column {printable(nested[0])!r} does",
                    help="name a file that ends in .parquet or .jsonl",
                )
            writer.writerow(["" if cell != cell else cell for cell in row])


class _Lines:
    """What a `csv.writer` writes to, which quotes what ends its own lines; here they end in LF alone."""

    def __init__(self, text: IO[str]) -> None:
        self._text = text

    def write(self, line: str) -> None:
        self._text.write(line.removesuffix("\r\n") + "\n")


def _write_json_lines(columns: Mapping[str, Any], file: IO[bytes]) -> None:
    with _text(file) as text:
        for row in _rows(columns):
            plain = {name: _without_nan(cell) for name, cell in zip(columns, row, strict=True)}
            json.dump(plain, text, ensure_ascii=False, default=str)  # dates, decimals
            text.write("\n")


def _without_nan(cell: Any) -> Any:
    """The same with None for NaN, which JSON does not know."""
    if isinstance(cell, list):
        return [_without_nan(item) for item in cell]
    return None if isinstance(cell, float) and cell != cell else cell


def _write_parquet(columns: Mapping[str, Any], file: IO[bytes]) -> None:
    parquet = library("pyarrow.parquet", extra="parquet", what="a Parquet file")
    parquet.write_table(_arrow(columns), file, write_page_checksum=True)


def _write_arrow(columns: Mapping[str, Any], file: IO[bytes]) -> None:
    feather = library("pyarrow.feather", extra="parquet", what="an Arrow file")
    feather.write_feather(_arrow(columns), file)


WRITERS: Mapping[str, Callable[[Mapping[str, Any], IO[bytes]], None]] = {
    ".csv": _write_csv,
    ".jsonl": _write_json_lines,
    ".parquet": _write_parquet,
    ".feather": _write_arrow,
    ".arrow": _write_arrow,
}


class _Text(io.TextIOWrapper):
    """Text into a file that stays open, and is given back even where the disk is full."""

    def __exit__(self, *error: object) -> None:
        if error[0] is None:
            self.flush()
        self.detach()


def _text(file: IO[bytes]) -> _Text:
    return _Text(file, encoding="utf-8", newline="")


def _rows(columns: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    """Row after row as plain Python values, made of some thousand at a time."""
    n = len(next(iter(columns.values())))
    for start in range(0, n, ROWS):
        yield from zip(*(_plain(column, slice(start, start + ROWS)) for column in columns.values()), strict=True)


def _plain(column: Any, rows: slice) -> list[Any]:
    if hasattr(column, "to_pylist"):
        found: list[Any] = column.slice(rows.start, rows.stop - rows.start).to_pylist()
        return found
    part = column[rows]
    if isinstance(part, np.ndarray) and part.dtype.kind == "M":
        return [None if np.isnat(time) else str(time) for time in part]  # as ISO 8601 has it
    return part if isinstance(part, list) else part.tolist()  # of short floats the float64, whose digits say all


def _arrow(columns: Mapping[str, Any]) -> Any:
    pa = library("pyarrow", extra="parquet", what="a Parquet file")
    made = {}
    for name, column in columns.items():
        if isinstance(column, np.ndarray):
            column = column.astype(np.float32) if column.dtype == np.float16 else column
            column = list(column) if column.ndim > 1 or column.dtype.kind not in "fiubM" else column
        try:
            made[name] = column if hasattr(column, "to_pylist") else pa.array(column)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError) as error:
            raise InputError(
                f"the column {printable(name)!r} holds values of several kinds ({printable(str(error))})",
                help="name a file that ends in .jsonl or .csv",
            ) from error
    return pa.table(made)
