"""The options that say how to open a SOURCE, declared once and given to every command that opens one."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from calib._text import printable
from calib.cli._help import PREDICTIONS, WEIGHTS
from calib.cli._options import BatchSize, DataDir, Device, Threads, set_threads, taking
from calib.cli._output import say
from calib.cli._progress import counting_bar
from calib.errors import InputError
from calib.reading import Reading, option_of

if TYPE_CHECKING:
    from calib.outcomes import Outcomes
    from calib.sources import Source


def _options(
    data_dir: DataDir = None,
    device: Device = "cpu",
    threads: Threads = None,
    batch_size: BatchSize = 500,
    kind: Annotated[
        Literal["logits", "probs"] | None,
        typer.Option("--from", help="What the scores are, where no name says.", rich_help_panel=PREDICTIONS),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A file of labels beside the scores.", rich_help_panel=PREDICTIONS),
    ] = None,
    class_names: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="In the order of the columns, with commas.", rich_help_panel=PREDICTIONS),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Run them on cifar10, …, or folder (of --data-dir).", rich_help_panel=WEIGHTS
        ),
    ] = None,
    arch: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Architecture, such as resnet20 or timm:NAME.",
            show_default="the one that they fit",
            rich_help_panel=WEIGHTS,
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="MODULE:NAME",
            help="package.module:factory of the network, imported.",
            rich_help_panel=WEIGHTS,
        ),
    ] = None,
    mean: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBERS",
            help="Mean of pixels / 255, one or one a channel, with commas.",
            show_default="the data's",
            rich_help_panel=WEIGHTS,
        ),
    ] = None,
    std: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBERS",
            help="Their standard deviation, likewise.",
            show_default="the data's",
            rich_help_panel=WEIGHTS,
        ),
    ] = None,
    image_size: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Side of images in a folder.", show_default="224", rich_help_panel=WEIGHTS
        ),
    ] = None,
    ema: Annotated[
        bool, typer.Option("--ema", help="Those averaged over the training.", rich_help_panel=WEIGHTS)
    ] = False,
) -> Reading:
    """Put the options together.  Raises `InputError` for what is no list of numbers."""
    set_threads(threads)
    return Reading(
        data_dir=data_dir,
        device=device,
        batch_size=batch_size,
        kind=kind,
        labels=labels,
        class_names=None if class_names is None else _names(class_names),
        arch=arch,
        model=model,
        dataset=dataset,
        mean=_numbers(mean, "--mean"),
        std=_numbers(std, "--std"),
        image_size=image_size,
        averaged=ema,
    )


opens_sources = partial(taking, "reading", _options)


@contextmanager
def watched(reading: Reading) -> Iterator[Reading]:
    """The same with a progress bar, which counts images once a network runs."""
    with counting_bar("images", before="reading") as tell:
        yield replace(reading, on_images=lambda rows: tell(rows, None))


def opened(path: Path, reading: Reading, *, calibration: Path | None = None) -> "Source":
    """Open a SOURCE and say what its reader must know."""
    from calib.sources import open_source

    with watched(reading) as reading:
        source = open_source(path, reading, calibration=calibration)
    for note in source.notes:
        say(f"note: {printable(source.name)}: {note}")
    return source


def logged_outcomes(source: Path) -> "Outcomes | None":
    """The outcomes of a file with the columns confidence and correct; None for any other file."""
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


def as_words(reading: Reading) -> list[str]:
    """The options that say what ``reading`` says, for a command that opens the same again.

    >>> as_words(Reading(kind="probs", mean=(0.5, 0.25), averaged=True))
    ['--from', 'probs', '--mean', '0.5,0.25', '--ema']
    """
    words: list[str] = []
    for field in fields(Reading):
        value = getattr(reading, field.name)
        if value == field.default:
            continue
        words.append(f"--{option_of(field.name)}")
        if value is not True:
            words.append(",".join(map(str, value)) if isinstance(value, tuple) else str(value))
    return words


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError(f"--class-names has {printable(twice)!r} twice", help="give each class a name of its own")
    if not all(names):
        raise InputError(f"--class-names takes names with commas between, got {text!r}", help="such as cat,dog,bird")
    return names


def _numbers(text: str | None, option: str) -> tuple[float, ...] | None:
    if text is None:
        return None
    try:
        found = tuple(float(word) for word in text.split(","))
    except ValueError:
        found = ()
    kind = "numbers above 0" if option == "--std" else "numbers"
    if not found or not all(-1e6 < number < 1e6 for number in found) or (option == "--std" and min(found) <= 0):
        raise InputError(f"{option} takes {kind} with commas between, got {text!r}", help="such as .485,.456,.406")
    if max(map(abs, found)) > 10:
        raise InputError(f"{option} is of pixels / 255, got {text!r}", help="divide by 255, as in .485,.456,.406")
    return found
