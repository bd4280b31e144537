"""``calib evaluate --group-by COLUMN``: every group of examples by itself, with the temperature of all."""

from pathlib import Path
from typing import TYPE_CHECKING

from calib._text import printable
from calib.cli._json import diagnosed
from calib.cli._output import emit, render, say
from calib.errors import InputError
from calib.export import Format

if TYPE_CHECKING:
    from calib._arrays import AnyArray
    from calib.diagnosis import Diagnosis

MOST = 1000  # groups beyond which a column is no grouping


def evaluate_groups(
    source: Path, name: str, column: str, diagnosis: "Diagnosis", *, seed: int, format: Format, output: Path | None
) -> None:
    """Print one row a group.  Raises `InputError` where ``source`` has no such column of groups."""
    from calib.group_report import group_report, groups_verdict, readable_groups

    table = group_report(diagnosis, column_of_groups(source, column), seed=seed)
    verdict = groups_verdict(table, diagnosis)
    extra = {**diagnosed(name, diagnosis), "group_by": column, "groups_verdict": verdict}
    text = render(format, full=table, shown=readable_groups(table, column), extra=extra)
    emit(text, output)
    if format == "table":
        say(verdict)


def column_of_groups(source: Path, column: str) -> "AnyArray":
    """The column of a file that says which group each example belongs to.  Raises `InputError` where there is none."""
    from calib.files.read import read_columns

    if not source.is_file():
        raise InputError(f"--group-by names a column of a file, {source} is none", help="evaluate a predictions file")
    columns = read_columns(source)
    if column not in columns:
        known = ", ".join(printable(name) for name in list(columns)[:20])
        raise InputError(f"{source} has no column {printable(column)!r}", help=f"it has {known}")
    groups = columns[column]
    if (different := len(set(groups.ravel().tolist()))) > MOST:
        raise InputError(
            f"{printable(column)} has {different:,} different values", help=f"at most {MOST:,} groups are shown"
        )
    return groups
