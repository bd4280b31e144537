"""Self-describing checkpoints: plain types and tensors only, checked before they are opened, written atomically."""

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from calib._text import printable
from calib.datasets.splits import Split
from calib.errors import InputError
from calib.files.atomic import atomic_file
from calib.models import build_model
from calib.models.weights_file import check_weights, read_tensors
from calib.training.config import TrainConfig
from calib.training.images import Normalisation

FORMAT = 1
_PARTS = ("train", "calibration", "test")


@dataclass(frozen=True, eq=False)
class Resumable:
    """What a training that is not over needs to go on: ``weights`` where they are not the checkpoint's own.

    ``momentum`` is the optimiser's, by the name of the parameter.  Everything else follows from the config and the
    number of the epoch.
    """

    weights: dict[str, Tensor] | None
    momentum: dict[str, Tensor]


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A trained network with all that is needed to rebuild it, its inputs and its splits.

    ``history`` has one row for each epoch so far of ``n_epochs``; the weights are those after ``kept_epoch`` of them.
    ``fingerprint`` is the hash of the data and split it was trained on, ``wrong_labels`` the number of training labels
    that were not the data set's own, ``inputs`` the hashes of other files that decided.  ``resumable`` is None once the
    training is over.
    """

    config: TrainConfig
    state_dict: dict[str, Tensor]
    history: list[dict[str, float]]
    class_names: tuple[str, ...]
    normalisation: Normalisation
    input_shape: tuple[int, int, int]
    split: Split
    fingerprint: str
    versions: dict[str, str]
    kept_epoch: int = 0
    n_epochs: int = 0
    wrong_labels: int = 0
    inputs: dict[str, str] = field(default_factory=dict)
    resumable: Resumable | None = None

    def model(self) -> torch.nn.Module:
        """Rebuild the trained network, in eval mode on the CPU."""
        # on "meta" a network is shapes only: nothing is allocated for weights that may not fit; external ones are real,
        # and their fresh weights must not move torch's generator
        with torch.device("meta"), torch.random.fork_rng(devices=[]):
            model = build_model(
                self.config.arch,
                n_classes=len(self.class_names),
                n_channels=self.input_shape[0],
                width=self.config.width,
                image_size=self.input_shape[1:],
            )
        try:
            model.load_state_dict(self.state_dict, assign=True)
        except RuntimeError as error:
            raise InputError(
                f"the weights do not fit a {self.config.arch}: {str(error).splitlines()[-1].strip()}",
                help="the checkpoint contradicts itself; train it again",
            ) from error
        return model.eval()


def save_checkpoint(checkpoint: Checkpoint, path: Path | str) -> None:
    """Write a checkpoint; a killed process leaves the old file or the new one.

    Raises `InputError` where the file cannot be written.
    """
    normalisation = checkpoint.normalisation
    content = {
        "calib": {
            "format": FORMAT,
            "config": checkpoint.config.to_dict(),
            "history": checkpoint.history,
            "class_names": list(checkpoint.class_names),
            "mean": list(normalisation.mean),
            "std": list(normalisation.std),
            "pixel_max": normalisation.pixel_max,
            "input_shape": list(checkpoint.input_shape),
            "fingerprint": checkpoint.fingerprint,
            "versions": checkpoint.versions,
            "kept_epoch": checkpoint.kept_epoch,
            "n_epochs": checkpoint.n_epochs,
            "wrong_labels": checkpoint.wrong_labels,
            "inputs": checkpoint.inputs,
        },
        "split": {part: torch.from_numpy(getattr(checkpoint.split, part)) for part in _PARTS},
        "state_dict": checkpoint.state_dict,
    }
    if checkpoint.resumable is not None:
        content["resumable"] = {"weights": checkpoint.resumable.weights, "momentum": checkpoint.resumable.momentum}
    whole = io.BytesIO()  # torch would turn a full disk into an error of its own
    torch.save(content, whole)
    with atomic_file(path) as file:
        file.write(whole.getbuffer())


def load_checkpoint(path: Path | str) -> Checkpoint:
    """Read a checkpoint made by `save_checkpoint`, running no code from the file.

    Raises `InputError` saying what the file looks like, or what is wrong with it.
    """
    content = read_tensors(path)
    meta = content.get("calib") if isinstance(content, dict) else None
    if not isinstance(meta, dict):
        raise InputError(
            f"{path} holds weights but was not made by `calib train`: its data are unknown",
            help="say them: --dataset cifar10 --mean .485,.456,.406 --std .229,.224,.225; or save predictions, by "
            "calib.predict(model, loader)",
        )
    version = meta.get("format")
    if not isinstance(version, int) or version < 1:
        raise InputError(f"{path} is no checkpoint of calib: it names no format", help="train it again")
    if version > FORMAT:
        raise InputError(f"{path} was written by a newer calib (format {version})", help="upgrade calib")
    try:
        check_weights(content["state_dict"], path)
        return Checkpoint(
            config=TrainConfig.from_dict(meta["config"]),
            state_dict=dict(content["state_dict"]),
            history=_history(meta["history"]),
            class_names=_strings(meta["class_names"]),
            normalisation=Normalisation(tuple(meta["mean"]), tuple(meta["std"]), int(meta["pixel_max"])),
            input_shape=_shape(meta["input_shape"]),
            split=Split(**{part: content["split"][part].numpy() for part in _PARTS}),
            fingerprint=str(meta["fingerprint"]),
            versions=dict(meta["versions"]),
            kept_epoch=_among(meta.get("kept_epoch", len(meta["history"])), 1, len(meta["history"])),
            n_epochs=_among(meta.get("n_epochs", len(meta["history"])), len(meta["history"]), 10**9),
            wrong_labels=int(meta.get("wrong_labels", 0)),
            inputs={str(name): str(digest) for name, digest in dict(meta.get("inputs", {})).items()},
            resumable=_resumable(content.get("resumable")),
        )
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        if isinstance(error, InputError):
            if str(path) in str(error):
                raise
            raise InputError(f"{path}: {error}", help=error.help) from error
        raise InputError(
            f"{path} is an incomplete checkpoint ({type(error).__name__}: {printable(str(error))})",
            help="train it again",
        ) from error


def _strings(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list) or not values or not all(isinstance(value, str) for value in values):
        raise ValueError("class names must be a list of strings")
    return tuple(values)


def _history(rows: Any) -> list[dict[str, float]]:
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise ValueError("the history must have a row an epoch")
    return rows


def _among(value: Any, least: int, most: int) -> int:
    if not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"{value!r} epochs in a history of other length")
    return value


def _resumable(values: Any) -> Resumable | None:
    return None if values is None else Resumable(values["weights"], dict(values["momentum"]))


def _shape(values: Any) -> tuple[int, int, int]:
    channels, height, width = (int(value) for value in values)
    if not 1 <= channels <= 1024:
        raise ValueError(f"{channels} input channels")
    return channels, height, width
