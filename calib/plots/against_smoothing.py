"""ECE and temperature against the smoothing weight: every run a point, means joined."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from calib.errors import InputError
from calib.plots._panel import show_plain


class Series(NamedTuple):
    """One line: its label, and a smoothing weight and a value a run."""

    label: str
    smoothing: Sequence[float]
    values: Sequence[float]


# Lines differ without colour too.
_MARKERS, _DASHES = "osD^vP*X", ("-", (0, (4, 1.4)), (0, (1, 1.2)), (0, (5, 1.2, 1, 1.2)))
_CHANCE: dict[str, Any] = {"color": "0.5", "linestyle": (0, (1, 1.6)), "linewidth": 1.2}
_WIDTH, _HEIGHT = 5.6, 2.6  # inches


def smoothing_figure(
    ece: Sequence[Series], temperature: Series, *, by_chance: Series | None = None, title: str | None = None
) -> Figure:
    """Draw ECE on the left and the fitted temperature on the right, against α.

    ``ece`` has a series a calibrator, ``by_chance`` is the ECE that calibrated networks would score.  Every run is a
    hollow point, means are joined by a line; what is NaN is left out.  The figure is 5.6 in wide.  Raises `InputError`
    where there is nothing to draw, or numbers of smoothings and values differ.

    >>> line = Series("as it is", [0.0, 0.1, 0.0, 0.1], [0.10, 0.04, 0.12, 0.05])
    >>> [ax.get_ylabel() for ax in smoothing_figure([line], line).axes]
    ['ECE', 'fitted temperature']
    """
    if not ece:
        raise InputError("there is no series of ECE to draw", help="give one a calibrator")
    for series in (*ece, temperature, *([] if by_chance is None else [by_chance])):
        if len(series.smoothing) != len(series.values) or not len(series.values):
            raise InputError(
                f"{series.label}: {len(series.smoothing)} smoothings and {len(series.values)} values",
                help="give both for every run",
            )
    alphas = sorted(set(temperature.smoothing))
    span = (alphas[-1] - alphas[0]) or 1.0
    figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
    left, right = figure.subplots(1, 2)
    if by_chance is not None:
        _draw(left, by_chance, {**_CHANCE, "marker": ""}, 0.0)
    for i, series in enumerate(ece):
        _draw(left, series, _style(i), 0.03 * span * (i - (len(ece) - 1) / 2))
    _draw(right, temperature, _style(1), 0.0)
    right.axhline(1, **_CHANCE, zorder=0)
    for ax, name in ((left, "ECE"), (right, "fitted temperature")):
        ax.set(xlabel="smoothing α", ylabel=name, xlim=(alphas[0] - 0.15 * span, alphas[-1] + 0.15 * span))
        ax.set_xticks(alphas, [f"{alpha:g}" for alpha in alphas])
        ax.grid(axis="y", alpha=0.3)
    left.set_ylim(bottom=0)
    rows = len(ece) + (by_chance is not None)
    figure.legend(
        *left.get_legend_handles_labels(),
        loc="outside lower center",
        ncols=min(rows, 4),
        frameon=False,
        fontsize="small",
    )
    if title is not None:
        show_plain(figure.suptitle("", fontsize="medium"), title, width=0.9 * figure.bbox.width)
    return figure


def _style(i: int) -> dict[str, Any]:
    return {"color": f"C{i}", "marker": _MARKERS[i % len(_MARKERS)], "linestyle": _DASHES[i % len(_DASHES)]}


def _draw(ax: Axes, series: Series, style: dict[str, Any], beside: float) -> None:
    """A line through the means and a hollow point a run, moved ``beside`` so that calibrators do not hide others."""
    smoothing, values = np.asarray(series.smoothing, dtype=float), np.asarray(series.values, dtype=float)
    known = np.isfinite(values)
    alphas = np.unique(smoothing[known])
    means = [float(values[known & (smoothing == alpha)].mean()) for alpha in alphas]
    points: dict[str, Any] = {"markersize": 4, "markerfacecolor": "none", "markeredgewidth": 0.8}
    both: dict[str, Any] = {"linewidth": 1.2, **style}
    ax.plot(alphas + beside, means, label="_means", **{**both, "marker": "_", "markersize": 9})
    if style["marker"]:
        ax.plot(smoothing[known] + beside, values[known], label="_runs", **{**both, "linestyle": "", **points})
    ax.plot([], [], label=series.label, **both, **points)  # the legend has both in one
