"""``calib evaluate --calibrator``: a saved calibrator, judged on predictions that it was not fitted on."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from calib._text import printable
from calib.cli._evaluate_groups import evaluate_groups
from calib.cli._json import heading
from calib.cli._page import Asked, Page, by_column
from calib.cli._reading import opened
from calib.errors import InputError
from calib.report_rows import metrics_of, report_rows


def evaluate_calibrator(asked: Asked, calibrator: Path, group_by: str | None) -> Page:
    """The predictions as they are and calibrated, all together or group by group.

    Raises `InputError` where there is another split to fit on.
    """
    from calib.calibrators.application import apply_calibrator, describe
    from calib.diagnosis import verdict_of_calibrator
    from calib.evaluation import evaluate
    from calib.files.calibrator_json import load_calibrator
    from calib.files.group_column import column_of_groups

    if asked.calibration is not None:
        raise InputError("--calibrator is fitted already, --calibration fits a temperature", help="give one of them")
    source = opened(asked.source, asked.reading)
    calibrated, warnings = apply_calibrator(calibrator, source.test, partial(column_of_groups, asked.source))
    before, after = (evaluate(side, n_bins=asked.bins, seed=asked.seed) for side in (source.test, calibrated))
    reports = {"uncalibrated": before, "calibrated": after}
    verdict = verdict_of_calibrator(before, after)
    metrics = {name: metrics_of(report) for name, report in reports.items()}
    about = {"calibrator": str(calibrator), "warnings": warnings, "verdict": verdict}
    method = describe(load_calibrator(calibrator))
    body = {**heading(source.name, before), **metrics, **about}
    if group_by is not None:
        sides = {"uncalibrated": source.test, "calibrated": calibrated}
        page = evaluate_groups(asked, group_by, sides, f"{printable(str(calibrator))} ({method})", body)
        return replace(page, warnings=warnings, said=source.notes)
    return Page(
        above=f"{printable(source.name)}: n = {before.n:,}, calibrated by {printable(str(calibrator))} ({method})",
        columns=["", *reports],
        rows=report_rows(before, after),
        full=by_column("calibrator", reports),
        body=body,
        verdict=verdict,
        judged={"": reports},
        warnings=warnings,
        said=source.notes,
    )
