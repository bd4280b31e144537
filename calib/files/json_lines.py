"""One JSON object a line: ``{"label": 3, "logits": [0.1, …]}``; into named columns."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from calib._arrays import AnyArray
from calib._text import printable
from calib.errors import InputError
from calib.files.bounded_lines import bounded_lines


def read_json_lines(path: Path | str) -> dict[str, AnyArray]:
    """Read a file of JSON objects, all with the same names; lists of numbers become rows of a matrix.

    Raises `InputError` naming the line that is no such object.
    """
    return {name: _array(Path(path), name, values) for name, values in read_json_values(path).items()}


def read_json_values(path: Path | str) -> dict[str, list[Any]]:
    """The same columns as JSON has them, whatever it is: words, numbers, null, lists.  Raises as `read_json_lines`."""
    path = Path(path)
    columns: dict[str, list[Any]] = {}
    rows = 0
    try:
        with bounded_lines(path) as content, io.TextIOWrapper(content, encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                row = _row(path, number, line)
                if rows and row.keys() != columns.keys():
                    odd = next(iter(row.keys() ^ columns.keys()))
                    verb = "has" if odd in row else "lacks"
                    raise InputError(
                        f"{path} line {number} {verb} {printable(odd)!r}, unlike the lines before",
                        help="write the same names in every line",
                    )
                for name, value in row.items():
                    columns.setdefault(name, []).append(value)
                rows += 1
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text", help="write it again in UTF-8") from error
    if not rows:
        raise InputError(f"{path} holds no rows", help="write one object a line")
    return columns


def _row(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path} line {number} is no JSON: {printable(str(error))}", help="write one object a line"
        ) from error
    if not isinstance(row, dict):
        raise InputError(f"{path} line {number} is no object", help='write such as {"label": 0, "logits": [1.5, 0.2]}')
    return row


def _array(path: Path, name: str, values: list[Any]) -> AnyArray:
    if isinstance(values[0], list):
        widths = {len(value) if isinstance(value, list) else -1 for value in values}
        if len(widths) > 1:
            expected = len(values[0])
            row = next(i for i, value in enumerate(values) if not isinstance(value, list) or len(value) != expected)
            raise InputError(
                f"{path} row {row} has another number of {printable(name)!r} than the {expected} of the first",
                help="give every class a number in every row",
            )
    try:
        return np.array(values)
    except (ValueError, OverflowError) as error:
        raise InputError(f"{path}: {printable(name)!r} holds nested lists", help="give one list a row") from error
