"""One reliability diagram on one Axes: accuracy bars, their gaps to the confidence, and the histogram strip below."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.gridspec import SubplotSpec
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.transforms import Bbox

from calib._arrays import Float
from calib.curve import CalibrationCurve
from calib.plots._axes import DOTTED, HALVES

Bars: TypeAlias = tuple[Float, Float]

SPACE, STRIP = 0.07, 0.25  # heights of the space above the strip and of the strip, as shares of the diagram's own

# Okabe and Ito's blue and vermilion, and tints of them.  A gap below the accuracy is a part of its bar and as dark, one
# above it is light; without colour they still differ by that and by the direction of the hatching.
_BLUE, _SKY, _VERMILION = "#0072b2", "#a9d6f2", "#d55e00"
_BAR: dict[str, Any] = {"facecolor": _BLUE, "edgecolor": "white", "linewidth": 0.4}
_OVER: dict[str, Any] = {"facecolor": "#fbdcc8", "edgecolor": _VERMILION, "hatch": "//////", "linewidth": 0.4}
_UNDER: dict[str, Any] = {"facecolor": _BLUE, "edgecolor": _SKY, "hatch": "\\\\\\\\\\\\", "linewidth": 0.4}
_DIAGONAL: dict[str, Any] = {"linestyle": DOTTED, "linewidth": 1.0}
_MEAN_CONFIDENCE: dict[str, Any] = {"linestyle": (0, (2.5, 1.2)), "linewidth": 1.1, "color": _VERMILION}
_ACCURACY: dict[str, Any] = {"linestyle": "-", "linewidth": 1.1, "solid_capstyle": "butt", "color": _BLUE}


def draw_panel(
    ax: Axes, curve: CalibrationCurve, *, share_limit: float | None = None, bars: Bars | None = None
) -> Axes:
    """Draw ``curve`` on the upper part of ``ax`` and its histogram on an inset below, which is returned.

    ``share_limit`` is the upper end of the histogram's axis, so that several panels can have the same; by default just
    above the fullest bin.  ``bars`` are lower and upper ends ``(b,)`` to draw at each bin's mean confidence.
    """
    _draw_bars(ax, curve)
    if bars is not None:
        width = min(1.0, 25 / len(curve.count))  # of many bins the intervals would hide the rest
        for colour, wide, label in (("white", 2 * width, ""), ("black", width, "interval")):  # black drowns in blue
            ax.vlines(curve.mean_confidence, *bars, colors=colour, linewidth=wide, label=label, zorder=3, clip_on=False)
    strip = _room_for_strip(ax)
    _draw_histogram(strip, curve, share_limit or largest_share(curve))
    return strip


def legend_handles(intervals: str | None = None) -> list[Artist]:
    """What the legend shows: five entries, and the name of the intervals where there are any."""
    more = [] if intervals is None else [Line2D([], [], color="black", linewidth=1.0, label=intervals)]
    return [
        *more,
        Patch(**_BAR, label="accuracy"),
        Patch(**_OVER, label="overconfident"),
        Patch(**_UNDER, label="underconfident"),
        Line2D([], [], **_MEAN_CONFIDENCE, label="mean confidence"),
        Line2D([], [], **_DIAGONAL, color=mpl.rcParams["text.color"], label="calibrated"),
    ]


def largest_share(curve: CalibrationCurve) -> float:
    """Share of the examples in the fullest bin, in (0, 1]."""
    return float(curve.count.max() / curve.n)


def _draw_bars(ax: Axes, curve: CalibrationCurve) -> None:
    filled = curve.count > 0
    left, width = curve.edges[:-1][filled], np.diff(curve.edges)[filled]
    accuracy, gap = curve.accuracy[filled], curve.gap[filled]
    ax.bar(left, accuracy, width, align="edge", label="accuracy", **_BAR)
    for name, style, chosen in (("overconfident", _OVER, gap > 0), ("underconfident", _UNDER, gap < 0)):
        if chosen.any():
            ax.bar(left[chosen], gap[chosen], width[chosen], accuracy[chosen], align="edge", label=name, **style)
    ax.plot([], [], **_MEAN_CONFIDENCE, label="mean confidence")  # marked in the strip; here for ``ax.legend()`` alone
    ax.plot([0, 1], [0, 1], **_DIAGONAL, color=mpl.rcParams["text.color"], label="calibrated")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_ticks(*HALVES)
    ax.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", ylabel="accuracy", axisbelow=True)
    ax.tick_params(labelbottom=False)


def _draw_histogram(strip: Axes, curve: CalibrationCurve, share_limit: float) -> None:
    filled = curve.count > 0
    left, width = curve.edges[:-1][filled], np.diff(curve.edges)[filled]
    strip.bar(
        left, curve.count[filled] / curve.n, width, align="edge", color="#b0b0b0", edgecolor="white", linewidth=0.4
    )
    for sums, style in ((curve.correct_sum, _ACCURACY), (curve.confidence_sum, _MEAN_CONFIDENCE)):
        strip.axvline(float(sums.sum() / curve.n), **style, clip_on=False, zorder=3)  # whole at the ends 0 and 1 too
    top = 1.08 * share_limit
    rounds = [step * 10.0**power for power in range(-2, 1) for step in (1, 2, 5)]
    ticks = [0.0, *[value for value in rounds if value < 0.9 * top][-1:]]  # not at the top: the diagram's own 0 is near
    strip.set(ylim=(0, top), yticks=ticks, yticklabels=[f"{tick:g}" for tick in ticks], axisbelow=True)
    strip.set(xlabel="confidence", ylabel="share")


def _room_for_strip(ax: Axes) -> Axes:
    """Move ``ax`` into the upper part of its own place and return an inset that fills the lower part.

    Unlike an axes of its own, an inset counts as a part of ``ax`` for tight and constrained layout.
    """
    locator = ax.get_axes_locator()
    if not isinstance(locator, _UpperPart):  # it is one already where ``ax`` was cleared and is drawn on again
        ax.set_axes_locator(_UpperPart(ax, locator))
    return ax.inset_axes((0, -SPACE - STRIP, 1, STRIP), sharex=ax)


@dataclass(frozen=True, eq=False)
class _UpperPart:
    """What matplotlib asks for the place of ``ax``: the upper part of the place it had, the strip gets the rest."""

    ax: Axes
    inner: Callable[[Axes, RendererBase], Bbox] | None

    def __call__(self, _: object, renderer: RendererBase) -> Bbox:
        place = self.ax.get_position(original=True) if self.inner is None else self.inner(self.ax, renderer)
        height = place.height / (1 + SPACE + STRIP)
        return Bbox.from_bounds(place.x0, place.y1 - height, place.width, height)

    def get_subplotspec(self) -> SubplotSpec | None:
        """Tight layout asks the locator, not the Axes, for its cell."""
        return self.ax.get_subplotspec()
