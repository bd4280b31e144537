"""Overlays, grids, histograms and strips show the numbers they are given, on the Axes they are given."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import calib
from calib.errors import InputError
from calib.plots.overlay import Overlay, overlay_figure
from calib.plots.risk_coverage import Ranked
from tests.references import sample

LOGITS, LABELS = sample(400, 4, true_temperature=2.0)
PREDICTIONS = calib.Predictions.from_logits(LOGITS, LABELS)
CURVE, OTHER = calib.calibration_curve(PREDICTIONS), calib.calibration_curve(PREDICTIONS, of=1)
PAIRS = [("_a$x^$", CURVE), ("b", OTHER)]


def test_an_overlay_returns_its_axes_and_names_each_curve_with_its_ece() -> None:
    figure = Figure()
    ax = figure.add_subplot()
    assert calib.reliability_overlay(PAIRS, ax=ax, title="$x^$") is ax
    legend = ax.get_legend()
    assert legend is not None
    shown = [text.get_text() for text in legend.get_texts()]
    assert shown == [f"_a$x^$, ECE {CURVE.ece:.3f}", f"b, ECE {OTHER.ece:.3f}"]
    sizes = np.asarray(ax.collections[0].get_sizes())  # type: ignore[attr-defined]
    assert sizes.argmax() == CURVE.count[CURVE.count > 0].argmax()
    figure.draw_without_rendering()
    assert calib.reliability_overlay(PAIRS, ax=Figure().add_subplot(), legend=False).get_legend() is None
    with pytest.raises(InputError, match="no curve"):
        calib.reliability_overlay([], ax=ax)


def test_a_grid_has_a_panel_a_class_in_rows_and_only_the_outer_labels() -> None:
    curves = [calib.calibration_curve(PREDICTIONS, of=c, n_bins=5) for c in range(4)]
    figure = overlay_figure([Overlay(f"class {c}", [("m", curve)]) for c, curve in enumerate(curves)], columns=3)
    assert [ax.get_title() for ax in figure.axes] == [f"class {c}" for c in range(4)]
    for ax, curve in zip(figure.axes, curves, strict=True):
        assert np.asarray(ax.lines[1].get_ydata()).tolist() == curve.accuracy[curve.count > 0].tolist()
    assert [bool(ax.get_ylabel()) for ax in figure.axes] == [True, False, False, True]
    assert len({ax.get_position().y0 for ax in figure.axes}) == 2
    figure.draw_without_rendering()


def test_a_histogram_shows_right_and_wrong_answers_each_as_a_whole() -> None:
    ax = calib.confidence_histogram(CURVE, ax=Figure().add_subplot())
    right, wrong = (np.asarray(patch.get_data().values) for patch in ax.patches)  # type: ignore[attr-defined]
    np.testing.assert_allclose(right, CURVE.correct_sum / CURVE.correct_sum.sum())
    np.testing.assert_allclose(wrong, (CURVE.count - CURVE.correct_sum) / (CURVE.count - CURVE.correct_sum).sum())
    assert ax.get_ylim()[0] == 0


def test_a_strip_shows_each_ece_of_the_table_and_what_chance_would_give() -> None:
    table = calib.ece_sensitivity(PREDICTIONS, bins=(5, 20), resamples=50)
    ax = Figure().add_subplot()
    assert calib.sensitivity_strip(table, ax=ax, title="$x^$") is ax
    assert isinstance(table, pd.DataFrame)
    drawn = [np.asarray(line.get_ydata()).tolist() for line in ax.lines]
    rows = [table[table["binning"] == kind] for kind in ("equal-width", "equal-mass")]
    assert drawn == [row[name].tolist() for row in rows for name in ("ece", "ece_null")]
    for band, row in zip(ax.collections, rows, strict=True):
        assert band.get_paths()[0].get_extents().y1 == pytest.approx(row["ece_null_95"].max())
    assert ax.get_title() == "$x^$"


def test_risk_is_drawn_on_the_axes_given() -> None:
    ax = Figure().subplots(1, 2)[1]
    curve = calib.risk_coverage(PREDICTIONS)
    assert calib.risk_coverage_diagram([("a", [curve]), ("b", [curve])], ax=ax) is ax
    assert len({line.get_color() for line in ax.lines}) == 2
    same = calib.risk_coverage_diagram([Ranked("a", [curve]), Ranked("b", [curve])], ax=Figure().add_subplot())
    assert len({line.get_color() for line in same.lines}) == 1
