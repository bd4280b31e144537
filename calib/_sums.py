"""Sums over the members of numbered groups, and their ratios where a group may be empty."""

import numpy as np

from calib._arrays import AnyArray, Float, Int


def sums_by(index: Int, values: AnyArray, size: int) -> Float:
    """The sum of ``values`` for each number from 0 to ``size`` − 1 in ``index``, ``(size,)`` in float64.

    >>> sums_by(np.array([0, 2, 0]), np.array([0.5, 1.0, 0.25]), 3)
    array([0.75, 0.  , 1.  ])
    """
    return np.bincount(index, weights=values, minlength=size).astype(np.float64, copy=False)


def ratio(part: Float, whole: Float, *, empty: float) -> Float:
    """``part`` / ``whole``, and ``empty`` where the whole is 0.

    >>> ratio(np.array([1.0, 0.0]), np.array([2.0, 0.0]), empty=np.nan)
    array([0.5, nan])
    """
    quotient: Float = np.divide(part, whole, out=np.full(len(whole), empty), where=whole > 0)
    return quotient
