"""The Axes to draw on, given or new, and what all reliability curves have around them."""

from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes

from calib.errors import InputError
from calib.plots._words import show_title

DOTTED: Any = (0, (1, 1.2))
MARKERS = "osD^vP*X"  # of one line after the other: they differ without colour too
HALVES: Any = (0, 0.5, 1), ("0", "0.5", "1")  # ticks of an axis from 0 to 1, and what stands at them


def given_or_new(ax: Axes | None) -> Axes:
    """``ax``, or where there is none that of a new pyplot figure.  Raises `InputError` for what is no Axes."""
    if ax is None:
        from matplotlib import pyplot as plt  # here alone: pyplot keeps figures alive and picks a window system

        return plt.subplots(layout="constrained")[1]
    if not isinstance(ax, Axes):
        raise InputError(f"ax must be a matplotlib Axes, got {type(ax).__name__}", help="of several, pass one: axes[0]")
    return ax


def unit_square(ax: Axes, title: str | None = None) -> Axes:
    """Confidence along, accuracy up, both from 0 to 1, and the diagonal of a calibrated model, drawn once."""
    if not any(line.get_gid() == "diagonal" for line in ax.lines):
        ink = mpl.rcParams["text.color"]
        ax.plot([0, 1], [0, 1], color=ink, linestyle=DOTTED, linewidth=1.0, gid="diagonal", label="_diagonal")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_ticks(*HALVES)
    ax.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    ax.set(xlabel="confidence", ylabel="accuracy", axisbelow=True)
    show_title(ax, title, small=True)
    return ax
