"""Networks of timm and torchvision as their own tools save them, evaluated without saying what they are."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from calib.datasets.image_folder import image_folder
from calib.errors import InputError
from calib.reading import Reading
from calib.sources import open_source
from tests.models.conftest import library

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def images(tmp_path: Path) -> Path:
    image = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(0)
    for name in ("bird", "cat", "dog"):
        (tmp_path / "val" / name).mkdir(parents=True)
        for i in range(3):
            image.fromarray(rng.integers(0, 255, (80, 100, 3), dtype=np.uint8)).save(
                tmp_path / "val" / name / f"{i}.png"
            )
    return tmp_path / "val"


def logits_of(network: Any, folder: Path, *, mean: Any, std: Any) -> Any:
    found = []
    for pixels, _ in image_folder(folder, image_size=64).batches(4):
        x = torch.from_numpy(np.asarray(pixels)).float() / 255
        x = (x - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
        with torch.no_grad():
            found.append(network.eval()(x).numpy())
    return np.concatenate(found)


@pytest.mark.parametrize("name", ["resnet18", "mobilenetv3_small_050", "convnext_atto"])
def test_a_folder_that_timm_saved_is_its_network_with_its_normalisation(
    name: str, images: Path, tmp_path: Path
) -> None:
    timm: Any = library("timm")
    with torch.random.fork_rng(devices=[]):
        network = timm.create_model(name, num_classes=3)
    folder = tmp_path / name
    folder.mkdir()
    timm.models.save_for_hf(network, str(folder))
    source = open_source(folder, Reading(dataset="folder", data_dir=images, image_size=64))
    config = network.pretrained_cfg
    expected = logits_of(network, images, mean=config["mean"], std=config["std"])
    np.testing.assert_allclose(source.test.values, expected, rtol=1e-5, atol=1e-6)
    assert any(name in note and "the file says so" in note for note in source.notes)


@pytest.mark.parametrize(
    ("family", "name", "content"),
    [
        ("timm", "convnext_atto", {"arch": "convnext_atto", "version": 2, "metric": 1.0}),
        ("torchvision", "mobilenet_v2", {"args": argparse.Namespace(model="mobilenet_v2"), "epoch": 3}),
    ],
)
def test_training_checkpoints_say_their_network_themselves(
    family: str, name: str, content: dict[str, Any], images: Path, tmp_path: Path
) -> None:
    module: Any = library(family)
    with torch.random.fork_rng(devices=[]):
        make = module.create_model if family == "timm" else module.models.get_model
        network = make(name, num_classes=3)
    key = "state_dict" if family == "timm" else "model"
    torch.save({key: network.state_dict(), **content}, tmp_path / "model.pth")
    reading = Reading(dataset="folder", data_dir=images, image_size=64, mean=(0.5,), std=(0.25,))
    source = open_source(tmp_path / "model.pth", reading)
    expected = logits_of(network, images, mean=(0.5,) * 3, std=(0.25,) * 3)
    np.testing.assert_allclose(source.test.values, expected, rtol=1e-5, atol=1e-6)
    assert f"the architecture is {family}:{name} (the file says so)" in source.notes


def test_weights_that_fit_nothing_say_so(images: Path, tmp_path: Path) -> None:
    weights = {"stem.weight": torch.zeros(4, 3, 3, 3), "head.weight": torch.zeros(3, 4), "head.bias": torch.zeros(3)}
    torch.save(weights, tmp_path / "odd.pth")
    with pytest.raises(InputError, match="fit no architecture of calib, not even") as raised:
        open_source(tmp_path / "odd.pth", Reading(dataset="folder", data_dir=images, image_size=64))
    assert "--model package.module:factory" in raised.value.help
