"""``calib study wrong-labels``: both cures where training labels are wrong, judged on labels that are right."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from calib._text import printable
from calib.cli._networks import numbers, recipe_name, words
from calib.cli._options import (
    Epochs,
    OtherDataset,
    Seeds,
    SmallSetting,
    Smoothings,
)
from calib.cli._output import say
from calib.cli._progress import counting_bar
from calib.cli._study import ALONE, Work, filled, studies, study_folder
from calib.errors import InputError
from calib.export import records

DEFAULT = "fashion-mnist-14"


@studies
def wrong_labels(
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FOLDER", help="Folder to fill.", show_default="wrong-labels-SETTING"),
    ] = None,
    setting: SmallSetting = None,
    paper: Annotated[str | None, typer.Option(metavar="NAME", help="The recipe of a paper instead: lukasik.")] = None,
    dataset: OtherDataset = None,
    noise: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Such as clean,symmetric-0.2,asymmetric-0.4.", show_default="the setting's"),
    ] = None,
    labels_file: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="One more noise: labels of people, such as CIFAR-N's .pt file."),
    ] = None,
    labels_key: Annotated[str | None, typer.Option(metavar="NAME", help="Which labels of that file.")] = None,
    smoothing: Smoothings = None,
    seeds: Seeds = None,
    epochs: Epochs = None,
    work: Work = ALONE,
) -> None:
    """Train on wrong labels, judge on right ones.

    Trains {each noise} × {hard, each α} × seeds; every network is judged on clean test labels as it is, with a
    temperature of clean calibration labels, and with one of calibration labels as wrong as those of the training.
    Writes run directories, wrong-labels.md, .html and .csv, runs.csv, differences.csv and a chart into one folder;
    finished runs are kept, interrupted ones go on.

    Example: calib study wrong-labels --setting digits --noise clean,symmetric-0.4 --smoothing 0,0.1
    """
    from calib.studies.settings import changed, check_smoothing, setting_named
    from calib.studies.smoothing_differences import differences
    from calib.studies.smoothing_verdict import differences_verdict
    from calib.studies.write_wrong_labels import FILES, TITLE, readable_overview, write_wrong_labels
    from calib.studies.wrong_labels import PAPERS, SETTINGS, Noise, check_labels, compare_noise, configs, noise_named

    name = recipe_name(setting, paper, DEFAULT)
    chosen = setting_named(name, PAPERS if paper else SETTINGS)
    noises = chosen.noises if noise is None else tuple(noise_named(word) for word in words(noise))
    if labels_key is not None and labels_file is None:
        raise InputError("--labels-key is of a file, but there is no --labels-file", help="give --labels-file")
    if labels_file is not None:
        noises = (*noises, Noise(labels_file=labels_file, labels_key=labels_key))
    if not noises:
        raise InputError("--noise names no label noise", help="such as clean,symmetric-0.2")
    alphas = chosen.smoothing if smoothing is None else check_smoothing(numbers(smoothing, "--smoothing") or [])
    base = changed(chosen.base, dataset=dataset, epochs=epochs)
    chosen = replace(chosen, base=base, noises=noises, smoothing=alphas, seeds=seeds or chosen.seeds)
    networks = configs(chosen)
    check_labels(chosen, data_dir=work.data_dir)
    folder = study_folder(output, f"wrong-labels-{name}", title=TITLE, files=FILES)
    say(
        f"{len(networks)} networks, {base.arch} on {base.dataset}: {chosen.seeds} with each of "
        f"{', '.join(f'α = {alpha:g}' for alpha in alphas)} and {', '.join(one.name for one in noises)} labels; "
        "finished ones are kept."
    )
    runs = work.train(networks, folder)
    comparisons, found = {}, {}
    with counting_bar("noises") as on_progress:
        for i, one in enumerate(noises):
            on_progress(i, len(noises))
            comparisons[one.name] = compare_noise(one, chosen, folder, data_dir=work.data_dir, device=work.device)
            found[one.name] = differences(comparisons[one.name])
    options = {
        "setting": setting,
        "paper": paper,
        "dataset": dataset,
        "noise": noise,
        "labels_file": labels_file and Path(labels_file).name,
        "labels_key": labels_key,
        "smoothing": smoothing,
        "seeds": seeds,
        "epochs": epochs,
    }
    command = work.command("wrong-labels", options)
    table = write_wrong_labels(comparisons, found, folder, configs=networks, command=command)
    verdicts = {label: differences_verdict(table, f"{printable(label)} labels") for label, table in found.items()}
    work.show(
        (table, readable_overview),
        verdicts=list(filter(None, verdicts.values())),
        differences=[row for label, one in found.items() for row in records(one.assign(noise=label))],
    )
    for verdict in filter(None, verdicts.values()):
        say(f"\n{verdict}")
    filled(folder, len(runs), FILES)
