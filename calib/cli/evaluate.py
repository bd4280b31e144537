"""``calib evaluate``: is this model calibrated, and what does a temperature do about it?"""

from collections.abc import Mapping
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from calib._nearest import unknown
from calib._text import printable
from calib.cli._evaluate_against import evaluate_against
from calib.cli._evaluate_confidences import evaluate_confidences, logged_outcomes
from calib.cli._evaluate_groups import evaluate_groups
from calib.cli._evaluate_streamed import evaluate_streamed_source
from calib.cli._help import SHARDS
from calib.cli._json import diagnosed
from calib.cli._options import Bins, Calibration, FileFormat, Force, Json, Output, Seed
from calib.cli._output import emit, refuse_existing, render, say, table_format, text_table
from calib.cli._progress import working
from calib.cli._reading import opens_sources, watched
from calib.cli._shards import HERE, Engine
from calib.errors import InputError
from calib.examples import PREFIX
from calib.export import to_json
from calib.reading import AS_IT_IS, Reading
from calib.report_rows import diagnosis_heading, diagnosis_rows, ship

if TYPE_CHECKING:
    from calib.diagnosis import Diagnosis
    from calib.evaluation import Report

GATES = ("nll", "brier", "ece", "ece_equal_mass", "rmsce", "mce", "smooth_ece", "ks_error", "gap", "aurc")


@opens_sources
def evaluate(
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="SOURCE",
            help="A run directory, a checkpoint, a predictions file or example:NAME.",
            show_default=False,
        ),
    ] = None,
    example: Annotated[str | None, typer.Option(metavar="NAME", help="Short for SOURCE = example:NAME.")] = None,
    calibration: Calibration = None,
    calibrator: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A saved calibrator to judge instead of fitting a temperature.")
    ] = None,
    group_by: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="One row a group of examples, by this column of the file.")
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(metavar="SOURCE", help="A second data set of the same model: does the temperature carry over?"),
    ] = None,
    engine: Annotated[
        Literal["local", "dask"],
        typer.Option(
            help="What reads shards: this process, or workers of Dask (on this machine without --scheduler).",
            rich_help_panel=SHARDS,
        ),
    ] = "local",
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="A running Dask scheduler, tcp://HOST:PORT.", rich_help_panel=SHARDS),
    ] = None,
    reading: Reading = AS_IT_IS,
    bins: Bins = 15,
    seed: Seed = 0,
    format: FileFormat = None,
    json: Json = False,
    output: Output = None,
    force: Force = False,
    fail_above: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METRIC=LIMIT",
            help="Exit 1 above this, e.g. ece=0.03 or temperature.ece=0.03; repeatable; of groups each.",
        ),
    ] = None,
) -> None:
    """Report calibration and fit a temperature.

    Prints accuracy and calibration as they are and with a fitted temperature, and says which to ship. A quoted glob of
    Parquet or other files is one data set, which need not fit into memory.

    The temperature is fitted on the calibration split and judged on the test split. Where there is no calibration split
    it is 5-fold cross-fitted.

    Example: calib evaluate runs/ls05/checkpoint.pt
    """
    source = _source(source, example)
    scaled = "temperature" if calibrator is None else "calibrated"
    gates = [_gate(text, scaled) for text in fail_above or []]
    refuse_existing(output, force=force, inputs=(source, calibration, calibrator, against))
    written = table_format(output, format, json=json)
    more = {"--calibrator": calibrator, "--group-by": group_by, "--against": against}
    if len(several := [name for name, given in more.items() if given is not None]) > 1:
        raise InputError(f"{' and '.join(several)} are reports of their own", help="ask for one at a time")
    chosen_engine = Engine(engine, scheduler)
    from calib.files.shards import is_shards

    streamed = not several and (is_shards(source) or (chosen_engine != HERE and source.is_file()))
    if chosen_engine != HERE and not streamed:
        problem = f"{several[0]} needs the rows in memory" if several else f"{source} is no shards of predictions"
        raise InputError(f"--engine reads shards, {problem}", help="leave it out")
    if calibrator is not None:
        if calibration is not None:
            raise InputError(
                "--calibrator is fitted already, --calibration fits a temperature", help="give one of them"
            )
        from calib.cli._evaluate_calibrator import evaluate_calibrator

        reports = evaluate_calibrator(source, calibrator, reading, bins=bins, seed=seed, format=written, output=output)
        _fail_above(gates, {"": reports})
        return
    if streamed:
        reports = evaluate_streamed_source(
            source,
            calibration,
            reading,
            engine=chosen_engine,
            bins=bins,
            seed=seed,
            format=written,
            output=output,
        )
        _fail_above(gates, {"": reports})
        return
    from calib.diagnosis import diagnose
    from calib.files.rounded import why_zero
    from calib.predictions import look_like_probs
    from calib.sources import open_source
    from calib.tables import score_table

    try:
        with watched(reading) as watching:
            opened = open_source(source, watching, calibration=calibration)
    except InputError:
        logged = logged_outcomes(source)
        if logged is None or several or calibration is not None:
            raise
        reports = evaluate_confidences(source, logged, bins=bins, seed=seed, format=written, output=output)
        _fail_above(gates, {"": reports})
        return
    with working("evaluating"):
        diagnosis = diagnose(opened.test, opened.calibration, n_bins=bins, seed=seed)
    for note in opened.notes:
        say(f"note: {note}")
    if group_by is not None or against is not None:
        judged = {"": {"uncalibrated": diagnosis.uncalibrated, "temperature": diagnosis.scaled}}
        if group_by is not None:
            groups = evaluate_groups(source, opened.name, group_by, diagnosis, seed=seed, format=written, output=output)
            judged = {f"{printable(str(name))}: ": sides for name, sides in groups.items()}
        elif against is not None:
            with watched(reading) as watching:
                other = open_source(against, watching)
            for note in other.notes:
                say(f"note: of {against}: {note}")
            evaluate_against(opened, diagnosis, other, bins=bins, seed=seed, format=written, output=output)
        _fail_above(gates, judged)
        return
    columns, rows = diagnosis_rows(diagnosis)
    if written == "json":
        text = to_json(diagnosed(opened.name, diagnosis))
    elif written == "table":
        text = _framed(text_table(columns, rows), opened.name, diagnosis)
    else:
        import pandas as pd

        shown = pd.DataFrame(rows, columns=columns)
        text = render(written, full=score_table({opened.name: diagnosis}), shown=shown, extra={})
    emit(text, output)
    if written in ("markdown", "latex", "csv"):
        say(diagnosis.verdict)
    if look_like_probs(opened.test):
        say("warning: every row of the logits sums to 1: are they probabilities? Then save them under the name `probs`")
    zero = why_zero(opened.test.provenance)
    if impossible := diagnosis.uncalibrated.infinite_nll:
        say(f"warning: {impossible:,} labels have probability 0, so NLL is infinite{zero}")
    if diagnosis.fitted.status != "ok":
        say(f"warning: no temperature was fitted ({diagnosis.fitted.status}); the second column is the first again")
    _fail_above(gates, {"": {"uncalibrated": diagnosis.uncalibrated, "temperature": diagnosis.scaled}})


def _source(source: Path | None, example: str | None) -> Path:
    if (source is None) == (example is None):
        got = "neither" if source is None else "both"
        raise InputError(
            f"one SOURCE or --example is needed, got {got}",
            help="such as `calib evaluate --example digits-resnet8-hard`; see `calib evaluate --help`",
        )
    return Path(f"{PREFIX}{example}") if source is None else source


def _fail_above(gates: list[tuple[str, str, float]], judged: "Mapping[str, Mapping[str, Report]]") -> None:
    """Exit with 1 where a gate is passed; ``judged`` has reports by row under what stands before them in messages."""
    failed = [
        f"{name}{message}" for name, reports in judged.items() for gate in gates if (message := _failure(gate, reports))
    ]
    for message in failed:
        say(f"gate failed: {message}")
    if failed:
        raise typer.Exit(1)


def _framed(table: str, name: str, diagnosis: "Diagnosis") -> str:
    """The table with what it is about above it, and what it means below."""
    config = diagnosis.before.provenance.get("config", {})
    about = f"{config['arch']} on {config['dataset']}, " if "arch" in config and "dataset" in config else ""
    lines = [
        f"{printable(name)}: {printable(about)}{diagnosis_heading(diagnosis)}",
        "",
        table,
        diagnosis.verdict,
        f"Ship: {ship(diagnosis)}",
        "",
    ]
    return "\n".join(lines)


def _gate(text: str, scaled: str) -> tuple[str, str, float]:
    """Read ``[row.]metric=limit``, where the row is uncalibrated or ``scaled``."""
    key, given, limit = text.partition("=")
    row, _, metric = key.rpartition(".")
    try:
        value = float(limit)
    except ValueError:
        value = float("nan")
    if not given or not value >= 0:
        raise InputError(
            f"--fail-above takes METRIC=LIMIT, a limit of at least 0, got {text!r}", help=f"such as {scaled}.ece=0.03"
        )
    if metric not in GATES:
        raise unknown("--fail-above metric", metric, GATES)
    if row not in ("", "uncalibrated", scaled):
        raise unknown("--fail-above column", row, ("uncalibrated", scaled), more=f": {scaled}.{metric}={limit}")
    return row or "uncalibrated", metric, value


def _failure(gate: tuple[str, str, float], reports: "Mapping[str, Report]") -> str:
    row, metric, limit = gate
    value = abs(float(getattr(reports[row], metric)))
    if isnan(value):
        return f"{row} {metric} is not defined for these predictions"
    return "" if value <= limit else f"{row} {metric} is {value:.4g}, above {limit:g}"
