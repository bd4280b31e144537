"""One registry of architectures: a name and a shape in, a network out."""

from calib.errors import InputError
from calib.models.resnet_cifar import CifarResNet

ARCHITECTURES = {f"resnet{depth}": depth for depth in (8, 20, 32, 44, 56, 110)}


def build_model(arch: str, *, n_classes: int, n_channels: int, width: int = 16) -> CifarResNet:
    """Build a freshly initialised network; ``width`` is the number of channels of its first stage.

    Raises `InputError` for an unknown ``arch``.

    >>> model = build_model("resnet20", n_classes=10, n_channels=3)
    >>> sum(parameter.numel() for parameter in model.parameters())
    269722
    """
    if arch not in ARCHITECTURES:
        raise InputError(
            f"unknown architecture {arch!r}",
            help=f"calib knows {', '.join(ARCHITECTURES)}; for others use calib.predict",
        )
    return CifarResNet(ARCHITECTURES[arch], n_classes=n_classes, n_channels=n_channels, width=width)
