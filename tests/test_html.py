"""What notebooks show: the numbers of `calib evaluate`, and names that run nothing."""

import re
from collections.abc import Mapping
from html import unescape
from typing import Any

import numpy as np
import pytest

import calib
from calib._html import table_html
from calib.calibrators.registry import METHODS, method_class, suitable
from calib.report_rows import curve_rows, diagnosis_rows

from .references import sample

HOSTILE = "<script>alert(1)</script>"


def cells(text: str) -> list[str]:
    return [unescape(cell) for cell in re.findall(r"<t[hd]>(.*?)</t[hd]>", text)]


def predictions(k: int = 3, **more: Any) -> calib.Predictions:
    return calib.Predictions.from_logits(*sample(400, k, true_temperature=2), **more)


def test_a_diagnosis_shows_its_verdict_the_table_of_evaluate_and_what_to_paste() -> None:
    diagnosis = calib.diagnose(predictions())
    text = diagnosis._repr_html_()
    columns, rows = diagnosis_rows(diagnosis)
    assert cells(text) == [*columns, *(cell for row in rows for cell in row)]
    assert unescape(text).startswith(f"<p>{diagnosis.verdict}</p>")
    assert f"<code>{diagnosis.paste}</code>" in text
    assert "T cross-fitted in 5 folds (seed 0)" in text


def test_a_diagnosis_without_a_temperature_ships_none() -> None:
    logits = np.eye(3)[[0, 1, 2] * 20] * 5
    diagnosis = calib.diagnose(calib.Predictions.from_logits(logits, [0, 1, 2] * 20))
    assert "<code>no temperature</code>" in diagnosis._repr_html_()


def test_a_report_shows_each_metric_and_leaves_out_what_is_not_known() -> None:
    report = calib.evaluate(predictions())
    shown = cells(report._repr_html_())
    assert shown[shown.index("NLL") + 1] == f"{report.nll:.4f}"
    logs = calib.Outcomes.from_confidence([0.9, 0.6, 0.8], [True, False, True])
    assert "NLL" not in cells(calib.evaluate(logs)._repr_html_())


def test_a_curve_shows_the_bins_that_hold_examples() -> None:
    curve = calib.calibration_curve([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]], [0, 1, 1], n_bins=4)
    columns, rows = curve_rows(curve)
    assert len(rows) == 2
    assert cells(curve._repr_html_()) == [*columns, *(cell for row in rows for cell in row)]
    assert f"ECE {curve.ece:.4f}" in curve._repr_html_()


@pytest.mark.parametrize("method", METHODS)
def test_every_calibrator_shows_its_fields(method: str) -> None:
    given = predictions(2)
    assert method in suitable(2)
    fitted: Any = (
        calib.SmoothingInverse(0.1) if method == "desmoothing" else method_class(method).fit(given)  # of probabilities
    )
    shown = cells(fitted._repr_html_())
    assert shown[:2] == [type(fitted).__name__, ""]
    assert len(shown) >= 4
    if method == "temperature":
        assert shown[3] == f"{fitted.temperature:.4g}"


def test_what_is_not_known_of_a_calibrator_has_no_row() -> None:
    shown = cells(calib.TemperatureScaling(2.0)._repr_html_())
    assert shown[2:4] == ["temperature", "2"]
    assert "standard error" not in shown


def test_names_of_classes_and_groups_are_shown_and_not_run() -> None:
    given = predictions(class_names=[HOSTILE, "b\x1b[31m", "c" * 1000])
    groups = np.array([HOSTILE, "other"] * 200)
    grouped = calib.GroupedCalibrator.fit("temperature", given, groups)
    assert isinstance(grouped.calibrators, Mapping)
    for text in (given._repr_html_(), grouped._repr_html_(), table_html([HOSTILE], [[HOSTILE]])):
        assert "<script" not in text
        assert "\x1b" not in text
        assert HOSTILE in unescape(text)
        assert len(text) < 1500


def test_of_many_names_the_first_are_shown() -> None:
    names = cells(predictions(30, class_names=[f"c{i}" for i in range(30)])._repr_html_())[-1]
    assert names.startswith("c0, c1, ")
    assert names.endswith("c19, …")


def test_provenance_is_shown_and_not_run() -> None:
    diagnosis = calib.diagnose(predictions(provenance={"split": HOSTILE}))
    assert "<script" not in diagnosis._repr_html_()
