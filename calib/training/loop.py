"""The training loop: a config in, a checkpoint out, with one to go on from after every epoch."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from calib._arrays import Int
from calib.datasets import Dataset, Split, load_dataset
from calib.datasets.splits import fingerprint, split
from calib.environment import commit, hardware, versions
from calib.errors import InputError, NumericalError
from calib.metrics.accuracy import accuracy
from calib.metrics.binned import ece
from calib.metrics.proper import nll
from calib.models import build_model
from calib.predictions import Predictions
from calib.training.augmentation import AugmentedImages
from calib.training.checkpoint import Checkpoint, Resumable
from calib.training.config import TrainConfig
from calib.training.images import Normalisation
from calib.training.labels import training_labels
from calib.training.losses import mixing
from calib.training.objective import Objective
from calib.training.ranks import ALONE, Ranks
from calib.training.schedule import schedule_step

OnStep = Callable[[int, int, Mapping[str, float]], None]  # steps done, steps in all, the latest numbers
OnEpoch = Callable[[Checkpoint], None]
LOOKED_AT = 50  # steps between two looks at the loss: each makes an accelerator wait
BATCH = 500  # rows of a forward pass without gradients


@dataclass(frozen=True, eq=False)
class _Run:
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
        return self.config.steps or self.config.epochs * self.batches

    @property
    def n_epochs(self) -> int:
        return math.ceil(self.n_steps / self.batches)


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
    dataset = load_dataset(config.dataset, data_dir=data_dir)
    parts = split(
        dataset, seed=config.split_seed, train_size=config.train_size, calibration_size=config.calibration_size
    )
    run = _prepare(config, dataset, parts, device=device, ranks=ranks)
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
        n_epochs=run.n_epochs,
    )
    if resume is not None:
        done = _continue(run, resume, done.fingerprint)
    for epoch in range(len(done.history) + 1, run.n_epochs + 1):
        row = _epoch(run, epoch, on_step)
        done = _after_epoch(run, done, row)
        if on_epoch is not None:
            on_epoch(done)
    return replace(done, resumable=None)


def _prepare(config: TrainConfig, dataset: Dataset, parts: Split, *, device: str, ranks: Ranks) -> _Run:
    normalisation = Normalisation.of(dataset)
    # a fifth to a third of an epoch's work at the very most: what is watched must not cost more than what is learnt
    watched = parts.calibration if config.keep == "best" else parts.calibration[: max(200, 3 * len(parts.train) // 10)]
    network = _on_device(_seeded_model(config, dataset), device)
    ranks.synchronise(network)
    still = replace(config, shift=0, flip=False)
    return _Run(
        config=config,
        network=network,
        forward=torch.compile(network) if config.compile else network,
        images=AugmentedImages.of(dataset.images[parts.train], normalisation, config, device=device),
        labels=torch.from_numpy(training_labels(config, dataset, parts.train)).to(device),
        held_out=AugmentedImages.of(dataset.images[watched], normalisation, still, device=device),
        held_out_labels=dataset.labels[watched],
        objective=Objective(config, dataset.n_classes, _teacher(config, dataset, device)),
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


def _teacher(config: TrainConfig, dataset: Dataset, device: str) -> nn.Module | None:
    if config.teacher is None:
        return None
    from calib.training.checkpoint import load_checkpoint

    teacher = load_checkpoint(config.teacher)
    if teacher.class_names != dataset.class_names or teacher.input_shape != dataset.shape:
        raise InputError(
            f"{config.teacher} was trained on {teacher.config.dataset}, which has other classes or images than "
            f"{dataset.name}",
            help="distil from a teacher of the same data set",
        )
    return _on_device(teacher.model(), device)


def _on_device(network: nn.Module, device: str) -> nn.Module:
    """With the channels last in memory, as convolutions like it."""
    return network.to(device).to(memory_format=torch.channels_last)  # type: ignore[no-any-return, call-overload]


def _epoch(run: _Run, epoch: int, on_step: OnStep | None) -> dict[str, float]:
    """Go once through the training examples; return the history's row."""
    config, start = run.config, time.perf_counter()
    order = np.random.default_rng([config.seed, epoch]).permutation(len(run.labels))
    first = (epoch - 1) * run.batches
    batches = np.split(order, range(config.batch_size, len(order), config.batch_size))[: run.n_steps - first]
    sums = torch.zeros(2, dtype=torch.float64, device=run.labels.device)
    n, rate, shown = 0, 0.0, {"epoch": epoch, "loss": math.nan}
    run.network.train()
    with _own_randomness(run, epoch):
        for step, batch in enumerate(batches, start=first):
            rate, momentum = schedule_step(config, step, run.n_steps)
            for group in run.optimizer.param_groups:
                group.update(lr=rate, momentum=momentum)
            sums += _step(run, batch, epoch, step)
            n += len(batch)
            if step % LOOKED_AT == 0:
                loss = float(run.ranks.sum(sums)[0])
                _refuse_divergence(loss, epoch)
                shown = {"epoch": epoch, "loss": loss / n}
            if on_step is not None:
                on_step(step + 1, run.n_steps, shown)
    loss, correct = run.ranks.sum(sums).tolist()
    _refuse_divergence(loss, epoch)
    row = {"epoch": epoch, "loss": loss / n, "accuracy": correct / n, "learning_rate": rate}
    return {**row, **_watch(run, epoch), "seconds": time.perf_counter() - start}


def _refuse_divergence(loss: float, epoch: int) -> None:
    if not math.isfinite(loss):
        raise NumericalError(
            f"the training diverged in epoch {epoch}: its loss became {loss}",
            help="lower --learning-rate, or set --clip-norm 1; the last good epoch's checkpoint is kept",
        )


def _step(run: _Run, batch: Int, epoch: int, step: int) -> Tensor:
    """Take one step; return the sum of losses and the number of right answers among this process' examples."""
    config = run.config
    images, labels, targets = _examples(run, batch, epoch)
    if config.mixup:
        weight, order = mixing(len(batch), alpha=config.mixup, key=(config.seed, epoch, step))
        partners = _examples(run, batch[order], epoch)
        images = weight * images + (1 - weight) * partners[0]
        targets = weight * targets + (1 - weight) * partners[2]
    logits = _forward(run, images)
    losses = run.objective.losses(logits, targets, images)
    run.optimizer.zero_grad(set_to_none=True)
    (config.loss_scale / len(batch) * losses.sum()).backward()  # type: ignore[no-untyped-call]  # torch ships no types
    run.ranks.sum_gradients(run.network.parameters())
    if config.clip_norm is not None:
        nn.utils.clip_grad_norm_(run.network.parameters(), config.clip_norm)
    run.optimizer.step()
    return torch.stack([losses.detach().sum(), (logits.detach().argmax(dim=1) == labels).sum()])


def _examples(run: _Run, batch: Int, epoch: int) -> tuple[Tensor, Tensor, Tensor]:
    """Images, labels and targets of this process' share of a batch."""
    mine = run.ranks.share(torch.from_numpy(batch))
    labels = run.labels[mine.to(run.labels.device)]
    return run.images.batch(mine, epoch), labels, run.objective.targets(labels)


def _forward(run: _Run, images: Tensor) -> Tensor:
    try:
        with torch.autocast(images.device.type, torch.bfloat16, enabled=run.config.precision == "bfloat16"):
            logits: Tensor = run.forward(images)
    except ValueError as error:  # of torch's batch normalisation; ours, of a lost process, is one too
        if len(images) > 1 or isinstance(error, InputError):
            raise
        raise InputError(
            f"{run.config.arch} cannot normalise a batch of one image: {error}",
            help="change --batch-size or --train-size so that no batch has a single image",
        ) from error
    return logits


def _watch(run: _Run, epoch: int) -> dict[str, float]:
    """Loss (on hard labels), accuracy and ECE of the examples that are watched, none of which was trained on."""
    run.network.eval()
    n = len(run.held_out_labels)
    with torch.inference_mode():
        logits = [
            run.network(run.held_out.batch(torch.arange(start, min(start + BATCH, n)), 0)).float().cpu()
            for start in range(0, n, BATCH)
        ]
    try:
        watched = Predictions.from_logits(torch.cat(logits), run.held_out_labels)
        loss = nll(watched)
    except InputError as error:  # a finite loss whose step left weights that are none
        raise NumericalError(
            f"the training diverged in epoch {epoch}: the network's logits are no longer numbers",
            help="lower --learning-rate, or set --clip-norm 1; the last good epoch's checkpoint is kept",
        ) from error
    return {"calibration_loss": loss, "calibration_accuracy": accuracy(watched), "calibration_ece": ece(watched)}


def _after_epoch(run: _Run, before: Checkpoint, row: dict[str, float]) -> Checkpoint:
    """The checkpoint to go on from, whose weights are the last or the best ones so far."""
    weights = {name: tensor.detach().cpu().clone() for name, tensor in run.network.state_dict().items()}
    history = [*before.history, row]
    losses = [entry["calibration_loss"] for entry in history]
    better = run.config.keep == "last" or row["calibration_loss"] <= min(losses)
    momentum = {
        name: run.optimizer.state[parameter]["momentum_buffer"].cpu().clone()
        for name, parameter in run.network.named_parameters()
        if run.optimizer.state.get(parameter, {}).get("momentum_buffer") is not None
    }
    return replace(
        before,
        state_dict=weights if better else before.state_dict,
        history=history,
        kept_epoch=len(history) if better else before.kept_epoch,
        resumable=Resumable(None if better else weights, momentum),
    )


def _continue(run: _Run, checkpoint: Checkpoint, expected: str) -> Checkpoint:
    """Put the network and the optimiser where the checkpoint left them."""
    if checkpoint.config != run.config or checkpoint.fingerprint != expected:
        what = "other settings" if checkpoint.config != run.config else "other data"
        raise InputError(f"this checkpoint belongs to a run with {what}", help="train anew, into another --output")
    state = checkpoint.resumable
    if state is None:
        return checkpoint
    run.network.load_state_dict(checkpoint.state_dict if state.weights is None else state.weights)
    parameters: dict[str, Any] = dict(run.network.named_parameters())
    for name, buffer in state.momentum.items():
        run.optimizer.state[parameters[name]]["momentum_buffer"] = buffer.to(parameters[name].device)
    return checkpoint


@contextmanager
def _own_randomness(run: _Run, epoch: int) -> Iterator[None]:
    """Dropout draws from (seed, epoch, rank); the generators of the process stay as they were."""
    seed = int(np.random.SeedSequence([run.config.seed, epoch, run.ranks.rank]).generate_state(1, np.uint64)[0] >> 1)
    cuda = [run.labels.device] if run.labels.is_cuda else []
    with torch.random.fork_rng(devices=cuda):
        torch.default_generator.manual_seed(seed)
        if cuda:
            torch.cuda.manual_seed(seed)
        yield
