"""The recipes of the literature as complete, named sets of training options; every one can be overridden."""

from types import MappingProxyType
from typing import Any

from calib._nearest import unknown
from calib.training.config import TrainConfig

_CIFAR: dict[str, Any] = {"batch_size": 128, "shift": 4, "flip": True, "nesterov": False, "weight_decay": 1e-4}
_HELD_OUT_5K: dict[str, Any] = {"train_size": 45_000, "calibration_size": 5_000}

PRESETS = MappingProxyType(
    {
        # Müller et al. (2019), appendix A: 40k/10k, 64k steps, rate ÷ 10 at 32k and 48k, cross-entropy × 3
        "muller": {
            **_CIFAR,
            "dataset": "cifar100",
            "arch": "resnet56",
            "train_size": 40_000,
            "calibration_size": 10_000,
            "steps": 64_000,
            "schedule": "steps",
            "milestones": (32 / 64, 48 / 64),
            "nesterov": True,
            "loss_scale": 3.0,
            "clip_norm": 1.0,
        },
        # Guo et al. (2017) print the split alone; the rest is Kängsepp's re-run: 200 epochs, ÷ 10 at 80 and 150
        "guo": {
            **_CIFAR,
            **_HELD_OUT_5K,
            "dataset": "cifar100",
            "arch": "resnet110",
            "epochs": 200,
            "schedule": "steps",
            "milestones": (80 / 200, 150 / 200),
            "nesterov": True,
        },
        # Mukhoti et al. (2020): 350 epochs, ÷ 10 at 150 and 250; their loss is a sum over the batch, clipped at norm 2
        "mukhoti": {
            **_CIFAR,
            **_HELD_OUT_5K,
            "dataset": "cifar100",
            "arch": "resnet50-cifar",
            "epochs": 350,
            "schedule": "steps",
            "milestones": (150 / 350, 250 / 350),
            "weight_decay": 5e-4,
            "loss_scale": 128.0,
            "clip_norm": 2.0,
        },
        # He et al. (2016), section 4.2: 45k/5k, 64k steps, ÷ 10 at 32k and 48k
        "he": {
            **_CIFAR,
            **_HELD_OUT_5K,
            "dataset": "cifar10",
            "arch": "resnet20",
            "steps": 64_000,
            "schedule": "steps",
            "milestones": (32 / 64, 48 / 64),
        },
        # The PyImageSearch tutorial: 70 epochs from 5e-3 to 0, shifts of a tenth and flips; it tests on what it
        # validates on, here 5,000 training images are held out instead
        "pyimagesearch": {
            **_CIFAR,
            **_HELD_OUT_5K,
            "dataset": "cifar10",
            "arch": "minigooglenet",
            "epochs": 70,
            "batch_size": 64,
            "learning_rate": 5e-3,
            "schedule": "linear",
            "weight_decay": 0.0,
            "shift": 3,
            "shift_fill": "nearest",
        },
        # ours, for a short budget
        "one-cycle": {
            **_CIFAR,
            **_HELD_OUT_5K,
            "dataset": "cifar10",
            "arch": "resnet20",
            "epochs": 15,
            "schedule": "one-cycle",
            "learning_rate": 0.2,
            "nesterov": True,
            "weight_decay": 5e-4,
        },
    }
)


def preset(name: str) -> TrainConfig:
    """The recipe ``name`` of `PRESETS`; `dataclasses.replace` changes any field of it.

    Raises `InputError` for an unknown name.

    >>> preset("muller").steps
    64000
    """
    return TrainConfig.from_dict(preset_fields(name))


def preset_fields(name: str) -> dict[str, Any]:
    """The fields that a preset sets, by name.  Raises `InputError` for an unknown name."""
    if name not in PRESETS:
        raise unknown("preset", name, PRESETS)
    return dict(PRESETS[name])
