"""The options that make up a `TrainConfig`, one for each of its fields; declared here, given to ``calib train``."""

import json
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import typer

from calib.cli._help import RUNNING
from calib.errors import InputError
from calib.files.plain_file import check_file
from calib.training.config import TrainConfig
from calib.training.presets import PRESETS, preset_fields

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


def configured(
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
) -> TrainConfig:
    """The preset, then the file, then the options decide.  Raises `InputError` for what makes no training."""
    options = locals()
    given = {name: options[name] for name in _DEFAULTS if options[name] is not None}
    if milestones is not None:
        given["milestones"] = tuple(milestones.split(","))
    if epochs is not None and steps is None:
        given["steps"] = None  # of a preset that counts in steps
    return TrainConfig.from_dict({"dataset": "digits", **fields_of(preset, config), **given})


def fields_of(name: str | None, path: Path | None) -> dict[str, Any]:
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
