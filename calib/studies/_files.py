"""What studies leave on disk: a page, tables and pictures in a folder, and what made them."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from calib.environment import commit, hardware, versions
from calib.errors import InputError
from calib.export import to_csv
from calib.files.atomic import atomic_file
from calib.studies._page import Section, as_html, as_markdown

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def write_page(
    folder: Path | str,
    name: str,
    title: str,
    sections: Sequence[Section],
    *,
    tables: Mapping[str, "pd.DataFrame"],
    figures: Mapping[str, "Figure"],
) -> None:
    """Write ``NAME.md`` and ``NAME.html`` of ``sections``, a CSV of each of ``tables``, a PNG of each of ``figures``.

    Tables and figures are named by their files without the ending.  Raises `InputError` where they cannot be written.
    """
    from calib.plots.reliability import save_figure

    folder = Path(folder)
    refuse_foreign(folder, title, page_files(name, tables, figures))
    write_texts(folder, {f"{name}.md": as_markdown(title, sections)})  # first: it says whose the rest is
    for stem, figure in figures.items():
        save_figure(figure, folder / f"{stem}.png")
    texts = {f"{stem}.csv": to_csv(table) for stem, table in tables.items()}
    write_texts(folder, {**texts, f"{name}.html": as_html(title, sections, folder)})


def page_files(name: str, tables: Iterable[str], figures: Iterable[str]) -> tuple[str, ...]:
    """The files that `write_page` writes, the page first."""
    return (
        f"{name}.md",
        f"{name}.html",
        *(f"{stem}.csv" for stem in tables),
        *(f"{stem}.png" for stem in figures),
    )


def write_texts(folder: Path, texts: Mapping[str, str]) -> None:
    """Write each text into ``folder`` under its name."""
    for name, text in texts.items():
        with atomic_file(folder / name) as file:
            file.write(text.encode("utf-8"))


def refuse_foreign(folder: Path | str, title: str, names: Sequence[str]) -> None:
    """Raise `InputError` where ``folder`` holds files of these names and no page of this title, the first of them."""
    page = Path(folder) / names[0]
    there = [name for name in names if (Path(folder) / name).exists()]
    text = page.read_text(encoding="utf-8", errors="replace") if page.is_file() else ""
    if there and not (text.partition("\n")[0] == f"# {title}" and "Made by `calib " in text):
        raise InputError(f"{folder} holds a {there[0]} that is not calib's", help="name another --output")


def trained_with(run: Path) -> dict[str, str]:
    """Versions and hardware that trained a finished run, as its predictions say."""
    from calib.files.npz import load_predictions
    from calib.files.run_folder import TEST

    return dict(load_predictions(run / TEST).provenance.get("versions", {}))


def same_test_examples(runs: Sequence[Path]) -> bool:
    """Whether finished runs were tested on the same labels in the same order."""
    import numpy as np

    from calib.files.npz import load_predictions
    from calib.files.run_folder import TEST

    first, *others = (load_predictions(run / TEST).labels for run in runs)
    return all(np.array_equal(first, other) for other in others)


def made_by(command: str, trained_with: Mapping[str, str] | None = None) -> str:
    """The command, commit, machine and versions behind the numbers, as a paragraph."""
    with_versions = ", ".join(f"{name} {number}" for name, number in (trained_with or versions()).items())
    return (
        f"Made by `{command}`, commit {commit()}, on {hardware()}; "
        f"{'networks trained with ' if trained_with else ''}{with_versions}."
    )
