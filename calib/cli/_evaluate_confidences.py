"""``calib evaluate`` of logs that hold nothing but a confidence and whether it was right."""

from pathlib import Path
from typing import TYPE_CHECKING

from calib._text import printable
from calib.cli._json import heading
from calib.cli._output import emit, render, say, text_table
from calib.export import Format, to_json

if TYPE_CHECKING:
    from calib.evaluation import Report
    from calib.outcomes import Outcomes


def logged_outcomes(source: Path) -> "Outcomes | None":
    """The outcomes of a file with the columns confidence and correct; None for any other file."""
    from calib.errors import InputError
    from calib.files.columns import outcomes_from
    from calib.files.read import read_columns

    if not source.is_file():
        return None
    try:
        columns = read_columns(source)
    except InputError:
        return None
    try:
        return outcomes_from(columns)
    except InputError as error:
        raise InputError(f"{source}: {error}", help=error.help) from error


def evaluate_confidences(
    source: Path, outcomes: "Outcomes", *, bins: int, seed: int, format: Format, output: Path | None
) -> "dict[str, Report]":
    """Print the report of the predicted class, and return it as "uncalibrated"."""
    import pandas as pd

    from calib.evaluation import evaluate
    from calib.report_rows import metrics_of, report_rows

    report = evaluate(outcomes, n_bins=bins, seed=seed)
    columns, rows = ["", "as logged"], report_rows(report)
    if format == "json":
        emit(to_json({**heading(source.stem, report), "uncalibrated": metrics_of(report)}), output)
    elif format == "table":
        side = "over" if report.gap > 0 else "under"
        known = report.ece > report.ece_null_95
        verdict = f"{side.capitalize()}confident: " if known else "No miscalibration can be told from chance: "
        claim = f"it claims {report.mean_confidence:.1%} and is right {report.accuracy:.1%} of the time"
        head = f"{printable(source.stem)}: n = {report.n:,}, confidences alone"
        evidence = f"(ECE {report.ece:.3f}, by chance {report.ece_null:.3f})"
        emit(f"{head}\n\n{text_table(columns, rows)}\n{verdict}{claim} {evidence}.\n", output)
    else:
        full = pd.DataFrame([{"source": source.stem, **report.to_dict()}])
        emit(render(format, full=full, shown=pd.DataFrame(rows, columns=columns), extra={}), output)
    say("note: a temperature, NLL and Brier need the scores of all classes; log them to have these")
    return {"uncalibrated": report}
