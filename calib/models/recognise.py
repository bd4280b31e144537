"""Which architecture do these weights fit?  Shapes are compared; nothing is computed."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from calib._text import printable
from calib.errors import InputError
from calib.models import ARCHITECTURES, Network, build_model

SHOWN = 3  # entries of a difference


@dataclass(frozen=True, eq=False)
class Fit:
    """How weights compare with an architecture: names that it lacks, that they lack, and whose shapes differ."""

    arch: str
    width: int | None
    foreign: tuple[str, ...]
    missing: tuple[str, ...]
    different: tuple[str, ...]

    @property
    def exact(self) -> bool:
        """Whether ``load_state_dict`` takes the weights."""
        return not (self.foreign or self.missing or self.different)

    @property
    def difference(self) -> str:
        """What is wrong in a line each: at most three, and how many more there are.

        >>> Fit("resnet20", None, ("a", "b"), (), ("fc.weight (10, 64), not (100, 64)",)).difference
        'fc.weight (10, 64), not (100, 64); the file has 2 names more, such as a'
        >>> Fit("resnet20", None, (), ("fc.bias",), ()).difference
        'the file lacks fc.bias'
        """
        lines = list(self.different[:SHOWN])
        if len(self.different) > SHOWN:
            lines[-1] += f" and {len(self.different) - SHOWN} more shapes"
        if self.missing:
            lines.append(f"the file lacks {_some(self.missing)}")
        if self.foreign:
            lines.append(f"the file has {_some(self.foreign, 'more')}")
        return "; ".join(lines)


def fit(weights: Mapping[str, Tensor], arch: str, *, image_shape: tuple[int, int, int] | None = None) -> Fit:
    """Compare ``weights`` with ``arch`` of the same numbers of classes and channels, and of the same width.

    ``image_shape`` is that of the images, channels first; architectures that see all pixels at once need it.

    Raises `InputError` for an unknown architecture, and for weights without a last layer.
    """
    width = _width(weights, arch)
    with torch.device("meta"), torch.random.fork_rng(devices=[]):
        network = _built(weights, arch, width, image_shape)
    return compared(weights, network, arch, width)


def compared(weights: Mapping[str, Tensor], network: nn.Module, arch: str, width: int | None = None) -> Fit:
    """Compare ``weights`` with a network by names and shapes; counters of batch normalisation may be missing."""
    ours = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    theirs = {name: tuple(value.shape) for name, value in weights.items()}
    shared = ours.keys() & theirs.keys()
    unlike = [name for name in ours if name in shared and ours[name] != theirs[name]]
    different = [f"{printable(name)} {theirs[name]}, not {ours[name]}" for name in unlike]
    missing = [name for name in ours if name not in theirs and not name.endswith("num_batches_tracked")]
    foreign = [printable(name) for name in theirs if name not in ours]
    return Fit(arch, width, tuple(foreign), tuple(missing), tuple(different))


def recognise(weights: Mapping[str, Tensor], *, image_shape: tuple[int, int, int] | None = None) -> list[Fit]:
    """Compare with every architecture of calib, the likeliest first; of equals, the first of the registry."""
    fits = []
    for arch in ARCHITECTURES:
        try:
            fits.append(fit(weights, arch, image_shape=image_shape))
        except InputError:
            continue  # such images, or such weights, it cannot have
    return sorted(fits, key=lambda one: (not one.exact, len(one.foreign) + len(one.missing) + len(one.different)))


def n_classes_of(weights: Mapping[str, Tensor]) -> int:
    """The rows of the last layer.  Raises `InputError` where there is no matrix."""
    matrices = [value for name, value in weights.items() if value.ndim == 2 and name.endswith("weight")]
    if not matrices:
        raise InputError("these weights have no last layer: none that ends in weight is a matrix", help="name --model")
    return int(matrices[-1].shape[0])


def n_channels_of(weights: Mapping[str, Tensor]) -> int | None:
    """The channels that the first convolution takes; None without one."""
    first = next((value for value in weights.values() if value.ndim == 4), None)
    return None if first is None else int(first.shape[1])


def _built(
    weights: Mapping[str, Tensor], arch: str, width: int | None, image_shape: tuple[int, int, int] | None
) -> Network:
    channels = n_channels_of(weights) or (image_shape[0] if image_shape else 1)
    size = image_shape[1:] if image_shape else None
    return build_model(arch, n_classes=n_classes_of(weights), n_channels=channels, width=width, image_size=size)


def _width(weights: Mapping[str, Tensor], arch: str) -> int | None:
    """The channels of the first stage where the architecture may have any; None for the published width."""
    if arch.startswith("resnet"):
        first = weights.get("conv1.weight")
    elif arch.startswith("mnist-fc"):
        first = weights.get("hidden1.weight")
    else:
        return None
    return None if first is None else int(first.shape[0])


def _some(names: tuple[str, ...], more: str = "") -> str:
    if len(names) == 1:
        return names[0]
    return f"{len(names)} names {more}, such as {names[0]}".replace(" ,", ",")
