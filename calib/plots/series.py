"""Numbers of many networks against a setting, such as ECE against α: every network a point, means joined."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from calib._text import printable
from calib.errors import InputError
from calib.plots._axes import MARKERS


class Series(NamedTuple):
    """One line: its label, and a setting and a value a network."""

    label: str
    setting: Sequence[float]
    values: Sequence[float]


class Panel(NamedTuple):
    """One diagram: the name of its axis, its lines, and what they are held against.

    ``by_chance`` are dotted lines without points: one for all in grey, or one a line in the colour of that line.
    ``level`` is a height, in grey; with ``from_zero`` the axis begins there, and ``top`` is where it ends.
    """

    name: str
    series: Sequence[Series]
    by_chance: Sequence[Series] = ()
    level: float | None = None
    from_zero: bool = False
    top: float | None = None


# Lines differ without colour too: by these and by their markers.
_DASHES = ("-", (0, (4, 1.4)), (0, (1, 1.2)), (0, (5, 1.2, 1, 1.2)))
_GREY: dict[str, Any] = {"color": "0.5", "linestyle": (0, (1, 1.6)), "linewidth": 1.2}
_HEIGHT = 2.6  # inches


def series_figure(
    panels: Sequence[Panel],
    *,
    setting: str = "smoothing α",
    width: float = 2.8,
    kinds: bool = True,
) -> Figure:
    """Draw panels side by side, each of ``width`` inches, against the same ``setting``.

    Settings are ``kinds``, each marked on the axis with the lines beside each other, or numbers, drawn where they are.
    Every network is a hollow point, means are joined by a line; what is NaN is left out.  A label looks the same in all
    panels.  Raises `InputError` where there is nothing to draw, or numbers of settings and values differ.

    >>> line = Series("as it is", [0.0, 0.1, 0.0, 0.1], [0.10, 0.04, 0.12, 0.05])
    >>> [ax.get_ylabel() for ax in series_figure([Panel("ECE", [line]), Panel("NLL", [line])]).axes]
    ['ECE', 'NLL']
    """
    drawn = [series for panel in panels for series in panel.series]
    if not drawn or not all(panel.series for panel in panels):
        raise InputError("there is no series to draw", help="give one a kind of network")
    for series in (*drawn, *(chance for panel in panels for chance in panel.by_chance)):
        if len(series.setting) != len(series.values) or not len(series.values):
            raise InputError(
                f"{series.label}: {len(series.setting)} settings and {len(series.values)} values",
                help="give both for every network",
            )
    at = sorted({value for series in drawn for value in series.setting})
    span = (at[-1] - at[0]) or 1.0
    labels = list(dict.fromkeys(series.label for series in drawn))
    figure = Figure(figsize=(width * len(panels), _HEIGHT), layout="constrained")
    entries: dict[str, Any] = {}
    for ax, panel in zip(np.ravel(figure.subplots(1, len(panels))), panels, strict=True):
        if panel.level is not None:
            ax.axhline(panel.level, **_GREY, zorder=0)
        for i, chance in enumerate(panel.by_chance):
            own = {"color": f"C{labels.index(panel.series[i].label)}"} if len(panel.by_chance) > 1 else {}
            _draw(ax, chance, {**_GREY, **own, "marker": ""}, 0.0, kinds=kinds)
        for i, series in enumerate(panel.series):
            step = min(0.03, 0.08 / len(panel.series)) if kinds else 0.0
            beside = step * span * (i - (len(panel.series) - 1) / 2)
            _draw(ax, series, _style(labels.index(series.label)), beside, kinds=kinds)
        ax.set(xlabel=setting, ylabel=panel.name, xlim=(at[0] - 0.15 * span, at[-1] + 0.15 * span))
        if kinds:
            ax.set_xticks(at, [f"{value:g}" for value in at])
        ax.grid(axis="y", alpha=0.3)
        if panel.from_zero:
            ax.set_ylim(bottom=0, top=panel.top)
        entries |= {label: handle for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    columns = min(len(entries), max(int(width * len(panels) / 1.8), 1))
    if len(entries) > 1:
        options: dict[str, Any] = {"frameon": False, "fontsize": "small"}
        figure.legend(entries.values(), entries.keys(), loc="outside lower center", ncols=columns, **options)
    return figure


def _style(i: int) -> dict[str, Any]:
    return {"color": f"C{i}", "marker": MARKERS[i % len(MARKERS)], "linestyle": _DASHES[i % len(_DASHES)]}


def _draw(ax: Axes, series: Series, style: dict[str, Any], beside: float, *, kinds: bool) -> None:
    """A line through the means and a hollow point a network, moved ``beside`` so that lines do not hide others.

    Of settings that are ``kinds`` the means are marked too.
    """
    setting, values = np.asarray(series.setting, dtype=float), np.asarray(series.values, dtype=float)
    known = np.isfinite(values)
    at = np.unique(setting[known])
    means = [float(values[known & (setting == one)].mean()) for one in at]
    points: dict[str, Any] = {"markersize": 4, "markerfacecolor": "none", "markeredgewidth": 0.8}
    both: dict[str, Any] = {"linewidth": 1.2, **style}
    ax.plot(at + beside, means, label="_means", **{**both, "marker": "_" if kinds else "", "markersize": 9})
    if style["marker"]:
        ax.plot(setting[known] + beside, values[known], label="_runs", **{**both, "linestyle": "", **points})
    label = printable(series.label).replace("$", r"\$")
    ax.plot([], [], label=label, **both, **points)  # the legend has both in one
