"""What ``calib evaluate --json`` is made of, in all its forms, under the names of docs/json.md."""

from typing import TYPE_CHECKING

from calib.cli._output import SCHEMA
from calib.report_rows import metrics_of

if TYPE_CHECKING:
    from calib.calibrators.temperature import TemperatureScaling
    from calib.diagnosis import Diagnosis
    from calib.evaluation import Report


def heading(source: str, report: "Report", **n: object) -> dict[str, object]:
    """What was evaluated and how ECE was binned; ``n`` says more of the examples than how many were judged."""
    return {
        "schema": SCHEMA,
        "source": source,
        "n": {"test": report.n, **n},
        "n_classes": report.n_classes,
        "n_bins": report.n_bins,
        "binning": "equal-width (a, b]",
    }


def scaled(report: "Report", fitted: "TemperatureScaling") -> dict[str, object]:
    """The metrics with a temperature, and the temperature."""
    about = {name: getattr(fitted, name) for name in ("temperature", "standard_error", "status")}
    return {**metrics_of(report), **about}


def both(diagnosis: "Diagnosis") -> dict[str, object]:
    """The metrics without and with the temperature."""
    return {
        "uncalibrated": metrics_of(diagnosis.uncalibrated),
        "temperature": scaled(diagnosis.scaled, diagnosis.fitted),
    }


def diagnosed(source: str, diagnosis: "Diagnosis") -> dict[str, object]:
    """A diagnosis whole."""
    n = {"calibration": diagnosis.fitted.n, "cross_fitted": diagnosis.cross_fitted}
    words = {"verdict": diagnosis.verdict, "paste": diagnosis.paste}
    return {**heading(source, diagnosis.uncalibrated, **n), **both(diagnosis), **words}
