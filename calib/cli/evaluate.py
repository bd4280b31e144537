"""``calib evaluate``: is this model calibrated, and what does a temperature do about it?"""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from calib.cli._evaluate_against import evaluate_against
from calib.cli._evaluate_calibrator import evaluate_calibrator
from calib.cli._evaluate_confidences import evaluate_confidences
from calib.cli._evaluate_diagnosis import evaluate_diagnosis
from calib.cli._evaluate_groups import evaluate_groups
from calib.cli._evaluate_streamed import evaluate_streamed_source
from calib.cli._gates import enforce, gate_of
from calib.cli._help import SHARDS
from calib.cli._json import diagnosed
from calib.cli._options import Bins, Calibration, FileFormat, Force, Json, Output, Seed
from calib.cli._output import refuse_existing, table_format
from calib.cli._page import Asked, Page
from calib.cli._progress import working
from calib.cli._reading import logged_outcomes, opened, opens_sources
from calib.cli._shards import HERE, Engine
from calib.errors import InputError
from calib.reading import AS_IT_IS, Reading


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
    gates = [gate_of(text, "temperature" if calibrator is None else "calibrated") for text in fail_above or []]
    refuse_existing(output, force=force, inputs=(source, calibration, calibrator, against))
    written = table_format(output, format, json=json)
    forms = {"--calibrator": calibrator, "--group-by": group_by, "--against": against}
    chosen = [name for name, given in forms.items() if given is not None]
    if against is not None and len(chosen) > 1:
        raise InputError(f"{' and '.join(chosen)} are reports of their own", help="ask for one at a time")
    asked, reader = Asked(source, calibration, reading, bins, seed), Engine(engine, scheduler)
    if _streams(source, reader, chosen):
        page = evaluate_streamed_source(asked, reader)
    elif calibrator is not None:
        page = evaluate_calibrator(asked, calibrator, group_by)
    else:
        page = _in_memory(asked, group_by, against)
    page.show(written, output)
    enforce(gates, page.judged)


def _source(source: Path | None, example: str | None) -> Path:
    from calib.examples import PREFIX

    if (source is None) == (example is None):
        got = "neither" if source is None else "both"
        raise InputError(
            f"one SOURCE or --example is needed, got {got}",
            help="such as `calib evaluate --example digits-resnet8-hard`; see `calib evaluate --help`",
        )
    return Path(f"{PREFIX}{example}") if source is None else source


def _streams(source: Path, engine: Engine, chosen: list[str]) -> bool:
    """Whether sums of shards are reported.  Raises `InputError` for an engine that has nothing to read."""
    from calib.files.shards import is_shards

    streamed = not chosen and (is_shards(source) or (engine != HERE and source.is_file()))
    if engine != HERE and not streamed:
        problem = f"{chosen[0]} needs the rows in memory" if chosen else f"{source} is no shards of predictions"
        raise InputError(f"--engine reads shards, {problem}", help="leave it out")
    return streamed


def _in_memory(asked: Asked, group_by: str | None, against: Path | None) -> Page:
    """The page of predictions that fit into memory, or of a log of confidences."""
    from calib.diagnosis import diagnose

    try:
        source = opened(asked.source, asked.reading, calibration=asked.calibration)
    except InputError:
        logged = logged_outcomes(asked.source)
        if logged is None:
            raise
        if (group_by, against, asked.calibration) != (None, None, None):
            raise InputError(
                f"{asked.source} holds confidences alone: --group-by, --against and --calibration need whole scores",
                help="leave them out; in Python, calib.by_group takes Outcomes of such a log",
            ) from None
        return evaluate_confidences(asked, logged)
    with working("evaluating"):
        diagnosis = diagnose(source.test, source.calibration, n_bins=asked.bins, seed=asked.seed)
    if group_by is not None:
        sides = {"uncalibrated": diagnosis.before, "temperature": diagnosis.after}
        page = evaluate_groups(asked, group_by, sides, diagnosis.label, diagnosed(source.name, diagnosis))
    elif against is not None:
        page = evaluate_against(asked, against, source, diagnosis)
    else:
        page = evaluate_diagnosis(source.name, diagnosis)
    return replace(page, said=[*source.notes, *page.said])
