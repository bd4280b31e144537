"""Which bin a confidence belongs to: equal width with a side for values on an edge, or equal mass with ties pooled."""

from typing import Literal, TypeAlias, get_args

import numpy as np

from calib._arrays import Bool, Float, Int, Scratch
from calib._checks import check_choice, check_whole
from calib.outcomes import Outcomes

Binning: TypeAlias = Literal["equal-width", "equal-mass"]
Closed: TypeAlias = Literal["right", "left"]

MAX_BINS = 10_000
_DOUBT = 1e-9  # a scaled confidence this near to a whole number is compared with the edge itself


def equal_width_edges(n_bins: int) -> Float:
    """The float64 numbers nearest to i / n_bins: unlike those of ``linspace``, they are what 0.3 or 0.7 parse to.

    >>> float(equal_width_edges(10)[3]), float(np.linspace(0, 1, 11)[3])
    (0.3, 0.30000000000000004)
    """
    check_bins(n_bins)
    return np.arange(n_bins + 1) / n_bins


def check_bins(n_bins: int) -> int:
    """Return ``n_bins`` if it is a number of bins; raise `InputError` if not."""
    return check_whole("n_bins", n_bins, lowest=1, highest=MAX_BINS, help="15 is the usual choice")


def check_binning(binning: str) -> None:
    """Raise `InputError` for what is no way of binning."""
    check_choice("binning", binning, get_args(Binning))


def bin_index(confidence: Float, edges: Float, *, closed: Closed = "right", scratch: Scratch | None = None) -> Int:
    """The bin of each value: (edges[i], edges[i + 1]], or [edges[i], edges[i + 1]) with ``closed="left"``.

    0 goes to the first bin and 1 to the last whatever the side, as does what rounding left above 1.  With ``scratch``
    the result is there, until the next call.
    """
    if len(edges) > 2 and np.array_equal(edges, np.arange(len(edges)) / (len(edges) - 1)):
        return _equal_width_index(confidence, edges, closed, scratch or Scratch())
    return _search(confidence, edges, closed)


def bins_of(outcomes: Outcomes, n_bins: int, binning: Binning, closed: Closed = "right") -> tuple[Int, Float]:
    """The bin of each example ``(n,)`` and the edges ``(n_bins + 1,)``.  Raises `InputError` for unknown options."""
    check_bins(n_bins)
    check_binning(binning)
    check_choice("closed", closed, get_args(Closed))
    if binning == "equal-mass":
        return _equal_mass(outcomes, n_bins)
    edges = equal_width_edges(n_bins)
    return bin_index(outcomes.confidence, edges, closed=closed), edges


def ranked_groups(outcomes: Outcomes) -> tuple[Int, Int, Float]:
    """Sort by score and pool ties: ``(order, group, middle)``.

    ``order`` ``(n,)`` sorts the examples, ``group`` ``(n,)`` numbers the ties among them in that order, and ``middle``
    (one a group) is the share of the examples, or of the weight, up to the middle of the group.
    """
    order = outcomes.order
    ascending = outcomes.score[order]
    starts: Bool = np.concatenate([[True], ascending[1:] != ascending[:-1]])
    group = np.cumsum(starts) - 1
    if outcomes.weight is None:
        count = np.bincount(group)
        return order, group, (2 * np.cumsum(count) - count) / (2 * outcomes.n)
    mass = np.bincount(group, weights=outcomes.weight[order])
    upper = np.cumsum(mass)
    return order, group, (upper - mass / 2) / upper[-1]


def _equal_mass(outcomes: Outcomes, n_bins: int) -> tuple[Int, Float]:
    """The bin of each example when all bins hold as many, or as much weight, and the edges ``(n_bins + 1,)`` between.

    Examples are ranked by log-odds; a group of ties goes where its middle rank belongs, whole, so that the order of the
    rows does not matter and a large group leaves bins beside it empty.  An edge lies midway between its neighbours.
    """
    order, group, middle = ranked_groups(outcomes)
    share = share_to_bin(middle, n_bins)
    index = np.empty(outcomes.n, np.int64)
    index[order] = share[group]
    ascending = outcomes.confidence[order]
    first = np.searchsorted(share[group], np.arange(1, n_bins))  # the first example of each bin, or of the next one
    below, above = ascending[np.maximum(first - 1, 0)], ascending[np.minimum(first, outcomes.n - 1)]
    return index, np.concatenate([[0.0], (below + above) / 2, [1.0]])


def share_to_bin(share: Float, n_bins: int) -> Int:
    """The bin of equal mass that holds what lies at each share, in [0, 1], of all examples; on a cut the upper one."""
    exact = np.rint(share * n_bins)  # where it lies on a cut but for rounding
    scaled = np.where(np.abs(share * n_bins - exact) < _DOUBT, exact, share * n_bins)
    return np.minimum(scaled.astype(np.int64), n_bins - 1)


def _equal_width_index(confidence: Float, edges: Float, closed: Closed, scratch: Scratch) -> Int:
    """Multiply instead of searching; only values next to an edge are compared with it."""
    n_bins, shape = len(edges) - 1, confidence.shape
    low, high = (scratch.array(name, shape, np.int32) for name in ("low", "high"))
    scaled: Float = np.multiply(confidence, n_bins, out=scratch.array("scaled", shape))
    scaled -= _DOUBT
    np.copyto(low, scaled, casting="unsafe")  # its whole part
    scaled += 2 * _DOUBT
    np.minimum(scaled, n_bins - 0.5, out=scaled)
    np.copyto(high, scaled, casting="unsafe")
    index: Int = scratch.array("index", shape, np.int64)
    np.copyto(index, low)
    doubtful = np.flatnonzero(low != high)
    if len(doubtful):
        index[doubtful] = _search(confidence[doubtful], edges, closed)
    return index


def _search(confidence: Float, edges: Float, closed: Closed) -> Int:
    side: Literal["left", "right"] = "left" if closed == "right" else "right"
    return np.clip(np.searchsorted(edges, confidence, side=side) - 1, 0, len(edges) - 2)
