"""calib data: which data sets there are, where they lie, and how to fetch them."""

from typing import Annotated

import typer

from calib.cli._help import Command
from calib.cli._options import DataDir, OnlyJson
from calib.cli._output import SCHEMA
from calib.export import to_json

app = typer.Typer(help="List the data sets and fetch them.", no_args_is_help=True)


@app.command("download", cls=Command)
def download_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name of `calib data list`; digits is built in.")],
    data_dir: DataDir = None,
) -> None:
    """Fetch a data set.

    Takes it from its official address and prints its folder; a broken transfer resumes.

    Example: calib data download cifar10
    """
    import sys

    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    from calib.datasets.download import download

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as bar:
        task = bar.add_task(name, total=None)
        folder = download(
            name, data_dir=data_dir, progress=lambda done, total: bar.update(task, completed=done, total=total)
        )
    typer.echo(str(folder))


@app.command("list", cls=Command)
def list_command(
    data_dir: DataDir = None,
    json: OnlyJson = False,
) -> None:
    """Name every data set.

    With its size, and where it was found.

    Example: calib data list --data-dir data
    """
    from calib.datasets import DATASETS, dataset_entry

    rows = []
    for entry in map(dataset_entry, DATASETS):
        folder = entry.find(data_dir)
        rows.append(
            {
                "name": entry.name,
                "images": entry.n_images,
                "shape": list(entry.shape),
                "classes": entry.n_classes,
                "found": None if folder is None else str(folder),
            }
        )
    if json:
        typer.echo(to_json({"schema": SCHEMA, "rows": rows}), nl=False)
    else:
        _print_table(rows)


def _print_table(rows: list[dict[str, object]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for title in ("name", "images", "size", "classes"):
        table.add_column(title, justify="left" if title == "name" else "right", no_wrap=True)
    table.add_column("found in", overflow="fold")
    for row in rows:
        shape = row["shape"]
        size = " × ".join(map(str, shape)) if isinstance(shape, list) else ""
        where = Text(str(row["found"] or "-"))  # Text, so that a path with [brackets] is no markup
        table.add_row(str(row["name"]), f"{row['images']:,}", size, str(row["classes"]), where)
    Console().print(table)
