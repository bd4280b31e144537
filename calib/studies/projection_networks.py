"""The networks of the projection study: a small setting that trains in a minute, and those of Müller et al. (2019)."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from calib.studies.smoothing_versus_temperature import grid
from calib.training.config import TrainConfig
from calib.training.presets import preset

if TYPE_CHECKING:
    from calib.training.checkpoint import Checkpoint

OnProgress = Callable[[float, int], None]  # networks done, networks in all

SMOOTHING = (0.0, 0.1)


@dataclass(frozen=True)
class Setting:
    """Networks to train for this figure: one with hard targets and one with each other of `SMOOTHING`, a seed."""

    base: TrainConfig
    classes: tuple[str, ...] | None = None  # None: the first three of the data set
    seeds: int = 1


# The rows of Müller et al. (2019), Figure 1, that calib has networks and data for.  AlexNet's decay of 0.04 on its two
# dense layers and the crops to 24×24 have no counterpart here; see docs/studies/projections.md.
SETTINGS = MappingProxyType(
    {
        "small": Setting(TrainConfig(dataset="digits", arch="resnet8", width=8), seeds=3),
        "cifar10-alexnet": Setting(
            TrainConfig(
                dataset="cifar10",
                arch="alexnet",
                train_size=40_000,
                calibration_size=10_000,
                batch_size=128,
                steps=390_000,
                schedule="steps",
                milestones=(130 / 390, 260 / 390),
                momentum=0.0,
                nesterov=False,
                weight_decay=0.0,
                loss_scale=3.0,
                shift=4,
                flip=True,
            ),
            ("airplane", "automobile", "bird"),
        ),
        "cifar100-resnet56": Setting(preset("muller"), ("beaver", "dolphin", "otter")),
    }
)


def train_networks(
    setting: Setting,
    folder: Path | str,
    *,
    data_dir: Path | None = None,
    device: str = "cpu",
    force: bool = False,
    on_progress: OnProgress | None = None,
) -> list[Path]:
    """Train the networks of ``setting`` one after the other into run directories below ``folder``.

    Finished runs of the same configuration are kept and unfinished ones go on where they were, unless ``force``.
    Raises `InputError` for missing data and for runs with other settings, before any training.
    """
    from calib.runs import found_run, train_run

    configs = grid(setting.base, smoothing=SMOOTHING, seeds=range(setting.seeds))
    paths = [Path(folder) / name for name in configs]
    pairs = list(zip(configs.values(), paths, strict=True))
    if not force:
        for config, path in pairs:
            found_run(config, path, resume=True)
    for i, (config, path) in enumerate(pairs):

        def report(checkpoint: "Checkpoint", done: int = i) -> None:
            if on_progress is not None:
                on_progress(done + len(checkpoint.history) / checkpoint.n_epochs, len(pairs))

        train_run(config, path, data_dir=data_dir, device=device, force=force, resume=not force, on_epoch=report)
    return paths
