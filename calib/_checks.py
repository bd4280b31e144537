"""What numbers, words, seeds and weights must be when they are passed, or one clear `InputError` is raised."""

from typing import Any

import numpy as np

from calib._arrays import Float, to_numpy
from calib.errors import InputError

HEAVIEST = 1e300  # sums of weights beyond this would leave the range of float64


def check_whole(name: str, value: int, *, lowest: int, highest: int | None = None, help: str) -> int:
    """Return a whole number of at least ``lowest``, and at most ``highest`` where that is given.

    >>> check_whole("n_knots", 1, lowest=2, help="6 is the usual one")
    Traceback (most recent call last):
        ...
    calib.errors.InputError: n_knots must be a whole number of at least 2, got 1
    """
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < lowest or (highest is not None and value > highest):
        limits = f"of at least {lowest}" if highest is None else f"from {lowest} to {highest:,}"
        raise InputError(f"{name} must be a whole number {limits}, got {value!r}", help=help)
    return int(value)


def is_number(value: object) -> bool:
    """Whether ``value`` is one real number; a truth value is none."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    """Raise `InputError` where ``value`` is none of ``choices``."""
    if value not in choices:
        raise InputError(f"{name} must be {' or '.join(choices)}, got {value!r}", help="pass one of these words")


def check_resamples(resamples: int) -> int:
    """Return ``resamples`` if it is a number of resamples; raise `InputError` if not."""
    return check_whole("resamples", resamples, lowest=1, help="1000 is the usual number")


def check_level(level: float) -> float:
    """Return ``level`` if it is a confidence level; raise `InputError` if not."""
    if not is_number(level) or not 0 < level < 1:
        raise InputError(f"level must lie between 0 and 1, got {level!r}", help="0.95 is the usual one")
    return float(level)


def generator(seed: int) -> np.random.Generator:
    """The random generator of a seed.  Raises `InputError` for what is no seed.

    >>> generator(0).integers(10) == generator(0).integers(10)
    np.True_
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError(f"a seed must be a whole number of at least 0, got {seed!r}", help="0 is the usual one")
    return np.random.default_rng(seed)


def weights(values: Any, n: int) -> Float | None:
    """Check sample weights ``(n,)``: finite, at least 0.  None stays None.  Raises `InputError`."""
    if values is None:
        return None
    array = to_numpy(values)
    if array.shape != (n,) or array.dtype.kind not in "fiub":
        raise InputError(
            f"sample weights must be {n} numbers, got shape {array.shape} of dtype {array.dtype}",
            help="pass one weight an example",
        )
    array = array.astype(np.float64)
    if not (good := np.isfinite(array) & (array >= 0)).all():
        row = int(np.argmin(good))
        raise InputError(f"sample weights must be at least 0, row {row} holds {array[row]:g}", help="mend or drop it")
    if array.max() > HEAVIEST / n:
        raise InputError(
            f"sample weights must add up to less than {HEAVIEST:g}, the largest is {array.max():g}",
            help="divide them by their largest: only ratios matter",
        )
    return array


def check_some_weight(weight: Float | None) -> None:
    """Raise `InputError` where all weights are 0: a part of the data may be so, the whole may not."""
    if weight is not None and not weight.any():
        raise InputError("all sample weights are 0", help="leave the weights out, or give some")


def refuse_weights(weight: Float | None, metric: str) -> None:
    """Raise `InputError` where sample weights come to a metric that is not defined for them."""
    if weight is not None:
        raise InputError(f"{metric} takes no sample weights", help="docs/metrics.md says which metrics do")
