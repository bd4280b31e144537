"""Is a model calibrated in every group of examples, and does one temperature serve them all?"""

from typing import TYPE_CHECKING

from calib._text import number, printable
from calib.diagnosis import Diagnosis
from calib.errors import InputError
from calib.evaluation import evaluate
from calib.groups import members_of
from calib.predictions import ArrayLike

if TYPE_CHECKING:
    import pandas as pd

METRICS = ("n", "accuracy", "nll", "brier", "ece", "ece_low", "ece_high", "ece_null", "ece_null_95", "gap", "aurc")


def group_report(diagnosis: Diagnosis, groups: ArrayLike, *, seed: int = 0) -> "pd.DataFrame":
    """One row a group and calibrator ("uncalibrated", "temperature"): `METRICS` of its examples.

    The temperature is that of ``diagnosis``, one for all groups.  ``groups`` ``(n,)`` has one number or word an
    example.  Raises `InputError` for missing groups, and where one has a single example.
    """
    import pandas as pd

    rows = []
    for name, members in members_of(diagnosis.before, groups).items():
        if len(members) < 2:
            raise InputError(f"the group {name!r} has one example only", help="merge it with another, or drop it")
        sides = {"uncalibrated": diagnosis.before, "temperature": diagnosis.after}
        for calibrator, side in sides.items():
            report = evaluate(side[members], n_bins=diagnosis.uncalibrated.n_bins, seed=seed)
            rows.append(
                {"group": name, "calibrator": calibrator, **{metric: getattr(report, metric) for metric in METRICS}}
            )
    return pd.DataFrame(rows)


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
    worst = max(off, key=lambda row: abs(row["gap"]))
    side = "overconfident" if worst["gap"] > 0 else "underconfident"
    return (
        f"With {diagnosis.label}, {many} are miscalibrated beyond the 95 % quantile of chance (each by itself, without "
        f"correction), {printable(str(worst['group']))} most: {side} by {abs(worst['gap']):.3f}. "
        "calib.GroupedCalibrator fits a temperature a group."
    )
