"""The chart shows every run and the means over seeds, and nothing that is not known."""

import math
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes

from calib.errors import InputError
from calib.plots.reliability import save_figure
from calib.plots.series import Panel, Series, series_figure

ALPHAS = [0.0, 0.1, 0.0, 0.1]
PLAIN = Series("as it is", ALPHAS, [0.10, 0.04, 0.12, 0.06])
TUNED = Series("+ T", ALPHAS, [0.02, 0.03, 0.02, math.nan])
T = Series("+ T", ALPHAS, [2.0, 0.8, 1.8, math.nan])
RIGHT = Panel("fitted temperature", [T], level=1.0)


def lines(ax: Axes, label: str) -> list[tuple[list[float], list[float]]]:
    return [
        (np.asarray(line.get_xdata(), dtype=float).tolist(), np.asarray(line.get_ydata(), dtype=float).tolist())
        for line in ax.lines
        if line.get_label() == label
    ]


def test_means_are_joined_and_every_run_is_a_point() -> None:
    left, right = series_figure([Panel("ECE", [PLAIN]), RIGHT]).axes
    ((alphas, means),) = lines(left, "_means")
    assert alphas == [0.0, 0.1]
    assert means == pytest.approx([0.11, 0.05])
    assert lines(left, "_runs") == [(ALPHAS, list(PLAIN.values))]
    assert lines(right, "_means")[0][1] == pytest.approx([1.9, 0.8])
    assert lines(right, "_runs")[0][1] == [2.0, 0.8, 1.8]  # no point for what is not known


def test_lines_stand_beside_each_other_in_order() -> None:
    left = series_figure([Panel("ECE", [PLAIN, TUNED], by_chance=[TUNED._replace(label="by chance")]), RIGHT]).axes[0]
    chance, plain, tuned = lines(left, "_means")
    assert chance[0] == [0.0, 0.1]
    assert plain[0][0] < 0 < tuned[0][0]
    assert tuned[0][0] - plain[0][0] == pytest.approx(tuned[0][1] - plain[0][1])
    assert len(lines(left, "_runs")) == 2  # of chance there are no runs


def test_chance_is_grey_for_all_lines_or_has_the_colour_of_its_own() -> None:
    chances = [line._replace(label=f"{line.label}, by chance") for line in (PLAIN, TUNED)]
    for drawn, expected in ((chances[:1], {"0.5"}), (chances, {"C0", "C1"})):
        (ax,) = series_figure([Panel("ECE", [PLAIN, TUNED], by_chance=drawn)]).axes
        assert {line.get_color() for line in ax.lines if str(line.get_label()).endswith("by chance")} == expected


def test_axes_begin_at_zero_and_are_marked_at_each_alpha() -> None:
    figure = series_figure([Panel("ECE", [PLAIN, TUNED], from_zero=True), RIGHT])
    left, right = figure.axes
    assert left.get_ylim()[0] == 0
    assert right.get_ylim()[0] != 0
    assert [tick.get_text() for tick in right.get_xticklabels()] == ["0", "0.1"]
    assert (left.get_xlabel(), left.get_ylabel(), right.get_ylabel()) == ("smoothing α", "ECE", "fitted temperature")
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["as it is", "+ T"]
    looks = {
        (line.get_color(), line.get_marker()) for ax in figure.axes for line in ax.lines if line.get_label() == "+ T"
    }
    assert len(looks) == 1  # the same in both


def test_the_axis_reaches_beyond_the_settings_by_a_part_of_what_lies_between_them() -> None:
    (ax,) = series_figure([Panel("ECE", [Series("as it is", [5, 15, 25], [0.1, 0.2, 0.3])])], kinds=False).axes
    assert ax.get_xlim() == pytest.approx((5 - 0.15 * 20, 25 + 0.15 * 20))


def test_one_line_needs_no_legend_and_a_label_is_no_mathematics(tmp_path: Path) -> None:
    assert series_figure([Panel("ECE", [PLAIN])], setting="rate").legends == []
    odd = [PLAIN._replace(label="$x^$"), PLAIN._replace(label="a\nb")]
    save_figure(series_figure([Panel("ECE", odd)]), tmp_path / "odd.png", dpi=50)


def test_one_alpha_and_no_temperature_can_be_drawn(tmp_path: Path) -> None:
    nothing = Series("fitted T", [0.0, 0.0], [math.nan, math.nan])
    panels = [Panel("ECE", [Series("as it is", [0.0, 0.0], [0.1, 0.2])]), Panel("T", [nothing])]
    figure = series_figure(panels)
    save_figure(figure, tmp_path / "one.png", dpi=50)
    assert (tmp_path / "one.png").stat().st_size > 0
    low, high = figure.axes[0].get_xlim()
    assert low < 0 < high


def test_nothing_to_draw_and_unequal_lengths_are_refused() -> None:
    for empty in ([], [Panel("ECE", [])], [RIGHT, Panel("ECE", [])]):
        with pytest.raises(InputError, match="no series"):
            series_figure(empty)
    with pytest.raises(InputError, match="as it is: 4 settings and 1 values"):
        series_figure([Panel("ECE", [PLAIN._replace(values=[0.1])])])
    with pytest.raises(InputError, match="by chance: 0 settings"):
        series_figure([Panel("ECE", [PLAIN], by_chance=[Series("by chance", [], [])])])
