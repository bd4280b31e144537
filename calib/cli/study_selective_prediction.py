"""``calib study selective-prediction``: how many examples can be answered at a given risk, hard and smoothed."""

from pathlib import Path
from typing import Annotated

import typer

from calib._text import printable
from calib.cli._networks import numbers, recipe_name
from calib.cli._options import (
    Epochs,
    OtherDataset,
    Seeds,
    SmallSetting,
    Smoothings,
)
from calib.cli._output import refuse_picture, say
from calib.cli._study import ALONE, Work, filled, studies, study_folder
from calib.errors import InputError
from calib.export import records

DEFAULT = "fashion-mnist-14"


@studies
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
    work: Work = ALONE,
) -> None:
    """Answer only where the network is sure.

    Ranks the test examples by softmax confidence, without and with a temperature, and by the p-norm of the logits, and
    measures risk against coverage. Without RUN {hard, each α} × seeds are trained; finished runs are kept.

    Example: calib study selective-prediction example:cifar10-resnet20-hard example:cifar10-resnet20-smoothed
    """
    from calib.plots.reliability import save_figure
    from calib.studies._contrasts import contrast_table, readable_contrasts
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
        refuse_picture(output, force=work.force, inputs=runs)
        result = rank_runs(runs, risk=risk, coverage=coverage, data_dir=work.data_dir, device=work.device)
        for note in result.notes:
            say(f"note: {printable(note)}")
        if output is not None:
            save_figure(chart(result), output)
            say(f"wrote {printable(str(output))}")
        work.show((result.table, readable_rankings))
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
    folder = study_folder(output, f"selective-prediction-{name}", title=TITLE, files=FILES)
    networks = grid(chosen.base, smoothing=chosen.smoothing, seeds=range(chosen.seeds), paired_splits=True)
    say(
        f"{len(networks)} networks, {chosen.base.arch} on {chosen.base.dataset}: {chosen.seeds} with each of "
        f"{', '.join(f'α = {alpha:g}' for alpha in chosen.smoothing)}; finished ones are kept."
    )
    paths = work.train(networks, folder)
    result = rank_runs(paths, risk=risk, coverage=coverage, data_dir=work.data_dir, device=work.device)
    questions = contrast_table(result.table, contrasts(result.table), scores(result.table))
    chances = {"risk": None if risk == 0.05 else risk, "coverage": None if coverage == 0.8 else coverage}
    command = work.command("selective-prediction", {**training, **chances})
    write_selective_prediction(result, questions, folder, runs=paths, configs=list(networks.values()), command=command)
    said = verdict(result.table, questions)
    work.show(
        (result.table, readable_rankings),
        (questions, readable_contrasts),
        verdicts=[said] if said else [],
        questions=records(questions),
    )
    if said:
        say(f"\n{said}")
    filled(folder, len(paths), FILES)
