"""``calib demo``: the whole comparison on real handwritten digits, in about a minute."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from calib.cli._networks import train_networks
from calib.cli._options import Force
from calib.cli._output import render, say

SMOOTHING = (0.0, 0.05, 0.1)


def demo(
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FOLDER", help="Folder to fill.", show_default="calib-demo[-noise-…]"),
    ] = None,
    label_noise: Annotated[
        float, typer.Option(metavar="X", help="Share of training labels redrawn uniformly; 0 is clean.")
    ] = 0.4,
    seeds: Annotated[int, typer.Option(min=1, metavar="N", help="Networks a setting.")] = 3,
    epochs: Annotated[int, typer.Option(min=1, metavar="N", help="Passes over the 600 training images.")] = 40,
    workers: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Processes that train.", show_default="one a core")
    ] = None,
    force: Force = False,
) -> None:
    """Compare both cures on handwritten digits.

    Trains ResNets with hard and smoothed targets, fits temperatures and compares. Needs no download. Writes run
    directories, comparison.md, comparison.csv and reliability.png into one folder; finished runs are kept, so that
    running it again is quick.

    Example: calib demo --label-noise 0 --seeds 2
    """
    from calib.training.config import TrainConfig

    folder = output or Path("calib-demo" if label_noise == 0.4 else f"calib-demo-noise-{label_noise:g}")
    base = TrainConfig(dataset="digits", arch="resnet8", width=8, label_noise=label_noise, epochs=epochs)
    from calib.export import readable
    from calib.studies._files import refuse_foreign
    from calib.studies.smoothing_versus_temperature import compare_runs
    from calib.studies.train_all import grid
    from calib.studies.write_comparison import FILES, TITLE, write_comparison

    refuse_foreign(folder, TITLE, FILES)
    configs = grid(base, smoothing=SMOOTHING, seeds=range(seeds))
    say(
        f"Training {len(configs)} ResNet-8 on 600 handwritten digits, {label_noise:.0%} of the training labels "
        f"redrawn: {seeds} with hard targets, and {seeds} with each of "
        f"{', '.join(f'α = {alpha:g}' for alpha in SMOOTHING if alpha)}."
    )
    runs = train_networks(configs, folder, workers=workers, force=force, data_dir=None)
    result = compare_runs(runs)
    command = f"calib demo --label-noise {label_noise:g} --seeds {seeds} --epochs {epochs}"
    write_comparison(result, folder, command=command, shown_runs=[run.name for run in runs[: len(SMOOTHING)]])
    print(render("table", full=result.table, shown=readable(result.table), extra={}))
    print(result.verdict)
    print(f"\nIn {folder}: {len(runs)} run directories, comparison.md, comparison.csv, reliability.png")
    say(f"next: calib evaluate {shlex.quote(str(runs[0]))}")
