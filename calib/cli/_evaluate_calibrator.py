"""``calib evaluate --calibrator``: a saved calibrator, judged on predictions that it was not fitted on."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from calib._text import printable
from calib.cli._json import heading
from calib.cli._output import emit, render, say, text_table
from calib.cli._reading import watched
from calib.export import Format, to_json
from calib.report_rows import metrics_of, report_rows

if TYPE_CHECKING:
    from calib.evaluation import Report
    from calib.reading import Reading


def evaluate_calibrator(
    source: Path,
    calibrator: Path,
    reading: "Reading",
    *,
    bins: int,
    seed: int,
    format: Format,
    output: Path | None,
) -> dict[str, "Report"]:
    """Print both reports, and return them as "uncalibrated" and "calibrated"; ``reading`` goes to `open_source`."""
    import pandas as pd

    from calib.calibrators.application import apply_calibrator, describe
    from calib.diagnosis import verdict_of_calibrator
    from calib.evaluation import evaluate
    from calib.files.calibrator_json import load_calibrator
    from calib.files.group_column import column_of_groups
    from calib.sources import open_source

    with watched(reading) as watching:
        opened = open_source(source, watching)
    calibrated, warnings = apply_calibrator(calibrator, opened.test, partial(column_of_groups, source))
    before, after = (evaluate(side, n_bins=bins, seed=seed) for side in (opened.test, calibrated))
    reports = {"uncalibrated": before, "calibrated": after}
    verdict = verdict_of_calibrator(before, after)
    columns, rows = ["", *reports], report_rows(before, after)
    if format == "json":
        metrics = {name: metrics_of(report) for name, report in reports.items()}
        about = {"calibrator": str(calibrator), "warnings": warnings, "verdict": verdict}
        text = to_json({**heading(opened.name, before), **metrics, **about})
    elif format == "table":
        method = describe(load_calibrator(calibrator))
        above = f"{printable(opened.name)}: n = {before.n:,}, calibrated by {printable(str(calibrator))} ({method})"
        text = f"{above}\n\n{text_table(columns, rows)}\n{verdict}\n"
    else:
        full = pd.DataFrame([{"calibrator": name, **report.to_dict()} for name, report in reports.items()])
        text = render(format, full=full, shown=pd.DataFrame(rows, columns=columns), extra={})
    emit(text, output)
    for note in opened.notes:
        say(f"note: {note}")
    if format not in ("table", "json"):
        say(verdict)
    for warning in warnings:
        say(f"warning: {warning}")
    return reports
