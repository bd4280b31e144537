"""Training curves show the numbers of the history, say what each line is, and look right from one epoch on."""

import math
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import Bbox

import calib
from calib.errors import InputError
from calib.plots.reliability import save_figure
from calib.plots.training_curves import training_curves, training_figure

ROWS: list[dict[str, float]] = [
    {
        "epoch": epoch,
        "loss": 2.0 / epoch + 0.5,
        "accuracy": 1 - 1 / (epoch + 1),
        "learning_rate": 0.1 / epoch,
        "calibration_loss": 1.5 / epoch + 0.4,
        "calibration_accuracy": 0.9 - 1 / (epoch + 1),
        "calibration_ece": 0.01 * epoch,
        "seconds": 1.5,
    }
    for epoch in range(1, 31)
]
LABELS = ["loss (nats)", "accuracy", "calibration\nECE", "learning\nrate"]


def panels(figure: Figure) -> dict[str, Axes]:
    return {ax.get_ylabel(): ax for ax in figure.axes}


def lines(ax: Axes) -> dict[str, tuple[list[float], list[float]]]:
    return {
        str(line.get_label()): (list(np.asarray(line.get_xdata())), list(np.asarray(line.get_ydata())))
        for line in ax.lines
    }


def legend(ax: Axes) -> list[str]:
    shown = ax.get_legend()
    assert shown is not None
    return [text.get_text() for text in shown.get_texts()]


def assert_readable(figure: Figure) -> None:
    """Nothing is cut off, and no panel's labels reach into another panel's."""
    figure.draw_without_rendering()
    renderer = figure._get_renderer()  # type: ignore[attr-defined]  # matplotlib has no public name for it
    shown = figure.get_tightbbox(renderer)
    width, height = figure.get_size_inches()
    assert min(shown.x0, shown.y0) >= -0.01, "clipped on the left or below"
    assert shown.x1 <= width + 0.01, "clipped on the right"
    assert shown.y1 <= height + 0.01, "clipped above"
    boxes = [(ax.get_ylabel(), ax.get_tightbbox(renderer)) for ax in figure.axes]
    for (first, a), (second, b) in combinations(boxes, 2):
        assert a is not None
        assert b is not None
        assert Bbox.intersection(a, b) is None, f"{first!r} overlaps {second!r}"


def test_every_number_of_the_history_is_drawn_in_its_panel() -> None:
    shown = panels(training_figure(ROWS))
    assert list(shown) == LABELS
    epochs = [row["epoch"] for row in ROWS]
    for label, line, column in (
        (LABELS[0], "training", "loss"),
        (LABELS[0], "calibration: NLL of hard labels", "calibration_loss"),
        (LABELS[1], "training", "accuracy"),
        (LABELS[1], "calibration", "calibration_accuracy"),
        (LABELS[2], "calibration", "calibration_ece"),
        (LABELS[3], "learning rate", "learning_rate"),
    ):
        assert lines(shown[label])[line] == (epochs, [row[column] for row in ROWS])
    assert sum(len(ax.lines) for ax in shown.values()) == 6


def test_a_history_of_loss_and_accuracy_alone_has_two_panels() -> None:
    figure = training_figure([{"epoch": 1, "loss": 2.0, "accuracy": 0.5}, {"epoch": 2, "loss": 1.0, "accuracy": 0.75}])
    assert list(panels(figure)) == LABELS[:2]
    assert legend(figure.axes[0]) == ["training"]
    assert figure.axes[1].get_legend() is None
    assert figure.get_figheight() < training_figure(ROWS).get_figheight()


@pytest.mark.parametrize("missing", [math.nan, None, "absent"])
def test_what_was_measured_every_fifth_epoch_is_one_line_through_its_points(missing: Any) -> None:
    rows: list[dict[str, Any]] = [dict(row) for row in ROWS]
    for row in rows:
        if row["epoch"] % 5:
            if missing == "absent":
                del row["calibration_ece"]
            else:
                row["calibration_ece"] = missing
    x, y = lines(panels(training_figure(rows))[LABELS[2]])["calibration"]
    assert x == [5, 10, 15, 20, 25, 30]
    assert y == pytest.approx([0.05, 0.1, 0.15, 0.2, 0.25, 0.3])


def test_a_column_that_is_never_known_has_no_panel() -> None:
    figure = training_figure([{**row, "learning_rate": math.nan, "calibration_ece": math.inf} for row in ROWS])
    assert list(panels(figure)) == LABELS[:2]


def test_one_epoch_is_seen_as_points_in_the_middle() -> None:
    figure = training_figure(ROWS[:1])
    for ax in figure.axes:
        assert all(line.get_marker() == "o" for line in ax.lines)
        assert ax.get_xlim() == (0.5, 1.5)
    assert [tick for tick in figure.axes[-1].get_xticks() if 0.5 <= tick <= 1.5] == [1]
    assert_readable(figure)


def test_many_epochs_are_lines_without_points_and_ticks_are_whole_epochs() -> None:
    figure = training_figure(ROWS)
    assert {line.get_marker() for ax in figure.axes for line in ax.lines} == {""}
    assert all(float(tick).is_integer() for tick in figure.axes[-1].get_xticks())
    assert figure.axes[-1].get_xlabel() == "epoch"


def test_a_loss_that_is_not_nll_of_hard_labels_is_said_to_be_not_comparable() -> None:
    plain = legend(training_figure(ROWS).axes[0])
    assert plain == ["training", "calibration: NLL of hard labels"]
    figure = training_figure(ROWS, objective="smoothed targets, α = 0.1", loss_floor=0.5)
    assert legend(figure.axes[0]) == [
        "training: smoothed targets, α = 0.1",
        "calibration: NLL of hard labels (not comparable)",
        "least possible training loss",
    ]
    assert legend(figure.axes[1]) == ["training", "calibration"]


@pytest.mark.parametrize("rows", [ROWS, ROWS[:1]])
@pytest.mark.parametrize("floor", [0.0, 0.4999, 0.5, 3.0])
def test_the_floor_is_drawn_at_its_value_clear_of_the_frame(rows: list[dict[str, float]], floor: float) -> None:
    ax = training_figure(rows, loss_floor=floor).axes[0]
    assert set(lines(ax)["least possible training loss"][1]) == {floor}
    low, high = ax.get_ylim()
    assert low + 0.02 * (high - low) < floor < high


def test_a_floor_where_the_frame_would_be_moves_the_frame() -> None:
    edge = training_figure(ROWS).axes[0].get_ylim()[0]
    low, high = training_figure(ROWS, loss_floor=edge).axes[0].get_ylim()
    assert low + 0.02 * (high - low) < edge


def test_training_and_calibration_differ_without_colour() -> None:
    for ax in training_figure(ROWS, loss_floor=0.5).axes:
        drawn = [line for line in ax.lines if isinstance(line, Line2D)]
        styles = [str(line.get_linestyle()) + str(getattr(line, "_unscaled_dash_pattern", "")) for line in drawn]
        assert len(set(styles)) == len(styles)


def test_ece_and_learning_rate_start_at_zero() -> None:
    shown = panels(training_figure(ROWS))
    assert shown[LABELS[2]].get_ylim()[0] == shown[LABELS[3]].get_ylim()[0] == 0


@pytest.mark.parametrize("style", ["default", "ggplot", "dark_background", "grayscale"])
def test_colours_are_those_of_the_readers_style_sheet_and_all_texts_fit(style: str) -> None:
    import matplotlib.style

    with matplotlib.style.context(style):
        figure = training_figure(ROWS, title="ResNet-8", objective="smoothed targets, α = 0.1", loss_floor=0.5)
        cycle = mpl.rcParams["axes.prop_cycle"].by_key()["color"]
        assert_readable(figure)
        colours = [mpl.colors.to_hex(line.get_color()) for line in figure.axes[0].lines]
    assert colours == [mpl.colors.to_hex(cycle[i]) for i in (0, 1, 0)]


@pytest.mark.parametrize("name", ["$x^$", r"$\bad$ \frac{1}{0} % # ~", "<script>", "\x1b[31m\nred", "_hidden", ""])
def test_hostile_titles_and_objectives_are_drawn_literally(tmp_path: Path, name: str) -> None:
    figure = training_figure(ROWS[:3], title=name, objective=name)
    save_figure(figure, tmp_path / "curves.svg", dpi=50)
    assert "\x1b" not in figure.axes[0].get_title() + "".join(legend(figure.axes[0]))
    assert "\n" not in figure.axes[0].get_title()
    assert legend(figure.axes[0])[0].startswith("training: ")
    assert figure.axes[0].title.get_parse_math() is False


def test_a_long_title_is_cut_to_the_figure() -> None:
    figure = training_figure(ROWS, title="x" * 5000)
    assert_readable(figure)
    assert "…" in figure.axes[0].get_title()


def test_a_figure_or_a_part_of_one_is_drawn_on_and_returned() -> None:
    parts: Any = Figure(figsize=(11, 6), layout="constrained").subfigures(1, 2)
    left, right = parts
    assert training_curves(ROWS, figure=left) is left
    assert training_curves(ROWS[:1], figure=right) is right
    assert len(left.axes) == len(right.axes) == 4


def test_without_a_figure_pyplot_makes_one() -> None:
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure = calib.training_curves(ROWS)
    try:
        assert plt.gcf() is figure
        assert isinstance(figure, Figure)
        assert_readable(figure)
    finally:
        plt.close("all")


def test_pyplot_is_not_imported_for_a_figure_of_no_window(tmp_path: Path) -> None:
    program = f"""
import sys
from calib.plots.reliability import save_figure
from calib.plots.training_curves import training_figure
save_figure(training_figure([{{"epoch": 1, "loss": 2.0}}]), {str(tmp_path / "a.png")!r})
sys.exit("matplotlib.pyplot" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_history_on_disk_is_drawn_as_the_rows_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    path.write_text("epoch,loss,calibration_loss\n1,2.5,\n2,1.5,1.25\n")
    for given in (path, str(path)):
        (ax,) = training_figure(given).axes
        assert lines(ax) == {
            "training": ([1, 2], [2.5, 1.5]),
            "calibration: NLL of hard labels": ([2], [1.25]),
        }


@pytest.mark.parametrize(
    ("history", "words"),
    [
        ([], "at least one epoch"),
        ([{"loss": 1.0}], "row 0 of the history has no epoch"),
        ([{"epoch": 1, "loss": 1.0}, {"epoch": math.nan, "loss": 1.0}], "row 1 of the history has no epoch"),
        ([{"epoch": 1}], "has no loss"),
        ([{"epoch": 1, "loss": math.inf}], "has no loss"),
        ([{"epoch": 1, "loss": "low"}], "numbers by name"),
        ([1.0, 0.5], "numbers by name"),
    ],
)
def test_what_is_no_history_is_refused(history: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        training_figure(history)


def test_a_bad_floor_and_a_figure_in_use_are_refused() -> None:
    for floor in (-0.1, math.nan, math.inf, True, "low"):
        with pytest.raises(InputError, match="loss_floor must be a number of at least 0"):
            training_figure(ROWS, loss_floor=floor)  # type: ignore[arg-type]  # that is the test
    with pytest.raises(InputError, match="not empty"):
        training_curves(ROWS, figure=training_figure(ROWS))
    with pytest.raises(InputError, match="must be a matplotlib Figure, got Axes"):
        training_curves(ROWS, figure=Figure().add_subplot())  # type: ignore[arg-type]  # that is the test
