"""Is a model calibrated in every group of examples, and does what was done to all serve each of them?"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from calib._text import number, printable
from calib.diagnosis import Diagnosis
from calib.errors import InputError
from calib.evaluation import Report, evaluate
from calib.groups import members_of
from calib.predictions import ArrayLike, Predictions

if TYPE_CHECKING:
    import pandas as pd

METRICS = ("n", "accuracy", "nll", "brier", "ece", "ece_low", "ece_high", "ece_null", "ece_null_95", "gap", "aurc")


def reports_by_group(
    sides: Mapping[str, Predictions], groups: ArrayLike, *, n_bins: int = 15, seed: int = 0
) -> dict[object, dict[str, Report]]:
    """The reports of every group's examples; ``sides`` are predictions of the same rows, before and after something.

    ``groups`` ``(n,)`` has one number or word an example.  Raises `InputError` for missing groups, and where one has a
    single example.
    """
    found = {}
    for name, members in members_of(next(iter(sides.values())), groups).items():
        if len(members) < 2:
            raise InputError(f"the group {name!r} has one example only", help="merge it with another, or drop it")
        found[name] = {which: evaluate(side[members], n_bins=n_bins, seed=seed) for which, side in sides.items()}
    return found


def group_report(diagnosis: Diagnosis, groups: ArrayLike, *, seed: int = 0) -> "pd.DataFrame":
    """One row a group and side: `METRICS` without and with the temperature, which is one for all groups."""
    sides = {"uncalibrated": diagnosis.before, "temperature": diagnosis.after}
    return tabulated(reports_by_group(sides, groups, n_bins=diagnosis.uncalibrated.n_bins, seed=seed))


def tabulated(reports: Mapping[object, Mapping[str, Report]]) -> "pd.DataFrame":
    """`reports_by_group` as rows."""
    import pandas as pd

    return pd.DataFrame(
        {"group": name, "calibrator": calibrator, **{metric: getattr(report, metric) for metric in METRICS}}
        for name, sides in reports.items()
        for calibrator, report in sides.items()
    )


def readable_groups(table: "pd.DataFrame", column: str) -> "pd.DataFrame":
    """A `group_report` as strings for reading: one row a group, without and with what was done."""
    import pandas as pd

    rows = []
    for _, pair in table.groupby("group", sort=False):
        before, after = pair.to_dict("records")
        done = " + T" if after["calibrator"] == "temperature" else f", {after['calibrator']}"
        rows.append(
            {
                column: printable(str(before["group"])),
                "n": f"{before['n']:,}",
                "accuracy": number(before["accuracy"]),
                "ECE": number(before["ece"]),
                "95 % interval": f"{number(before['ece_low'])} – {number(before['ece_high'])}",
                "by chance": number(before["ece_null"]),
                "gap": number(before["gap"], sign="+"),
                f"ECE{done}": number(after["ece"]),
                f"95 % interval{done}": f"{number(after['ece_low'])} – {number(after['ece_high'])}",
                f"by chance{done}": number(after["ece_null"]),
                f"gap{done}": number(after["gap"], sign="+"),
            }
        )
    return pd.DataFrame(rows)


def groups_off(table: "pd.DataFrame") -> list[dict[Any, Any]]:
    """The rows of a `group_report` that are miscalibrated beyond the 95 % quantile of chance after what was done."""
    after = [row for row in table.to_dict("records") if row["calibrator"] != "uncalibrated"]
    return [row for row in after if row["ece"] > row["ece_null_95"]]


def groups_verdict(table: "pd.DataFrame", done: str) -> str:
    """How many groups what was ``done``, in a few words, leaves miscalibrated, which one most, and what would help."""
    off = groups_off(table)
    many = f"{len(off)} of {len(table) // 2} groups"
    if not off:
        return f"With {done}, no group's miscalibration can be told from chance."
    worst = max(off, key=lambda row: row["ece"])
    side = "overconfident" if worst["gap"] > 0 else "underconfident"
    return (
        f"With {done}, {many} are miscalibrated beyond the 95 % quantile of chance (each by itself, without "
        f"correction), {printable(str(worst['group']))} most: ECE {worst['ece']:.3f}, by chance "
        f"{worst['ece_null']:.3f}, {side} by {abs(worst['gap']):.3f} on average. "
        "`calib calibrate --group-by` fits one calibrator a group."
    )
