"""``calib study projections``: three classes on the plane of their templates, in the layer before the last."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from calib._text import printable
from calib.cli._networks import command_line, train_networks
from calib.cli._options import DataDir, Device, Force, Json, Seeds, TableFormat, Threads, Workers, set_threads
from calib.cli._output import emit, refuse_picture, refuse_picture_as_folder, render, say
from calib.errors import InputError

if TYPE_CHECKING:
    from calib.studies.projection_networks import Setting


def projections(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="RUN", help="Run directories or checkpoints; without any, networks are trained."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="With RUN: the picture, .png, .svg or .pdf. Without: the folder to train into and to fill.",
            show_default="none; calib-projections",
        ),
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Three classes by name or number, with commas between.",
            show_default="the first three",
        ),
    ] = None,
    per_class: Annotated[
        int, typer.Option(min=1, metavar="N", help="Examples a class and split, the first ones.")
    ] = 100,
    paper: Annotated[
        Literal["cifar10-alexnet", "cifar100-resnet56"] | None,
        typer.Option(help="Train the networks of Müller et al. instead; takes a GPU.", show_default="digits, small"),
    ] = None,
    seeds: Seeds = None,
    workers: Workers = None,
    format: TableFormat = "table",
    json: Json = False,
    data_dir: DataDir = None,
    device: Device = "cpu",
    threads: Threads = None,
    force: Force = False,
) -> None:
    """Project the penultimate layer.

    As in Müller et al. (2019), Figure 1: the examples of three classes on the plane of their templates, training split
    on the left, test split on the right; and a table of scatter, distances and logit gaps. Without RUN two small
    networks a seed are trained on digits, hard and with α = 0.1; finished runs are kept.

    Example: calib study projections runs/hard runs/ls01 --classes airplane,automobile,bird -o figure.png
    """
    if runs and (paper is not None or seeds is not None):
        raise InputError("--paper and --seeds train networks, RUN names trained ones", help="leave out one of the two")
    from calib.inference import resolve_device
    from calib.plots.projection import projection_figure
    from calib.plots.reliability import save_figure
    from calib.studies.projection_networks import SMOOTHING
    from calib.studies.projections import project_runs
    from calib.studies.write_projections import FILES, readable, write_projections

    set_threads(threads)
    device = resolve_device(device)
    chosen = None if classes is None else classes.split(",")
    if runs:
        refuse_picture(output, force=force, inputs=runs)
        result = project_runs(runs, classes=chosen, per_class=per_class, data_dir=data_dir, device=device)
        if output is not None:
            save_figure(projection_figure(result.rows, result.class_names), output)
            say(f"wrote {printable(str(output))}")
    else:
        setting = _setting(paper, chosen, seeds, data_dir)
        folder = output or Path("calib-projections")
        trained = _train(setting, folder, workers=workers, data_dir=data_dir, device=device, force=force)
        result = project_runs(trained, classes=setting.classes, per_class=per_class, data_dir=data_dir, device=device)
        options = {"paper": paper, "seeds": setting.seeds, "classes": ",".join(result.class_names)}
        command = command_line("calib study projections", {**options, "per_class": per_class})
        write_projections(result, folder, command=command, shown=len(SMOOTHING))
        say(f"In {printable(str(folder))}: {len(trained)} run directories, {', '.join(FILES)}")
    for note in result.notes:
        say(f"note: {printable(note)}")
    extra: dict[str, object] = {"classes": list(result.class_names), "notes": list(result.notes)}
    emit(render("json" if json else format, full=result.table, shown=readable(result.table), extra=extra), None)


def _setting(paper: str | None, classes: list[str] | None, seeds: int | None, data_dir: Path | None) -> "Setting":
    """What to train, with classes that are known to be there."""
    from calib.datasets import load_dataset
    from calib.studies.projection_networks import SETTINGS
    from calib.studies.projections import chosen_classes

    setting = SETTINGS[paper or "small"]
    if seeds is not None:
        setting = replace(setting, seeds=seeds)
    names = load_dataset(setting.base.dataset, data_dir=data_dir).class_names
    return replace(setting, classes=tuple(names[c] for c in chosen_classes(classes or setting.classes, names)))


def _train(setting: "Setting", folder: Path, *, force: bool, **where: Any) -> list[Path]:
    refuse_picture_as_folder(folder)
    from calib.studies._files import refuse_foreign
    from calib.studies.projection_networks import configs
    from calib.studies.write_projections import FILES, TITLE

    refuse_foreign(folder, TITLE, FILES)
    networks = configs(setting)
    say(f"Training {len(networks)} {setting.base.arch} on {setting.base.dataset}, hard and smoothed.")
    return train_networks(networks, folder, force=force, **where)
