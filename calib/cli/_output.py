"""Results on stdout, everything else on stderr; tables and files."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from calib._text import printable
from calib.errors import InputError
from calib.export import Format, records, to_csv, to_json, to_latex, to_markdown
from calib.files.atomic import atomic_file, is_device

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 1
ENDINGS: dict[str, Format] = {".txt": "table", ".md": "markdown", ".tex": "latex", ".csv": "csv", ".json": "json"}


def say(message: str) -> None:
    """Print a message for the person at the terminal, on stderr; no name in it can move the cursor or its colour."""
    print("\n".join(printable(line, limit=10_000) for line in message.split("\n")), file=sys.stderr)


def emit(text: str, output: Path | None) -> None:
    """Write a result to ``output``, or to stdout."""
    if output is None:
        sys.stdout.write(text)
        return
    with atomic_file(output) as file:
        file.write(text.encode("utf-8"))
    say(f"wrote {printable(str(output))}")


def refuse_existing(output: Path | None, *, force: bool, inputs: Sequence[Path | None] = ()) -> None:
    """Raise `InputError`, before any work, where a file would be replaced unasked, or an input be replaced at all."""
    if output is None:
        return
    if output.is_dir():
        raise InputError(f"{output} is a folder, a file was expected", help="name a file to write")
    if any(path is not None and output.resolve() in (path.resolve(), *path.resolve().glob("*")) for path in inputs):
        raise InputError(f"{output} is one of the inputs", help="name another --output")
    if output.exists() and not force and not is_device(output):
        raise InputError(f"{output} exists already", help="name another --output, or pass --force to replace it")


def table_format(output: Path | None, format: Format | None, *, json: bool) -> Format:
    """What a table is written as: what was said, else what the ending of ``output`` means, else a table to read.

    Raises `InputError` for an ending that means something else than was said, and for one that means nothing where
    nothing was said.

    >>> table_format(Path("t.csv"), None, json=False), table_format(None, None, json=False)
    ('csv', 'table')
    """
    said: Format | None = "json" if json else format
    if output is None or is_device(output):  # a pipe or a device has no ending to go by
        return said or "table"
    meant = ENDINGS.get(output.suffix.lower())
    if said is None and meant is None:
        endings = ", ".join(f"{ending} ({name})" for ending, name in ENDINGS.items())
        raise InputError(f"a table cannot be saved as {output}", help=f"end it in {endings}, or pass --format")
    if said is not None and meant not in (None, "table", said):
        right, option = next(ending for ending, name in ENDINGS.items() if name == said), f"--format {said}"
        raise InputError(
            f"{output} would hold {said}, and its ending says {meant}",
            help=f"end it in {right}, or leave {'--json' if json else option} out",
        )
    return said or meant or "table"


def refuse_picture(output: Path | None, *, force: bool, inputs: Sequence[Path | None]) -> None:
    """As `refuse_existing`, and where the ending is not that of a picture."""
    if output is not None:
        from calib.plots.reliability import check_suffix

        check_suffix(output)
        refuse_existing(output, force=force, inputs=inputs)


def refuse_picture_as_folder(folder: Path) -> None:
    """Raise `InputError` where a study is to fill a folder that is named like a picture."""
    if folder.suffix.lower() in (".png", ".svg", ".pdf"):
        raise InputError(
            f"without RUN --output is a folder to train into, got {folder}", help="name the runs to draw, or a folder"
        )


def render(format: Format, *, full: "pd.DataFrame", shown: "pd.DataFrame", extra: dict[str, object]) -> str:
    """Put a table into words: ``shown`` (strings) for people, ``full`` (numbers) for machines."""
    if format == "table":
        return text_table(list(shown.columns), shown.to_numpy().tolist())
    if format == "markdown":
        return to_markdown(shown)
    if format == "latex":
        return to_latex(shown)
    if format == "csv":
        return to_csv(full)
    return to_json({"schema": SCHEMA, **extra, "rows": records(full)})


def text_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out a table for the terminal, numbers to the right; on a narrow one ``± sd`` gets a line of its own."""
    from rich.console import Console

    width = Console().width if sys.stdout.isatty() else 1000
    text = _laid_out(columns, rows)
    if max(map(len, text.splitlines())) > width:
        text = _laid_out(columns, [[cell.replace(" ± ", "\n±") for cell in row] for row in rows])
    return text


def _laid_out(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    import io

    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    layout = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for i, name in enumerate(columns):
        cells = [row[i] for row in rows if row[i] != "–"]
        numbers = bool(cells) and all(cell[-1:].isdigit() for cell in cells)
        layout.add_column(Text(str(name)), justify="right" if numbers else "left")
    for row in rows:
        layout.add_row(*(Text(str(cell)) for cell in row))
    console = Console(file=io.StringIO(), width=1000, color_system=None)
    with console.capture() as capture:
        console.print(layout)
    return "\n".join(line.rstrip() for line in capture.get().rstrip().splitlines()) + "\n"
