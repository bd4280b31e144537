"""Weights that others trained load under our names, and score what their authors published."""

import os
from pathlib import Path

import pytest
import torch

import calib
from calib.datasets import dataset_entry, load_dataset
from calib.errors import InputError
from calib.models import CifarResNet, ResNet, foreign_weights
from calib.models.resnet_cifar import Shortcut
from calib.training.images import Normalisation


def test_names_of_others_become_ours() -> None:
    there = {
        "module.conv1.weight": torch.zeros(1),
        "module.layer2.0.shortcut.0.weight": torch.ones(2),
        "module.linear.bias": torch.full((3,), 2.0),
        "module.layer1.0.linear.weight": torch.zeros(4),
    }
    weights = foreign_weights({"state_dict": there, "best_prec1": 91.78})
    assert list(weights) == ["conv1.weight", "layer2.0.downsample.0.weight", "fc.bias", "layer1.0.linear.weight"]
    assert torch.equal(weights["fc.bias"], torch.full((3,), 2.0))
    for wrapped in (there, {"net": there, "epoch": 3}, {"model": there}):
        assert list(foreign_weights(wrapped)) == list(weights)


def test_our_own_and_torchvision_s_names_stay() -> None:
    model = ResNet(18, n_classes=10, n_channels=3, stem="cifar", width=2)
    weights = foreign_weights(model.state_dict())
    assert list(weights) == list(model.state_dict())


def test_a_checkpoint_of_before_batches_were_counted_loads() -> None:
    model = CifarResNet(8, n_classes=10, n_channels=1, width=2, shortcut="B")
    old = {f"module.{name}": value for name, value in model.state_dict().items() if "num_batches" not in name}
    other = CifarResNet(8, n_classes=10, n_channels=1, width=2, shortcut="B")
    other.load_state_dict(foreign_weights({"state_dict": old}))
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (torch.zeros(3), "only a Tensor"),
        ({}, "no weights"),
        ({"state_dict": {}}, "no weights"),
        ({"epoch": 3}, "'epoch': int"),
        ({7: torch.zeros(1)}, "7: Tensor"),
        ({"linear.bias": torch.zeros(1), "fc.bias": torch.zeros(1)}, "both 'fc.bias'"),
    ],
)
def test_what_is_no_state_dict_is_refused(content: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        foreign_weights(content)


IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "depth", "shortcut", "moments", "correct"),
    [
        ("resnet20-12fca82f.th", 20, "A", IMAGENET, 9173),  # akamaster/pytorch_resnet_cifar10: 91.73 %
        ("resnet32-d509ac18.th", 32, "A", IMAGENET, 9263),  # the same: 92.63 %
        ("distiller_resnet20_cifar10_dense.pth.tar", 20, "B", HALF, 9171),  # IntelLabs/distiller
    ],
)
def test_a_published_checkpoint_scores_its_published_accuracy(
    file: str, depth: int, shortcut: Shortcut, moments: tuple[tuple[float, ...], tuple[float, ...]], correct: int
) -> None:
    path = Path(os.environ.get("CALIB_CHECKPOINTS", "")) / file
    if "CALIB_CHECKPOINTS" not in os.environ or not path.is_file():
        pytest.skip(f"{file} is not on this machine; set CALIB_CHECKPOINTS to its folder")
    if dataset_entry("cifar10").find(None) is None:
        pytest.skip("cifar10 is not on this machine; set CALIB_DATA to test it")
    model = CifarResNet(depth, n_classes=10, n_channels=3, shortcut=shortcut)
    model.load_state_dict(foreign_weights(torch.load(path, map_location="cpu", weights_only=True)))
    dataset = load_dataset("cifar10")
    normalisation = Normalisation(*moments, pixel_max=255)
    images, labels = dataset.images[dataset.n_train :], torch.from_numpy(dataset.labels[dataset.n_train :])
    batches = ((normalisation(images[i : i + 500]), labels[i : i + 500]) for i in range(0, 10_000, 500))
    predictions = calib.predict(model, batches)
    assert predictions.n == 10_000
    assert int(predictions.outcomes.correct.sum()) == correct
