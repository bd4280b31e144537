"""Any metric, group by group."""

from collections.abc import Callable
from typing import Any

import numpy as np

from calib._arrays import to_numpy
from calib.errors import InputError
from calib.outcomes import Outcomes
from calib.predictions import ArrayLike, Predictions


def by_group(
    metric: Callable[[Any], float], predictions: Predictions | Outcomes, groups: ArrayLike
) -> dict[Any, float]:
    """Evaluate ``metric`` on the examples of each group, in ascending order of the groups.

    ``groups`` ``(n,)`` holds one number, string or truth value an example; options go in by a lambda.  Raises
    `InputError` for missing groups and wrong lengths, and whatever the metric raises.

    >>> from calib import ece
    >>> predictions = Predictions.from_probs([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], [0, 1, 0])
    >>> {group: round(value, 4) for group, value in by_group(ece, predictions, ["a", "a", "b"]).items()}
    {'a': 0.15, 'b': 0.4}
    """
    n, names = predictions.n, to_numpy(groups)
    if names.shape != (n,):
        raise InputError(f"groups must have shape ({n},), got {names.shape}", help="pass one group an example")
    if names.dtype.kind == "O":
        missing = np.array([name is None or name != name for name in names])
        if missing.any():
            raise InputError(f"row {int(missing.argmax())} has no group", help="name it, or drop the row")
        names = names.astype(str)
    elif names.dtype.kind == "f" and np.isnan(names).any():
        raise InputError(f"row {int(np.isnan(names).argmax())} has no group", help="name it, or drop the row")
    found, member = np.unique(names, return_inverse=True)
    return {name.item(): float(metric(predictions[member == i])) for i, name in enumerate(found)}
