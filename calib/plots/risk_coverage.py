"""Risk against coverage: how many answers are wrong when only the most confident are given; means over networks."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from calib._text import printable
from calib.errors import InputError
from calib.metrics.ranking import RiskCoverage
from calib.plots._axes import given_or_new
from calib.plots._words import show_labels, show_title

_COVERAGE = np.linspace(0.02, 1, 99)
_SIZE = (5.6, 3.4)  # inches


class Ranked(NamedTuple):
    """One line: its label, a curve a network, and whether it is dashed; ``colour`` numbers what belongs together."""

    label: str
    curves: Sequence[RiskCoverage]
    colour: int = 0
    dashed: bool = False


def risk_coverage_diagram(
    lines: Sequence[Ranked | tuple[str, Sequence[RiskCoverage]]], *, ax: Axes | None = None, title: str | None = None
) -> Axes:
    """Draw the mean risk over the networks of each line at every coverage from 2 % on, and return the Axes.

    ``lines`` are `Ranked`, or plain tuples of its first two: a label, and the result of `calib.risk_coverage` of each
    network, a colour a tuple.  With several networks a band goes from the least to the largest risk.  Labels and
    ``title`` are taken literally.  Without ``ax`` pyplot makes a new figure.  Raises `InputError` where there is
    nothing to draw.

    >>> from calib import risk_coverage
    >>> curve = risk_coverage([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8]], [0, 1, 1])
    >>> risk_coverage_diagram([("hard", [curve])], ax=Figure().add_subplot()).get_ylabel()
    'risk: share of wrong answers'
    """
    ranked = [line if isinstance(line, Ranked) else Ranked(*line, colour=i) for i, line in enumerate(lines)]
    if not ranked or not all(line.curves for line in ranked):
        raise InputError("there is no curve to draw", help="give one a kind of network")
    target = given_or_new(ax)
    drawn: list[Line2D] = []
    for line in ranked:
        risks = np.array([[curve.risk_at(coverage) for coverage in _COVERAGE] for curve in line.curves])
        style: dict[str, Any] = {"color": f"C{line.colour}"}
        if len(risks) > 1:
            target.fill_between(_COVERAGE, risks.min(axis=0), risks.max(axis=0), alpha=0.12, linewidth=0, **style)
        dashes = (0, (4, 1.4)) if line.dashed else "-"
        label = printable(line.label).replace("$", r"\$")  # for another ``ax.legend()``
        drawn += target.plot(_COVERAGE, risks.mean(axis=0), label=label, linestyle=dashes, linewidth=1.3, **style)
    target.set(xlim=(0, 1), xlabel="coverage: share of examples answered", ylabel="risk: share of wrong answers")
    target.set_ylim(bottom=0)
    target.grid(alpha=0.3)
    legend = target.legend(drawn, ["line"] * len(drawn), frameon=False, fontsize="small")
    show_labels(legend, [line.label for line in ranked])
    show_title(target, title)
    return target


def risk_coverage_figure(lines: Sequence[Ranked], *, size: tuple[float, float] = _SIZE) -> Figure:
    """Draw `risk_coverage_diagram` on a figure of its own, its ``size`` in inches.

    >>> from calib import risk_coverage
    >>> curve = risk_coverage([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8]], [0, 1, 1])
    >>> len(risk_coverage_figure([Ranked("hard", [curve])]).axes[0].lines)
    1
    """
    figure = Figure(figsize=size, layout="constrained")
    risk_coverage_diagram(lines, ax=figure.subplots())
    return figure
