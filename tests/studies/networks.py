"""Networks for tests of studies, trained in this process: what `train_all` leaves, without waiting for its workers."""

from collections.abc import Mapping
from pathlib import Path

from calib.runs import train_run
from calib.training.config import TrainConfig


def trained(configs: Mapping[str, TrainConfig], folder: Path) -> list[Path]:
    """Train every config into a run directory of its name below ``folder``."""
    for name, config in configs.items():
        train_run(config, folder / name)
    return [folder / name for name in configs]
