"""Curves without bins are drawn as they were computed, on the Axes given, in the reader's colours."""

import matplotlib.style
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.rcsetup import cycler

import calib
from calib._arrays import Float
from calib.errors import InputError
from tests.references import sample

LOGITS, LABELS = sample(300, 4, true_temperature=1.2)
PREDICTIONS = calib.Predictions.from_logits(LOGITS, LABELS)


def new_axes() -> Axes:
    return Figure().add_subplot()


def test_the_smooth_line_is_the_curve_where_there_are_examples() -> None:
    curve = calib.smooth_curve(PREDICTIONS)
    ax = new_axes()
    assert calib.smooth_diagram(PREDICTIONS, ax=ax) is ax
    drawn = np.asarray(ax.lines[-1].get_xydata())
    seen = curve.density >= 0.01 * curve.density.max()
    assert 0 < seen.sum() < len(seen)
    np.testing.assert_array_equal(drawn, np.column_stack([curve.confidence, curve.accuracy])[seen])
    assert ax.get_legend_handles_labels()[1] == [f"smooth, error {curve.ece:.3f}"]
    np.testing.assert_array_equal(calib.smooth_diagram(curve, ax=new_axes()).lines[-1].get_xydata(), drawn)


def test_the_corp_line_is_the_isotonic_curve_and_its_band_the_one_given() -> None:
    parts = calib.corp(PREDICTIONS)
    low, high = calib.corp_consistency(PREDICTIONS, resamples=30)
    ax = calib.corp_diagram(PREDICTIONS, ax=new_axes(), band=(low, high))
    drawn = np.asarray(ax.lines[-1].get_xydata())
    np.testing.assert_array_equal(drawn, np.column_stack([parts.confidence, parts.recalibrated]))
    (band,) = ax.collections
    corners = np.asarray(band.get_paths()[0].vertices)
    assert {tuple(point) for point in np.column_stack([parts.confidence, low])} <= {tuple(point) for point in corners}
    assert ax.get_legend_handles_labels()[1] == [
        f"CORP, miscalibration {parts.miscalibration:.3f}",
        "95 % if calibrated",
    ]
    np.testing.assert_array_equal(calib.corp_diagram(parts, ax=new_axes()).lines[-1].get_xydata(), drawn)


def test_both_lie_on_one_axes_with_one_diagonal_in_the_colours_of_the_reader() -> None:
    with matplotlib.style.context(["dark_background", {"axes.prop_cycle": cycler(color=["#123456", "#abcdef"])}]):
        figure = Figure()
        ax = calib.smooth_diagram(PREDICTIONS, ax=figure.add_subplot())
        calib.corp_diagram(PREDICTIONS, ax=ax, title="$x^$")
    diagonal, smooth, isotonic = ax.lines
    assert [to_rgba(line.get_color()) for line in (smooth, isotonic)] == [to_rgba("#123456"), to_rgba("#abcdef")]
    assert to_rgba(diagonal.get_color()) == to_rgba("white")
    assert ax.get_title() == "$x^$"
    figure.draw_without_rendering()


def test_a_class_is_asked_for_by_number() -> None:
    label = calib.corp_diagram(PREDICTIONS, ax=new_axes(), of=2).get_legend_handles_labels()[1][0]
    assert label == f"CORP, miscalibration {calib.corp(PREDICTIONS, of=2).miscalibration:.3f}"


@pytest.mark.parametrize("draw", [calib.smooth_diagram, calib.corp_diagram])
def test_what_is_no_axes_is_refused(draw: object) -> None:
    with pytest.raises(InputError, match="matplotlib Axes, got ndarray"):
        draw(PREDICTIONS, ax=Figure().subplots(1, 2))  # type: ignore[operator]


def test_without_axes_pyplot_makes_a_figure() -> None:
    from matplotlib import pyplot as plt

    plt.switch_backend("Agg")
    ax = calib.smooth_diagram(PREDICTIONS)
    try:
        assert plt.gca() is ax
    finally:
        plt.close(ax.figure)  # type: ignore[arg-type]


def test_the_band_holds_95_percent_of_the_curves_of_calibrated_models_and_few_of_another() -> None:
    rng = np.random.default_rng(0)
    confidence = np.sort(rng.uniform(0.3, 1, 400))

    def share_inside(truth: Float) -> float:
        curves = [calib.corp(calib.Outcomes.from_confidence(confidence, rng.random(400) < truth)) for _ in range(100)]
        return float(np.mean([(low <= curve.recalibrated) & (curve.recalibrated <= high) for curve in curves]))

    low, high = calib.corp_consistency(calib.Outcomes.from_confidence(confidence, confidence > 0.5), resamples=500)
    assert share_inside(confidence) == pytest.approx(0.95, abs=0.02)
    assert share_inside(confidence - 0.25) < 0.3


def test_the_band_has_the_forecasts_of_the_curve_pools_ties_and_is_the_same_twice() -> None:
    logs = calib.Outcomes.from_confidence([0.25] * 50 + [0.75] * 50, [1, 0] * 50)
    low, high = calib.corp_consistency(logs, seed=3, resamples=4000)
    assert calib.corp(logs).confidence.tolist() == [0.25, 0.75]
    assert low == pytest.approx([0.14, 0.62], abs=0.021)  # 0.025 and 0.975 quantiles of binomials of 50, in fiftieths
    assert high == pytest.approx([0.38, 0.86], abs=0.021)
    np.testing.assert_array_equal(low, calib.corp_consistency(logs, seed=3, resamples=4000)[0])


def test_a_band_of_weighted_examples_is_refused() -> None:
    weighted = calib.Predictions.from_logits(LOGITS, LABELS, sample_weight=np.arange(1, 301))
    with pytest.raises(InputError, match="corp_consistency takes no sample weights"):
        calib.corp_consistency(weighted)
