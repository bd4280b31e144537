"""One registry of architectures: a name and a shape in, a network out."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, TypeAlias

from calib._nearest import unknown
from calib.errors import InputError
from calib.models._classifier import Classifier
from calib.models.alexnet import AlexNet
from calib.models.external import LIBRARIES, ExternalModel, external_model
from calib.models.foreign import foreign_weights
from calib.models.fully_connected import FullyConnected
from calib.models.minigooglenet import MiniGoogLeNet
from calib.models.resnet import ResNet
from calib.models.resnet_cifar import CifarResNet, Shortcut

__all__ = [
    "ARCHITECTURES",
    "LIBRARIES",
    "AlexNet",
    "CifarResNet",
    "Classifier",
    "ExternalModel",
    "FullyConnected",
    "MiniGoogLeNet",
    "Network",
    "ResNet",
    "build_model",
    "external_model",
    "foreign_weights",
]

Network: TypeAlias = AlexNet | CifarResNet | ExternalModel | FullyConnected | MiniGoogLeNet | ResNet


@dataclass(frozen=True)
class _Entry:
    """``width`` is the published one, None where there is no other; ``smallest`` the least side of an image."""

    build: Callable[..., Network]
    width: int | None = None
    needs_size: bool = False
    smallest: int = 1
    instead: str = ""


_SHORTCUTS: tuple[tuple[str, Shortcut], ...] = (("", "A"), ("b", "B"))
_REGISTRY = MappingProxyType(
    {
        **{
            f"resnet{depth}{suffix}": _Entry(partial(CifarResNet, depth, shortcut=shortcut), width=16)
            for suffix, shortcut in _SHORTCUTS
            for depth in (8, 20, 32, 44, 56, 110)
        },
        **{
            f"resnet{depth}": _Entry(partial(ResNet, depth), width=64, smallest=64, instead=f"resnet{depth}-cifar")
            for depth in (18, 34, 50)
        },
        **{f"resnet{depth}-cifar": _Entry(partial(ResNet, depth, stem="cifar"), width=64) for depth in (18, 34, 50)},
        "alexnet": _Entry(AlexNet, needs_size=True),
        "minigooglenet": _Entry(MiniGoogLeNet, smallest=7, instead="resnet8"),
        "mnist-fc": _Entry(FullyConnected, width=1200, needs_size=True),
        "mnist-fc-dropout": _Entry(partial(FullyConnected, dropout=0.5), width=1200, needs_size=True),
    }
)

ARCHITECTURES: tuple[str, ...] = tuple(_REGISTRY)


def build_model(
    arch: str,
    *,
    n_classes: int,
    n_channels: int,
    width: int | None = None,
    image_size: tuple[int, int] | None = None,
) -> Network:
    """Build a freshly initialised network.

    ``arch`` is one of `ARCHITECTURES`, "timm:NAME" or "torchvision:NAME".  ``width`` is the number of channels of the
    first stage, or of hidden units, by default the published one.  ``image_size`` is (height, width): AlexNet and the
    fully connected network need it; for the others it is checked, if given.

    Raises `InputError` for an unknown ``arch`` and for a width or an image size that it cannot have.

    >>> model = build_model("resnet20", n_classes=10, n_channels=3)
    >>> sum(parameter.numel() for parameter in model.parameters())
    269722
    """
    if ":" in arch:
        _refuse_width(arch, width)
        size: dict[str, Any] = {} if image_size is None else {"image_size": image_size}
        return external_model(arch, n_classes=n_classes, n_channels=n_channels, **size)
    if arch not in _REGISTRY:
        raise unknown(
            "architecture", arch, ARCHITECTURES, more=", timm:NAME or torchvision:NAME; for others use calib.predict"
        )
    entry = _REGISTRY[arch]
    shape: dict[str, Any] = {"n_classes": n_classes, "n_channels": n_channels}
    if entry.width is None:
        _refuse_width(arch, width)
    else:
        shape["width"] = entry.width if width is None else width
    if entry.needs_size:
        if image_size is None:
            raise InputError(f"{arch} sees all pixels at once", help="pass image_size=(height, width)")
        shape["image_size"] = image_size
    if image_size is not None and min(image_size) < entry.smallest:
        height, across = image_size
        raise InputError(
            f"{arch} needs images of {entry.smallest} pixels a side, got {height}×{across}",
            help=f"use {entry.instead} for images of this size",
        )
    return entry.build(**shape)


def _refuse_width(arch: str, width: int | None) -> None:
    if width is not None:
        raise InputError(f"{arch} has one width only, got width={width}", help="leave the width out")
