"""A projection shows every point in the shape and colour of its class, on frames that compare, under any names."""

from pathlib import Path
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.legend import Legend

from calib._arrays import Float, Int
from calib._text import printable
from calib.errors import InputError
from calib.plots.projection import STYLES, ProjectionRow, projection_figure, projection_panel
from calib.plots.reliability import save_figure

from .test_reliability import assert_readable, new_axes
from .test_reliability_figure import HOSTILE

NAMES = ["airplane", "automobile", "bird"]
CORNERS = np.array([[0.0, 0.0], [3.0, 0.0], [1.2, 2.5]])


def sample(n: int = 60, *, scale: float = 1.0, seed: int = 0) -> tuple[Float, Int]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    return (CORNERS[labels] * 2 + rng.normal(size=(n, 2))) * scale, labels


def drawn(ax: Axes) -> list[Float]:
    """Points of the three classes."""
    found = [np.asarray(one.get_offsets()) for one in ax.collections if isinstance(one, PathCollection)]
    assert len(found) == 3
    return found


def assert_all_readable(figure: Figure) -> None:
    """Tick labels outside the frame are texts of the figure too, but are not drawn."""
    figure.draw_without_rendering()
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in axis.get_major_ticks():
                if not low <= tick.get_loc() <= high:
                    tick.label1.set_visible(False)
    assert_readable(figure)


def legend_texts(figure: Figure) -> list[str]:
    legends = [*figure.legends, *(legend for ax in figure.axes if (legend := ax.get_legend()))]
    assert all(isinstance(legend, Legend) for legend in legends)
    return [text.get_text() for legend in legends for text in legend.get_texts()]


def test_every_point_is_drawn_in_the_collection_of_its_class() -> None:
    points, labels = sample()
    ax = projection_panel(points, labels, NAMES, ax=new_axes())
    for i, offsets in enumerate(drawn(ax)):
        np.testing.assert_allclose(offsets, points[labels == i])


def test_the_templates_are_marked_in_the_style_of_their_class_and_joined() -> None:
    ax = projection_panel(*sample(), NAMES, corners=CORNERS, ax=new_axes())
    triangle, *marks = ax.lines
    np.testing.assert_allclose(np.asarray(triangle.get_xydata()), CORNERS[[0, 1, 2, 0]])
    for mark, corner, (colour, shape) in zip(marks, CORNERS, STYLES, strict=True):
        np.testing.assert_allclose(np.asarray(mark.get_xydata()), corner[None])
        assert (mark.get_color(), mark.get_marker()) == (colour, shape)
    assert projection_panel(*sample(), NAMES, ax=new_axes()).lines[:] == []


def test_classes_differ_without_colour_and_without_red_or_green() -> None:
    assert len({shape for _, shape in STYLES}) == 3
    blind = {  # Viénot, Brettel and Mollon (1999), linear RGB
        "protan": [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
        "deutan": [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
    }
    for matrix in blind.values():
        seen = [np.asarray(matrix) @ np.asarray(to_rgb(colour)) ** 2.2 for colour, _ in STYLES]
        for a, b in ((0, 1), (0, 2), (1, 2)):
            assert np.linalg.norm(seen[a] - seen[b]) > 0.2


@pytest.mark.parametrize("layout", [None, "constrained"])
def test_the_frame_is_a_square_of_one_scale_that_holds_everything(layout: str | None) -> None:
    points, labels = sample()
    ax = Figure(layout=layout).add_subplot()  # type: ignore[arg-type]
    assert projection_panel(points, labels, NAMES, corners=10 * CORNERS, ax=ax) is ax
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    assert right - left == pytest.approx(high - low)
    assert ax.get_aspect() == 1
    everything = np.concatenate([points, 10 * CORNERS])
    assert ((everything > (left, low)) & (everything < (right, high))).all()
    assert (right - left) == pytest.approx(1.1 * np.ptp(everything, axis=0).max())


@pytest.mark.parametrize("place", [0.0, 5.0, 1e20])
def test_one_point_alone_has_a_frame_around_it(place: float) -> None:
    ax = projection_panel([[place, -place]], [1], NAMES, ax=Figure(layout="constrained").add_subplot())
    left, right = ax.get_xlim()
    assert left < place < right
    assert_all_readable(ax.figure)  # type: ignore[arg-type]


def test_no_point_and_an_empty_class_are_drawn_too() -> None:
    for points, labels, counts in (([], [], [0, 0, 0]), ([[0, 1], [2, 1]], [0, 2], [1, 0, 1])):
        ax = projection_panel(points, labels, NAMES, ax=new_axes())
        assert [len(offsets) for offsets in drawn(ax)] == counts
        ax.figure.draw_without_rendering()  # type: ignore[union-attr]


def test_many_points_are_smaller_than_few() -> None:
    sizes = [drawn_size(projection_panel(*sample(n), NAMES, ax=new_axes())) for n in (30, 300, 30_000)]
    assert sizes[0] == sizes[1] > 5 * sizes[2]


def drawn_size(ax: Axes) -> float:
    assert isinstance(ax.collections[0], PathCollection)
    return float(ax.collections[0].get_sizes()[0])


def test_panels_of_a_network_share_a_frame_and_networks_do_not() -> None:
    rows = [
        ProjectionRow("hard", sample(scale=5), sample(90, seed=1), CORNERS),
        ProjectionRow("smoothed", sample(scale=0.5), sample(90, seed=1), CORNERS),
    ]
    figure = projection_figure(rows, NAMES)
    frames = [(ax.get_xlim(), ax.get_ylim()) for ax in figure.axes]
    assert frames[0] == frames[1] != frames[2] == frames[3]
    assert [ax.get_title() for ax in figure.axes] == ["training · n 60", "test · n 90"] * 2
    assert [text.get_text() for text in figure.texts] == ["hard", "smoothed"]
    for ax, (points, labels) in zip(figure.axes, [part for row in rows for part in row[1:3]], strict=True):
        for i, offsets in enumerate(drawn(ax)):
            np.testing.assert_allclose(offsets, np.asarray(points)[np.asarray(labels) == i])
    assert legend_texts(figure)[:3] == NAMES
    assert legend_texts(figure)[3].startswith("template")
    assert figure.get_figwidth() == 3.4


@pytest.mark.parametrize("names", [NAMES, ["W" * 500, "a name of many words " * 9, "x"], ["a\nb", "$x^$", "_y"]])
@pytest.mark.parametrize("heading", ["hard", "x" * 10_000])
def test_no_text_of_the_figure_is_clipped_or_overlaps(names: list[str], heading: str) -> None:
    rows = [ProjectionRow(heading, sample(scale=scale), ([], []), scale * CORNERS) for scale in (1, 1e-5, 1e6)]
    assert_all_readable(projection_figure(rows, names))


@pytest.mark.parametrize("style", ["ggplot", "dark_background", "seaborn-v0_8-talk", {"font.family": "monospace"}])
def test_figure_is_readable_under_the_readers_style_sheet(style: str | dict[str, str]) -> None:
    import matplotlib.style

    with matplotlib.style.context([style, {"figure.constrained_layout.use": True}]):
        assert_all_readable(projection_figure([ProjectionRow("hard", sample(), sample(), CORNERS)], NAMES))


def test_hostile_names_are_drawn_literally(tmp_path: Path) -> None:
    path = tmp_path / "figure.svg"
    for i in range(0, len(HOSTILE), 3):
        names = [*HOSTILE[i : i + 3], "", "", ""][:3]
        row = ProjectionRow(names[0], sample(5), sample(5), CORNERS)
        figure = projection_figure([row], names)
        save_figure(figure, path)
        written = {element.text for element in ElementTree.parse(path).iter("{http://www.w3.org/2000/svg}text")}
        for name in filter(None, names):
            shown = printable(name)
            assert any(text and (text == shown or ("…" in text and shown[0] == text[0])) for text in written), name
        ax = projection_panel(*sample(5), names, title=names[0], ax=new_axes())
        save_figure(ax.figure, path)  # type: ignore[arg-type]


def test_without_axes_pyplot_makes_a_figure_with_a_legend() -> None:
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    ax = projection_panel(*sample(), ["W" * 300, "b", "c"], corners=CORNERS, title="t" * 500)
    try:
        assert plt.gca() is ax
        assert isinstance(ax.figure, Figure)
        assert_all_readable(ax.figure)
        assert legend_texts(ax.figure)[1:] == ["b", "c", "template"]
        assert projection_panel(*sample(), NAMES, ax=new_axes(), legend=False).get_legend() is None
    finally:
        plt.close(ax.figure)  # type: ignore[arg-type]


def test_the_same_figure_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        save_figure(projection_figure([ProjectionRow("x", sample(), sample(), CORNERS)], NAMES), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize(
    ("points", "labels", "names", "words"),
    [
        ([[0, 1]], [0], ["a", "b"], "three classes, got 2 names"),
        ([[0, 1, 2]], [0], NAMES, r"got \(1, 3\) and \(1,\)"),
        ([[0, 1]], [0, 1], NAMES, r"got \(1, 2\) and \(2,\)"),
        ([[0, 1]], [3], NAMES, "labels must be 0, 1 or 2"),
        ([[0, 1]], [0.5], NAMES, "labels must be 0, 1 or 2"),
        ([[0, np.nan]], [0], NAMES, "points must be finite, row 0"),
    ],
)
def test_what_cannot_be_drawn_is_refused(points: object, labels: object, names: list[str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        projection_panel(points, labels, names, ax=new_axes())


def test_other_corners_axes_and_no_rows_are_refused() -> None:
    with pytest.raises(InputError, match=r"corners must have shape \(3, 2\), got \(2, 2\)"):
        projection_panel(*sample(), NAMES, corners=CORNERS[:2], ax=new_axes())
    with pytest.raises(InputError, match="matplotlib Axes, got ndarray"):
        projection_panel(*sample(), NAMES, ax=Figure().subplots(1, 2))
    with pytest.raises(InputError, match="at least one network"):
        projection_figure([], NAMES)
