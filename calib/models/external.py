"""Networks of timm and torchvision by name, and any other whose logits come out of a linear layer."""

import re
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from calib._extras import library
from calib.errors import InputError
from calib.models._classifier import templates_of
from calib.models.modes import in_eval_mode

LIBRARIES = ("timm", "torchvision")


class ExternalModel(nn.Module):
    """A network of another library with `features` and `templates`.

    The last layer is found by running ``example``, a batch of one, through ``network`` in eval mode: it is the linear
    layer whose output is the network's output.  Where there is none, as in networks that end in a convolution or that
    average two heads, logits can be had but `features` and `templates` raise `InputError`.

    Raises `InputError` where the network does not take the example or does not return logits ``(1, k)``.

    >>> network = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 10))
    >>> model = ExternalModel(network, torch.zeros(1, 1, 8, 8))
    >>> model.last_layer, model.templates.shape
    ('3', torch.Size([10, 9]))
    """

    def __init__(self, network: nn.Module, example: Tensor, *, name: str | None = None) -> None:
        super().__init__()
        self.network = network
        self.name = type(network).__name__ if name is None else name
        self.last_layer = self._find_last_layer(example)

    def features(self, x: Tensor) -> Tensor:
        """Penultimate activations ``(n, d)``: what goes into the last layer.  Raises `InputError` without one."""
        seen: list[Tensor] = []
        handle = self._last_layer().register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        try:
            self.forward(x)
        finally:
            handle.remove()
        return seen[-1]

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``(n, k)``; of networks with auxiliary outputs the main ones."""
        output = self.network(x)
        logits: Tensor = getattr(output, "logits", output)
        return logits

    @property
    def templates(self) -> Tensor:
        """The last layer ``(k, d + 1)``, bias last.  Raises `InputError` without one."""
        return templates_of(self._last_layer())

    def _last_layer(self) -> nn.Linear:
        if self.last_layer is None:
            raise InputError(
                f"the logits of {self.name} do not come out of one linear layer: it has no features and templates",
                help="its logits can be had; for the geometry choose another architecture",
            )
        layer = self.network.get_submodule(self.last_layer)
        assert isinstance(layer, nn.Linear)  # noqa: S101  # for mypy
        return layer

    def _find_last_layer(self, example: Tensor) -> str | None:
        outputs: dict[str, Tensor] = {}
        linear = {name: module for name, module in self.network.named_modules() if isinstance(module, nn.Linear)}
        handles = [
            module.register_forward_hook(lambda _, inputs, output, name=name: outputs.update({name: output}))
            for name, module in linear.items()
        ]
        try:
            with in_eval_mode(self.network), torch.no_grad():
                logits = self.forward(example)
        except Exception as error:  # whatever a foreign network raises for an input that it was not made for
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise InputError(
                f"{self.name} does not take images of {_shape(example)} (channels×height×width): {reason}",
                help="choose an architecture for images of this size",
            ) from error
        finally:
            for handle in handles:
                handle.remove()
        if not isinstance(logits, Tensor) or logits.ndim != 2 or len(logits) != len(example):
            found = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
            raise InputError(f"{self.name} must return logits (n, k), it returned {found}", help="choose a classifier")
        return next((name for name, output in outputs.items() if output is logits), None)


def external_model(
    name: str, *, n_classes: int, n_channels: int = 3, image_size: tuple[int, int] = (224, 224)
) -> ExternalModel:
    """Build "timm:NAME" or "torchvision:NAME" with fresh weights; the library is imported here and nowhere else.

    Nothing is downloaded.  For pretrained weights build the network with its own library and pass it to `calib.predict`
    or `ExternalModel`.  Raises `InputError` for an unknown name, a missing library, or a network that does not take
    such images.
    """
    family, _, inner = name.partition(":")
    if family not in LIBRARIES:
        raise InputError(f"unknown library {family!r} in {name!r}", help="use timm:NAME or torchvision:NAME")
    module = library(family, extra=family, what="this architecture")
    build = _timm if family == "timm" else _torchvision
    with torch.device("cpu"):  # real tensors even under a meta device: not all of these networks can be built there
        network = build(module, inner, n_classes, n_channels)
        return ExternalModel(network, torch.zeros(1, n_channels, *image_size), name=name)


def _timm(timm: ModuleType, name: str, n_classes: int, n_channels: int) -> Any:
    # a name with a colon or a slash would make timm look on a hub or on the disk
    if not re.fullmatch(r"[\w.]+", name) or not timm.is_model(name):
        raise InputError(f"timm has no model {name!r}", help="timm.list_models() names them")
    return timm.create_model(name, pretrained=False, num_classes=n_classes, in_chans=n_channels)


def _torchvision(torchvision: ModuleType, name: str, n_classes: int, n_channels: int) -> Any:
    models = torchvision.models
    if name not in models.list_models(module=models):
        raise InputError(f"torchvision has no classifier {name!r}", help="torchvision.models.list_models() names them")
    if n_channels != 3:
        raise InputError(
            f"torchvision's networks take images of 3 channels, these have {n_channels}",
            help="timm has most of them for any number of channels",
        )
    return models.get_model(name, weights=None, num_classes=n_classes)


def _shape(example: Tensor) -> str:
    return "×".join(map(str, example.shape[1:]))
