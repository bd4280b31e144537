"""The diagram shows the numbers of its curve, on any Axes and under any name, and is saved whole or not at all."""

import subprocess
import sys
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.transforms import Bbox

import calib
from calib.curve import CalibrationCurve, calibration_curve
from calib.errors import InputError
from calib.plots._panel import draw_panel
from calib.plots.reliability import BeforeAfter, reliability_diagram, reliability_figure
from calib.predictions import Predictions


def make_curve(n: int = 797, *, shift: float = 0.0, n_bins: int = 15, seed: int = 0) -> CalibrationCurve:
    """``shift`` > 0 is overconfident, < 0 underconfident."""
    rng = np.random.default_rng(seed)
    confidence = rng.uniform(0.2, 1.0, n)
    correct = rng.uniform(size=n) < np.clip(confidence - shift, 0, 1)
    probs = np.stack([1 - confidence, confidence], axis=1)
    probs, labels = np.hstack([probs / 1, np.zeros((n, 4))]), correct.astype(int)
    probs[:, [0, 2, 3, 4, 5]] = probs[:, :1] / 5
    return calibration_curve(probs, labels, n_bins=n_bins)


# Four bins: empty; overconfident by 0.2; underconfident by 0.15; exactly right.
BY_HAND = CalibrationCurve(
    edges=np.array([0, 0.25, 0.5, 0.75, 1]),
    count=np.array([0, 10, 20, 10]),
    confidence_sum=np.array([0, 4.0, 12.0, 9.0]),
    correct_sum=np.array([0, 2.0, 15.0, 9.0]),
)


def bars(ax: Axes, label: str) -> list[tuple[float, float, float, float]]:
    """Left, right, start and end of the bars of one legend entry."""
    found = [container for container in ax.containers if isinstance(container, BarContainer)]
    return [
        (bar.get_x(), bar.get_x() + bar.get_width(), bar.get_y(), bar.get_y() + bar.get_height())
        for container in found
        if container.get_label() == label
        for bar in container.patches
    ]


def new_axes() -> Axes:
    return Figure().add_subplot()


def texts_of(figure: Figure) -> list[tuple[str, Bbox]]:
    """Every text that is drawn, with the place it takes at printing resolution."""
    figure.set_dpi(300)
    figure.draw_without_rendering()
    artists = [artist for artist in figure.findobj(Text) if isinstance(artist, Text) and artist.get_visible()]
    boxes = [(text.get_text(), text.get_window_extent()) for text in artists if text.get_text()]
    # 1.5 pt above and below every line stay empty for accents and descenders that these texts do not have.
    return [(name, box.padded(0, -1.5 * 300 / 72)) for name, box in boxes]


def assert_readable(figure: Figure) -> None:
    found = texts_of(figure)
    for name, box in found:
        inside = figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 and figure.bbox.y0 <= box.y0
        assert inside, f"{name!r} is clipped"
        assert box.y1 <= figure.bbox.y1, f"{name!r} is clipped"
    for (first, a), (second, b) in combinations(found, 2):
        assert Bbox.intersection(a, b) is None, f"{first!r} overlaps {second!r}"


def test_bars_stand_at_their_bins_and_are_as_high_as_the_accuracy() -> None:
    ax = reliability_diagram(BY_HAND, ax=new_axes())
    assert np.allclose(bars(ax, "accuracy"), [(0.25, 0.5, 0, 0.2), (0.5, 0.75, 0, 0.75), (0.75, 1, 0, 0.9)])


def test_gaps_span_accuracy_to_mean_confidence() -> None:
    ax = reliability_diagram(BY_HAND, ax=new_axes())
    assert np.allclose(bars(ax, "overconfident"), [(0.25, 0.5, 0.2, 0.4)])
    assert np.allclose(bars(ax, "underconfident"), [(0.5, 0.75, 0.75, 0.6)])


@pytest.mark.parametrize("shift", [0.2, -0.2, 0.0])
def test_every_number_drawn_is_the_curves_own(shift: float) -> None:
    curve = make_curve(shift=shift)
    ax = reliability_diagram(curve, ax=new_axes())
    filled = curve.count > 0
    assert np.allclose([bar[3] for bar in bars(ax, "accuracy")], curve.accuracy[filled])
    gaps = sorted(bars(ax, "overconfident") + bars(ax, "underconfident"))
    assert np.allclose([gap[2] for gap in gaps], curve.accuracy[filled])
    assert np.allclose([gap[3] for gap in gaps], curve.mean_confidence[filled])
    shares = [patch.get_height() for patch in ax.child_axes[-1].patches if isinstance(patch, Rectangle)]
    assert np.allclose(shares, curve.count[filled] / curve.n)


def test_empty_bins_have_no_bar() -> None:
    curve = make_curve(n=5)
    ax = reliability_diagram(curve, ax=new_axes())
    filled = int((curve.count > 0).sum())
    assert filled <= 5
    assert len(bars(ax, "accuracy")) == filled
    assert len(ax.child_axes[-1].patches) == filled


def test_strip_marks_accuracy_and_mean_confidence() -> None:
    marks = reliability_diagram(BY_HAND, ax=new_axes()).child_axes[-1].lines
    assert [float(np.asarray(mark.get_xdata())[0]) for mark in marks] == pytest.approx([26 / 40, 25 / 40])
    assert marks[0].get_linestyle() != marks[1].get_linestyle()


@pytest.mark.parametrize(("share", "tick"), [(1.0, 0.5), (0.53, 0.5), (0.5, 0.2), (0.03, 0.02), (0.011, 0.01)])
def test_the_strip_names_0_and_the_largest_round_share_below_its_top(share: float, tick: float) -> None:
    strip = draw_panel(new_axes(), BY_HAND, share_limit=share)
    assert strip.get_yticks().tolist() == pytest.approx([0, tick])
    assert strip.get_ylim() == pytest.approx((0, 1.08 * share))


def test_over_and_underconfidence_differ_without_colour() -> None:
    ax = reliability_diagram(BY_HAND, ax=new_axes())
    hatches = {c.get_label(): c.patches[0].get_hatch() for c in ax.containers if isinstance(c, BarContainer)}
    assert hatches["accuracy"] is None
    assert set(str(hatches["overconfident"])) == {"/"}
    assert set(str(hatches["underconfident"])) == {"\\"}


@pytest.mark.parametrize("n", [1, 797, 12_345])
def test_title_gives_ece_and_n_of_the_curve_drawn(n: int) -> None:
    curve = make_curve(n=n, shift=0.1)
    last = reliability_diagram(curve, ax=new_axes(), title="model").get_title().splitlines()[-1]
    assert last == f"ECE {curve.ece:.3f} · n {n:,}"
    assert reliability_diagram(curve, ax=new_axes()).get_title() == last


def test_predictions_and_arrays_are_drawn_as_their_curve() -> None:
    probs, labels = np.array([[0.9, 0.1], [0.4, 0.6], [0.7, 0.3]]), np.array([0, 1, 1])
    titles = {
        reliability_diagram(probs, labels, ax=new_axes(), n_bins=5).get_title(),
        reliability_diagram(Predictions.from_probs(probs, labels), ax=new_axes(), n_bins=5).get_title(),
        reliability_diagram(calibration_curve(probs, labels, n_bins=5), ax=new_axes()).get_title(),
    }
    assert len(titles) == 1
    assert len(bars(reliability_diagram(probs, labels, ax=new_axes(), n_bins=1), "accuracy")) == 1


def test_refuses_labels_beside_a_curve_and_what_is_no_axes() -> None:
    with pytest.raises(InputError, match="labels"):
        reliability_diagram(BY_HAND, [0, 1], ax=new_axes())
    with pytest.raises(InputError, match="matplotlib Axes, got ndarray"):
        reliability_diagram(BY_HAND, ax=Figure().subplots(1, 2))
    with pytest.raises(InputError, match="at least one model"):
        reliability_figure([])


@pytest.mark.parametrize("layout", [None, "constrained", "tight"])
def test_returns_the_axes_given_and_keeps_to_its_place(layout: str | None) -> None:
    figure = Figure(figsize=(7, 4.8), layout=layout)  # type: ignore[arg-type]
    axes = figure.subplots(1, 2)
    if layout is None:
        figure.subplots_adjust(wspace=0.5)
    figures_axes = list(figure.axes)
    assert reliability_diagram(make_curve(shift=0.2), ax=axes[0], title="left " * 50) is axes[0]
    assert reliability_diagram(make_curve(shift=-0.2), ax=axes[1], title="right") is axes[1]
    assert_readable(figure)
    assert figure.axes == figures_axes
    assert axes[0].get_window_extent().width == pytest.approx(axes[0].get_window_extent().height)
    strip = axes[0].child_axes[-1].get_window_extent()
    assert axes[0].get_position(original=True).y0 * figure.bbox.height <= strip.y0 + 1


def test_an_axes_can_be_cleared_and_drawn_again() -> None:
    figure = Figure()
    ax = reliability_diagram(BY_HAND, ax=figure.add_subplot())
    figure.draw_without_rendering()
    before = ax.get_window_extent().bounds
    ax.clear()
    reliability_diagram(BY_HAND, ax=ax)
    figure.draw_without_rendering()
    assert ax.get_window_extent().bounds == before
    assert len(ax.child_axes) == 1


def test_without_axes_pyplot_makes_a_figure_with_a_legend() -> None:
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    ax = reliability_diagram(make_curve(shift=0.2), title="x" * 500)
    try:
        assert plt.gca() is ax
        assert isinstance(ax.figure, Figure)
        assert_readable(ax.figure)
        assert len(ax.get_legend_handles_labels()[1]) >= 4
    finally:
        plt.close(ax.figure)  # type: ignore[arg-type]


def test_pyplot_is_not_imported_when_an_axes_is_given(tmp_path: Path) -> None:
    program = f"""
import sys
from matplotlib.figure import Figure
from calib.plots.reliability import *
curve = calibration_curve([[0.9, 0.1], [0.6, 0.4]], [0, 1])
save_figure(reliability_diagram(curve, ax=Figure().add_subplot()).figure, {str(tmp_path / "a.png")!r})
save_figure(reliability_figure([("a", curve, curve, "T = 1")]), {str(tmp_path / "a.pdf")!r})
sys.exit("matplotlib.pyplot" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_bars_tile_the_axis_without_spaces() -> None:
    spans = [bar[:2] for bar in bars(reliability_diagram(make_curve(n=5000), ax=new_axes()), "accuracy")]
    assert all(right == pytest.approx(left) for (_, right), (left, _) in pairwise(spans))


@pytest.mark.parametrize(("bars", "centre"), [("confidence", 0.5), ("consistency", 0.75)])
def test_confidence_bars_are_around_the_accuracy_and_consistency_bars_around_the_diagonal(
    bars: Any, centre: float
) -> None:
    predictions = calib.Outcomes.from_confidence(np.full(400, 0.75), np.arange(400) % 2)
    ax = reliability_diagram(predictions, ax=Figure().add_subplot(), n_bins=4, bars=bars)
    (segment,) = [lines for lines in ax.collections if lines.get_label() == "interval"]
    ends = np.array([path.vertices for path in segment.get_paths()])[2]
    assert ends[:, 0].tolist() == [0.75, 0.75]
    assert ends[:, 1].mean() == pytest.approx(centre, abs=0.01)


def test_the_legend_names_the_bars() -> None:
    curve = calibration_curve(calib.Outcomes.from_confidence([0.75] * 4, [1, 1, 1, 0]))
    low, high = curve.accuracy_interval()
    figure = reliability_figure([BeforeAfter("a", curve, curve, "T", ((low, high), (low, high)))], bars="confidence")
    assert_readable(figure)
    assert "95 % confidence" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_bars_that_cannot_be_are_refused() -> None:
    with pytest.raises(InputError, match="consistency bars need each confidence"):
        reliability_diagram(BY_HAND, ax=Figure().add_subplot(), bars="consistency")
    with pytest.raises(InputError, match="bars must be none or confidence or consistency"):
        reliability_diagram(BY_HAND, ax=Figure().add_subplot(), bars="error")  # type: ignore[arg-type]
