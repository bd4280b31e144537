"""Penultimate activations on the plane of three class templates: one panel, and the figure of Müller et al. (2019)."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from calib._arrays import Float, Int, to_numpy
from calib.errors import InputError
from calib.plots._axes import given_or_new
from calib.plots._words import show_plain, show_title
from calib.predictions import ArrayLike
from calib.projection import finite_matrix

Points: TypeAlias = tuple[ArrayLike, ArrayLike]

# Okabe and Ito's blue, orange and bluish green; without colour the shapes still differ.
STYLES: tuple[tuple[str, str], ...] = (("#0072b2", "o"), ("#e69f00", "^"), ("#009e73", "s"))
_MANY = 150  # examples a class from which points are smaller and more transparent
_TRIANGLE: dict[str, Any] = {"linestyle": (0, (4, 2)), "linewidth": 0.8, "color": "0.45"}

# Inches: one column of a two-column paper, as the reliability figure.
_WIDTH, _LEFT, _RIGHT, _BETWEEN = 3.4, 0.36, 0.06, 0.1
_SIDE = (_WIDTH - _LEFT - _RIGHT - _BETWEEN) / 2
_NAME, _TITLE, _TICKS, _LEGEND = 0.17, 0.16, 0.24, 0.36  # heights
_POINTS, _SMALL_POINTS = 7.0, 6.5


class ProjectionRow(NamedTuple):
    """One network of `projection_figure`: its name, ``(points (n, 2), labels (n,))`` of two splits, its templates.

    Labels are positions 0, 1 or 2 in the class names; ``corners`` ``(3, 2)`` are the templates on their plane.
    """

    name: str
    train: Points
    test: Points
    corners: ArrayLike


def projection_panel(
    points: ArrayLike,
    labels: ArrayLike,
    class_names: Sequence[str],
    *,
    corners: ArrayLike | None = None,
    ax: Axes | None = None,
    title: str | None = None,
    legend: bool = True,
) -> Axes:
    """Draw projected activations of three classes and return the Axes.

    ``points`` ``(n, 2)`` come from `calib.TemplatePlane.project`; ``labels`` ``(n,)`` are 0, 1 or 2, the positions of
    their classes in ``class_names``.  A class may have no points.  ``corners`` ``(3, 2)`` are the templates,
    ``TemplatePlane.corners``: joined by a dashed triangle, each in the shape of its class.  Both axes have one scale,
    that of the activations, and the frame is a square that holds every point and template.  Names and ``title`` are
    taken literally and cut to fit.

    Without ``ax`` pyplot makes a new figure.  The legend stands below, where constrained layout makes room for it; of
    several panels one alone needs it.  Raises `InputError` for shapes that do not fit, other labels, NaN and
    infinities.

    >>> ax = projection_panel([[0, 1], [2, 1]], [0, 2], ["cat", "dog", "bird"], ax=Figure().add_subplot())
    >>> [len(drawn.get_offsets()) for drawn in ax.collections]
    [1, 0, 1]
    """
    names = _three_names(class_names)
    rows, classes = _checked(points, labels)
    triangle = None if corners is None else _checked_corners(corners)
    target = given_or_new(ax)
    _draw(target, rows, classes, triangle)
    _set_frame(target, rows if triangle is None else np.concatenate([rows, triangle]))
    width = target.get_window_extent().width
    show_title(target, title, width=width)
    if legend:
        handles = _class_handles() + ([] if triangle is None else [_template_handle("template")])
        drawn = target.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.08), ncols=2, frameon=False)
        _write_names(drawn, names, width=0.4 * width)
    return target


def projection_figure(rows: Sequence[ProjectionRow], class_names: Sequence[str]) -> Figure:
    """Draw networks one below the other, their training examples on the left and test examples on the right.

    The two panels of a row have the same frame, those of different rows their own: activations of different networks
    have different scales.  The figure is 3.4 in wide, one column of a two-column paper, with letters of 6.5 and 7 pt,
    and about 2 in high a network; long names are cut in the middle.  Raises `InputError` where there are no rows, and
    as `projection_panel` does.

    >>> points = [[0, 1], [2, 1]], [0, 2]
    >>> row = ProjectionRow("hard", points, points, [[0, 0], [1, 0], [0, 1]])
    >>> projection_figure([row], ["cat", "dog", "bird"]).get_size_inches().round(1).tolist()
    [3.4, 2.4]
    """
    if not rows:
        raise InputError("a projection figure needs at least one network, got none", help="give one row a network")
    names = _three_names(class_names)
    pitch = _NAME + _TITLE + _SIDE + _TICKS
    height = len(rows) * pitch + _LEGEND
    figure = Figure(figsize=(_WIDTH, height))
    figure.set_layout_engine("none")  # the places are fixed, whatever the style sheet asks for
    for i, row in enumerate(ProjectionRow(*row) for row in rows):
        top = height - i * pitch
        heading = figure.text(_LEFT / _WIDTH, (top - 0.05) / height, "", va="top", fontsize=_POINTS, fontweight="bold")
        show_plain(heading, row.name, width=(_WIDTH - _LEFT - _RIGHT) * figure.dpi)
        corners = _checked_corners(row.corners)
        parts = {"training": _checked(*row.train), "test": _checked(*row.test)}
        everything = np.concatenate([corners, *(points for points, _ in parts.values())])
        for j, (part, (points, labels)) in enumerate(parts.items()):
            left = _LEFT + j * (_SIDE + _BETWEEN)
            bottom = top - _NAME - _TITLE - _SIDE
            ax = figure.add_axes((left / _WIDTH, bottom / height, _SIDE / _WIDTH, _SIDE / height))
            _draw(ax, points, labels, corners)
            _set_frame(ax, everything)
            ax.set_title(f"{part} · n {len(points):,}", loc="center", fontsize=_POINTS, fontweight="normal", pad=3)
            _make_small(ax, y_labels=j == 0)
    small: dict[str, Any] = {"fontsize": _SMALL_POINTS, "frameon": False, "borderaxespad": 0.2, "handletextpad": 0.4}
    room = (_WIDTH / 3 - 0.3) * figure.dpi
    for handles, place in (
        (_class_handles(), 0.2),
        ([_template_handle("template: weights and bias of the class")], 0.02),
    ):
        legend = figure.legend(
            handles=handles,
            loc="lower center",
            bbox_to_anchor=(0.5, place / height),
            ncols=3,
            columnspacing=1.0,
            **small,
        )
        _write_names(legend, names if len(handles) == 3 else (), width=room)
    return figure


def _draw(ax: Axes, points: Float, labels: Int, corners: Float | None) -> None:
    """Three collections, one a class, the empty ones too; then the triangle and the three templates."""
    side = ax.get_window_extent().width * 72 / ax.figure.dpi  # in points
    for i, (colour, shape) in enumerate(STYLES):
        some = points[labels == i]
        size = (side / 42) ** 2 * min(1.0, math.sqrt(_MANY / max(1, len(some))))
        ax.scatter(some[:, 0], some[:, 1], s=size, c=colour, marker=shape, alpha=0.65, linewidths=0, zorder=2)
    if corners is None:
        return
    ax.plot(*np.concatenate([corners, corners[:1]]).T, zorder=3, **_TRIANGLE)
    for (x, y), (colour, shape) in zip(corners, STYLES, strict=True):
        look: dict[str, Any] = {"marker": shape, "markersize": side / 17, "color": colour, "linestyle": ""}
        ax.plot([x], [y], markeredgecolor="black", markeredgewidth=max(0.7, side / 150), zorder=4, **look)


def _set_frame(ax: Axes, points: Float) -> None:
    """A square around ``points``, a little larger; of one point alone a square of side 2 around it."""
    low, high = (points.min(axis=0), points.max(axis=0)) if len(points) else (np.zeros(2), np.zeros(2))
    centre, half = (low + high) / 2, 0.55 * float((high - low).max())
    half = max(half, 1e-6 * float(np.abs(centre).max())) or 1.0
    ax.set(xlim=(centre[0] - half, centre[0] + half), ylim=(centre[1] - half, centre[1] + half), aspect="equal")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(4))
    ax.ticklabel_format(scilimits=(-3, 4))


def _class_handles() -> list[Artist]:
    return [Line2D([], [], color=colour, marker=shape, linestyle="", markersize=4) for colour, shape in STYLES]


def _template_handle(label: str) -> Artist:
    edge: dict[str, Any] = {"markerfacecolor": "white", "markeredgecolor": "black", "markersize": 5}
    return Line2D([], [], marker="o", label=label, **edge, **_TRIANGLE)


def _write_names(legend: Legend, names: Sequence[str], *, width: float) -> None:
    """Put the classes' names, whatever they hold, on the first entries."""
    for text, name in zip(legend.get_texts(), names, strict=False):
        show_plain(text, name, width=width)


def _three_names(class_names: Sequence[str]) -> tuple[str, ...]:
    names = tuple(str(name) for name in class_names)
    if len(names) != 3:
        raise InputError(f"a plane has three classes, got {len(names)} names", help="name three")
    return names


def _checked(points: ArrayLike, labels: ArrayLike) -> tuple[Float, Int]:
    rows, classes = to_numpy(points), to_numpy(labels)
    rows = finite_matrix(rows if rows.size else np.zeros((0, 2)), "points")
    if rows.shape[1] != 2 or classes.shape != (len(rows),):
        raise InputError(
            f"points (n, 2) and labels (n,) were expected, got {rows.shape} and {classes.shape}",
            help="points come from TemplatePlane.project",
        )
    if not np.isin(classes, (0, 1, 2)).all():
        raise InputError("labels must be 0, 1 or 2: positions in the class names", help="renumber them")
    return rows, classes.astype(np.int64)


def _checked_corners(corners: ArrayLike) -> Float:
    rows = finite_matrix(corners, "corners")
    if rows.shape != (3, 2):
        raise InputError(f"corners must have shape (3, 2), got {rows.shape}", help="pass TemplatePlane.corners")
    return rows


def _make_small(ax: Axes, *, y_labels: bool) -> None:
    """Sizes for print, set on this panel only: the reader's style sheet keeps its say over fonts and colours."""
    ax.tick_params(labelsize=_SMALL_POINTS, length=2, width=0.5, pad=2, labelleft=y_labels)
    for spine in ax.spines.values():
        spine.set_linewidth(0.5)
    for axis in (ax.xaxis, ax.yaxis):
        axis.get_offset_text().set_fontsize(_SMALL_POINTS)
