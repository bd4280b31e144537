"""``calib study smoothing-versus-temperature``: both cures on the same data, with the evidence for each difference."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from calib.cli._networks import numbers, recipe_name, words
from calib.cli._options import (
    Epochs,
    OtherDataset,
    Seeds,
    SmallSetting,
    Smoothings,
)
from calib.cli._output import say
from calib.cli._study import ALONE, Work, filled, studies, study_folder
from calib.export import records

DEFAULT = "fashion-mnist-14"


@studies
def smoothing_versus_temperature(
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Folder to fill.",
            show_default="smoothing-versus-temperature-SETTING",
        ),
    ] = None,
    setting: SmallSetting = None,
    paper: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The recipe of a paper instead: guo, muller or mukhoti."),
    ] = None,
    dataset: OtherDataset = None,
    arch: Annotated[
        str | None, typer.Option(metavar="NAME", help="Another architecture.", show_default="the setting's")
    ] = None,
    smoothing: Smoothings = None,
    seeds: Seeds = None,
    epochs: Epochs = None,
    calibrators: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Methods beside temperature, with commas.", show_default="the setting's"),
    ] = None,
    work: Work = ALONE,
) -> None:
    """Smoothing or temperature?

    Trains {hard, each α} × seeds and compares.

    Every network is judged as it is, with a temperature and with the calibrators asked for, all fitted on its
    calibration split; differences from hard targets with a temperature come with intervals over seeds and over test
    examples. Nothing is chosen on the test split. Seed s has split s. Writes run directories, comparison.md, .csv,
    .tex and .html, differences.csv, runs.csv and two charts into one folder; finished runs are kept, interrupted ones
    go on.

    Example: calib study smoothing-versus-temperature --setting digits --workers 1 -o study
    """
    from calib.export import readable
    from calib.studies.settings import PAPERS, SETTINGS, adjusted, setting_named
    from calib.studies.smoothing_differences import differences, readable_differences
    from calib.studies.smoothing_verdict import differences_verdict
    from calib.studies.smoothing_versus_temperature import compare_runs
    from calib.studies.train_all import grid
    from calib.studies.write_comparison import TITLE
    from calib.studies.write_study import FILES, write_study

    name = recipe_name(setting, paper, DEFAULT)
    chosen = adjusted(
        setting_named(name, PAPERS if paper else SETTINGS),
        dataset=dataset,
        arch=arch,
        epochs=epochs,
        smoothing=numbers(smoothing, "--smoothing"),
        seeds=seeds,
        calibrators=None if calibrators is None else words(calibrators),
    )
    folder = study_folder(output, f"smoothing-versus-temperature-{name}", title=TITLE, files=FILES)
    configs = grid(chosen.base, smoothing=chosen.smoothing, seeds=range(chosen.seeds), paired_splits=True)
    say(
        f"{len(configs)} networks, {chosen.base.arch} on {chosen.base.dataset}: {chosen.seeds} with each of "
        f"{', '.join(f'α = {alpha:g}' for alpha in chosen.smoothing)}; finished ones are kept."
    )
    runs = work.train(configs, folder)
    result = compare_runs(runs, calibrators=chosen.calibrators, data_dir=work.data_dir, device=work.device)
    found = differences(result)
    verdict = differences_verdict(found, chosen.base.dataset)
    options = {
        "setting": setting,
        "paper": paper,
        "dataset": dataset,
        "arch": arch,
        "smoothing": smoothing,
        "seeds": seeds,
        "epochs": epochs,
        "calibrators": calibrators,
    }
    write_study(
        result,
        found,
        folder,
        verdict=verdict,
        configs=list(configs.values()),
        command=work.command("smoothing-versus-temperature", options),
        shown_runs=[run.name for run in runs[: len(chosen.smoothing)]],
    )
    work.show(
        (result.table, partial(readable, more=True)),
        (found, readable_differences),
        verdicts=[said for said in (verdict, result.verdict) if said],
        differences=records(found),
    )
    tell = print if work.format == "table" else say
    tell(f"\n{verdict}\n\n{result.verdict}" if verdict else f"\n{result.verdict}")
    filled(folder, len(runs), FILES)
