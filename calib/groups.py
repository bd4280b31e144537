"""Any metric, group by group."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from calib._arrays import Int, to_numpy
from calib.errors import InputError
from calib.outcomes import Outcomes
from calib.predictions import ArrayLike, Predictions

ResultT = TypeVar("ResultT")


def by_group(
    metric: Callable[[Any], ResultT], predictions: Predictions | Outcomes, groups: ArrayLike
) -> dict[Any, ResultT]:
    """Evaluate ``metric`` on the examples of each group, in ascending order of the groups.

    Whatever it returns is kept: a number, an `Interval` of `calib.ece_interval`, a `Report` of `calib.evaluate`.
    ``groups`` ``(n,)`` holds one number, string or truth value an example; options go in by a lambda.  Raises
    `InputError` for missing groups and wrong lengths, and whatever the metric raises.

    >>> from calib import ece
    >>> predictions = Predictions.from_probs([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], [0, 1, 0])
    >>> {group: round(value, 4) for group, value in by_group(ece, predictions, ["a", "a", "b"]).items()}
    {'a': 0.15, 'b': 0.4}
    """
    return {name: metric(predictions[rows]) for name, rows in members_of(predictions, groups).items()}


def members_of(predictions: Predictions | Outcomes, groups: ArrayLike) -> dict[Any, Int]:
    """The row numbers of each group, in ascending order of the groups.  Raises `InputError`."""
    if not isinstance(predictions, Predictions | Outcomes):
        raise InputError(
            f"Predictions or Outcomes are needed here, got {type(predictions).__name__}",
            help="wrap it: Predictions.from_probs(probs, labels)",
        )
    n, names = predictions.n, to_numpy(groups)
    if names.shape != (n,):
        raise InputError(f"groups must have shape ({n},), got {names.shape}", help="pass one group an example")
    given = groups if isinstance(groups, list | tuple) else names.tolist()  # of NaN among words numpy makes a word
    if missing := [row for row, name in enumerate(given) if _is_missing(name)]:
        raise InputError(f"row {missing[0]} has no group", help="name it, or drop the row")
    members: dict[Any, list[int]] = {}
    for row, name in enumerate(names.tolist()):
        members.setdefault(name, []).append(row)
    return {name: np.array(members[name]) for name in sorted(members, key=_place)}


def _place(name: object) -> tuple[bool, float, str]:
    """Numbers, also those written as words, stand before words, by their value."""
    text = str(name)
    number = isinstance(name, int | float) or re.fullmatch(r"\d{1,15}", text)
    return not number, float(text if isinstance(name, str) else name) if number else 0.0, text  # type: ignore[arg-type]


def group_name(value: object) -> str | None:
    """What a group of a file is called: its text, whole numbers without a point; None where it is missing.

    >>> [group_name(value) for value in ("01", 1, 1.0, 0.5, True, float("nan"))]
    ['01', '1', '1', '0.5', 'True', None]
    """
    if _is_missing(value):
        return None
    return str(int(value)) if isinstance(value, float | np.floating) and value.is_integer() else str(value)


def _is_missing(name: object) -> bool:
    try:
        return name is None or bool(name != name)
    except TypeError:  # pandas.NA is neither equal nor unequal to anything
        return True
