"""``calib evaluate 'shards/*.parquet'``: predictions that need not fit into memory, from sums alone."""

from math import ceil, floor, log10
from typing import TYPE_CHECKING

from calib._text import printable
from calib.cli._json import heading, scaled
from calib.cli._page import Asked, Page, by_column
from calib.cli._shards import Engine, shards_of, streamed_report
from calib.report_rows import LABELS, metrics_of, scaled_rows, ship

if TYPE_CHECKING:
    from calib.streamed import StreamedReport


def evaluate_streamed_source(asked: Asked, engine: Engine) -> Page:
    """What sums can tell of all shards together, as they are and with a temperature."""
    from calib.files.rounded import notes_of

    test = shards_of(asked.source, asked.reading)
    report = streamed_report(
        asked.source, asked.calibration, asked.reading, bins=asked.bins, seed=asked.seed, engine=engine
    )
    reports = {"uncalibrated": report.uncalibrated, "temperature": report.scaled}
    about = f"{len(test.files)} files, {test.n_bytes / 2**20:,.0f} MiB, n = {report.uncalibrated.n:,}"
    notes = [f"seen in the first rows: {note}" for note in notes_of(test.sample(1))]
    notes += ["T was fitted on the rows it is judged on; --calibration names others"] if report.in_sample else []
    unfitted = f"no temperature was fitted ({report.fitted.status}); the second column is the first again"
    return Page(
        above=f"{printable(str(asked.source))}: {about}",
        columns=["", *reports],
        rows=scaled_rows(report.uncalibrated, report.scaled, report.fitted),
        full=by_column("calibrator", reports),
        body={
            **heading(str(asked.source), report.uncalibrated, calibration=report.fitted.n, cross_fitted=False),
            "uncalibrated": metrics_of(report.uncalibrated),
            "temperature": scaled(report.scaled, report.fitted),
            "bounds": {"uncalibrated": report.bounds["uncalibrated"], "temperature": report.bounds["scaled"]},
            "verdict": report.verdict,
            "paste": report.paste,
            "streamed": True,
            "in_sample": report.in_sample,
        },
        verdict=report.verdict,
        judged={"": reports},
        below=[*_within(report), report.verdict, f"Ship: {ship(report)}"],
        notes=notes,
        warnings=[] if report.fitted.status == "ok" else [unfitted],
    )


def _within(report: "StreamedReport") -> list[str]:
    """How far the shown numbers that need ranks can be from those of the rows, in a line if that is known."""
    bounds = {
        name: max(side[name] for side in report.bounds.values()) for name in LABELS if name in report.bounds["scaled"]
    }
    known = [
        f"{LABELS[name].partition(' (')[0]} within {_rounded_up(bound)}"
        for name, bound in bounds.items()
        if bound == bound  # NaN: not known of weighted rows
    ]
    return [f"From cells of log-odds, not rows: {', '.join(known)}."] if known else []


def _rounded_up(bound: float) -> str:
    """One digit that is no less than the number.

    >>> _rounded_up(0.00149), _rounded_up(0.002), _rounded_up(0.0)
    ('0.002', '0.002', '0')
    """
    if bound == 0:
        return "0"
    unit = 10.0 ** floor(log10(bound))
    return f"{ceil(bound / unit * (1 - 1e-12)) * unit:.1g}"
