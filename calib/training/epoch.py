"""One epoch: every training example once, then a look at examples that were not trained on."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from calib._arrays import Int
from calib.errors import InputError, NumericalError
from calib.metrics.accuracy import accuracy
from calib.metrics.binned import ece
from calib.metrics.proper import nll
from calib.predictions import Predictions
from calib.training.augmentation import AugmentedImages
from calib.training.config import TrainConfig
from calib.training.losses import mixing
from calib.training.objective import Objective
from calib.training.ranks import Ranks
from calib.training.schedule import schedule_step

OnStep = Callable[[int, int, Mapping[str, float]], None]  # steps done, steps in all, the latest numbers
LOOKED_AT = 50  # steps between two looks at the loss: each makes an accelerator wait
BATCH = 500  # rows of a forward pass without gradients


@dataclass(frozen=True, eq=False)
class Training:
    """A network in training and all that its epochs use."""

    config: TrainConfig
    network: nn.Module
    forward: Callable[[Tensor], Tensor]
    images: AugmentedImages
    labels: Tensor
    held_out: AugmentedImages
    held_out_labels: Int
    objective: Objective
    optimizer: torch.optim.SGD
    ranks: Ranks

    @property
    def batches(self) -> int:
        """Batches of a whole epoch."""
        return math.ceil(len(self.labels) / self.config.batch_size)

    @property
    def n_steps(self) -> int:
        """Steps of the whole training."""
        return self.config.steps or self.config.epochs * self.batches

    @property
    def n_epochs(self) -> int:
        """Epochs of the whole training; the last may be cut short."""
        return math.ceil(self.n_steps / self.batches)


def run_epoch(training: Training, epoch: int, on_step: OnStep | None) -> dict[str, float]:
    """Go once through the training examples; return the history's row."""
    config, start = training.config, time.perf_counter()
    order = np.random.default_rng([config.seed, epoch]).permutation(len(training.labels))
    first = (epoch - 1) * training.batches
    batches = np.split(order, range(config.batch_size, len(order), config.batch_size))[: training.n_steps - first]
    sums = torch.zeros(2, dtype=torch.float64, device=training.labels.device)
    n, rate, shown = 0, 0.0, {"epoch": epoch, "loss": math.nan}
    training.network.train()
    with _own_randomness(training, epoch):
        for step, batch in enumerate(batches, start=first):
            looking = step % LOOKED_AT == 0 or not (n or sums.is_cuda) or not (sums.is_cuda or training.ranks.n > 1)
            rate, momentum = schedule_step(config, step, training.n_steps)
            for group in training.optimizer.param_groups:
                group.update(lr=rate, momentum=momentum)
            sums += _step(training, batch, epoch, step)
            n += len(batch)
            if looking:
                loss = float(training.ranks.sum(sums)[0])
                _refuse_divergence(loss, epoch)
                shown = {"epoch": epoch, "loss": loss / n}
            if on_step is not None:
                on_step(step + 1, training.n_steps, shown)
    loss, correct = training.ranks.sum(sums).tolist()
    _refuse_divergence(loss, epoch)
    row = {"epoch": epoch, "loss": loss / n, "accuracy": correct / n, "learning_rate": rate}
    return {**row, **_watch(training, epoch), "seconds": time.perf_counter() - start}


def _refuse_divergence(loss: float, epoch: int) -> None:
    if not math.isfinite(loss):
        raise NumericalError(
            f"the training diverged in epoch {epoch}: its loss became {loss}",
            help="lower --learning-rate, or set --clip-norm 1; what earlier epochs left is kept",
        )


def _step(training: Training, batch: Int, epoch: int, step: int) -> Tensor:
    """Take one step; return the sum of losses and the number of right answers among this process' examples."""
    config = training.config
    images, labels, targets = _examples(training, batch, epoch)
    if config.mixup:
        weight, order = mixing(len(batch), alpha=config.mixup, key=(config.seed, epoch, step))
        partners = _examples(training, batch[order], epoch)
        images = weight * images + (1 - weight) * partners[0]
        targets = weight * targets + (1 - weight) * partners[2]
    logits = _forward(training, images)
    losses = training.objective.losses(logits, targets, images)
    training.optimizer.zero_grad(set_to_none=True)
    (config.loss_scale / len(batch) * losses.sum()).backward()  # type: ignore[no-untyped-call]  # torch ships no types
    training.ranks.sum_gradients(training.network.parameters())
    if config.clip_norm is not None:
        nn.utils.clip_grad_norm_(training.network.parameters(), config.clip_norm)
    training.optimizer.step()
    return torch.stack([losses.detach().sum(), (logits.detach().argmax(dim=1) == labels).sum()])


def _examples(training: Training, batch: Int, epoch: int) -> tuple[Tensor, Tensor, Tensor]:
    """Images, labels and targets of this process' share of a batch."""
    mine = training.ranks.share(torch.from_numpy(batch))
    labels = training.labels[mine.to(training.labels.device)]
    return training.images.batch(mine, epoch), labels, training.objective.targets(labels)


def _forward(training: Training, images: Tensor) -> Tensor:
    try:
        with torch.autocast(images.device.type, torch.bfloat16, enabled=training.config.precision == "bfloat16"):
            logits: Tensor = training.forward(images)
    except ValueError as error:  # of torch's batch normalisation; ours, of a lost process, is one too
        if len(images) > 1 or isinstance(error, InputError):
            raise
        raise InputError(
            f"{training.config.arch} cannot normalise a batch of one image: {error}",
            help="change --batch-size or --train-size so that no batch has a single image",
        ) from error
    return logits


def _watch(training: Training, epoch: int) -> dict[str, float]:
    """Loss (on hard labels), accuracy and ECE of the examples that are watched, none of which was trained on."""
    training.network.eval()
    n = len(training.held_out_labels)
    with torch.inference_mode():
        logits = [
            training.network(training.held_out.batch(torch.arange(start, min(start + BATCH, n)), 0)).float().cpu()
            for start in range(0, n, BATCH)
        ]
    try:
        watched = Predictions.from_logits(torch.cat(logits), training.held_out_labels)
        loss = nll(watched)
    except InputError as error:  # a finite loss whose step left weights that are none
        raise NumericalError(
            f"the training diverged in epoch {epoch}: the network's logits are no longer numbers",
            help="lower --learning-rate, or set --clip-norm 1; what earlier epochs left is kept",
        ) from error
    return {"calibration_loss": loss, "calibration_accuracy": accuracy(watched), "calibration_ece": ece(watched)}


@contextmanager
def _own_randomness(training: Training, epoch: int) -> Iterator[None]:
    """Dropout draws from (seed, epoch, rank); the generators of the process stay as they were."""
    seed = int(
        np.random.SeedSequence([training.config.seed, epoch, training.ranks.rank]).generate_state(1, np.uint64)[0] >> 1
    )
    cuda = [training.labels.device] if training.labels.is_cuda else []
    with torch.random.fork_rng(devices=cuda):
        torch.default_generator.manual_seed(seed)
        for device in cuda:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield
