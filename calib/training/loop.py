"""The training loop: a config in, a checkpoint out."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from calib.datasets import Dataset, load_dataset
from calib.datasets.label_noise import symmetric_label_noise
from calib.datasets.splits import fingerprint, split
from calib.environment import versions
from calib.errors import InputError, NumericalError
from calib.models import build_model
from calib.training.checkpoint import Checkpoint
from calib.training.config import TrainConfig
from calib.training.images import Normalisation
from calib.training.losses import smoothed_cross_entropy

OnEpoch = Callable[[int, int], None]  # epochs done, epochs in all


def train(
    config: TrainConfig, *, data_dir: Path | None = None, device: str = "cpu", on_epoch: OnEpoch | None = None
) -> Checkpoint:
    """Train the network that ``config`` describes on its training split; calibration and test labels stay untouched.

    The same config gives the same weights on the same machine, build and number of threads.  Raises `InputError` for a
    config that cannot be run or missing data, `NumericalError` when the loss is no longer a number.
    """
    dataset = load_dataset(config.dataset, data_dir=data_dir)
    parts = split(
        dataset, seed=config.split_seed, train_size=config.train_size, calibration_size=config.calibration_size
    )
    labels = symmetric_label_noise(
        dataset.labels[parts.train], dataset.n_classes, rate=config.label_noise, seed=config.seed
    )
    normalisation = Normalisation.of(dataset)
    x = normalisation(dataset.images[parts.train]).to(device)
    y = torch.from_numpy(labels).to(device)
    model = _seeded_model(config, dataset).to(device)
    history = []
    for epoch, row in enumerate(_epochs(model, x, y, config), start=1):
        history.append(row)
        if on_epoch is not None:
            on_epoch(epoch, config.epochs)
    return Checkpoint(
        config=config,
        state_dict={name: tensor.cpu() for name, tensor in model.state_dict().items()},
        history=history,
        class_names=dataset.class_names,
        normalisation=normalisation,
        input_shape=dataset.shape,
        split=parts,
        fingerprint=fingerprint(dataset, parts),
        versions=versions(),
    )


def _seeded_model(config: TrainConfig, dataset: Dataset) -> torch.nn.Module:
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


def _epochs(model: torch.nn.Module, x: Tensor, y: Tensor, config: TrainConfig) -> Iterator[dict[str, float]]:
    """Run the epochs one by one, yielding the mean training loss and accuracy of each."""
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=config.learning_rate,
        momentum=config.momentum,
        nesterov=config.momentum > 0,
        weight_decay=config.weight_decay,
    )
    steps = math.ceil(len(x) / config.batch_size) * config.epochs
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, config.learning_rate, total_steps=steps, cycle_momentum=config.momentum > 0
    )
    model.train()
    for epoch in range(1, config.epochs + 1):
        order = torch.from_numpy(np.random.default_rng([config.seed, epoch]).permutation(len(x))).to(x.device)
        loss_sum = correct = 0.0
        for batch in torch.split(order, config.batch_size):
            logits = _forward(model, x[batch], config)
            loss = smoothed_cross_entropy(logits, y[batch], smoothing=config.smoothing).mean()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]  # torch ships this method without types
            optimizer.step()
            schedule.step()
            loss_sum += float(loss.detach()) * len(batch)
            correct += float((logits.detach().argmax(dim=1) == y[batch]).sum())
        if not math.isfinite(loss_sum):
            raise NumericalError(
                f"the training loss became {loss_sum} in epoch {epoch}", help="lower --learning-rate and train again"
            )
        yield {"epoch": epoch, "loss": loss_sum / len(x), "accuracy": correct / len(x)}


def _forward(model: torch.nn.Module, x: Tensor, config: TrainConfig) -> Tensor:
    try:
        logits: Tensor = model(x)
    except ValueError as error:
        if len(x) > 1:
            raise
        raise InputError(
            f"{config.arch} cannot normalise a batch of one image: {error}",
            help="change --batch-size or --train-size so that no batch has a single image",
        ) from error
    return logits
