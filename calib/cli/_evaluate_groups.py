"""``calib evaluate --group-by COLUMN``: every group of examples by itself, as it is and with what was done to all."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from calib._text import printable
from calib.cli._page import Asked, Page
from calib.export import records

if TYPE_CHECKING:
    from calib.predictions import Predictions


def evaluate_groups(
    asked: Asked, column: str, sides: "Mapping[str, Predictions]", done: str, body: Mapping[str, object]
) -> Page:
    """One row a group of both ``sides``; what was ``done`` to the second is said in a few words.

    ``body`` is the JSON of all examples.  Raises `InputError` where the source has no such column.
    """
    from calib.files.group_column import column_of_groups
    from calib.group_report import groups_verdict, readable_groups, reports_by_group, tabulated

    reports = reports_by_group(sides, column_of_groups(asked.source, column), n_bins=asked.bins, seed=asked.seed)
    table = tabulated(reports)
    shown, verdict = readable_groups(table, column), groups_verdict(table, done)
    return Page(
        columns=list(shown.columns),
        rows=shown.to_numpy().tolist(),
        full=lambda: table,
        body={**body, "group_by": column, "groups_verdict": verdict, "rows": records(table)},
        verdict=verdict,
        judged={f"{printable(str(group))}: ": found for group, found in reports.items()},
    )
