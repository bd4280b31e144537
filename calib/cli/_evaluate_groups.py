"""``calib evaluate --group-by COLUMN``: every group of examples by itself, with the temperature of all."""

from pathlib import Path
from typing import TYPE_CHECKING

from calib._text import number, printable
from calib.cli._output import emit, render, say
from calib.errors import InputError
from calib.export import Format

if TYPE_CHECKING:
    import pandas as pd

    from calib.diagnosis import Diagnosis

MOST = 1000  # groups beyond which a column is no grouping


def evaluate_groups(
    source: Path, column: str, diagnosis: "Diagnosis", *, seed: int, format: Format, output: Path | None
) -> None:
    """Print one row a group.  Raises `InputError` where ``source`` has no such column of groups."""
    from calib.files.read import read_columns
    from calib.group_report import group_report

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
    table = group_report(diagnosis, groups, seed=seed)
    text = render(format, full=table, shown=_readable(table, column), extra={"group_by": column})
    emit(text, output)
    if format == "table":
        say(_verdict(table, diagnosis))


def _readable(table: "pd.DataFrame", column: str) -> "pd.DataFrame":
    import pandas as pd

    rows = []
    for _, pair in table.groupby("group", sort=False):
        before, after = pair.to_dict("records")
        rows.append(
            {
                column: printable(str(before["group"])),
                "n": f"{before['n']:,}",
                "accuracy": number(before["accuracy"]),
                "ECE": number(before["ece"]),
                "95 % interval": f"{number(before['ece_low'])} – {number(before['ece_high'])}",
                "by chance": number(before["ece_null"]),
                "gap": number(before["gap"], sign="+"),
                "ECE + T": number(after["ece"]),
                "95 % interval + T": f"{number(after['ece_low'])} – {number(after['ece_high'])}",
                "gap + T": number(after["gap"], sign="+"),
            }
        )
    return pd.DataFrame(rows)


def _verdict(table: "pd.DataFrame", diagnosis: "Diagnosis") -> str:
    scaled = [row for row in table.to_dict("records") if row["calibrator"] == "temperature"]
    off = [row for row in scaled if row["ece"] > row["ece_null_95"]]
    many = f"{len(off)} of {len(scaled)} groups"
    if not off:
        return f"With {diagnosis.label} no group's miscalibration can be told from chance."
    worst = max(off, key=lambda row: abs(row["gap"]))
    side = "overconfident" if worst["gap"] > 0 else "underconfident"
    return (
        f"With {diagnosis.label} {many} are miscalibrated beyond the 95 % quantile of chance (each by itself, without "
        f"correction), {printable(str(worst['group']))} most: {side} by {abs(worst['gap']):.3f}. "
        "calib.GroupedCalibrator fits a temperature a group."
    )
