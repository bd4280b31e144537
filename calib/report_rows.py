"""A report, or a diagnosis, as rows of text: one a metric, one column a set of predictions."""

from typing import TYPE_CHECKING

from calib._text import number, with_error

if TYPE_CHECKING:
    from calib.diagnosis import Diagnosis
    from calib.evaluation import Report

_LABELS = {
    "accuracy": "accuracy",
    "nll": "NLL",
    "brier": "Brier",
    "ece": "ECE ({bins} bins)",
    "ece_null": "  expected by chance",
    "mce": "MCE",
    "smooth_ece": "smooth ECE",
    "gap": "gap (confidence − accuracy)",
    "aurc": "AURC (risk–coverage)",
}


def diagnosis_rows(diagnosis: "Diagnosis") -> tuple[list[str], list[list[str]]]:
    """The headings and rows of what `calib evaluate` shows: without the temperature, with it, and what it is."""
    fitted = diagnosis.fitted
    rows = report_rows(diagnosis.uncalibrated, diagnosis.scaled)
    rows.append(["temperature T", "1", with_error(fitted.temperature, fitted.standard_error)])
    scaled = "cross-fitted" if diagnosis.cross_fitted else "temperature"
    return ["", "uncalibrated", scaled], rows


def report_rows(*reports: "Report") -> list[list[str]]:
    """One row a metric, one column a set of predictions: fits the narrowest terminal."""
    rows = [
        [
            label.format(bins=reports[0].n_bins),
            *(number(getattr(report, name), sign="+" if name == "gap" else "") for report in reports),
        ]
        for name, label in _LABELS.items()
    ]
    rows = [row for row in rows if set(row[1:]) != {"nan"}]  # not defined for weighted examples
    interval = [f"{number(report.ece_low)} – {number(report.ece_high)}" for report in reports]
    rows.insert([row[0] for row in rows].index(_LABELS["ece_null"]), ["  true ECE, 95 % interval", *interval])
    return rows
