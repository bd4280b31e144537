"""Options that several commands share, declared once."""

import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, TypeAlias, TypeVar

import typer

from calib.cli._help import RUNNING
from calib.export import Format

Command = TypeVar("Command", bound=Callable[..., Any])

Sources: TypeAlias = Annotated[
    list[Path],
    typer.Argument(metavar="SOURCE", help="Run directories, checkpoints, predictions files or example:NAME."),
]
OneSource: TypeAlias = Annotated[
    Path, typer.Argument(metavar="SOURCE", help="A run directory, a checkpoint, a predictions file or example:NAME.")
]
DataDir: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Where data sets lie: a folder, or the one above.",
        show_default="$CALIB_DATA, else the user's cache",
        rich_help_panel=RUNNING,
    ),
]
Device: TypeAlias = Annotated[
    str,
    typer.Option(metavar="DEVICE", help="cpu, cuda, cuda:1, … or auto.", rich_help_panel=RUNNING),
]
Threads: TypeAlias = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="Torch threads; 1 is often fastest on a small machine.",
        show_default="torch's",
        rich_help_panel=RUNNING,
    ),
]
BatchSize: TypeAlias = Annotated[
    int, typer.Option(min=1, metavar="N", help="Examples a forward pass.", rich_help_panel=RUNNING)
]
Bins: TypeAlias = Annotated[
    int, typer.Option("--bins", min=1, max=10_000, metavar="N", help="Bins of equal width, (a, b].")
]
Seed: TypeAlias = Annotated[int, typer.Option(min=0, metavar="N", help="Seed of everything that is drawn at random.")]
SmallSetting: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--setting",
        metavar="NAME",
        help="fashion-mnist-14, or digits, which needs no data.",
        show_default="fashion-mnist-14",
    ),
]
OtherDataset: TypeAlias = Annotated[
    str | None, typer.Option(metavar="NAME", help="Another data set.", show_default="the setting's")
]
Smoothings: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="NUMBERS", help="Every α, with commas between; 0 among them.", show_default="the setting's"),
]
Seeds: TypeAlias = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Networks of each kind.", show_default="the setting's")
]
Epochs: TypeAlias = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Passes over the training data.", show_default="the setting's")
]
Workers: TypeAlias = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="Processes that train.",
        show_default="one a core; one on a GPU",
        rich_help_panel=RUNNING,
    ),
]
Force: TypeAlias = Annotated[bool, typer.Option("--force", help="Replace what is already there.")]
Output: TypeAlias = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="File to write.", show_default="stdout")
]
_FORMAT_HELP = "csv and json hold every number."
TableFormat: TypeAlias = Annotated[Format, typer.Option("--format", help=_FORMAT_HELP)]
FileFormat: TypeAlias = Annotated[
    Format | None, typer.Option("--format", help=_FORMAT_HELP, show_default="by the ending of --output, else table")
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Short for --format json.")]
OnlyJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON: see docs/json.md.")]
Calibration: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="SOURCE", help="Predictions to fit the temperature on, instead of the model's own split."),
]


def taking(name: str, options: Callable[..., object], command: Command) -> Command:
    """Give ``command`` the parameters of ``options`` in the place of its parameter ``name``, which gets their result.

    For a decorator, fix the first two: ``functools.partial(taking, "reading", reading_of)``.
    """
    own, shared = inspect.signature(command), inspect.signature(options)
    parameters: list[inspect.Parameter] = []
    for one in own.parameters.values():
        parameters += shared.parameters.values() if one.name == name else [one]
    parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]

    @wraps(command)
    def wrapper(**given: Any) -> Any:
        result = options(**{parameter: given.pop(parameter) for parameter in shared.parameters})
        return command(**given, **{name: result})

    wrapper.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return wrapper  # type: ignore[return-value]


def set_threads(threads: int | None) -> None:
    """Fix the number of torch threads of this process."""
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
