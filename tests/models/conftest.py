"""What several of these tests need: seeded networks, and libraries that may be missing."""

import importlib
import importlib.util
import sys
from functools import cache
from types import ModuleType

import pytest
import torch

from calib.models import Network, build_model


def seeded(
    arch: str,
    *,
    seed: int = 0,
    n_classes: int = 10,
    n_channels: int = 3,
    width: int | None = None,
    image_size: tuple[int, int] | None = None,
) -> Network:
    """A network in eval mode whose weights are drawn from ``seed``, without moving torch's own generator."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        model = build_model(arch, n_classes=n_classes, n_channels=n_channels, width=width, image_size=image_size)
    return model.eval()


def count(model: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


@cache
def _operators() -> torch.library.Library:
    """The two operators of torchvision that its registry build brings for CUDA alone; nothing here calls them."""
    defined = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for name in ("nms", "qnms"):
        defined.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")  # type: ignore[no-untyped-call]
    return defined


def library(name: str) -> ModuleType:
    """Import a library that is not among the requirements, or skip the test."""
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    try:
        return importlib.import_module(name)
    except RuntimeError:  # a torchvision made for another torch
        for loaded in [module for module in sys.modules if module.partition(".")[0] in ("timm", "torchvision")]:
            del sys.modules[loaded]
        _operators()
        return importlib.import_module(name)
