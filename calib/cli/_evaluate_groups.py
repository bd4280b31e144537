"""``calib evaluate --group-by COLUMN``: every group of examples by itself, with the temperature of all."""

from typing import TYPE_CHECKING

from calib._text import printable
from calib.cli._json import diagnosed
from calib.cli._page import Asked, Page
from calib.export import records

if TYPE_CHECKING:
    from calib.diagnosis import Diagnosis


def evaluate_groups(asked: Asked, name: str, column: str, diagnosis: "Diagnosis") -> Page:
    """One row a group.  Raises `InputError` where the source has no such column."""
    from calib.files.group_column import column_of_groups
    from calib.group_report import groups_verdict, readable_groups, reports_by_group, tabulated

    reports = reports_by_group(diagnosis, column_of_groups(asked.source, column), seed=asked.seed)
    table = tabulated(reports)
    shown, verdict = readable_groups(table, column), groups_verdict(table, diagnosis)
    about = {"group_by": column, "groups_verdict": verdict}
    return Page(
        columns=list(shown.columns),
        rows=shown.to_numpy().tolist(),
        full=table,
        body={**diagnosed(name, diagnosis), **about, "rows": records(table)},
        verdict=verdict,
        judged={f"{printable(str(group))}: ": sides for group, sides in reports.items()},
    )
