"""The history of a training, ``history.csv``: one row an epoch, read back as numbers."""

import csv
import math
from pathlib import Path

from calib._text import printable
from calib.errors import InputError
from calib.files.plain_file import check_file
from calib.files.sniff import describe

LARGEST = 1 << 28  # bytes; a million epochs are a tenth of it
_NAME = "name the history.csv of a run directory"


def load_history(path: Path | str) -> list[dict[str, float]]:
    """Read ``history.csv`` into one dict an epoch; an empty cell is NaN.

    Raises `InputError` where the file is missing or no such table, naming line and column of what is no number.
    """
    path = Path(path)
    check_file(path, "a history", help=_NAME, largest=LARGEST)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = list(csv.reader(file, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{path} is no table of numbers: it looks like {describe(path)}",
            help=_NAME,
        ) from error
    columns = lines[0] if lines else []
    if "epoch" not in columns or len(set(columns)) < len(columns):
        raise InputError(f"{path} has no column `epoch`, or one twice", help=_NAME)
    rows = []
    for number, cells in enumerate(lines[1:], start=2):
        if len(cells) != len(columns):
            raise InputError(
                f"{path} line {number} has {len(cells)} cells for {len(columns)} columns", help="was it cut short?"
            )
        where = f"{path} line {number}"
        rows.append({name: _number(cell, f"{where}, {name}") for name, cell in zip(columns, cells, strict=True)})
    return rows


def _number(cell: str, where: str) -> float:
    try:
        return float(cell) if cell.strip() else math.nan
    except ValueError as error:
        raise InputError(f"{where}: {printable(repr(cell), limit=40)} is no number", help="mend the cell") from error
