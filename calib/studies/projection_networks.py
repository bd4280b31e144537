"""The networks of the projection study: a small setting that trains in a minute, and those of Müller et al. (2019)."""

from dataclasses import dataclass
from types import MappingProxyType

from calib.studies.train_all import grid
from calib.training.config import TrainConfig
from calib.training.presets import preset

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


def configs(setting: Setting) -> dict[str, TrainConfig]:
    """Every network of ``setting`` by the name of its run."""
    return grid(setting.base, smoothing=SMOOTHING, seeds=range(setting.seeds))
