"""``calib train``: train one network into a run directory."""

import os
import shlex
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from calib.cli._options import DataDir, Device, Force, Threads, set_threads, taking
from calib.cli._output import say
from calib.cli._progress import progress_bar
from calib.cli._training_config import configured
from calib.cli._training_progress import TrainingProgress
from calib.cli.per_class import MANY, per_class_text
from calib.training.config import TrainConfig
from calib.training.finished import is_finished

if TYPE_CHECKING:
    from calib.training.checkpoint import Checkpoint

STANDARD = TrainConfig(dataset="digits")


@partial(taking, "settings", configured)
def train(
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FOLDER", help="Run directory.", show_default="runs/DATASET-ARCH-KEY"),
    ] = None,
    settings: TrainConfig = STANDARD,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Write TensorBoard events too.")] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with what is there; leave it if it is finished.")
    ] = False,
    data_dir: DataDir = None,
    device: Device = "cpu",
    threads: Threads = None,
    force: Force = False,
) -> None:
    """Train one network into a run directory.

    With hard or smoothed targets, or others; a preset, then --config, then the options decide. The checkpoint is
    written after every epoch (once a second where they are shorter), so that --resume goes on after any interruption;
    predictions and done.json come last.
    Under `torchrun --nproc-per-node=N -m calib train ...` the processes share every batch.

    Example: calib train --dataset digits --arch resnet8 --smoothing 0.05 --label-noise 0.4 -o runs/ls05
    """
    folder = output or Path("runs") / f"{settings.dataset}-{settings.arch.replace(':', '-')}-{settings.key}"
    if resume and not force and is_finished(settings, folder):
        if os.environ.get("RANK", "0") == "0":  # of torchrun's processes one speaks
            say(f"{folder} is finished already: nothing was trained")
            _report(folder)
        return
    from calib.files.run_folder import EVENTS
    from calib.inference import resolve_device
    from calib.runs import train_run
    from calib.training.events import EventWriter
    from calib.training.ranks import joined_ranks

    set_threads(threads)
    device = resolve_device(device)
    with joined_ranks(device=device) as ranks, progress_bar() as progress, ExitStack() as stack:
        shown = TrainingProgress(progress, f"{settings.arch} on {settings.dataset}") if ranks.is_first else None
        if shown is not None and tensorboard:
            shown.events = stack.enter_context(EventWriter(folder / EVENTS))
        checkpoint = train_run(
            settings,
            folder,
            data_dir=data_dir,
            device=device,
            force=force,
            resume=resume,
            ranks=ranks,
            on_step=None if shown is None else shown.step,
            on_epoch=None if shown is None else shown.epoch,
        )
    if ranks.is_first:
        _draw(checkpoint, folder)
        _report(folder)


def _draw(checkpoint: "Checkpoint", folder: Path) -> None:
    """Draw the training curves into the run."""
    from calib.files.run_folder import FIGURE
    from calib.plots.reliability import save_figure
    from calib.plots.training_curves import training_figure
    from calib.targets import target_entropy

    config, last = checkpoint.config, checkpoint.history[checkpoint.kept_epoch - 1]
    objective, floor = _objective(config), None
    if objective == f"smoothed targets, α = {config.smoothing:g}":
        floor = target_entropy(config.smoothing, len(checkpoint.class_names))
    title = f"{config.arch} on {config.dataset}"
    figure = training_figure(checkpoint.history, title=title, objective=objective, loss_floor=floor)
    save_figure(figure, folder / FIGURE)
    say(
        f"trained {config.arch} on {config.dataset}: loss {last['loss']:.3f}, training accuracy "
        f"{last['accuracy']:.3f}, held out {last['calibration_accuracy']:.3f}; curves in {folder / FIGURE}"
    )


def _report(folder: Path) -> None:
    """Print the report of the classes, and last of all the folder."""
    from calib.files.npz import load_predictions
    from calib.files.run_folder import TEST

    test = load_predictions(folder / TEST)
    print(per_class_text(test, folder.name, worst=None if test.n_classes <= MANY else 20))
    say(f"next: calib evaluate {shlex.quote(str(folder))}")
    print(folder)


def _objective(config: TrainConfig) -> str | None:
    """What the training loss is, where it is not the NLL of the data set's own labels."""
    parts = {
        f"smoothed targets, α = {config.smoothing:g}": config.smoothing,
        f"label noise {config.label_noise:g}": config.label_noise,
        "labels of a file": config.labels_file,
        f"mixup {config.mixup:g}": config.mixup,
        f"focal loss, γ = {config.focal_gamma:g}": config.focal_gamma,
        "margin penalty": config.margin is not None,
        "distillation": config.teacher,
    }
    return ", ".join(name for name, given in parts.items() if given) or None
