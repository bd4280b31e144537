"""Weights that others trained, under the names that the networks here use."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from calib._text import printable
from calib.errors import InputError

WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "module")
AVERAGED = ("state_dict_ema", "model_ema", "ema_state_dict", "ema")  # averages over the training, kept beside
_PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "backbone.")
_LOOSE = ("module.", "_orig_mod.")  # these wrap parts of a network too
_NAMES = (
    (re.compile(r"^linear\."), "fc."),  # akamaster/pytorch_resnet_cifar10, kuangliu/pytorch-cifar
    (re.compile(r"(^|\.)shortcut\."), r"\1downsample."),  # the same two
)
_COUNTERS = ("n_averaged",)  # of torch's AveragedModel


@dataclass(frozen=True, eq=False)
class ForeignWeights:
    """A state dict under our names, what else the file said, and notes on what was taken.

    ``arch`` is what the file calls its architecture, None where it does not.
    """

    state_dict: dict[str, Tensor]
    arch: str | None = None
    notes: tuple[str, ...] = field(default=())


def foreign_weights(content: object, *, averaged: bool = False) -> dict[str, Tensor]:
    """Take the state dict out of what a checkpoint file held, and rename its entries for ``load_state_dict``.

    Knows the names of torchvision (kept as they are), akamaster/pytorch_resnet_cifar10, kuangliu/pytorch-cifar and
    IntelLabs/distiller, and the prefixes of DataParallel, torch.compile, Lightning and AveragedModel.  Open files from
    strangers with `calib.models.weights_file.read_tensors`, which runs no code from them.

    Raises `InputError` where there is no state dict.

    >>> import torch
    >>> list(foreign_weights({"state_dict": {"module.linear.bias": torch.zeros(10)}, "best_prec1": 91.78}))
    ['fc.bias']
    """
    return read_foreign(content, averaged=averaged).state_dict


def read_foreign(content: object, *, averaged: bool = False) -> ForeignWeights:
    """The state dict of `foreign_weights`, with what the file says of its architecture and notes on what was taken.

    ``averaged`` asks for the averages over the training (EMA) where a file has them beside the weights.  Raises
    `InputError` where there is no state dict, or no averages.
    """
    notes: list[str] = []
    arch = _arch(content)
    beside = [name for name in AVERAGED if isinstance(content, Mapping) and isinstance(content.get(name), Mapping)]
    if averaged and not beside:
        raise InputError("there are no averaged (EMA) weights here", help="leave --ema out")
    wanted = beside if averaged else WRAPPERS
    for name in wanted:
        if isinstance(content, Mapping) and isinstance(content.get(name), Mapping):
            content = content[name]
            break
    if beside:
        notes.append(
            f"the averaged weights (EMA) under {beside[0]!r} were used"
            if averaged
            else f"there are averaged weights (EMA) under {beside[0]!r} too: --ema uses them"
        )
    if not isinstance(content, Mapping) or not content:
        raise InputError(
            f"there are no weights here, only a {type(content).__name__}", help="pass what torch.load returned"
        )
    given: dict[str, Tensor] = {}
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise InputError(
                f"a state dict maps names to tensors, this one has {printable(repr(name))}: {type(value).__name__}",
                help=f"pass the state dict alone, or under one of the keys {', '.join(WRAPPERS)}",
            )
        if name not in _COUNTERS:
            given[name] = value
    stripped, prefixes = _without_prefixes(given)
    if prefixes:
        notes.append(f"the names of its weights began with {''.join(prefixes)}")
    return ForeignWeights(_renamed(stripped), arch, tuple(notes))


def _arch(content: object) -> str | None:
    """What the file calls its architecture: ``arch``, or the command line beside it."""
    if not isinstance(content, Mapping):
        return None
    for holder in (content, content.get("args"), content.get("hyper_parameters"), content.get("hparams")):
        values = holder if isinstance(holder, Mapping) else getattr(holder, "__dict__", {})
        for name in ("arch", "model", "model_name", "architecture"):
            if isinstance(values.get(name), str):
                return str(values[name])
    return None


def _without_prefixes(weights: dict[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    found: list[str] = []
    while True:
        prefix = next((one for one in _PREFIXES if weights and all(name.startswith(one) for name in weights)), None)
        if prefix is None:
            loose = {_loosened(name): value for name, value in weights.items()}
            return (loose if len(loose) == len(weights) else weights), found
        found.append(prefix)
        weights = {name.removeprefix(prefix): value for name, value in weights.items()}


def _loosened(name: str) -> str:
    for prefix in _LOOSE:
        name = name.removeprefix(prefix)
    return name


def _renamed(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    renamed: dict[str, Tensor] = {}
    for name, value in weights.items():
        new = name
        for pattern, replacement in _NAMES:
            new = pattern.sub(replacement, new)
        if new in renamed:
            raise InputError(f"two entries of the state dict are both {printable(new)!r}", help="rename one of them")
        renamed[new] = value
    return renamed
