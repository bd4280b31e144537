"""``calib train``: train one network into a run directory."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from calib.cli._options import DataDir, Device, Force, Seed, Threads, set_threads
from calib.cli._output import progress_bar, say


def train(
    output: Annotated[Path, typer.Option("--output", "-o", help="Run directory to make.")],
    dataset: Annotated[str, typer.Option(help="Data set; `calib data list` shows them.")] = "digits",
    arch: Annotated[str, typer.Option(help="Architecture, such as resnet20, resnet18-cifar or timm:NAME.")] = "resnet8",
    width: Annotated[
        int | None, typer.Option(help="Channels of the first stage, or hidden units.", show_default="published")
    ] = None,
    smoothing: Annotated[float, typer.Option(help="Label smoothing α in [0, 1); 0 is hard targets.")] = 0.0,
    label_noise: Annotated[float, typer.Option(help="Share of training labels redrawn uniformly.")] = 0.0,
    seed: Seed = 0,
    split_seed: Annotated[int, typer.Option(help="Seed of the split into train, calibration and test.")] = 0,
    train_size: Annotated[int | None, typer.Option(help="Training examples.", show_default="all")] = None,
    calibration_size: Annotated[int | None, typer.Option(help="Calibration examples.", show_default="usual")] = None,
    epochs: Annotated[int, typer.Option(help="Passes over the training data.")] = 40,
    batch_size: Annotated[int, typer.Option(help="Examples a step.")] = 64,
    learning_rate: Annotated[float, typer.Option(help="Peak of the one-cycle schedule.")] = 0.1,
    momentum: Annotated[float, typer.Option(help="Nesterov momentum.")] = 0.9,
    weight_decay: Annotated[float, typer.Option(help="Weight decay.")] = 1e-4,
    data_dir: DataDir = None,
    device: Device = "cpu",
    threads: Threads = None,
    force: Force = False,
) -> None:
    """Train one network into a run directory.

    With hard or smoothed targets; writes checkpoint, predictions, history and config.

    Example: calib train --dataset digits --arch resnet8 --smoothing 0.05 --label-noise 0.4 -o runs/ls05
    """
    from calib.training.config import TrainConfig

    config = TrainConfig(
        dataset=dataset,
        arch=arch,
        width=width,
        smoothing=smoothing,
        label_noise=label_noise,
        seed=seed,
        split_seed=split_seed,
        train_size=train_size,
        calibration_size=calibration_size,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        momentum=momentum,
        weight_decay=weight_decay,
    )
    from calib.inference import resolve_device
    from calib.runs import train_run

    set_threads(threads)
    with progress_bar() as progress:
        task = progress.add_task(f"training {arch} on {dataset}", total=epochs)
        checkpoint = train_run(
            config,
            output,
            data_dir=data_dir,
            device=resolve_device(device),
            force=force,
            on_epoch=lambda done, _: progress.update(task, completed=done),
        )
    last = checkpoint.history[-1]
    say(f"trained {arch} on {dataset}: loss {last['loss']:.3f}, training accuracy {last['accuracy']:.3f}")
    say(f"next: calib evaluate {shlex.quote(str(output))}")
    print(output)
