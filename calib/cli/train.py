"""``calib train``: train one network into a run directory."""

import json
import os
import shlex
import tomllib
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from calib.cli._help import RUNNING
from calib.cli._options import DataDir, Device, Force, Threads, set_threads
from calib.cli._output import say
from calib.cli._progress import progress_bar
from calib.cli._training_progress import TrainingProgress
from calib.cli.per_class import MANY, per_class_text
from calib.errors import InputError
from calib.files.plain_file import check_file
from calib.training.config import TrainConfig
from calib.training.finished import is_finished
from calib.training.presets import PRESETS, preset_fields

if TYPE_CHECKING:
    from calib.training.checkpoint import Checkpoint

LARGEST = 1 << 20  # bytes of a config
DATA, TARGETS, WRONG = "Data and network", "Targets and loss", "Wrong labels"
TEACHER, OPTIMISER, AUGMENT = "Distillation", "Optimisation", "Augmentation"
_DEFAULTS = {field.name: field.default for field in fields(TrainConfig)}
_METAVARS = {"str": "NAME", "int": "N", "float": "X"}  # by type; a switch has none
_SPECIAL = {"labels_file": "FILE", "teacher": "RUN", "milestones": "NUMBERS"}


def _field(group: str, name: str, help: str, shown: str | None = None) -> Any:
    """An option for a field of `TrainConfig`: not given, it leaves the preset's or the config's value alone."""
    default = shown or str(_DEFAULTS[name])
    shown_default = {"False": "no"}.get(default, default)
    kind = str(TrainConfig.__annotations__[name]).partition(" |")[0]
    metavar = _SPECIAL.get(name, _METAVARS.get(kind.removeprefix("<class '").removesuffix("'>")))
    return typer.Option(
        metavar=metavar, help=help, show_default=default != "None" and shown_default, rich_help_panel=group
    )


def train(
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FOLDER", help="Run directory.", show_default="runs/DATASET-ARCH-KEY"),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(metavar="NAME", help=f"Recipe to start from: {', '.join(PRESETS)}."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="TOML or JSON with fields, such as a run's config.json."),
    ] = None,
    dataset: Annotated[str | None, _field(DATA, "dataset", "Data set; `calib data list` shows them.", "digits")] = None,
    arch: Annotated[
        str | None, _field(DATA, "arch", "Architecture, such as resnet20, resnet18-cifar or timm:NAME.")
    ] = None,
    width: Annotated[
        int | None, _field(DATA, "width", "Channels of the first stage, or hidden units.", "published")
    ] = None,
    smoothing: Annotated[
        float | None, _field(TARGETS, "smoothing", "Label smoothing α in [0, 1); 0 is hard targets.")
    ] = None,
    target_rows: Annotated[
        bool | None, _field(TARGETS, "target_rows", "Smooth by explicit target rows, not by the loss argument.")
    ] = None,
    label_noise: Annotated[
        float | None, _field(WRONG, "label_noise", "Share of training labels redrawn, or moved to a similar class.")
    ] = None,
    label_noise_kind: Annotated[str | None, _field(WRONG, "label_noise_kind", "symmetric or asymmetric.")] = None,
    labels_file: Annotated[
        str | None, _field(WRONG, "labels_file", "Other labels of the official training part: .npy, .npz, .csv or .pt.")
    ] = None,
    labels_key: Annotated[str | None, _field(WRONG, "labels_key", "Which labels of that file.")] = None,
    mixup: Annotated[float | None, _field(TARGETS, "mixup", "α of mixup's Beta(α, α); 0 is none.")] = None,
    focal_gamma: Annotated[
        float | None, _field(TARGETS, "focal_gamma", "γ of the focal loss; 0 is cross-entropy.")
    ] = None,
    margin: Annotated[float | None, _field(TARGETS, "margin", "Margin of margin-based smoothing (MbLS).")] = None,
    margin_weight: Annotated[float | None, _field(TARGETS, "margin_weight", "Weight of its penalty.")] = None,
    teacher: Annotated[str | None, _field(TEACHER, "teacher", "Run directory or checkpoint to distil from.")] = None,
    distillation_temperature: Annotated[
        float | None, _field(TEACHER, "distillation_temperature", "Temperature of the teacher in that term.")
    ] = None,
    distillation_weight: Annotated[
        float | None, _field(TEACHER, "distillation_weight", "Share of that term; the rest is the labels'.")
    ] = None,
    student_temperature: Annotated[
        float | None, _field(TEACHER, "student_temperature", "Temperature of the student there.", "the same")
    ] = None,
    match_logits: Annotated[
        bool | None,
        _field(TEACHER, "match_logits", "Half the squared distance of the logits instead, the limit of high T."),
    ] = None,
    seed: Annotated[
        int | None, _field(OPTIMISER, "seed", "Seed of weights, batches, augmentation and label noise.")
    ] = None,
    split_seed: Annotated[
        int | None, _field(DATA, "split_seed", "Seed of the split into train, calibration and test.")
    ] = None,
    train_size: Annotated[int | None, _field(DATA, "train_size", "Training examples.", "the data set's")] = None,
    calibration_size: Annotated[
        int | None, _field(DATA, "calibration_size", "Calibration examples.", "the data set's")
    ] = None,
    epochs: Annotated[int | None, _field(OPTIMISER, "epochs", "Passes over the training data.")] = None,
    steps: Annotated[int | None, _field(OPTIMISER, "steps", "Steps, instead of epochs.")] = None,
    batch_size: Annotated[
        int | None, _field(OPTIMISER, "batch_size", "Examples a step, of all processes together.")
    ] = None,
    learning_rate: Annotated[float | None, _field(OPTIMISER, "learning_rate", "Highest learning rate.")] = None,
    schedule: Annotated[str | None, _field(OPTIMISER, "schedule", "one-cycle, steps, linear or constant.")] = None,
    milestones: Annotated[
        str | None, _field(OPTIMISER, "milestones", "Where the rate drops, as fractions of the training.", "0.5,0.75")
    ] = None,
    decay: Annotated[float | None, _field(OPTIMISER, "decay", "What it is multiplied by there.")] = None,
    momentum: Annotated[
        float | None, _field(OPTIMISER, "momentum", "Momentum; one-cycle moves it between 0.85 and 0.95.")
    ] = None,
    nesterov: Annotated[bool | None, _field(OPTIMISER, "nesterov", "Nesterov's form of it.", "yes")] = None,
    weight_decay: Annotated[float | None, _field(OPTIMISER, "weight_decay", "Weight decay.")] = None,
    shift: Annotated[int | None, _field(AUGMENT, "shift", "Move images by up to so many pixels.")] = None,
    shift_fill: Annotated[str | None, _field(AUGMENT, "shift_fill", "What comes in: zero or nearest.")] = None,
    flip: Annotated[bool | None, _field(AUGMENT, "flip", "Mirror half of the images.")] = None,
    loss_scale: Annotated[float | None, _field(TARGETS, "loss_scale", "Factor of the loss.")] = None,
    clip_norm: Annotated[float | None, _field(OPTIMISER, "clip_norm", "Longest gradient.")] = None,
    precision: Annotated[str | None, _field(RUNNING, "precision", "float32 or bfloat16 (autocast).")] = None,
    compile: Annotated[
        bool | None, _field(RUNNING, "compile", "torch.compile the network; needs a C++ compiler.")
    ] = None,
    keep: Annotated[
        str | None, _field(OPTIMISER, "keep", "Weights to keep: last, or best by NLL of the calibration split.")
    ] = None,
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
    options = locals()
    given = {name: options[name] for name in _DEFAULTS if options[name] is not None}
    if milestones is not None:
        given["milestones"] = tuple(milestones.split(","))
    if epochs is not None and steps is None:
        given["steps"] = None  # of a preset that counts in steps
    settings = TrainConfig.from_dict({"dataset": "digits", **_base(preset, config), **given})
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


def _base(name: str | None, path: Path | None) -> dict[str, Any]:
    """The fields of the preset and of the config file, the latter's first choice."""
    given: dict[str, Any] = {}
    if path is not None:
        check_file(path, "a config", help="give a .toml or .json file", largest=LARGEST)
        try:
            text = path.read_text(encoding="utf-8")
            given = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise InputError(
                f"{path} cannot be read as a config: {reason}", help="give a .toml or .json file"
            ) from error
        if not isinstance(given, dict):
            raise InputError(f"{path} holds no fields", help="write such as epochs = 40 into it")
        name = name or given.pop("preset", None)
        given.pop("preset", None)
    return {**(preset_fields(name) if name else {}), **given}
