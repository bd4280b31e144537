"""Reliability diagrams of several models laid over each other, as lines: on one Axes, or a grid of panels."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from calib.curve import CalibrationCurve
from calib.errors import InputError
from calib.plots._axes import MARKERS, given_or_new, unit_square
from calib.plots._words import show_labels, show_title

_WIDTH, _HEIGHT = 2.1, 2.1  # inches a panel
_LARGEST = 40.0  # area of the marker of a bin that holds everything, in square points


class Overlay(NamedTuple):
    """One panel: its title, and a label and a calibration curve a model."""

    title: str
    curves: Sequence[tuple[str, CalibrationCurve]]


def reliability_overlay(
    curves: Sequence[tuple[str, CalibrationCurve]],
    *,
    ax: Axes | None = None,
    title: str | None = None,
    legend: bool = True,
) -> Axes:
    """Draw accuracy against mean confidence, one line a model, and return the Axes.

    ``curves`` are pairs of a label and a `CalibrationCurve`.  A marker is a bin and grows with the examples in it; a
    line below the dotted diagonal is overconfident.  The legend gives the ECE of each curve.  Colours are those of the
    reader's cycle; markers differ too.  Labels and ``title`` are taken literally and cut to fit.  Without ``ax`` pyplot
    makes a new figure.  Raises `InputError` where there is nothing to draw.

    >>> from calib import calibration_curve
    >>> curve = calibration_curve([[0.9, 0.1], [0.6, 0.4]], [0, 1])
    >>> ax = reliability_overlay([("a", curve), ("b", curve)], ax=Figure().add_subplot())
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['a, ECE 0.350', 'b, ECE 0.350']
    """
    if not curves:
        raise InputError("there is no curve to draw", help="give one a model")
    target = unit_square(given_or_new(ax), title)
    for i, (_, curve) in enumerate(curves):
        _draw(target, curve, f"C{i}", MARKERS[i % len(MARKERS)])
    if legend:
        drawn = target.legend(handles=target.collections[-len(curves) :], loc="upper left", fontsize="small")
        errors = [f", ECE {curve.ece:.3f}" for _, curve in curves]
        show_labels(drawn, [label for label, _ in curves], behind=errors)
    return target


def overlay_figure(panels: Sequence[Overlay], *, columns: int | None = None) -> Figure:
    """Draw panels of `reliability_overlay` side by side, with one legend; from ``columns`` on in another row.

    A panel a class makes a class-wise grid: the curve of P(class c) is ``calibration_curve(predictions, of=c)``.  A
    model looks the same in all panels.  Raises `InputError` where there is nothing to draw.

    >>> from calib import calibration_curve
    >>> curve = calibration_curve([[0.9, 0.1], [0.6, 0.4]], [0, 1])
    >>> len(overlay_figure([Overlay("as they are", [("a", curve), ("b", curve)])]).axes[0].lines)
    3
    """
    if not panels or not all(panel.curves for panel in panels):
        raise InputError("there is no curve to draw", help="give one a model")
    across = min(columns or len(panels), len(panels))
    down = -(-len(panels) // across)
    figure = Figure(figsize=(_WIDTH * across, _HEIGHT * down), layout="constrained")
    axes = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
    for ax in axes.flat[len(panels) :]:
        ax.remove()
    for ax, panel in zip(axes.flat, panels, strict=False):
        reliability_overlay(panel.curves, ax=ax, legend=False)
        show_title(ax, panel.title, width=_WIDTH * figure.dpi, small=True)
        ax.label_outer()
    handles = axes[0, 0].collections
    legend = figure.legend(
        handles=handles, loc="outside lower center", frameon=False, fontsize="small", ncols=1 if down == 1 else across
    )
    show_labels(legend, [label for label, _ in panels[0].curves])
    return figure


def _draw(ax: Axes, curve: CalibrationCurve, colour: str, marker: str) -> None:
    filled = curve.count > 0
    x, y = curve.mean_confidence[filled], curve.accuracy[filled]
    style: dict[str, Any] = {"color": colour, "linewidth": 1.0, "alpha": 0.9}
    ax.plot(x, y, **style)
    area = 3 + _LARGEST * np.sqrt(curve.count[filled] / curve.n)
    ax.scatter(x, y, s=area, color=colour, marker=marker, linewidths=0, clip_on=False, zorder=3, label="model")
