"""How much ECE depends on the number of bins and on how they are cut: the same confidences under many choices."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, get_args

from calib.arguments import as_outcomes
from calib.binning import Binning
from calib.curve import calibration_curve
from calib.errors import InputError
from calib.predictions import ArrayLike, Of, Predictions
from calib.uncertainty import ece_null

if TYPE_CHECKING:
    import pandas as pd

    from calib.outcomes import Outcomes

BINS = (5, 10, 15, 20, 30, 50, 100)


def ece_sensitivity(
    predictions: "Predictions | Outcomes | ArrayLike",
    labels: ArrayLike | None = None,
    *,
    bins: Sequence[int] = BINS,
    resamples: int = 1000,
    seed: int = 0,
    of: Of = "predicted",
) -> "pd.DataFrame":
    """Tabulate ECE for every number of ``bins``, of equal width and of equal mass.

    Takes `Predictions`, probabilities ``(n, k)`` and labels ``(n,)``, or `Outcomes`.  Columns: ``binning``, ``n_bins``,
    ``ece`` in [0, 1], and ``ece_null`` and ``ece_null_95``, the mean and the 95 % quantile of `calib.ece_null` on the
    same bins: both errors grow with the number of bins, and what chance explains grows with them.  Sample weights are
    used.  Raises `InputError` for bad input.

    >>> table = ece_sensitivity([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]], [0, 1, 1], bins=(1, 10))
    >>> table[["binning", "n_bins", "ece"]].round(4).values.tolist()[:2]
    [['equal-width', 1, 0.1], ['equal-width', 10, 0.3]]
    """
    import numpy as np
    import pandas as pd

    if not len(bins):
        raise InputError("there are no numbers of bins to try", help="give at least one, such as 15")
    outcomes = as_outcomes(predictions, labels, of=of)
    rows = []
    for binning in get_args(Binning):
        for n_bins in bins:
            null = ece_null(outcomes, n_bins=n_bins, binning=binning, resamples=resamples, seed=seed)
            rows.append(
                {
                    "binning": binning,
                    "n_bins": int(n_bins),
                    "ece": calibration_curve(outcomes, n_bins=n_bins, binning=binning).ece,
                    "ece_null": float(null.mean()),
                    "ece_null_95": float(np.quantile(null, 0.95)),
                }
            )
    return pd.DataFrame(rows)
