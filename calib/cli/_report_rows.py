"""The rows of the table that every form of ``calib evaluate`` prints, and the same numbers by name."""

from typing import TYPE_CHECKING

from calib._text import number

if TYPE_CHECKING:
    from calib.evaluation import Report

LABELS = {
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


def report_rows(*reports: "Report") -> list[list[str]]:
    """One row a metric, one column a set of predictions: fits the narrowest terminal."""
    rows = [
        [
            label.format(bins=reports[0].n_bins),
            *(number(getattr(report, name), sign="+" if name == "gap" else "") for report in reports),
        ]
        for name, label in LABELS.items()
    ]
    rows = [row for row in rows if set(row[1:]) != {"nan"}]  # not defined for weighted examples
    interval = [f"{number(report.ece_low)} – {number(report.ece_high)}" for report in reports]
    rows.insert([row[0] for row in rows].index(LABELS["ece_null"]), ["  true ECE, 95 % interval", *interval])
    return rows


def metrics_of(report: "Report") -> dict[str, object]:
    """The metrics of a report by name, without what every report of these predictions shares."""
    return {name: value for name, value in report.to_dict().items() if name not in ("n", "n_classes", "n_bins")}
