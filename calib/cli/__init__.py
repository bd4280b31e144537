"""The command line: one command a file; here they are put together, and errors become two lines and an exit code."""

import os
import sys
from typing import Annotated

import typer

from calib._version import __version__
from calib.cli import (
    _errors,
    apply,
    calibrate,
    compare,
    compare_calibrators,
    data,
    demo,
    env,
    evaluate,
    info,
    per_class,
    predict,
    reliability_plot,
    report,
    study,
    train,
)
from calib.cli._help import add_commands
from calib.environment import exit_on_termination

app = typer.Typer(
    name="calib",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Is a classifier's confidence to be trusted? Train with hard or smoothed targets, measure calibration, fit a "
    "temperature, compare.",
    epilog="Start with `calib demo`. SOURCE is a run directory, weights, predictions (CSV, Parquet, npz, …) "
    "or example:NAME for one that comes with calib.",
)
add_commands(
    app,
    {
        "demo": demo.demo,
        "train": train.train,
        "predict": predict.predict,
        "evaluate": evaluate.evaluate,
        "report": report.report,
        "reliability-plot": reliability_plot.reliability_plot,
        "per-class": per_class.per_class,
        "compare": compare.compare,
        "calibrate": calibrate.calibrate,
        "apply": apply.apply,
        "compare-calibrators": compare_calibrators.compare_calibrators,
        "info": info.info,
        "env": env.env,
    },
)
app.add_typer(study.app, name="study")
app.add_typer(data.app, name="data")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"calib {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Options before the command."""
    if debug:
        os.environ["CALIB_DEBUG"] = "1"


def _open_streams() -> None:
    """Give a process without stdout or stderr somewhere to write, and let no terminal's encoding stop a result."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  # open to the end
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def main() -> None:
    """Run the command line; the console script's entry."""
    exit_on_termination()
    _open_streams()
    try:
        code = app(standalone_mode=False)
        if code == _errors.INTERRUPTED:  # typer has turned Ctrl-C into this return value
            raise KeyboardInterrupt
    except BaseException as error:  # the one place where every failure becomes an exit code
        code = _errors.report(error)
    sys.exit(code)
