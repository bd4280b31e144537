"""``calib evaluate 'shards/*.parquet'``: predictions that need not fit into memory, from sums alone."""

from math import ceil, floor, log10
from pathlib import Path
from typing import TYPE_CHECKING

from calib._text import printable
from calib.cli._json import heading, scaled
from calib.cli._output import emit, render, say, text_table
from calib.cli._shards import Engine, shards_of, streamed_report
from calib.export import Format, to_json
from calib.reading import Reading
from calib.report_rows import LABELS, metrics_of, scaled_rows, ship

if TYPE_CHECKING:
    from calib.evaluation import Report
    from calib.streamed import StreamedReport


def evaluate_streamed_source(
    source: Path,
    calibration: Path | None,
    reading: Reading,
    *,
    engine: Engine,
    bins: int,
    seed: int,
    format: Format,
    output: Path | None,
) -> "dict[str, Report]":
    """Print what sums can tell of all shards together; return both columns, "uncalibrated" and "temperature"."""
    test = shards_of(source, reading)
    report = streamed_report(source, calibration, reading, bins=bins, seed=seed, engine=engine)
    reports = {"uncalibrated": report.uncalibrated, "temperature": report.scaled}
    columns = ["", "uncalibrated", "temperature"]
    cells = scaled_rows(report.uncalibrated, report.scaled, report.fitted)
    if format == "table":
        about = f"{len(test.files)} files, {test.n_bytes / 2**20:,.0f} MiB, n = {report.uncalibrated.n:,}"
        below = f"{_within(report)}{report.verdict}\nShip: {ship(report)}"
        emit(f"{printable(str(source))}: {about}\n\n{text_table(columns, cells)}\n{below}\n", output)
    else:
        emit(_machine_text(report, source, format, shown=(columns, cells)), output)
    if report.in_sample:
        say("note: T was fitted on the rows it is judged on; --calibration names others")
    if report.fitted.status != "ok":
        say(f"warning: no temperature was fitted ({report.fitted.status}); the second column is the first again")
    return reports


def _machine_text(
    report: "StreamedReport", source: Path, format: Format, *, shown: tuple[list[str], list[list[str]]]
) -> str:
    import pandas as pd

    sides = {"uncalibrated": report.uncalibrated, "temperature": report.scaled}
    content: dict[str, dict[str, object]] = {name: metrics_of(side) for name, side in sides.items()}
    if format != "json":
        full = pd.DataFrame([{"calibrator": name, **values} for name, values in content.items()])
        return render(format, full=full, shown=pd.DataFrame(shown[1], columns=shown[0]), extra={})
    body = {
        **heading(str(source), report.uncalibrated, calibration=report.fitted.n, cross_fitted=False),
        "uncalibrated": content["uncalibrated"],
        "temperature": scaled(report.scaled, report.fitted),
        "bounds": {"uncalibrated": report.bounds["uncalibrated"], "temperature": report.bounds["scaled"]},
        "verdict": report.verdict,
        "paste": report.paste,
        "streamed": True,
        "in_sample": report.in_sample,
    }
    return to_json(body)


def _within(report: "StreamedReport") -> str:
    """How far the shown numbers that need ranks can be from those of the rows, in a line."""
    bounds = {
        name: max(side[name] for side in report.bounds.values()) for name in LABELS if name in report.bounds["scaled"]
    }
    known = [
        f"{LABELS[name].partition(' (')[0]} within {_rounded_up(bound)}"
        for name, bound in bounds.items()
        if bound == bound  # NaN: not known of weighted rows
    ]
    return f"From cells of log-odds, not rows: {', '.join(known)}.\n" if known else ""


def _rounded_up(bound: float) -> str:
    """One digit that is no less than the number.

    >>> _rounded_up(0.00149), _rounded_up(0.002), _rounded_up(0.0)
    ('0.002', '0.002', '0')
    """
    if bound == 0:
        return "0"
    unit = 10.0 ** floor(log10(bound))
    return f"{ceil(bound / unit * (1 - 1e-12)) * unit:.1g}"
