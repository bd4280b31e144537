"""ECE against the number of bins, beside what chance alone would give: the sensitivity strip."""

from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes

from calib.plots._axes import DOTTED, given_or_new
from calib.plots._words import show_title

if TYPE_CHECKING:
    import pandas as pd

_LOOKS: dict[str, tuple[str, Any]] = {"equal-width": ("o", "-"), "equal-mass": ("s", (0, (4, 1.4)))}


def sensitivity_strip(table: "pd.DataFrame", *, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw the table of `calib.ece_sensitivity` and return the Axes.

    A line a kind of bins.  The dotted line of its colour is what a calibrated model with the same confidences would
    score on these bins, and the band goes from there to the 95 % quantile: an ECE inside can be chance.  ``title`` is
    taken literally.  Without ``ax`` pyplot makes a new figure.  Raises `InputError` for what is no Axes.

    >>> from matplotlib.figure import Figure
    >>> from calib.sensitivity import ece_sensitivity
    >>> table = ece_sensitivity([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]], [0, 1, 1], bins=(5, 10), resamples=20)
    >>> sensitivity_strip(table, ax=Figure().add_subplot()).get_legend_handles_labels()[1]
    ['equal-width', 'equal-width, by chance', 'equal-mass', 'equal-mass, by chance']
    """
    target = given_or_new(ax)
    for kind, (marker, dashes) in _LOOKS.items():
        rows = table[table["binning"] == kind]
        at = rows["n_bins"].to_numpy()
        (line,) = target.plot(at, rows["ece"].to_numpy(), marker=marker, markersize=4, linestyle=dashes, label=kind)
        chance, quantile = (rows[name].to_numpy() for name in ("ece_null", "ece_null_95"))
        target.plot(at, chance, color=line.get_color(), linestyle=DOTTED, linewidth=1.0, label="_chance")
        look: dict[str, Any] = {"color": line.get_color(), "alpha": 0.15, "linewidth": 0}
        target.fill_between(at, chance, quantile, label=f"{kind}, by chance", **look)
    target.set(xlabel="number of bins", ylabel="ECE", axisbelow=True)
    target.set_ylim(bottom=0)
    show_title(target, title)
    return target
