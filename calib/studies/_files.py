"""What studies leave on disk: a page, tables and pictures in a folder."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

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
    texts: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Write ``NAME.md`` and ``NAME.html`` of ``sections``, a CSV of each of ``tables``, a PNG of each of ``figures``.

    Tables and figures are named by their files without the ending, further ``texts`` by their files.  Raises
    `InputError` where they cannot be written.
    """
    from calib.plots.reliability import save_figure

    folder = Path(folder)
    refuse_foreign(folder, title, page_files(name, tables, figures, texts))
    write_texts(folder, {f"{name}.md": as_markdown(title, sections)})  # first: it says whose the rest is
    for stem, figure in figures.items():
        save_figure(figure, folder / f"{stem}.png")
    csv = {f"{stem}.csv": to_csv(table) for stem, table in tables.items()}
    write_texts(folder, {**csv, **texts, f"{name}.html": as_html(title, sections, folder)})


def page_files(name: str, tables: Iterable[str], figures: Iterable[str], texts: Iterable[str] = ()) -> tuple[str, ...]:
    """The files that `write_page` writes, the page first."""
    return (
        f"{name}.md",
        f"{name}.html",
        *(f"{stem}.csv" for stem in tables),
        *texts,
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
