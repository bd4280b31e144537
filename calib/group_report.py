"""Is a model calibrated in every group of examples, and does one temperature serve them all?"""

from typing import TYPE_CHECKING

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
