"""``calib evaluate --group-by COLUMN``: every group of examples by itself, with the temperature of all."""

from pathlib import Path
from typing import TYPE_CHECKING

from calib.cli._json import diagnosed
from calib.cli._output import emit, render, say
from calib.export import Format

if TYPE_CHECKING:
    from calib.diagnosis import Diagnosis
    from calib.evaluation import Report


def evaluate_groups(
    source: Path, name: str, column: str, diagnosis: "Diagnosis", *, seed: int, format: Format, output: Path | None
) -> "dict[object, dict[str, Report]]":
    """Print one row a group, return their reports.  Raises `InputError` where ``source`` has no such column."""
    from calib.files.group_column import column_of_groups
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
