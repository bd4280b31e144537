"""Training against a plain PyTorch loop: ``python -m benchmarks.training [TASK...] [--bfloat16] [--compile]``.

The plain loop is the one people write: a `torch.utils.data.DataLoader` over a Dataset that augments each image on its
own, float32, the default memory layout, `torch.optim.SGD` and torch's one-cycle schedule.  Its number of workers is the
best of 0, 1 and 2, tried on one epoch each.  Both loops then train the same network on the same examples by the same
recipe, with two threads (and the plain loop's workers, if any); neither looks at held-out examples nor saves.  The
sides take turns, seed by seed.  Compared are images a second (the median epoch) and accuracy after equal epochs.  The
peak is that of one large convolution, forwards and backwards, in the better memory layout, measured in the same run.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torch.utils.flop_counter import FlopCounterMode

from calib.datasets import Dataset, Split, load_dataset, split
from calib.environment import commit, hardware, versions
from calib.models import build_model
from calib.training.config import TrainConfig
from calib.training.epoch import run_epoch
from calib.training.images import Normalisation
from calib.training.loop import prepare
from calib.training.ranks import ALONE

THREADS = 2
SHORT: dict[str, Any] = {"batch_size": 64, "shift": 1, "weight_decay": 1e-4}
LONG: dict[str, Any] = {"batch_size": 128, "shift": 4, "flip": True, "weight_decay": 5e-4, "learning_rate": 0.2}


@dataclass(frozen=True)
class Task:
    """What both sides train: a config, the side to which images are pooled, and how many seeds."""

    config: TrainConfig
    side: int
    seeds: int


TASKS = {
    "digits": Task(TrainConfig(dataset="digits", width=8, epochs=40, **SHORT), 8, 3),
    "fashion-14": Task(
        TrainConfig(dataset="fashion-mnist", width=8, epochs=30, train_size=2000, calibration_size=5000, **SHORT), 14, 3
    ),
    "cifar-32": Task(
        TrainConfig(dataset="cifar10", arch="resnet20", epochs=3, train_size=4_000, calibration_size=500, **LONG),
        32,
        1,
    ),
}


class PlainImages(torch.utils.data.Dataset[tuple[Tensor, int]]):
    """One image at a time, moved, mirrored and normalised on its own."""

    def __init__(self, images: Tensor, labels: Tensor, normalisation: Normalisation, config: TrainConfig) -> None:
        self.images, self.labels, self.config = images, labels, config
        self.mean, self.std = (torch.tensor(v)[:, None, None] for v in (normalisation.mean, normalisation.std))
        self.pixel_max = normalisation.pixel_max

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        image = self.images[row]
        shift, (height, width) = self.config.shift, image.shape[1:]
        padded = nn.functional.pad(image, [shift] * 4)
        top, left = torch.randint(2 * shift + 1, (2,)).tolist()
        image = padded[:, top : top + height, left : left + width]
        if self.config.flip and torch.rand(()) < 0.5:
            image = image.flip(2)
        return (image.float() / self.pixel_max - self.mean) / self.std, int(self.labels[row])


def plain_epochs(config: TrainConfig, data: Dataset, parts: Split, workers: int, epochs: int) -> Iterator[nn.Module]:
    """The plain loop, an epoch at a time."""
    images, labels = torch.from_numpy(data.images[parts.train]), torch.from_numpy(data.labels[parts.train])
    torch.manual_seed(config.seed)
    loader = DataLoader(
        PlainImages(images, labels, Normalisation.of(data), config),
        batch_size=config.batch_size,
        shuffle=True,
        num_workers=workers,
        persistent_workers=workers > 0,
    )
    network = build_model(
        config.arch, n_classes=data.n_classes, n_channels=data.shape[0], width=config.width, image_size=data.shape[1:]
    )
    optimizer = torch.optim.SGD(
        network.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=config.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, config.learning_rate, total_steps=config.epochs * len(loader)
    )
    network.train()
    for _ in range(epochs):
        for batch, target in loader:
            loss = nn.functional.cross_entropy(network(batch), target)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
        yield network


def calib_epochs(config: TrainConfig, data: Dataset, parts: Split, epochs: int) -> Iterator[nn.Module]:
    """Calib's loop, an epoch at a time, without the look at the calibration split that the plain loop does not take."""
    training = prepare(config, data, parts, device="cpu", ranks=ALONE)
    for epoch in range(1, epochs + 1):
        run_epoch(replace(training, held_out_labels=training.held_out_labels[:1]), epoch, None)
        yield training.network


def measured(epochs: Iterator[nn.Module], data: Dataset, parts: Split) -> tuple[list[float], float]:
    """Seconds of every epoch, and the test accuracy at the end."""
    seconds, trained, start = [], [], time.perf_counter()
    for epoch in epochs:
        trained = [epoch]
        seconds.append(time.perf_counter() - start)
        start = time.perf_counter()
    network = trained[0].eval()
    images = Normalisation.of(data)(data.images[parts.test])
    with torch.inference_mode():
        predicted = torch.cat([network(batch).argmax(1) for batch in torch.split(images, 500)])
    return seconds, float((predicted.numpy() == data.labels[parts.test]).mean())


def pooled(data: Dataset, side: int) -> Dataset:
    """Images mean-pooled to ``side`` pixels."""
    step = data.shape[1] // side
    if step == 1:
        return data
    blocks = data.images.reshape(*data.images.shape[:2], side, step, side, step)
    return replace(data, images=blocks.mean(axis=(3, 5)).round().astype(np.uint8))


def flops_of_an_image(config: TrainConfig, data: Dataset) -> float:
    """Floating-point operations of one image, forwards and backwards."""
    network = build_model(
        config.arch, n_classes=data.n_classes, n_channels=data.shape[0], width=config.width, image_size=data.shape[1:]
    )
    counter = FlopCounterMode(display=False)
    with counter:
        network(torch.zeros(8, *data.shape)).sum().backward()
    return counter.get_total_flops() / 8


def convolution_peak(dtype: torch.dtype) -> float:
    """Operations a second of a 3×3 convolution of 256 channels, forwards and backwards, in the better layout."""
    best = 0.0
    for layout in (torch.contiguous_format, torch.channels_last):
        network: Any = nn.Conv2d(256, 256, 3, padding=1)
        network = network.to(memory_format=layout)
        batch = torch.randn(32, 256, 16, 16).to(memory_format=layout).requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
            for _ in range(5):
                start = time.perf_counter()
                network(batch).sum().backward()
                best = max(best, 3 * 2 * 32 * 16 * 16 * 256 * 256 * 9 / (time.perf_counter() - start))
    return best


def main() -> None:
    """Measure and print one Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tasks", nargs="*", default=list(TASKS), metavar="TASK")
    parser.add_argument("--bfloat16", action="store_true", help="calib's side in bfloat16")
    parser.add_argument("--compile", action="store_true", help="calib's side compiled; the first epoch is not counted")
    parser.add_argument("--data-dir", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(THREADS)
    precision = "bfloat16" if options.bfloat16 else "float32"
    peak = convolution_peak(getattr(torch, precision))
    print(f"{hardware()}, {THREADS} threads; commit {commit()}; {', '.join(f'{k} {v}' for k, v in versions().items())}")
    compiled = ", calib's side compiled" if options.compile else ""
    print(f"Convolution peak {peak / 1e9:.0f} GFLOP/s in {precision}{compiled}.\n")
    print("| task | network | images | plain loop | workers | calib | ratio | of the peak | accuracy, plain | calib |")
    print("| :--- | :--- | :--- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name in options.tasks:
        task = TASKS[name]
        config = replace(task.config, precision=precision, compile=options.compile)
        data = pooled(load_dataset(config.dataset, data_dir=options.data_dir), task.side)
        parts = split(data, seed=0, train_size=config.train_size, calibration_size=config.calibration_size)
        trial = {n: measured(plain_epochs(config, data, parts, n, 2), data, parts)[0][-1] for n in (0, 1, 2)}
        workers = min(trial, key=lambda n: trial[n])
        found: dict[str, list[tuple[list[float], float]]] = {"plain": [], "calib": []}
        for seed in range(task.seeds):
            seeded = replace(config, seed=seed)
            sides = [
                ("plain", partial(plain_epochs, seeded, data, parts, workers)),
                ("calib", partial(calib_epochs, seeded, data, parts)),
            ]
            for side, epochs in sides[:: -1 if seed % 2 else 1]:
                found[side].append(measured(epochs(config.epochs), data, parts))
        n = len(parts.train)
        speed = {side: n / median(s for seconds, _ in runs for s in seconds[1:]) for side, runs in found.items()}
        right = {side: mean(accuracy for _, accuracy in runs) for side, runs in found.items()}
        share = speed["calib"] * flops_of_an_image(config, data) / peak
        print(
            f"| {name} | {config.arch}, width {config.width or 16} | {n:,} of {task.side}×{task.side} "
            f"| {speed['plain']:,.0f}/s | {workers} | {speed['calib']:,.0f}/s | {speed['calib'] / speed['plain']:.2f} "
            f"| {share:.0%} | {right['plain']:.3f} | {right['calib']:.3f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
