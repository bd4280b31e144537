"""``calib study smoothing-versus-temperature``: both cures on the same data, with the evidence for each difference."""

from pathlib import Path
from typing import Annotated

import typer

from calib._text import printable
from calib.cli._networks import command_line, numbers, recipe_name, train_networks, words
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
from calib.cli._output import refuse_picture_as_folder, render, say
from calib.export import records

DEFAULT = "fashion-mnist-14"


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
    workers: Workers = None,
    data_dir: DataDir = None,
    device: Device = "cpu",
    format: TableFormat = "table",
    json: Json = False,
    force: Force = False,
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
    from calib.inference import resolve_device
    from calib.studies._files import refuse_foreign
    from calib.studies.settings import PAPERS, SETTINGS, adjusted, setting_named
    from calib.studies.smoothing_differences import differences, readable_differences
    from calib.studies.smoothing_verdict import differences_verdict
    from calib.studies.smoothing_versus_temperature import compare_runs
    from calib.studies.train_all import grid
    from calib.studies.write_comparison import TITLE
    from calib.studies.write_study import FILES, write_study

    device = resolve_device(device)
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
    folder = output or Path(f"smoothing-versus-temperature-{name}")
    refuse_picture_as_folder(folder)
    refuse_foreign(folder, TITLE, FILES)
    configs = grid(chosen.base, smoothing=chosen.smoothing, seeds=range(chosen.seeds), paired_splits=True)
    say(
        f"{len(configs)} networks, {chosen.base.arch} on {chosen.base.dataset}: {chosen.seeds} with each of "
        f"{', '.join(f'α = {alpha:g}' for alpha in chosen.smoothing)}; finished ones are kept."
    )
    runs = train_networks(configs, folder, workers=workers, force=force, data_dir=data_dir, device=device)
    result = compare_runs(runs, calibrators=chosen.calibrators, data_dir=data_dir, device=device)
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
        "workers": workers,
        "device": None if device == "cpu" else device,
    }
    write_study(
        result,
        found,
        folder,
        verdict=verdict,
        configs=list(configs.values()),
        command=command_line("calib study smoothing-versus-temperature", options),
        shown_runs=[run.name for run in runs[: len(chosen.smoothing)]],
    )
    wanted = "json" if json else format
    verdicts = [said for said in (verdict, result.verdict) if said]
    extra: dict[str, object] = {"verdicts": verdicts, "differences": records(found)}
    print(render(wanted, full=result.table, shown=readable(result.table, more=True), extra=extra), end="")
    if wanted in ("table", "markdown", "latex"):
        print(f"\n{render(wanted, full=found, shown=readable_differences(found), extra={})}", end="")
    tell = print if wanted == "table" else say
    tell(f"\n{verdict}\n\n{result.verdict}" if verdict else f"\n{result.verdict}")
    say(f"\nIn {printable(str(folder))}: {len(runs)} run directories, {', '.join(FILES)}")
