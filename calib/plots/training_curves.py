"""Training curves: loss, accuracy, ECE and learning rate of a training against its epochs."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import MaxNLocator

from calib._arrays import Float
from calib.errors import InputError
from calib.files.history_csv import load_history
from calib.plots._words import show_plain, show_title

AnyFigure: TypeAlias = Figure | SubFigure

# The first two colours of the reader's cycle; without colour the lines still differ.
_TRAINING: dict[str, Any] = {"color": "C0", "linestyle": "-"}
_CALIBRATION: dict[str, Any] = {"color": "C1", "linestyle": (0, (4, 1.4))}
_FLOOR: dict[str, Any] = {"color": "C0", "linestyle": (0, (1, 1.6)), "linewidth": 1.2}
_FEW = 12  # epochs up to which each is marked: one alone has no line

_WIDTH, _PANEL, _SMALL, _MARGINS = 5.6, 1.75, 1.05, 0.75  # inches


class _Line(NamedTuple):
    column: str
    label: str
    style: dict[str, Any]


def training_curves(
    history: Sequence[Mapping[str, float]] | Path | str,
    *,
    figure: AnyFigure | None = None,
    title: str | None = None,
    objective: str | None = None,
    loss_floor: float | None = None,
) -> AnyFigure:
    """Draw how a training went, one panel below the other, and return the figure.

    ``history`` is a ``history.csv``, or one row an epoch with ``epoch`` and ``loss``, and where they are known
    ``accuracy`` (both of the training split, as the network was in that epoch), ``calibration_loss`` (NLL of hard
    labels, nats), ``calibration_accuracy``, ``calibration_ece`` and ``learning_rate``.  What is missing, None or NaN is
    left out, and a panel with nothing in it too; other columns are not looked at.

    ``objective`` says in words what the training loss is where it is not the NLL of hard labels, such as ``"smoothed
    targets, α = 0.1"``; the legend then says that the two losses cannot be compared.  ``loss_floor`` draws the least
    value that loss can have, such as `calib.target_entropy` of smoothed targets.  ``title`` is taken literally.

    The panels are ``figure.axes`` of a new pyplot figure, or of the empty ``figure`` given (a subfigure will do).
    Raises `InputError` for a history without epochs or losses.

    >>> rows = [{"epoch": 1, "loss": 2.1, "accuracy": 0.2}, {"epoch": 2, "loss": 1.4, "accuracy": 0.5}]
    >>> [ax.get_ylabel() for ax in training_curves(rows, figure=Figure()).axes]
    ['loss (nats)', 'accuracy']
    """
    rows = _checked(load_history(history) if isinstance(history, Path | str) else history)
    target = _new_figure(rows) if figure is None else _empty(figure)
    panels = _panels(rows, objective)
    heights = [_PANEL if len(lines) > 1 or i == 0 else _SMALL for i, lines in enumerate(panels.values())]
    axes = target.subplots(len(panels), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    for ax, (label, lines) in zip(axes, panels.items(), strict=True):
        for line in lines:
            _draw(ax, rows, line)
        ax.set_ylabel(label)
    if loss_floor is not None:
        _draw_floor(axes[0], loss_floor)
    for ax, lines in zip(axes, panels.values(), strict=True):
        if len(lines) > 1 or ax is axes[0]:
            _legend(ax)
        if lines[0].column in ("calibration_ece", "learning_rate"):
            ax.set_ylim(bottom=0)
            ax.ticklabel_format(axis="y", scilimits=(-3, 3))  # long numbers would take the panels' room
    _epoch_axis(axes[-1], rows["epoch"])
    target.align_ylabels(axes)
    show_title(axes[0], title, width=0.9 * target.bbox.width)
    return target


def training_figure(
    history: Sequence[Mapping[str, float]] | Path | str,
    *,
    title: str | None = None,
    objective: str | None = None,
    loss_floor: float | None = None,
) -> Figure:
    """`training_curves` on a figure that belongs to no window, 5.6 in wide, for `calib.plots.reliability.save_figure`.

    >>> training_figure([{"epoch": 1, "loss": 2.1}]).get_size_inches().tolist()
    [5.6, 2.5]
    """
    rows = load_history(history) if isinstance(history, Path | str) else history
    figure = Figure(figsize=_size(_checked(rows)), layout="constrained")
    training_curves(rows, figure=figure, title=title, objective=objective, loss_floor=loss_floor)
    return figure


def _checked(history: Sequence[Mapping[str, float]]) -> dict[str, Float]:
    """The columns that are drawn, ``(epochs,)`` each, with NaN for what is missing."""
    drawn = ("epoch", *(line.column for lines in _PANELS.values() for line in lines))
    rows = list(history)
    if not rows:
        raise InputError("a training curve needs at least one epoch, got none", help="pass one row an epoch")
    try:
        columns = {name: np.array([_number(row.get(name)) for row in rows]) for name in drawn}
    except (AttributeError, TypeError, ValueError) as error:
        raise InputError(f"a history has numbers by name ({error})", help="pass one dict an epoch") from error
    for name in ("epoch", "loss"):
        bad = ~np.isfinite(columns[name])
        if bad.all() or (name == "epoch" and bad.any()):
            row = int(np.argmax(bad))
            raise InputError(f"row {row} of the history has no {name}", help="pass `epoch` and `loss` in every row")
    return columns


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


_PANELS: dict[str, tuple[_Line, ...]] = {
    "loss (nats)": (
        _Line("loss", "training", _TRAINING),
        _Line("calibration_loss", "calibration: NLL of hard labels", _CALIBRATION),
    ),
    "accuracy": (
        _Line("accuracy", "training", _TRAINING),
        _Line("calibration_accuracy", "calibration", _CALIBRATION),
    ),
    "calibration\nECE": (_Line("calibration_ece", "calibration", _CALIBRATION),),
    "learning\nrate": (_Line("learning_rate", "learning rate", _TRAINING),),
}


def _panels(rows: Mapping[str, Float], objective: str | None) -> dict[str, list[_Line]]:
    """The panels that have something to show, and their lines, labelled with what they are."""
    filled = {
        label: [line for line in lines if np.isfinite(rows[line.column]).any()] for label, lines in _PANELS.items()
    }
    panels = {label: lines for label, lines in filled.items() if lines or label == "loss (nats)"}
    losses = panels["loss (nats)"]
    if objective is not None:
        losses[:] = [
            line._replace(label=f"training: {objective}")
            if line.column == "loss"
            else line._replace(label=f"{line.label} (not comparable)")
            for line in losses
        ]
    return panels


def _draw(ax: Axes, rows: Mapping[str, Float], line: _Line) -> None:
    known = np.isfinite(rows[line.column])  # what was measured every few epochs is still one line
    marker = "o" if known.sum() <= _FEW else ""
    ax.plot(rows["epoch"][known], rows[line.column][known], label=line.label, marker=marker, markersize=4, **line.style)


def _legend(ax: Axes) -> None:
    legend = ax.legend(fontsize="small", handlelength=2.6)
    for text in legend.get_texts():
        show_plain(text, text.get_text(), width=math.inf)


def _epoch_axis(ax: Axes, epochs: Float) -> None:
    ax.set_xlabel("epoch")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if epochs.min() == epochs.max():
        ax.set_xlim(epochs[0] - 0.5, epochs[0] + 0.5)


def _draw_floor(ax: Axes, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float | np.floating) or not 0 <= value < math.inf:
        raise InputError(f"loss_floor must be a number of at least 0, got {value!r}", help="leave it out for none")
    ax.axhline(float(value), label="least possible training loss", **_FLOOR)
    low, high = ax.get_ylim()
    ax.set_ylim(min(low, value - 0.08 * (high - value)), high)  # clear of the frame


def _empty(figure: AnyFigure) -> AnyFigure:
    if not isinstance(figure, Figure | SubFigure):
        raise InputError(f"figure must be a matplotlib Figure, got {type(figure).__name__}", help="leave it out")
    if figure.axes:
        raise InputError("the figure is not empty", help="pass a new one, or a part: figure.subfigures(1, 2)[0]")
    return figure


def _size(rows: Mapping[str, Float]) -> tuple[float, float]:
    panels = _panels(rows, None)
    heights = (_PANEL if len(lines) > 1 or label == "loss (nats)" else _SMALL for label, lines in panels.items())
    return _WIDTH, sum(heights) + _MARGINS


def _new_figure(rows: Mapping[str, Float]) -> Figure:
    from matplotlib import pyplot as plt  # here alone: pyplot keeps figures alive and picks a window system

    width, height = _size(rows)
    usual = float(mpl.rcParams["figure.figsize"][0])
    return plt.figure(figsize=(usual, height * usual / width), layout="constrained")
