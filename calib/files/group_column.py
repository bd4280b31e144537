"""The column of a file that says which group each example belongs to."""

from pathlib import Path

import numpy as np

from calib._arrays import AnyArray
from calib._nearest import suggestion
from calib._text import printable
from calib.errors import InputError
from calib.files.read import read_columns
from calib.files.shards import Shards, is_shards

MOST = 1000  # groups beyond which a column is no grouping


def column_of_groups(source: Path, column: str) -> AnyArray:
    """The groups ``(n,)`` of a file's examples, or of shards'.  Raises `InputError` where there is no such column."""
    if not source.is_file() and not is_shards(source):
        raise InputError(
            f"groups are a column of a file, {source} is none", help="name a predictions file that has the column"
        )
    parts = []
    for file in Shards.of(source).files:
        columns = read_columns(file)
        if column not in columns:
            raise InputError(f"{file} has no column {printable(column)!r}", help=suggestion(column, columns))
        parts.append(columns[column])
        if np.ndim(parts[-1]) != 1:
            raise InputError(
                f"{printable(column)!r} of {file} has shape {np.shape(parts[-1])}", help="a group is one value a row"
            )
    groups = np.concatenate(parts)
    if (different := len(set(groups.ravel().tolist()))) > MOST:
        raise InputError(
            f"{printable(column)} has {different:,} different values", help=f"at most {MOST:,} groups are shown"
        )
    return groups
