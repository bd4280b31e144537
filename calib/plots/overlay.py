"""Reliability diagrams of several models laid over each other, as lines."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from calib._text import printable
from calib.curve import CalibrationCurve
from calib.errors import InputError
from calib.plots._panel import show_plain

_MARKERS = "osD^vP*X"
_WIDTH, _HEIGHT, _LINE = 1.72, 2.15, 0.15  # inches: a panel, and a line of the legend
_LARGEST = 40.0  # area of the marker of a bin that holds everything, in square points
_LONGEST = 40  # characters of a label


class Overlay(NamedTuple):
    """One panel: its title, and a label and a calibration curve a model."""

    title: str
    curves: Sequence[tuple[str, CalibrationCurve]]


def overlay_figure(panels: Sequence[Overlay]) -> Figure:
    """Draw accuracy against mean confidence, one line a model, a marker a bin that grows with the examples in it.

    A line below the diagonal is overconfident.  A model looks the same in all panels.  Raises `InputError` where there
    is nothing to draw.

    >>> from calib import calibration_curve
    >>> curve = calibration_curve([[0.9, 0.1], [0.6, 0.4]], [0, 1])
    >>> len(overlay_figure([Overlay("as they are", [("a", curve), ("b", curve)])]).axes[0].lines)
    3
    """
    if not panels or not all(panel.curves for panel in panels):
        raise InputError("there is no curve to draw", help="give one a model")
    height = _HEIGHT + _LINE * len(panels[0].curves)
    figure = Figure(figsize=(_WIDTH * len(panels), height), layout="constrained")
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for ax, panel in zip(axes, panels, strict=True):
        ax.plot([0, 1], [0, 1], color=mpl.rcParams["text.color"], linestyle=(0, (1, 1.2)), linewidth=1.0)
        for i, (_, curve) in enumerate(panel.curves):
            _draw(ax, curve, f"C{i}", _MARKERS[i % len(_MARKERS)])
        ticks = {"xticks": (0, 0.5, 1), "yticks": (0, 0.5, 1)}
        ax.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xlabel="confidence", **ticks)
        show_plain(ax.set_title("", fontsize=mpl.rcParams["font.size"]), panel.title, width=_WIDTH * figure.dpi)
    axes[0].set_ylabel("accuracy")
    legend = figure.legend(handles=axes[0].collections, loc="outside lower center", frameon=False, fontsize="small")
    for text, (label, _) in zip(legend.get_texts(), panels[0].curves, strict=True):  # a label may begin with "_"
        text.set_parse_math(False)
        text.set_text(printable(label, limit=_LONGEST))
    return figure


def _draw(ax: Axes, curve: CalibrationCurve, colour: str, marker: str) -> None:
    filled = curve.count > 0
    x, y = curve.mean_confidence[filled], curve.accuracy[filled]
    style: dict[str, Any] = {"color": colour, "linewidth": 1.0, "alpha": 0.9}
    ax.plot(x, y, **style)
    area = 3 + _LARGEST * np.sqrt(curve.count[filled] / curve.n)
    ax.scatter(x, y, s=area, color=colour, marker=marker, linewidths=0, clip_on=False, zorder=3, label="model")
