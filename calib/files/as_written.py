"""The columns of a file as they stand in it: cells letter by letter, and what JSON and Arrow have for values."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from calib.files.arrow_table import ArrowColumns
from calib.files.csv_table import read_cells
from calib.files.json_lines import read_json_values
from calib.files.read import format_of


def as_written(path: Path, columns: Mapping[str, Any]) -> Mapping[str, Any]:
    """Each of the ``columns`` of a file as a list of its values, an array or a column of Arrow, whatever it holds."""
    if isinstance(columns, ArrowColumns):
        return {name: columns.raw(name) for name in columns}
    if format_of(path) == "JSON text":
        return read_json_values(path)
    if is_csv(path):
        return read_cells(path)
    return {name: column for name, column in columns.items() if np.ndim(column) > 0}


def is_csv(path: Path) -> bool:
    """Whether a file is of cells, which are text whatever they say."""
    return format_of(path) in ("a text file", "a gzip file")
