"""The training loop: a config in, a checkpoint out, with one to go on from after every epoch."""

import hashlib
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from calib.content_hash import file_hash
from calib.datasets import Dataset, Split, load_dataset
from calib.datasets.splits import fingerprint, split
from calib.environment import commit, hardware, versions
from calib.errors import InputError
from calib.files.run_folder import CHECKPOINT
from calib.models import build_model
from calib.training.augmentation import AugmentedImages
from calib.training.checkpoint import Checkpoint, Resumable, load_checkpoint
from calib.training.config import TrainConfig
from calib.training.epoch import OnStep, Training, run_epoch
from calib.training.images import Normalisation
from calib.training.labels import training_labels
from calib.training.objective import Objective
from calib.training.ranks import ALONE, Ranks

OnEpoch = Callable[[Checkpoint], None]


def train(
    config: TrainConfig,
    *,
    data_dir: Path | None = None,
    device: str = "cpu",
    resume: Checkpoint | None = None,
    ranks: Ranks = ALONE,
    on_step: OnStep | None = None,
    on_epoch: OnEpoch | None = None,
) -> Checkpoint:
    """Train the network that ``config`` describes on its training split; calibration and test labels stay untouched.

    The same config gives the same weights on the same machine, build and number of threads, also when it goes on from a
    checkpoint that ``on_epoch`` was given.  Of ``ranks``, each process computes its share of every batch.  Raises
    `InputError` for a config that cannot be run, missing data or a checkpoint of something else, `NumericalError` when
    the loss is no longer a number.
    """
    if torch.device(device).type not in ("cpu", "cuda"):
        raise InputError(f"training runs on cpu or cuda, got {device}", help="use --device cpu")
    dataset = load_dataset(config.dataset, data_dir=data_dir)
    parts = split(
        dataset, seed=config.split_seed, train_size=config.train_size, calibration_size=config.calibration_size
    )
    training = prepare(config, dataset, parts, device=device, ranks=ranks)
    done = Checkpoint(
        config=config,
        state_dict={},
        history=[],
        class_names=dataset.class_names,
        normalisation=Normalisation.of(dataset),
        input_shape=dataset.shape,
        split=parts,
        fingerprint=fingerprint(dataset, parts),
        versions={**versions(), "commit": commit(), "hardware": hardware(), "threads": str(torch.get_num_threads())},
        n_epochs=training.n_epochs,
        inputs=_inputs(config),
        wrong_labels=int((training.labels.cpu().numpy() != dataset.labels[parts.train]).sum()),
    )
    if resume is not None:
        done = _continue(training, resume, done)
    _require_agreement(ranks, config, done)
    for epoch in range(len(done.history) + 1, training.n_epochs + 1):
        row = run_epoch(training, epoch, on_step)
        done = _after_epoch(training, done, row)
        if on_epoch is not None:
            on_epoch(done)
    return replace(done, resumable=None)


def prepare(config: TrainConfig, dataset: Dataset, parts: Split, *, device: str, ranks: Ranks) -> Training:
    """Build the network, put it and the data on ``device``, and make all that the epochs need.

    Raises `InputError` for a network, labels or a teacher that cannot be had.
    """
    normalisation = Normalisation.of(dataset)
    # forward passes over so many cost a tenth of an epoch, where there is more than a handful to train on
    watched = parts.calibration if config.keep == "best" else parts.calibration[: max(200, 3 * len(parts.train) // 10)]
    network = _on_device(_seeded_model(config, dataset), device)
    ranks.synchronise(network)
    still = replace(config, shift=0, flip=False)
    return Training(
        config=config,
        network=network,
        forward=torch.compile(network) if config.compile else network,
        images=AugmentedImages.of(dataset.images[parts.train], normalisation, config, device=device),
        labels=torch.from_numpy(training_labels(config, dataset, parts.train)).to(device),
        held_out=AugmentedImages.of(dataset.images[watched], normalisation, still, device=device),
        held_out_labels=dataset.labels[watched],
        objective=Objective(config, dataset.n_classes, _teacher(config, dataset, parts, device)),
        optimizer=torch.optim.SGD(
            network.parameters(),
            lr=config.learning_rate,
            momentum=config.momentum,
            nesterov=config.nesterov and config.momentum > 0,
            weight_decay=config.weight_decay,
            fused=True,
        ),
        ranks=ranks,
    )


def _seeded_model(config: TrainConfig, dataset: Dataset) -> nn.Module:
    """Draw initial weights from the seed without touching torch's global generator."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(config.seed)
        return build_model(
            config.arch,
            n_classes=dataset.n_classes,
            n_channels=dataset.shape[0],
            width=config.width,
            image_size=dataset.shape[1:],
        )


def _teacher(config: TrainConfig, dataset: Dataset, parts: Split, device: str) -> nn.Module | None:
    if config.teacher is None:
        return None
    teacher = load_checkpoint(_teacher_file(config.teacher))
    if teacher.class_names != dataset.class_names or teacher.input_shape != dataset.shape:
        raise InputError(
            f"{config.teacher} was trained on {teacher.config.dataset}, which has other classes or images than "
            f"{dataset.name}",
            help="distil from a teacher of the same data set",
        )
    held_out = np.concatenate([parts.calibration, parts.test])
    known = int(np.isin(held_out, teacher.split.train).sum())
    if teacher.config.dataset == config.dataset and known:
        raise InputError(
            f"{config.teacher} was trained on {known:,} of the examples that are held out here",
            help=f"train the student on the teacher's split: --split-seed {teacher.config.split_seed}, and its sizes",
        )
    return _on_device(teacher.model(), device)


def _teacher_file(teacher: str) -> Path:
    path = Path(teacher)
    return path / CHECKPOINT if path.is_dir() else path


def _inputs(config: TrainConfig) -> dict[str, str]:
    """Hashes of the files, beside the data set, that decide what is trained."""
    files = {}
    if config.teacher is not None:
        files["teacher"] = _teacher_file(config.teacher)
    if config.labels_file is not None:
        files["labels_file"] = Path(config.labels_file)
    return {name: file_hash(path) for name, path in files.items()}


def _require_agreement(ranks: Ranks, config: TrainConfig, done: Checkpoint) -> None:
    """All ranks are to train the same thing from the same epoch on; alone they would, and add up nonsense."""
    told = f"{config.key} {len(done.history)} {done.fingerprint} {done.inputs}"
    number = int(hashlib.sha256(told.encode()).hexdigest()[:6], 16)
    first, second = ranks.sum(torch.tensor([float(number), float(number) ** 2], dtype=torch.float64)).tolist()
    if second * ranks.n != first**2:  # the variance over ranks
        raise InputError(
            "the processes do not train the same: settings, data or the epoch to go on from differ",
            help="start them all with the same options, on a file system that they share",
        )


def _on_device(network: nn.Module, device: str) -> nn.Module:
    """With the channels last in memory, as convolutions like it."""
    return network.to(device).to(memory_format=torch.channels_last)  # type: ignore[no-any-return, call-overload]


def _after_epoch(training: Training, before: Checkpoint, row: dict[str, float]) -> Checkpoint:
    """The checkpoint to go on from, whose weights are the last or the best ones so far."""
    weights = {name: tensor.detach().cpu().clone() for name, tensor in training.network.state_dict().items()}
    history = [*before.history, row]
    losses = [entry["calibration_loss"] for entry in history]
    better = training.config.keep == "last" or row["calibration_loss"] <= min(losses)
    momentum = {
        name: training.optimizer.state[parameter]["momentum_buffer"].cpu().clone()
        for name, parameter in training.network.named_parameters()
        if training.optimizer.state.get(parameter, {}).get("momentum_buffer") is not None
    }
    return replace(
        before,
        state_dict=weights if better else before.state_dict,
        history=history,
        kept_epoch=len(history) if better else before.kept_epoch,
        resumable=Resumable(None if better else weights, momentum),
    )


def _continue(training: Training, checkpoint: Checkpoint, expected: Checkpoint) -> Checkpoint:
    """Put the network and the optimiser where the checkpoint left them."""
    same_data = all(
        getattr(checkpoint, name) == getattr(expected, name) for name in ("fingerprint", "wrong_labels", "inputs")
    )
    if checkpoint.config != expected.config or not same_data:
        what = "other settings" if same_data else "other data"
        raise InputError(f"this checkpoint belongs to a run with {what}", help="train anew, into another --output")
    state = checkpoint.resumable
    if state is None and len(checkpoint.history) >= training.n_epochs:
        return checkpoint
    parameters: dict[str, Any] = dict(training.network.named_parameters())
    try:
        if state is None:
            raise ValueError("an unfinished training without the state of its optimiser")
        if not all(math.isfinite(row["calibration_loss"]) for row in checkpoint.history):
            raise ValueError("a loss that is no number")
        training.network.load_state_dict(checkpoint.state_dict if state.weights is None else state.weights)
        for name, buffer in state.momentum.items():
            parameter = parameters[name]
            if buffer.shape != parameter.shape:  # the optimiser does not look, and would write beyond its end
                raise ValueError(f"momentum of another shape than {name}")
            training.optimizer.state[parameter]["momentum_buffer"] = torch.empty_like(parameter).copy_(buffer)
    except (RuntimeError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"the checkpoint contradicts itself and cannot be gone on from ({str(error).splitlines()[-1].strip()})",
            help="start the training again with --force",
        ) from error
    return checkpoint
