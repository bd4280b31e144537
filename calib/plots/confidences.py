"""How confident the right answers are, and how confident the wrong ones: two histograms on one axis."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from calib._arrays import Float
from calib.curve import CalibrationCurve
from calib.errors import InputError
from calib.plots._axes import HALVES, given_or_new
from calib.plots._words import show_title

_RIGHT: dict[str, Any] = {"color": "#0072b2", "alpha": 0.35, "linewidth": 0}
_WRONG: dict[str, Any] = {"color": "#d55e00", "linewidth": 1.4}
_WIDTH, _HEIGHT = 1.72, 1.8  # inches a panel


class Claims(NamedTuple):
    """One panel: its title and the calibration curve whose bins are drawn."""

    title: str
    curve: CalibrationCurve


def confidence_histogram(curve: CalibrationCurve, *, ax: Axes | None = None) -> Axes:
    """Draw the share of the right answers a bin as an area and of the wrong ones as a line, and return the Axes.

    Each of the two sums to 1, so that few wrong answers are seen as well as many right ones; the bins are those of
    ``curve``.  Without ``ax`` pyplot makes a new figure.

    >>> from calib import calibration_curve
    >>> curve = calibration_curve([[0.9, 0.1], [0.6, 0.4]], [0, 1])
    >>> confidence_histogram(curve, ax=Figure().add_subplot()).get_legend_handles_labels()[1]
    ['right answers', 'wrong answers']
    """
    target = given_or_new(ax)
    right, wrong = curve.correct_sum, curve.mass - curve.correct_sum
    _stairs(target, curve.edges, right, fill=True, label="right answers", style=_RIGHT)
    _stairs(target, curve.edges, wrong, fill=False, label="wrong answers", style=_WRONG)
    target.xaxis.set_ticks(*HALVES)
    target.set(xlim=(0, 1), xlabel="confidence", ylabel="share of the answers")
    return target


def confidence_figure(panels: Sequence[Claims]) -> Figure:
    """Draw the `confidence_histogram` of each curve, side by side.  Raises `InputError` where there is none.

    >>> from calib import calibration_curve
    >>> curve = calibration_curve([[0.9, 0.1], [0.6, 0.4]], [0, 1])
    >>> [ax.get_xlabel() for ax in confidence_figure([Claims("as it is", curve)]).axes]
    ['confidence']
    """
    if not panels:
        raise InputError("there are no confidences to draw", help="give at least one curve")
    figure = Figure(figsize=(_WIDTH * len(panels), _HEIGHT), layout="constrained")
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for ax, panel in zip(axes, panels, strict=True):
        confidence_histogram(panel.curve, ax=ax)
        ax.label_outer()
        show_title(ax, panel.title, width=_WIDTH * figure.dpi, small=True)
    axes[0].set_ylim(bottom=0)
    handles = [
        Patch(**_RIGHT, label="right answers"),
        Patch(facecolor="none", edgecolor=_WRONG["color"], linewidth=1.4, label="wrong answers"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False, fontsize="small")
    return figure


def _stairs(ax: Axes, edges: Float, counts: Float, *, fill: bool, label: str, style: dict[str, Any]) -> None:
    if counts.sum() > 0:
        ax.stairs(np.asarray(counts / counts.sum()), edges, fill=fill, label=label, **style)
