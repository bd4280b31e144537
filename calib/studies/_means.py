"""Means over seeds: one row a setting, a number and its standard deviation; and both as text."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from calib._text import number
from calib.errors import InputError
from calib.tables import REPLICATE

if TYPE_CHECKING:
    import pandas as pd

Shown = Mapping[str, tuple[str, int]]  # column -> heading, digits


def mean_over_seeds(table: "pd.DataFrame", keys: Sequence[str]) -> "pd.DataFrame":
    """One row a setting: ``keys``, ``seeds``, and mean and sample sd (NaN for one) of every other number.

    ``table`` has one row a setting and ``seed``, and ``split_seed`` where it has one.  Means are over the seeds where a
    number is known, ``*_known`` of them.  Raises `InputError` for a setting and seed that come twice.

    >>> import pandas as pd
    >>> table = pd.DataFrame({"model": ["hard", "hard"], "seed": [0, 1], "ece": [0.1, 0.3]})
    >>> mean_over_seeds(table, ["model"]).to_dict("records")[0]["seeds"]
    2
    """
    import pandas as pd

    replicate = [name for name in REPLICATE if name in table]
    repeated = table.duplicated([*keys, *replicate]).to_numpy()
    if repeated.any():
        row = table.iloc[int(repeated.argmax())]
        raise InputError(
            f"{row.get('run', 'a run')} repeats the setting and seed of another run", help="name each run once"
        )
    groups = table.groupby(list(keys), sort=False, dropna=False)
    columns: dict[str, pd.Series] = {"seeds": groups.size()}
    for name in table.select_dtypes("number").columns:
        if name not in {*keys, *replicate}:
            columns[name], columns[f"{name}_sd"] = groups[name].mean(), groups[name].std(ddof=1)
            columns[f"{name}_known"] = groups[name].count()
    return pd.DataFrame(columns).reset_index()


def readable_means(
    means: "pd.DataFrame", names: Mapping[str, Sequence[str]], shown: Shown, *, counted: str = "seeds"
) -> "pd.DataFrame":
    """A table of `mean_over_seeds` as strings: ``names`` a row, how many were ``counted``, and each ``mean ± sd``.

    What is not known is "–", ∞ is "∞".
    """
    import pandas as pd

    cells = {
        heading: [
            mean_sd(row[name], row[f"{name}_sd"], digits) + _of(row[f"{name}_known"], row["seeds"])
            for row in means.to_dict("records")
        ]
        for name, (heading, digits) in shown.items()
    }
    return pd.DataFrame({**names, counted: [str(seeds) for seeds in means["seeds"]], **cells})


def _of(known: int, seeds: int) -> str:
    return f" ({known} of {seeds})" if 0 < known < seeds else ""


def mean_sd(mean: float, deviation: float, digits: int) -> str:
    """A mean with its standard deviation, where that is known.

    >>> mean_sd(0.1234, 0.05, 2), mean_sd(0.1234, math.nan, 2), mean_sd(math.inf, math.nan, 2)
    ('0.12 ± 0.05', '0.12', '∞')
    """
    if math.isnan(mean):
        return "–"
    if math.isinf(mean):
        return "∞"
    spread = "" if math.isnan(deviation) else f" ± {number(deviation, digits=digits)}"
    return f"{number(mean, digits=digits)}{spread}"
