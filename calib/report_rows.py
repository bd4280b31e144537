"""Reports as rows of text, with a temperature or without: one row a metric, one column a set of predictions."""

from typing import TYPE_CHECKING

from calib._text import number, with_error

if TYPE_CHECKING:
    from calib.calibrators.temperature import TemperatureScaling
    from calib.curve import CalibrationCurve
    from calib.diagnosis import Diagnosis
    from calib.evaluation import Report
    from calib.streamed import StreamedReport

LABELS = {
    "accuracy": "accuracy",
    "nll": "NLL",
    "brier": "Brier",
    "ece": "ECE ({bins} bins)",
    "interval": "  true ECE, 95 % interval",
    "ece_null": "  expected by chance",
    "mce": "MCE",
    "smooth_ece": "smooth ECE",
    "gap": "gap (confidence − accuracy)",
    "aurc": "AURC (risk–coverage)",
}


def diagnosis_rows(diagnosis: "Diagnosis") -> tuple[list[str], list[list[str]]]:
    """The headings and rows of what `calib evaluate` shows: without the temperature, with it, and what it is."""
    scaled = "cross-fitted" if diagnosis.cross_fitted else "temperature"
    return ["", "uncalibrated", scaled], scaled_rows(diagnosis.uncalibrated, diagnosis.scaled, diagnosis.fitted)


def diagnosis_heading(diagnosis: "Diagnosis") -> str:
    """Which examples were judged, and on which the temperature was fitted."""
    split = diagnosis.before.provenance.get("split", "test")
    fitted_on = f"T fitted on calibration n = {diagnosis.fitted.n:,}"
    if diagnosis.cross_fitted:
        from calib.calibrators.cross_fit import FOLDS

        folds = f"{FOLDS} folds (seed {diagnosis.seed})"
        fitted_on = f"T cross-fitted in {folds}, the T to ship on all n = {diagnosis.fitted.n:,}"
    return f"{split} n = {diagnosis.uncalibrated.n:,}, {fitted_on}"


def ship(diagnosis: "Diagnosis | StreamedReport") -> str:
    """The expression for the user's own code, or that there is none."""
    return diagnosis.paste if diagnosis.fitted.status == "ok" else "no temperature"


def scaled_rows(before: "Report", after: "Report", fitted: "TemperatureScaling") -> list[list[str]]:
    """The rows of both, and one more for the temperature between them."""
    temperature = with_error(fitted.temperature, fitted.standard_error)
    return [*report_rows(before, after), ["T ± standard error", "1", temperature]]


def report_rows(*reports: "Report") -> list[list[str]]:
    """One row a metric, one column a set of predictions: fits the narrowest terminal."""
    rows = [
        [label.format(bins=reports[0].n_bins), *(_cell(report, name) for report in reports)]
        for name, label in LABELS.items()
    ]
    return [row for row in rows if not all("nan" in cell for cell in row[1:])]  # not defined for weighted examples


def curve_rows(curve: "CalibrationCurve") -> tuple[list[str], list[list[str]]]:
    """The headings and rows of a calibration curve: one row a bin that holds examples."""
    rows = []
    for row in curve.table().to_dict("records"):
        if not row["n"]:
            continue
        low, high = row["accuracy_low"], row["accuracy_high"]
        interval = f"{low:.3f} – {high:.3f}" if low == low else "–"  # not known of weighted examples
        rows.append(
            [
                f"{row['lower_edge']:.4g} – {row['upper_edge']:.4g}",
                f"{row['n']:,}",
                number(row["mean_confidence"], digits=3),
                number(row["accuracy"], digits=3),
                interval,
                number(row["gap"], digits=3, sign="+"),
            ]
        )
    return ["confidence", "n", "mean confidence", "accuracy", "95 % interval", "gap"], rows


def metrics_of(report: "Report") -> dict[str, object]:
    """The metrics of a report by name, without what every report of these predictions shares."""
    return {name: value for name, value in report.to_dict().items() if name not in ("n", "n_classes", "n_bins")}


def _cell(report: "Report", name: str) -> str:
    if name == "interval":
        return f"{number(report.ece_low)} – {number(report.ece_high)}"
    return number(getattr(report, name), sign="+" if name == "gap" else "")
