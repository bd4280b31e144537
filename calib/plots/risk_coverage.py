"""Risk against coverage: how many answers are wrong when only the most confident are given; means over networks."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from calib._text import printable
from calib.errors import InputError
from calib.metrics.ranking import RiskCoverage

_COVERAGE = np.linspace(0.02, 1, 99)
_WIDTH, _HEIGHT = 5.6, 3.4  # inches


class Ranked(NamedTuple):
    """One line: its label, a curve a network, and whether it is dashed; ``colour`` numbers what belongs together."""

    label: str
    curves: Sequence[RiskCoverage]
    colour: int = 0
    dashed: bool = False


def risk_coverage_figure(lines: Sequence[Ranked], *, title: str | None = None) -> Figure:
    """Draw the mean risk over the networks of each line at every coverage from 2 % on, and the range of a network.

    With several networks a band goes from the least to the largest risk.  Raises `InputError` where there is nothing to
    draw.

    >>> from calib import risk_coverage
    >>> curve = risk_coverage([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8]], [0, 1, 1])
    >>> risk_coverage_figure([Ranked("hard", [curve])]).axes[0].get_ylabel()
    'risk: share of wrong answers'
    """
    if not lines or not all(line.curves for line in lines):
        raise InputError("there is no curve to draw", help="give one a kind of network")
    figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
    ax = figure.subplots()
    for line in lines:
        risks = np.array([[curve.risk_at(coverage) for coverage in _COVERAGE] for curve in line.curves])
        style: dict[str, Any] = {"color": f"C{line.colour}"}
        if len(risks) > 1:
            ax.fill_between(_COVERAGE, risks.min(axis=0), risks.max(axis=0), alpha=0.12, linewidth=0, **style)
        label = printable(line.label).replace("$", r"\$")
        dashes = (0, (4, 1.4)) if line.dashed else "-"
        ax.plot(_COVERAGE, risks.mean(axis=0), label=label, linestyle=dashes, linewidth=1.3, **style)
    ax.set(xlim=(0, 1), xlabel="coverage: share of examples answered", ylabel="risk: share of wrong answers")
    ax.set_ylim(bottom=0)
    ax.grid(alpha=0.3)
    ax.legend(frameon=False, fontsize="small")
    if title is not None:
        ax.set_title(printable(title).replace("$", r"\$"), fontsize="medium")
    return figure
