"""``calib evaluate 'shards/*.parquet'``: predictions that need not fit into memory, from sums alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from calib._text import number, printable, with_error
from calib.cli._output import SCHEMA, counting_bar, emit, render, say, text_table
from calib.errors import InputError
from calib.export import Format, to_json
from calib.reading import Reading

if TYPE_CHECKING:
    from calib.state import Summary
    from calib.streamed import StreamedReport

_LABELS = {
    "accuracy": "accuracy",
    "nll": "NLL",
    "brier": "Brier",
    "ece": "ECE ({bins} bins)",
    "rmsce": "RMSCE",
    "mce": "MCE",
    "gap": "gap (confidence − accuracy)",
}


def is_streamed(source: Path) -> bool:
    """Whether SOURCE is a glob, or a folder of shards that is no run."""
    from calib.files.run_folder import CHECKPOINT, CONFIG
    from calib.files.shards import ENDINGS, is_glob

    if is_glob(source):
        return True
    if not source.is_dir() or (source / CHECKPOINT).exists() or (source / CONFIG).exists():
        return False
    return any(file.name.lower().endswith(ENDINGS) for file in source.iterdir())


def evaluate_streamed_source(
    source: Path, calibration: Path | None, reading: Reading, *, bins: int, format: Format, output: Path | None
) -> "dict[str, Summary]":
    """Print what sums can tell of all shards together; return both columns, "uncalibrated" and "temperature"."""
    from calib.files.shards import Shards
    from calib.streamed import evaluate_streamed

    if reading.labels is not None:
        raise InputError("--labels goes with one file of predictions", help="give the shards a column of labels")

    def shards(path: Path) -> Shards:
        return Shards.of(path, kind=reading.kind, class_names=reading.class_names)

    test = shards(source)
    if calibration is not None:
        both = {file.resolve() for file in test.files} & {file.resolve() for file in shards(calibration).files}
        if both:
            raise InputError(
                f"{min(both).name} is among the files to test on and among those to fit on",
                help="leave --calibration out, or name other files",
            )
    with counting_bar("rows") as on_progress:
        rows = 0

        def on_part(n: int) -> None:
            nonlocal rows
            rows += n
            on_progress(rows, None)

        report = evaluate_streamed(
            test, None if calibration is None else shards(calibration), n_bins=bins, on_part=on_part
        )
    columns, cells = _cells(report, bins)
    summaries = {"uncalibrated": report.uncalibrated, "temperature": report.scaled}
    if format == "table":
        about = f"{len(test.files)} files, {test.n_bytes / 2**20:,.0f} MiB, n = {report.uncalibrated.n:,}"
        below = f"{_verdict(report)}\nShip: {_paste(report)}"
        emit(f"{printable(str(source))}: {about}\n\n{text_table(columns, cells)}\n{below}\n", output)
    else:
        import pandas as pd

        content = {name: _numbers(one) for name, one in summaries.items()}
        if format == "json":
            fitted = report.fitted
            n = {"test": report.uncalibrated.n, "calibration": fitted.n, "cross_fitted": False}
            shared = {"n": n, "n_classes": report.n_classes, "n_bins": bins, "binning": "equal-width (a, b]"}
            found = {name: getattr(fitted, name) for name in ("temperature", "standard_error", "status")}
            content["temperature"] = {**content["temperature"], **found}
            more = {
                "verdict": _verdict(report),
                "paste": _paste(report),
                "streamed": True,
                "in_sample": report.in_sample,
            }
            emit(to_json({"schema": SCHEMA, "source": str(source), **shared, **content, **more}), output)
        else:
            full = pd.DataFrame([{"calibrator": name, **values} for name, values in content.items()])
            emit(render(format, full=full, shown=pd.DataFrame(cells, columns=columns), extra={}), output)
    if report.in_sample:
        say("note: T was fitted on the rows it is judged on; --calibration names others")
    if report.fitted.status != "ok":
        say(f"warning: no temperature was fitted ({report.fitted.status}); the second column is the first again")
    return summaries


def refuse_gates(metrics: Sequence[str]) -> None:
    """Raise `InputError` for a gate on what sums cannot tell."""
    if unknown := [metric for metric in metrics if metric not in _LABELS]:
        raise InputError(
            f"{unknown[0]} is not known of shards, whose rows are not kept", help=f"known are {', '.join(_LABELS)}"
        )


def _paste(report: "StreamedReport") -> str:
    scores = "logits" if report.kind == "logits" else "log(probs)"
    return f"softmax({scores} / {report.fitted.temperature:.4g})" if report.fitted.status == "ok" else "no temperature"


def _numbers(summary: "Summary") -> "dict[str, float | int | str | None]":
    return {name: getattr(summary, name) for name in _LABELS}


def _cells(report: "StreamedReport", bins: int) -> tuple[list[str], list[list[str]]]:
    sides = (report.uncalibrated, report.scaled)
    rows = [
        [label.format(bins=bins), *(number(getattr(side, name), sign="+" if name == "gap" else "") for side in sides)]
        for name, label in _LABELS.items()
    ]
    fitted = report.fitted
    rows.append(["temperature T", "1", with_error(fitted.temperature, fitted.standard_error)])
    return ["", "uncalibrated", "temperature"], rows


def _verdict(report: "StreamedReport") -> str:
    before, after, fitted = report.uncalibrated, report.scaled, report.fitted
    side = "Overconfident" if before.gap > 0 else "Underconfident"
    claim = f"it claims {before.mean_confidence:.1%} and is right {before.accuracy:.1%} of the time"
    rest = ""
    if fitted.status == "ok":
        temperature = with_error(fitted.temperature, fitted.standard_error)
        rest = f" A temperature of {temperature} makes ECE {before.ece:.4f} → {after.ece:.4f}."
    return (
        f"{side}: {claim} (ECE {before.ece:.4f}).{rest} Intervals, ranking and smooth ECE need the rows in memory: "
        "evaluate a sample of them."
    )
