"""What several of these tests need: seeded networks, and libraries that may be missing."""

import importlib
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


def library(name: str) -> ModuleType:
    """Import a library that is not among the requirements, or skip the test."""
    try:
        return importlib.import_module(name)
    except (ImportError, RuntimeError) as error:  # RuntimeError: a torchvision made for another torch
        pytest.skip(f"{name} cannot be imported here: {error}")
