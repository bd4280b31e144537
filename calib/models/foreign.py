"""Weights that others trained, under the names that the networks here use."""

import re
from collections.abc import Mapping

from torch import Tensor

from calib.errors import InputError

WRAPPERS = ("state_dict", "model_state_dict", "model", "net")
_NAMES = (
    (re.compile(r"^module\."), ""),  # torch.nn.DataParallel
    (re.compile(r"^linear\."), "fc."),  # akamaster/pytorch_resnet_cifar10, kuangliu/pytorch-cifar
    (re.compile(r"(^|\.)shortcut\."), r"\1downsample."),  # the same two
)


def foreign_weights(content: object) -> dict[str, Tensor]:
    """Take the state dict out of what a checkpoint file held, and rename its entries for ``load_state_dict``.

    Knows the names of torchvision (kept as they are), akamaster/pytorch_resnet_cifar10, kuangliu/pytorch-cifar and
    IntelLabs/distiller, with or without DataParallel's ``module.``.  Open files from strangers with
    ``torch.load(path, map_location="cpu", weights_only=True)``, which runs no code from them.

    Raises `InputError` where there is no state dict.

    >>> import torch
    >>> list(foreign_weights({"state_dict": {"module.linear.bias": torch.zeros(10)}, "best_prec1": 91.78}))
    ['fc.bias']
    """
    for name in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(name), Mapping):
            content = content[name]
            break
    if not isinstance(content, Mapping) or not content:
        raise InputError(
            f"there are no weights here, only a {type(content).__name__}", help="pass what torch.load returned"
        )
    weights: dict[str, Tensor] = {}
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise InputError(
                f"a state dict maps names to tensors, this one has {name!r}: {type(value).__name__}",
                help=f"pass the state dict alone, or under one of the keys {', '.join(WRAPPERS)}",
            )
        new = name
        for pattern, replacement in _NAMES:
            new = pattern.sub(replacement, new)
        if new in weights:
            raise InputError(f"two entries of the state dict are both {new!r}", help="rename one of them")
        weights[new] = value
    return weights
