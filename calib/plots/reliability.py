"""Reliability diagrams: one on any Axes, before and after temperature scaling for a paper, and the file they go to."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from calib._checks import check_choice
from calib._text import printable
from calib.curve import CalibrationCurve, calibration_curve
from calib.errors import InputError
from calib.files.atomic import atomic_file
from calib.outcomes import Outcomes
from calib.plots._axes import given_or_new
from calib.plots._panel import SPACE, STRIP, Bars, draw_panel, largest_share, legend_handles
from calib.plots._words import show_plain
from calib.predictions import ArrayLike, Of, Predictions
from calib.uncertainty import consistency_interval

# No dates, and one size whatever the style sheet says; the fonts in a PDF are TrueType, which conferences ask for.
_FILE_RC: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "calib",
    "pdf.fonttype": 42,
    "savefig.bbox": "standard",
}
_METADATA: dict[str, dict[str, None]] = {".png": {}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}

# Inches: the figure is one column of a two-column paper and is printed at its own size.
_WIDTH, _LEFT, _RIGHT, _BETWEEN = 3.4, 0.42, 0.08, 0.16
_SIDE = (_WIDTH - _LEFT - _RIGHT - _BETWEEN) / 2
_PANEL = _SIDE * (1 + SPACE + STRIP)
_ABOVE, _BELOW, _LABEL, _LEGEND = 0.5, 0.2, 0.1, 0.34  # name and title; tick labels; x label; legend
_POINTS, _SMALL_POINTS = 7.0, 6.5


class BeforeAfter(NamedTuple):
    """One row of `reliability_figure`: a model's name, its curve without and with temperature scaling, and a label.

    ``label`` stands over the right diagram and says what was done, such as ``"T = 1.87"`` or
    ``"T = 1.87, cross-fitted"``; without a ``scaled`` curve, in its place, why there is none.
    """

    name: str
    uncalibrated: CalibrationCurve
    scaled: CalibrationCurve | None
    label: str
    bars: tuple[Bars, Bars] | None = None


BarsKind: TypeAlias = Literal["none", "confidence", "consistency"]
BAR_NAMES: dict[str, str | None] = {
    "none": None,
    "confidence": "95 % confidence",
    "consistency": "95 % consistency",
}


def reliability_diagram(
    predictions_or_curve: Predictions | Outcomes | CalibrationCurve | ArrayLike,
    labels: ArrayLike | None = None,
    *,
    ax: Axes | None = None,
    n_bins: int = 15,
    title: str | None = None,
    bars: BarsKind = "none",
    of: Of = "predicted",
) -> Axes:
    r"""Draw a reliability diagram (Guo et al. 2017, fig. 1) and return its Axes.

    Takes a `CalibrationCurve`, `Predictions`, `Outcomes`, or probabilities ``(n, k)`` and labels ``(n,)``; ``n_bins``
    and ``of`` (``of=1`` is P(y = 1)) matter where it is no curve.  A solid bar is the accuracy in a bin, the hatched
    part reaches from there to the bin's mean confidence; bins without examples have no bar.  The strip below
    (``ax.child_axes[-1]``) shows the share of examples a bin and marks overall accuracy and mean confidence.  The last
    line of the title gives ECE and n of the curve drawn; ``title`` stands above it, taken literally and cut to fit.

    ``bars="confidence"`` adds 95 % Wilson intervals of each bin's accuracy, around the estimate; ``bars="consistency"``
    the 95 % of accuracies that a calibrated model would show, around the diagonal (needs predictions, not a curve).

    Without ``ax`` pyplot makes a new figure with a legend; on a given one, ``ax.legend()`` adds it where wanted.
    Raises `InputError` for bad input.

    >>> from matplotlib.figure import Figure
    >>> ax = reliability_diagram([[0.9, 0.1], [0.6, 0.4]], [0, 1], ax=Figure().add_subplot(), title="toy")
    >>> ax.get_title()
    'toy\nECE 0.350 · n 2'
    """
    if isinstance(predictions_or_curve, CalibrationCurve):
        if labels is not None:
            raise InputError("labels were given with a finished curve", help="leave out the second argument")
        curve = predictions_or_curve
    else:
        curve = calibration_curve(predictions_or_curve, labels, n_bins=n_bins, of=of)
    check_choice("bars", bars, ("none", "confidence", "consistency"))
    if bars == "consistency" and isinstance(predictions_or_curve, CalibrationCurve):
        raise InputError("consistency bars need each confidence, a curve holds sums", help="pass the predictions")
    intervals = None
    if bars == "confidence":
        intervals = curve.accuracy_interval()
    elif bars == "consistency":
        intervals = consistency_interval(predictions_or_curve, labels, n_bins=n_bins, of=of)
    target = given_or_new(ax)
    draw_panel(target, curve, bars=intervals)
    text = target.set_title("", loc="center")
    show_plain(text, title or "", width=target.get_window_extent().width, below=_summary(curve))
    if ax is None:
        target.legend(
            handles=legend_handles(BAR_NAMES[bars]), loc="upper left", bbox_to_anchor=(1.02, 1), frameon=False
        )
    return target


def reliability_figure(
    rows: Sequence[BeforeAfter | tuple[str, CalibrationCurve, CalibrationCurve | None, str]], *, bars: BarsKind = "none"
) -> Figure:
    """Draw models one below the other, uncalibrated on the left and temperature-scaled on the right.

    ``rows`` are `BeforeAfter`, or plain tuples of its first four; ``bars`` says what their intervals are.  The figure
    is 3.4 in wide, one column of a two-column paper, with letters of 6.5 and 7 pt, and about 2.5 in high a model; all
    histograms share one scale.  Long names are cut in the middle.  Raises `InputError` where there are no rows.

    >>> curve = calibration_curve([[0.9, 0.1], [0.6, 0.4]], [0, 1])
    >>> reliability_figure([BeforeAfter("toy", curve, curve, "T = 1")]).get_size_inches().round(1).tolist()
    [3.4, 2.9]
    """
    if not rows:
        raise InputError("a reliability figure needs at least one model, got none", help="give one row a model")
    pitch = _ABOVE + _PANEL + _BELOW
    height = len(rows) * pitch + _LABEL + _LEGEND
    figure = Figure(figsize=(_WIDTH, height))
    figure.set_layout_engine("none")  # the places are fixed, whatever the style sheet asks for
    share_limit = max(largest_share(curve) for row in rows for curve in row[1:3] if curve is not None)
    for i, row in enumerate(BeforeAfter(*row) for row in rows):
        top, last_row = height - i * pitch, i == len(rows) - 1
        heading = figure.text(_LEFT / _WIDTH, (top - 0.05) / height, "", va="top", fontsize=_POINTS, fontweight="bold")
        show_plain(heading, row.name, width=(_WIDTH - _LEFT - _RIGHT) * figure.dpi)
        pair = ((row.uncalibrated, "uncalibrated"), (row.scaled, row.label))
        for j, (curve, title) in enumerate(pair):
            left = _LEFT + j * (_SIDE + _BETWEEN)
            if curve is None:
                middle = (left + _SIDE / 2) / _WIDTH, (top - _ABOVE - _PANEL / 2) / height
                figure.text(*middle, title, ha="center", va="center", fontsize=_POINTS, parse_math=False)
                continue
            place = (left / _WIDTH, (top - _ABOVE - _PANEL) / height, _SIDE / _WIDTH, _PANEL / height)
            ax = figure.add_axes(place)
            strip = draw_panel(ax, curve, share_limit=share_limit, bars=row.bars and row.bars[j])
            _make_small(ax, strip, y_labels=j == 0, x_label=last_row)
            text = ax.set_title("", loc="center", fontsize=_POINTS, fontweight="normal", pad=4)
            show_plain(text, title, width=_SIDE * figure.dpi, below=_summary(curve))
    figure.legend(
        handles=legend_handles(BAR_NAMES[bars]),
        loc="lower center",
        ncols=3,
        fontsize=_SMALL_POINTS,
        frameon=False,
        borderaxespad=0.2,
        handlelength=1.6,
        columnspacing=1.2,
    )
    return figure


def save_figure(figure: Figure, path: Path | str, *, dpi: int = 300) -> None:
    """Write ``figure`` to ``path`` as PNG, SVG or PDF, by the suffix; the same figure gives the same bytes.

    The file appears whole or not at all.  ``dpi`` is the resolution of a PNG.  Raises `InputError` for any other
    suffix, and where the file cannot be written.
    """
    suffix = check_suffix(path)
    with mpl.rc_context(_FILE_RC), atomic_file(path) as file:
        figure.savefig(file, format=suffix[1:], dpi=dpi, metadata=_METADATA[suffix])


def check_suffix(path: Path | str) -> str:
    """Return the suffix of ``path`` in small letters; raises `InputError` where `save_figure` would refuse it.

    For whoever computes for minutes before there is a figure to save.

    >>> check_suffix("figure.PDF")
    '.pdf'
    """
    suffix = Path(path).suffix.lower()
    if suffix not in _METADATA:
        raise InputError(
            f"a figure is saved as .png, .svg or .pdf, got {printable(str(path))}", help="choose one of the three"
        )
    return suffix


def _summary(curve: CalibrationCurve) -> str:
    return f"ECE {curve.ece:.3f} · n {curve.n:,}"


def _make_small(ax: Axes, strip: Axes, *, y_labels: bool, x_label: bool) -> None:
    """Sizes for print, set on this diagram only: the reader's style sheet keeps its say over fonts and colours."""
    for axes in (ax, strip):
        axes.tick_params(labelsize=_SMALL_POINTS, length=2, width=0.5, pad=2, labelleft=y_labels)
        for label in (axes.xaxis.label, axes.yaxis.label):
            label.set_fontsize(_POINTS)
        axes.xaxis.labelpad = axes.yaxis.labelpad = 2
        axes.yaxis.label.set_visible(y_labels)
        for spine in axes.spines.values():
            spine.set_linewidth(0.5)
    strip.xaxis.label.set_visible(x_label)
