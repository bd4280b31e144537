"""The sections that ask whether the verdict would stand: other bins, tests, and the line of log-odds."""

import math
from typing import TYPE_CHECKING

from calib._text import number, p_value, printable
from calib.diagnosis import Diagnosis
from calib.errors import InputError
from calib.metrics.hypothesis_tests import calibration_p_value, spiegelhalter
from calib.metrics.slope_intercept import calibration_slope_intercept
from calib.plots.inline import inline_figure
from calib.plots.series import Panel, Series, series_figure
from calib.predictions import Of, Predictions
from calib.report.parts import Figure, Section, Table
from calib.report.subject import Subject
from calib.sensitivity import ece_sensitivity

if TYPE_CHECKING:
    import pandas as pd

RESAMPLES = 1000  # for the p-value of ECE
_NAMES = {"equal-width": "equal width", "equal-mass": "equal mass"}


def sensitivity_section(subject: Subject, anchor: str) -> Section:
    """ECE against the number of bins, for both kinds of bins, without and with the temperature, each beside chance."""
    diagnosis = subject.diagnosis
    before, after = (ece_sensitivity(side, seed=diagnosis.seed) for side in (diagnosis.before, diagnosis.after))
    top = 1.1 * max(float(side[["ece", "ece_null"]].max().max()) for side in (before, after)) or 1.0
    panels = [_panel(binning, before, after, top) for binning in _NAMES]
    figure = series_figure(panels, setting="number of bins", width=1.72, kinds=False)
    drawing = inline_figure(figure, name=f"{anchor}sensitivity", alt="ECE against the number of bins")
    beyond = [int((table["ece"] > table["ece_null_95"]).sum()) for table in (before, after)]
    caption = (
        "ECE against the number of bins; dotted, in the colour of each, is what a calibrated model with the same "
        f"confidences would score. Beyond the 95 % quantile of chance under {beyond[0]} of {len(before)} choices of "
        f"bins as it is, under {beyond[1]} with the temperature."
    )
    return Section(
        f"{anchor}sensitivity",
        "Would other bins say the same?",
        figures=[Figure(drawing, caption)],
        tables=[_table(before, after)],
    )


def _panel(binning: str, before: "pd.DataFrame", after: "pd.DataFrame", top: float) -> Panel:
    def series(label: str, table: "pd.DataFrame", column: str = "ece") -> Series:
        rows = table[table["binning"] == binning]
        return Series(label, rows["n_bins"].to_list(), rows[column].to_list())

    sides = (("uncalibrated", before), ("with the temperature", after))
    lines = [series(label, table) for label, table in sides]
    chance = [series(f"{label}, by chance", table, "ece_null") for label, table in sides]
    return Panel(f"ECE, {_NAMES[binning]}", lines, by_chance=chance, from_zero=True, top=top)


def _table(before: "pd.DataFrame", after: "pd.DataFrame") -> Table:
    rows = [
        [f"{row['n_bins']}, {_NAMES[row['binning']]}"]
        + [number(side[name]) for side in (row, scaled) for name in ("ece", "ece_null")]
        for row, scaled in zip(before.to_dict("records"), after.to_dict("records"), strict=True)
    ]
    columns = ["bins", "uncalibrated", "by chance", "temperature", "by chance"]
    return Table(columns, rows, folded="The same in numbers")


def line_section(subject: Subject, anchor: str) -> Section:
    """Calibration slope and intercept, and tests of calibration.  Raises `InputError` for weighted predictions."""
    diagnosis = subject.diagnosis
    columns, found = [""], []
    events: list[tuple[str, Of]] = [("", "predicted")]
    if diagnosis.before.n_classes == 2:
        events.append((f", P({printable(subject.class_names[1], limit=30)})", 1))
    for event, of in events:
        for name, side in (("uncalibrated", diagnosis.before), ("temperature", diagnosis.after)):
            columns.append(f"{name}{event}")
            found.append(_column(side, of, diagnosis))
    labels = [
        "calibration slope",
        "  95 % interval",
        "calibration intercept",
        "  95 % interval",
        "calibration in the large",
        "  95 % interval",
        "p-value of calibration (ECE)",
        "Spiegelhalter's z",
        "  p-value",
    ]
    rows = [[label, *(column[i] for column in found)] for i, label in enumerate(labels)]
    text = (
        "Logistic regression of the outcome on the claimed log-odds (Cox 1958): a calibrated model has slope 1 and "
        "intercept 0. A slope below 1 is overconfidence that grows with confidence; calibration in the large is the "
        "intercept with the slope held at 1, below 0 where right answers are fewer than claimed. The p-values ask how "
        "often a calibrated model with these confidences would be as far off; ≤ means that none of "
        f"{RESAMPLES:,} draws was."
    )
    if len(events) == 1:
        text += " The outcome is that the predicted class is right."
    if any(column[0] == "–" for column in found):
        text += " No line: some claims are exactly 0 or 1, whose log-odds are infinite, or nothing varies."
    return Section(f"{anchor}line", "Slope, intercept and tests", [text], tables=[Table(columns, rows)])


def _column(side: Predictions, of: Of, diagnosis: Diagnosis) -> list[str]:
    cells = _line(side, of)
    n_bins = diagnosis.uncalibrated.n_bins
    test = spiegelhalter(side, of=of)
    drawn = calibration_p_value(side, n_bins=n_bins, resamples=RESAMPLES, seed=diagnosis.seed, of=of)
    return [
        *cells,
        p_value(drawn, resamples=RESAMPLES),
        number(test.z, digits=2, sign="+"),
        p_value(test.p_value),
    ]


def _line(side: Predictions, of: Of) -> list[str]:
    try:
        line = calibration_slope_intercept(side, of=of)
    except InputError:  # a claim of exactly 0 or 1, whose log-odds are infinite
        return ["–"] * 6
    cells = []
    for value, (low, high) in (
        (line.slope, line.slope_interval),
        (line.intercept, line.intercept_interval),
        (line.in_the_large, line.in_the_large_interval),
    ):
        cells.append("–" if math.isnan(value) else number(value, digits=3))
        cells.append("–" if math.isnan(low) or math.isnan(high) else f"{low:.3f} to {high:.3f}")
    return cells
