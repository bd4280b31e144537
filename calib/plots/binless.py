"""Reliability curves without bins: kernel-smoothed, and isotonic with its consistency band (CORP)."""

from typing import Any

from matplotlib.axes import Axes

from calib.metrics.corp import Corp, corp
from calib.metrics.smooth import SmoothCurve, smooth_curve
from calib.outcomes import Outcomes
from calib.plots._axes import given_or_new, unit_square
from calib.plots._panel import Bars
from calib.predictions import ArrayLike, Of, Predictions

_RARE = 0.01  # share of the highest density below which a curve rests on next to no examples and is not drawn
_TALL = 0.18  # height of the highest density


def smooth_diagram(
    predictions_or_curve: Predictions | Outcomes | SmoothCurve | ArrayLike,
    labels: ArrayLike | None = None,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    of: Of = "predicted",
) -> Axes:
    """Draw the curve behind `calib.smooth_ece`, accuracy against confidence around each point, and return the Axes.

    Takes the result of `calib.smooth_curve`, or what that takes.  The area at the bottom is the density of the
    confidences; where it is below a hundredth of its highest the curve is left out.  The label, for ``ax.legend()``,
    gives the error of the curve drawn.  The colour is the next of the reader's cycle.  Without ``ax`` pyplot makes a
    new figure.  Raises `InputError` for bad input.  Source: Błasiok & Nakkiran (2023), Smooth ECE.

    >>> from matplotlib.figure import Figure
    >>> ax = smooth_diagram([[0.9, 0.1], [0.6, 0.4]], [0, 1], ax=Figure().add_subplot())
    >>> ax.get_legend_handles_labels()[1]
    ['smooth, error 0.250']
    """
    if isinstance(predictions_or_curve, SmoothCurve):
        curve = predictions_or_curve
    else:
        curve = smooth_curve(predictions_or_curve, labels, of=of)
    target = unit_square(given_or_new(ax), title)
    highest = curve.density.max()
    seen = curve.density >= _RARE * highest
    (line,) = target.plot(curve.confidence[seen], curve.accuracy[seen], label=f"smooth, error {curve.ece:.3f}")
    target.fill_between(curve.t, _TALL * curve.density / highest, color=line.get_color(), alpha=0.2, linewidth=0)
    return target


def corp_diagram(
    predictions_or_corp: Predictions | Outcomes | Corp | ArrayLike,
    labels: ArrayLike | None = None,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    band: Bars | None = None,
    of: Of = "predicted",
) -> Axes:
    """Draw the isotonic reliability curve of `calib.corp` and return the Axes.

    Takes the result of `calib.corp`, or what that takes.  ``band``, the ends of `calib.corp_consistency`, is where the
    curve of a calibrated model would run.  The label, for ``ax.legend()``, gives the miscalibration of the curve
    drawn.  The colour is the next of the reader's cycle.  Without ``ax`` pyplot makes a new figure.  Raises
    `InputError` for bad input.  Source: Dimitriadis, Gneiting & Jordan (2021).

    >>> from matplotlib.figure import Figure
    >>> ax = corp_diagram([0.1, 0.3, 0.4, 0.6, 0.8, 0.9], [0, 1, 0, 1, 0, 1], ax=Figure().add_subplot(), of=1)
    >>> ax.get_legend_handles_labels()[1]
    ['CORP, miscalibration 0.078']
    """
    parts = predictions_or_corp if isinstance(predictions_or_corp, Corp) else corp(predictions_or_corp, labels, of=of)
    target = unit_square(given_or_new(ax), title)
    label = f"CORP, miscalibration {parts.miscalibration:.3f}"
    (line,) = target.plot(parts.confidence, parts.recalibrated, label=label)
    if band is not None:
        look: dict[str, Any] = {"color": line.get_color(), "alpha": 0.2, "linewidth": 0}
        target.fill_between(parts.confidence, *band, label="95 % if calibrated", **look)
    return target
