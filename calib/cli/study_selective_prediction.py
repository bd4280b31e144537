"""``calib study selective-prediction``: how many examples can be answered at a given risk, hard and smoothed."""

from pathlib import Path
from typing import Annotated

import typer

from calib._text import printable
from calib.cli._networks import command_line, numbers, recipe_name, train_networks
from calib.cli._options import (
    DataDir,
    Device,
    Epochs,
    Force,
    Json,
    OtherDataset,
    Seeds,
    SmallSetting,
    Smoothings,
    TableFormat,
    Workers,
)
from calib.cli._output import emit, refuse_picture, refuse_picture_as_folder, render, say
from calib.errors import InputError
from calib.export import records

DEFAULT = "fashion-mnist-14"


def selective_prediction(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="RUN", help="Run directories or example:NAME; without any, networks are trained."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="With RUN: the picture, .png, .svg or .pdf. Without: the folder to train into and to fill.",
            show_default="none; selective-prediction-SETTING",
        ),
    ] = None,
    setting: SmallSetting = None,
    paper: Annotated[str | None, typer.Option(metavar="NAME", help="The recipe of a paper instead: xia.")] = None,
    dataset: OtherDataset = None,
    arch: Annotated[
        str | None, typer.Option(metavar="NAME", help="Another architecture.", show_default="the setting's")
    ] = None,
    smoothing: Smoothings = None,
    seeds: Seeds = None,
    epochs: Epochs = None,
    risk: Annotated[float, typer.Option(min=0, max=1, metavar="X", help="Largest share of wrong answers.")] = 0.05,
    coverage: Annotated[float, typer.Option(min=0.01, max=1, metavar="X", help="Share of examples to answer.")] = 0.8,
    workers: Workers = None,
    data_dir: DataDir = None,
    device: Device = "cpu",
    format: TableFormat = "table",
    json: Json = False,
    force: Force = False,
) -> None:
    """Answer only where the network is sure.

    Ranks the test examples by softmax confidence, without and with a temperature, and by the p-norm of the logits, and
    measures risk against coverage. Without RUN {hard, each α} × seeds are trained; finished runs are kept.

    Example: calib study selective-prediction example:cifar10-resnet20-hard example:cifar10-resnet20-smoothed
    """
    from calib.inference import resolve_device
    from calib.plots.reliability import save_figure
    from calib.studies._contrasts import contrast_table, readable_contrasts
    from calib.studies._files import refuse_foreign
    from calib.studies.selective_prediction import PAPERS, SETTINGS, contrasts, rank_runs, scores
    from calib.studies.settings import adjusted, setting_named
    from calib.studies.train_all import grid
    from calib.studies.write_selective_prediction import (
        FILES,
        TITLE,
        chart,
        readable_rankings,
        verdict,
        write_selective_prediction,
    )

    wanted, device = "json" if json else format, resolve_device(device)
    training = {
        "setting": setting,
        "paper": paper,
        "dataset": dataset,
        "arch": arch,
        "smoothing": smoothing,
        "seeds": seeds,
        "epochs": epochs,
    }
    if runs:
        if given := [name for name, value in training.items() if value is not None]:
            raise InputError(f"--{given[0]} is of networks to train, RUN names trained ones", help="leave one out")
        refuse_picture(output, force=force, inputs=runs)
        result = rank_runs(runs, risk=risk, coverage=coverage, data_dir=data_dir, device=device)
        for note in result.notes:
            say(f"note: {printable(note)}")
        if output is not None:
            save_figure(chart(result), output)
            say(f"wrote {printable(str(output))}")
        emit(render(wanted, full=result.table, shown=readable_rankings(result.table), extra={}), None)
        return
    name = recipe_name(setting, paper, DEFAULT)
    chosen = adjusted(
        setting_named(name, PAPERS if paper else SETTINGS),
        dataset=dataset,
        arch=arch,
        epochs=epochs,
        smoothing=numbers(smoothing, "--smoothing"),
        seeds=seeds,
    )
    folder = output or Path(f"selective-prediction-{name}")
    refuse_picture_as_folder(folder)
    refuse_foreign(folder, TITLE, FILES)
    networks = grid(chosen.base, smoothing=chosen.smoothing, seeds=range(chosen.seeds), paired_splits=True)
    say(
        f"{len(networks)} networks, {chosen.base.arch} on {chosen.base.dataset}: {chosen.seeds} with each of "
        f"{', '.join(f'α = {alpha:g}' for alpha in chosen.smoothing)}; finished ones are kept."
    )
    paths = train_networks(networks, folder, workers=workers, force=force, data_dir=data_dir, device=device)
    result = rank_runs(paths, risk=risk, coverage=coverage, data_dir=data_dir, device=device)
    questions = contrast_table(result.table, contrasts(result.table), scores(result.table))
    rest = {"workers": workers, "device": None if device == "cpu" else device}
    chances = {"risk": None if risk == 0.05 else risk, "coverage": None if coverage == 0.8 else coverage}
    command = command_line("calib study selective-prediction", {**training, **chances, **rest})
    write_selective_prediction(result, questions, folder, runs=paths, configs=list(networks.values()), command=command)
    said = verdict(result.table, questions)
    extra: dict[str, object] = {"verdicts": [said] if said else [], "questions": records(questions)}
    emit(render(wanted, full=result.table, shown=readable_rankings(result.table), extra=extra), None)
    if wanted in ("table", "markdown", "latex"):
        emit(f"\n{render(wanted, full=questions, shown=readable_contrasts(questions), extra={})}", None)
    if said:
        say(f"\n{said}")
    say(f"\nIn {printable(str(folder))}: {len(paths)} run directories, {', '.join(FILES)}")
