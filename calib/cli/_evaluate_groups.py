"""``calib evaluate --group-by COLUMN``: every group of examples by itself, with the temperature of all."""

from pathlib import Path
from typing import TYPE_CHECKING

from calib._nearest import suggestion
from calib._text import printable
from calib.cli._json import diagnosed
from calib.cli._output import emit, render, say
from calib.errors import InputError
from calib.export import Format

if TYPE_CHECKING:
    from calib._arrays import AnyArray
    from calib.diagnosis import Diagnosis
    from calib.evaluation import Report

MOST = 1000  # groups beyond which a column is no grouping


def evaluate_groups(
    source: Path, name: str, column: str, diagnosis: "Diagnosis", *, seed: int, format: Format, output: Path | None
) -> "dict[object, dict[str, Report]]":
    """Print one row a group, return their reports.  Raises `InputError` where ``source`` has no such column."""
    from calib.group_report import groups_verdict, readable_groups, reports_by_group, tabulated

    reports = reports_by_group(diagnosis, column_of_groups(source, column), seed=seed)
    table = tabulated(reports)
    verdict = groups_verdict(table, diagnosis)
    extra = {**diagnosed(name, diagnosis), "group_by": column, "groups_verdict": verdict}
    text = render(format, full=table, shown=readable_groups(table, column), extra=extra)
    emit(text, output)
    if format == "table":
        say(verdict)
    return reports


def column_of_groups(source: Path, column: str) -> "AnyArray":
    """The column of a file that says which group each example belongs to.  Raises `InputError` where there is none."""
    import numpy as np

    from calib.files.read import read_columns
    from calib.files.shards import Shards, is_shards

    if not source.is_file() and not is_shards(source):
        raise InputError(f"--group-by names a column of a file, {source} is none", help="evaluate a predictions file")
    parts = []
    for file in Shards.of(source).files:
        columns = read_columns(file)
        if column not in columns:
            raise InputError(f"{file} has no column {printable(column)!r}", help=suggestion(column, columns))
        parts.append(columns[column])
    groups = np.concatenate(parts)
    if (different := len(set(groups.ravel().tolist()))) > MOST:
        raise InputError(
            f"{printable(column)} has {different:,} different values", help=f"at most {MOST:,} groups are shown"
        )
    return groups
