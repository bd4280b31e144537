"""``calib evaluate`` of logs that hold nothing but a confidence and whether it was right."""

from typing import TYPE_CHECKING

from calib._text import printable
from calib.cli._json import heading
from calib.cli._page import Asked, Page, by_column

if TYPE_CHECKING:
    from calib.evaluation import Report
    from calib.outcomes import Outcomes


def evaluate_confidences(asked: Asked, outcomes: "Outcomes") -> Page:
    """What can be said of the predicted class; there is nothing to fit a temperature on."""
    from calib.evaluation import evaluate
    from calib.report_rows import metrics_of, report_rows

    report, name = evaluate(outcomes, n_bins=asked.bins, seed=asked.seed), asked.source.stem
    return Page(
        above=f"{printable(name)}: n = {report.n:,}, confidences alone",
        columns=["", "as logged"],
        rows=report_rows(report),
        full=by_column("calibrator", {"uncalibrated": report}),
        body={**heading(name, report), "uncalibrated": metrics_of(report)},
        verdict=_verdict(report),
        judged={"": {"uncalibrated": report}},
        notes=["a temperature, NLL and Brier need the scores of all classes; log them to have these"],
    )


def _verdict(report: "Report") -> str:
    side = "Overconfident" if report.gap > 0 else "Underconfident"
    state = side if report.ece > report.ece_null_95 else "No miscalibration can be told from chance"
    claim = f"it claims {report.mean_confidence:.1%} and is right {report.accuracy:.1%} of the time"
    return f"{state}: {claim} (ECE {report.ece:.3f}, by chance {report.ece_null:.3f})."
