"""The network of somebody's weights: found by their shapes, by what the file calls it, or by what its user says."""

import contextlib
import importlib
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from calib._text import printable
from calib.errors import InputError
from calib.foreign_data import ForeignData
from calib.models import ARCHITECTURES, LIBRARIES, ExternalModel, build_model
from calib.models.foreign import ForeignWeights
from calib.models.recognise import Fit, compared, fit, n_channels_of, n_classes_of, recognise
from calib.reading import Reading


def network_for(weights: ForeignWeights, data: ForeignData, reading: Reading, path: Path) -> tuple[nn.Module, str]:
    """The network with its weights, and a note on how its architecture was found."""
    if reading.model is not None:
        network = _made_by(reading.model)
        return loaded(network, weights.state_dict, reading.model, path), f"the network is {reading.model} (--model)"
    found = n_classes_of(weights.state_dict)
    if found != len(data.class_names):
        raise InputError(
            f"{path} knows {found} classes, {data.name} has {len(data.class_names)}",
            help="name the data set it was trained for",
        )
    channels = n_channels_of(weights.state_dict)
    if channels not in (None, data.shape[0]):
        raise InputError(
            f"{path} takes images of {channels} channels, those of {data.name} have {data.shape[0]}",
            help="name the data set it was trained for",
        )
    if reading.arch is not None and ":" in reading.arch:
        return _external(reading.arch, weights, data, path), f"the architecture is {reading.arch} (--arch)"
    best, how = _architecture(weights, data, reading)
    if not best.exact and reading.arch is None and weights.arch and re.fullmatch(r"[\w.]+", weights.arch):
        for name in (f"{family}:{weights.arch.partition('.')[0]}" for family in LIBRARIES):
            with contextlib.suppress(InputError):  # it is not here, or does not know the name either
                return _external(name, weights, data, path), f"the architecture is {name} (the file says so)"
    if not best.exact:
        raise _no_fit(best, weights, data, reading, path)
    built = build_model(
        best.arch, n_classes=found, n_channels=data.shape[0], width=best.width, image_size=data.shape[1:]
    )
    return loaded(built, weights.state_dict, best.arch, path), f"the architecture is {best.arch} ({how})"


def _external(name: str, weights: ForeignWeights, data: ForeignData, path: Path) -> nn.Module:
    """A network of timm or torchvision with these weights."""
    n_classes = n_classes_of(weights.state_dict)
    outer = build_model(name, n_classes=n_classes, n_channels=data.shape[0], image_size=data.shape[1:])
    inner = outer.network if isinstance(outer, ExternalModel) else outer
    loaded(inner, weights.state_dict, name, path)
    return outer.eval()


def _architecture(weights: ForeignWeights, data: ForeignData, reading: Reading) -> tuple[Fit, str]:
    if reading.arch is not None:
        return fit(weights.state_dict, reading.arch, image_shape=data.shape), "--arch"
    if weights.arch in ARCHITECTURES:
        said = fit(weights.state_dict, weights.arch, image_shape=data.shape)
        if said.exact:
            return said, "the file says so"
    return recognise(weights.state_dict, image_shape=data.shape)[0], "from the shapes of its tensors"


def _no_fit(best: Fit, weights: ForeignWeights, data: ForeignData, reading: Reading, path: Path) -> InputError:
    likeliest = recognise(weights.state_dict, image_shape=data.shape)[0]
    said = f"the file calls it {printable(weights.arch)}; " if weights.arch else ""
    better = (
        f"they fit {likeliest.arch}: --arch {likeliest.arch}"
        if likeliest.exact
        else (f"{said}--arch timm:NAME or torchvision:NAME, or --model package.module:factory for code of your own")
    )
    asked = reading.arch is not None or weights.arch in ARCHITECTURES
    problem = f"do not fit {best.arch}" if asked else f"fit no architecture of calib, not even {best.arch}"
    return InputError(f"the weights of {path} {problem}: {best.difference}", help=better)


def _made_by(name: str) -> nn.Module:
    """Import and call ``package.module:factory``: code of the user's own, because the user named it."""
    module, _, factory = name.partition(":")
    if not module or not factory:
        raise InputError(f"--model is package.module:factory, got {name!r}", help="such as mynets.resnet:resnet20")
    sys.path.insert(0, "")
    try:
        network = getattr(importlib.import_module(module), factory)()
    except Exception as error:
        reason = printable(f"{type(error).__name__}: {error}")
        raise InputError(
            f"{name} cannot be imported and called without arguments ({reason})", help=f"try import {module}"
        ) from error
    finally:
        sys.path.remove("")
    if not isinstance(network, nn.Module):
        raise InputError(f"{name} returned {type(network).__name__}, no torch.nn.Module", help="return the network")
    return network


def loaded(network: nn.Module, weights: Mapping[str, Tensor], name: str, path: Path) -> nn.Module:
    """``network`` with these weights, in eval mode.  Raises `InputError` where they are not its own."""
    found = compared(weights, network, name)
    if not found.exact:
        raise InputError(
            f"the weights of {path} do not fit {name}: {found.difference}", help="name the network they were trained in"
        )
    for key, ours in network.state_dict().items():
        if key in weights and ours.is_floating_point() and not weights[key].is_floating_point():
            raise InputError(
                f"{path}: {printable(key)} is of {str(weights[key].dtype).removeprefix('torch.')}, no weights",
                help="save the weights in float32",
            )
    wide = {key: value.float() if value.is_floating_point() else value for key, value in weights.items()}
    network.load_state_dict(wide, strict=False)  # but for counters that old files lack, nothing is missing
    return network.eval()
