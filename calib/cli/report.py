"""``calib report``: everything about one model or several in one HTML file, the verdict first."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from calib._text import printable
from calib.cli._options import Bins, Calibration, Force, Seed, Sources
from calib.cli._output import refuse_existing, say
from calib.cli._progress import counting_bar, working
from calib.cli._reading import as_words, opened, opens_sources
from calib.errors import InputError
from calib.reading import AS_IT_IS, Reading

if TYPE_CHECKING:
    from calib._arrays import AnyArray
    from calib.report.subject import Images, Subject
    from calib.sources import Source


@opens_sources
def report(
    sources: Sources,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Page to write, .html.")],
    calibration: Calibration = None,
    group_by: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Also one row a group of examples, by this column of the file.")
    ] = None,
    title: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What stands above it all.", show_default="the models")
    ] = None,
    reading: Reading = AS_IT_IS,
    bins: Bins = 15,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Write a report as one HTML file.

    The verdict and what to ship first, then tables, reliability diagrams, confidences, risk against coverage, classes,
    the most confident mistakes, other bins, tests and provenance. The file needs no network and no other file. Several
    SOURCES are compared, pair by pair where their examples are the same.

    Where the images are at hand, of a run or of --dataset, the mistakes are shown as pictures. The same input gives the
    same bytes; a date is shown only where SOURCE_DATE_EPOCH is set.

    Example: calib report example:cifar10-resnet20-hard example:cifar10-resnet20-smoothed -o report.html
    """
    if output.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"a report is saved as .html, got {output}", help="name a file that ends in .html")
    refuse_existing(output, force=force, inputs=[*sources, calibration])
    if calibration is not None and len(sources) > 1:
        raise InputError("--calibration goes with one SOURCE", help="report the models one by one")
    if twice := next((path for path in sources if sources.count(path) > 1), None):
        raise InputError(f"{twice} is named twice", help="name each model once")
    date = _date()
    from calib.files.atomic import atomic_file
    from calib.files.group_column import column_of_groups
    from calib.report.subject import quoted
    from calib.report.write import render_report

    options = as_words(reading)
    subjects: list[Subject] = []
    splits = []
    for path in sources:
        source = opened(path, reading, calibration=calibration)
        name = source.name if source.name not in (subject.name for subject in subjects) else str(path)
        fitted_on = None if calibration is None else _fitted_on(calibration, reading)
        groups = None if group_by is None else (group_by, column_of_groups(path, group_by))
        subjects.append(_subject(name, source, reading, bins, seed, path, fitted_on, groups))
        splits.append(source.calibration)
    said: dict[str, object] = {"--calibration": calibration, "--group-by": group_by, "--title": title}
    said |= {"--bins": None if bins == 15 else bins, "--seed": seed or None}
    words = [word for option, value in said.items() if value is not None for word in (option, str(value))]
    command = quoted("calib", "report", *map(str, sources), *words, *options, "-o", output.name)
    with counting_bar("sections", before="judging") as tell:
        html = render_report(subjects, splits, title=title, command=command, date=date, on_section=tell)
    with atomic_file(output) as file:
        file.write(html.encode("utf-8"))
    for subject in subjects:
        say(f"{printable(subject.name)}: {subject.diagnosis.verdict}")
    print(output)


def _subject(
    name: str,
    source: "Source",
    reading: Reading,
    bins: int,
    seed: int,
    path: Path,
    fitted_on: str | None,
    groups: "tuple[str, AnyArray] | None",
) -> "Subject":
    from calib.diagnosis import diagnose
    from calib.report.subject import Subject, quoted

    with working(f"judging {source.name}"):
        diagnosis = diagnose(source.test, source.calibration, n_bins=bins, seed=seed)
    return Subject(
        name,
        diagnosis,
        source=quoted(str(path), *as_words(reading)),
        calibration_source=fitted_on,
        held_out=_held_out(path, reading),
        notes=tuple(source.notes),
        groups=groups,
        images=_images(source, reading),
    )


def _fitted_on(calibration: Path, reading: Reading) -> str:
    """The calibration split with the options that open it alone."""
    from calib.report.subject import quoted

    own = Reading(kind=reading.kind, class_names=reading.class_names) if calibration.is_file() else AS_IT_IS
    return quoted(str(calibration), *as_words(own))


def _held_out(path: Path, reading: Reading) -> str | None:
    """The command that saves predictions of other images: of a folder, for only these can be others."""
    from calib.report.subject import HELD_OUT, quoted

    if reading.dataset != "folder":
        return None
    other = replace(reading, data_dir=Path("HELD_OUT_IMAGES"))
    return quoted("calib", "predict", str(path), *as_words(other), "-o", HELD_OUT)


def _images(source: "Source", reading: Reading) -> "Images | None":
    from calib.datasets.pictures import pictures_of

    try:
        return pictures_of(source.test, data_dir=reading.data_dir)
    except InputError as error:
        say(f"note: {printable(source.name)}: mistakes are a table, without pictures: {error}")
        return None


def _date() -> str | None:
    """The day that SOURCE_DATE_EPOCH names: nothing else may put a date into a file that is to be made again."""
    said = os.environ.get("SOURCE_DATE_EPOCH")
    if said is None:
        return None
    try:
        return datetime.fromtimestamp(int(said), UTC).date().isoformat()
    except (ValueError, OverflowError, OSError) as error:
        raise InputError(
            f"SOURCE_DATE_EPOCH is seconds since 1970, got {said!r}", help="set it to such a number, or unset it"
        ) from error
