"""The column of a file that says which group each example belongs to."""

from pathlib import Path

import numpy as np

from calib._arrays import AnyArray
from calib._nearest import suggestion
from calib._text import printable
from calib.errors import InputError
from calib.files.as_written import as_written
from calib.files.read import read_columns
from calib.files.shards import Shards, is_shards
from calib.groups import group_name

MOST = 1000  # groups beyond which a column is no grouping


def column_of_groups(source: Path, column: str) -> AnyArray:
    """The groups ``(n,)`` of a file's examples, or of shards', by name: their text, whatever the format of the file.

    A cell of a CSV file is its own name, so 01 is another group than 1; a missing one is None.  Raises `InputError`
    where there is no such column.
    """
    if not source.is_file() and not is_shards(source):
        raise InputError(
            f"groups are a column of a file, {source} is none", help="name a predictions file that has the column"
        )
    parts = []
    for file in Shards.of(source).files:
        columns = read_columns(file)
        if column not in columns:
            raise InputError(f"{file} has no column {printable(column)!r}", help=suggestion(column, columns))
        written = as_written(file, columns)
        values = written[column] if column in written else columns[column]
        shape = values.shape if isinstance(values, np.ndarray) else (len(values),)
        plain = values.to_pylist() if hasattr(values, "to_pylist") else list(values) if len(shape) == 1 else []
        if len(shape) != 1 or any(isinstance(value, list | dict) for value in plain):
            raise InputError(f"{printable(column)!r} of {file} has shape {shape}", help="a group is one value a row")
        parts.append([None if value == "" else group_name(value) for value in plain])
    groups = np.array([name for part in parts for name in part], object)
    if (different := len(set(groups.ravel().tolist()))) > MOST:
        raise InputError(
            f"{printable(column)} has {different:,} different values", help=f"at most {MOST:,} groups are shown"
        )
    return groups
