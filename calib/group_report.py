"""Is a model calibrated in every group of examples, and does one temperature serve them all?"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from calib._text import number, printable
from calib.diagnosis import Diagnosis
from calib.errors import InputError
from calib.evaluation import Report, evaluate
from calib.groups import members_of
from calib.predictions import ArrayLike

if TYPE_CHECKING:
    import pandas as pd

METRICS = ("n", "accuracy", "nll", "brier", "ece", "ece_low", "ece_high", "ece_null", "ece_null_95", "gap", "aurc")


def reports_by_group(diagnosis: Diagnosis, groups: ArrayLike, *, seed: int = 0) -> dict[object, dict[str, Report]]:
    """The reports of every group's examples, "uncalibrated" and "temperature", which is one for all groups.

    ``groups`` ``(n,)`` has one number or word an example.  Raises `InputError` for missing groups, and where one has a
    single example.
    """
    sides = {"uncalibrated": diagnosis.before, "temperature": diagnosis.after}
    n_bins, found = diagnosis.uncalibrated.n_bins, {}
    for name, members in members_of(diagnosis.before, groups).items():
        if len(members) < 2:
            raise InputError(f"the group {name!r} has one example only", help="merge it with another, or drop it")
        found[name] = {which: evaluate(side[members], n_bins=n_bins, seed=seed) for which, side in sides.items()}
    return found


def group_report(diagnosis: Diagnosis, groups: ArrayLike, *, seed: int = 0) -> "pd.DataFrame":
    """One row a group and calibrator: `METRICS` of `reports_by_group`."""
    return tabulated(reports_by_group(diagnosis, groups, seed=seed))


def tabulated(reports: Mapping[object, Mapping[str, Report]]) -> "pd.DataFrame":
    """`reports_by_group` as rows."""
    import pandas as pd

    return pd.DataFrame(
        {"group": name, "calibrator": calibrator, **{metric: getattr(report, metric) for metric in METRICS}}
        for name, sides in reports.items()
        for calibrator, report in sides.items()
    )


def readable_groups(table: "pd.DataFrame", column: str) -> "pd.DataFrame":
    """A `group_report` as strings for reading: one row a group, without and with the temperature."""
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
                "by chance + T": number(after["ece_null"]),
                "gap + T": number(after["gap"], sign="+"),
            }
        )
    return pd.DataFrame(rows)


def groups_verdict(table: "pd.DataFrame", diagnosis: Diagnosis) -> str:
    """How many groups the temperature leaves miscalibrated, which one most, and what would help."""
    scaled = [row for row in table.to_dict("records") if row["calibrator"] == "temperature"]
    off = [row for row in scaled if row["ece"] > row["ece_null_95"]]
    many = f"{len(off)} of {len(scaled)} groups"
    if not off:
        return f"With {diagnosis.label}, no group's miscalibration can be told from chance."
    worst = max(off, key=lambda row: row["ece"])
    side = "overconfident" if worst["gap"] > 0 else "underconfident"
    return (
        f"With {diagnosis.label}, {many} are miscalibrated beyond the 95 % quantile of chance (each by itself, without "
        f"correction), {printable(str(worst['group']))} most: ECE {worst['ece']:.3f}, by chance "
        f"{worst['ece_null']:.3f}, {side} by {abs(worst['gap']):.3f} on average. "
        "`calib calibrate --group-by` fits a temperature a group."
    )
