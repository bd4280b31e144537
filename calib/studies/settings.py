"""What smoothing versus temperature is tried on: small settings that run here, and those of the papers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, TypeVar

from calib._nearest import unknown
from calib.calibrators.registry import as_method, suitable
from calib.datasets import dataset_entry
from calib.errors import InputError
from calib.training.config import TrainConfig
from calib.training.presets import preset


@dataclass(frozen=True)
class Setting:
    """One recipe for all networks, the smoothings to train with, the number of seeds, and calibrators beside T."""

    base: TrainConfig
    smoothing: tuple[float, ...]
    seeds: int
    calibrators: tuple[str, ...] = ()


def _small(dataset: str, epochs: int) -> TrainConfig:
    """ResNet-8 of width 8, batches of 64, one-cycle to 0.1, decay 1e-4, no augmentation: seconds a network."""
    return TrainConfig(dataset=dataset, epochs=epochs, arch="resnet8", width=8)


SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {
        # 2,000 / 5,000 / 10,000 examples: overconfident networks in seconds each
        "fashion-mnist-14": Setting(_small("fashion-mnist-14", 30), smoothing=(0.0, 0.05, 0.1), seeds=4),
        # 600 / 400 / 797, no data needed: networks that need no cure
        "digits": Setting(_small("digits", 40), smoothing=(0.0, 0.05, 0.1), seeds=4),
    }
)

PAPERS: Mapping[str, Setting] = MappingProxyType(
    {
        # CIFAR-100, ResNet-110, hard targets; the calibrators of their Table 1 that calib has
        "guo": Setting(
            preset("guo"),
            smoothing=(0.0,),
            seeds=3,
            calibrators=("histogram", "isotonic", "bbq", "vector", "matrix"),
        ),
        # CIFAR-100, ResNet-56; α = 0.05 is that of Table 3, 0.1 that of Table 2
        "muller": Setting(preset("muller"), smoothing=(0.0, 0.05, 0.1), seeds=3),
        # CIFAR-100, ResNet-50
        "mukhoti": Setting(preset("mukhoti"), smoothing=(0.0, 0.05), seeds=3),
    }
)


Named = TypeVar("Named")


def setting_named(name: str, settings: Mapping[str, Named]) -> Named:
    """Look up one of a study's settings.  Raises `InputError` for an unknown name.

    >>> setting_named("muller", PAPERS).base.arch
    'resnet56'
    """
    if name not in settings:
        raise unknown("recipe", name, settings)
    return settings[name]


def adjusted(
    setting: Setting,
    *,
    dataset: str | None = None,
    arch: str | None = None,
    epochs: int | None = None,
    smoothing: Sequence[float] | None = None,
    seeds: int | None = None,
    calibrators: Sequence[str] | None = None,
) -> Setting:
    """The setting with what is given in the place of its own; epochs replace steps too.

    Each α and each calibrator comes once, without "temperature", which is always there.  Raises `InputError`, before
    any training, for smoothings without 0 or out of range, and for methods that are none or do not suit the classes.

    >>> adjusted(SETTINGS["digits"], smoothing=[0.1, 0, 0.1], calibrators=["vector", "temperature"]).smoothing
    (0.0, 0.1)
    """
    base = changed(setting.base, dataset=dataset, arch=arch, epochs=epochs)
    alphas = check_smoothing(setting.smoothing if smoothing is None else smoothing)
    methods = setting.calibrators if calibrators is None else tuple(calibrators)
    n_classes = dataset_entry(base.dataset).n_classes
    for name in methods:
        as_method(name)
        if name not in suitable(n_classes):
            raise InputError(
                f"{name} does not suit {n_classes} classes", help=f"choose of {', '.join(suitable(n_classes))}"
            )
    unique = tuple(name for name in dict.fromkeys(methods) if name != "temperature")
    return Setting(base, alphas, setting.seeds if seeds is None else seeds, unique)


def changed(
    base: TrainConfig, *, dataset: str | None = None, arch: str | None = None, epochs: int | None = None
) -> TrainConfig:
    """The recipe with what is given in the place of its own; epochs replace steps too.

    >>> shorter = changed(PAPERS["muller"].base, epochs=3)
    >>> shorter.epochs, shorter.steps
    (3, None)
    """
    given: dict[str, Any] = {"dataset": dataset, "arch": arch, "epochs": epochs}
    given = {name: value for name, value in given.items() if value is not None}
    if epochs is not None:
        given["steps"] = None
    return replace(base, **given)


def check_smoothing(smoothing: Sequence[float]) -> tuple[float, ...]:
    """Each α once, in ascending order.  Raises `InputError` without 0, or for what is out of range.

    >>> check_smoothing([0.1, 0, 0.1])
    (0.0, 0.1)
    """
    alphas = tuple(sorted({float(alpha) for alpha in smoothing}))
    for alpha in alphas:
        TrainConfig(dataset="digits", smoothing=alpha)  # refuses what is out of range
    if 0 not in alphas:
        raise InputError(
            "the smoothings lack 0, the hard targets that all others are compared with", help="such as 0,0.05,0.1"
        )
    return alphas
