"""ResNet-18, -34 and -50 are torchvision's, name by name; the CIFAR stem keeps small images large."""

import math

import pytest
import torch

from calib.errors import InputError
from calib.models import ResNet, build_model
from tests.models.conftest import count, library

BN = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}


def torchvision_s_names(depth: int) -> list[str]:
    """The keys of the state dict of torchvision's resnet18, resnet34 and resnet50, written down from theirs."""
    names = ["conv1.weight", *(f"bn1.{part}" for part in BN)]
    for stage, blocks in enumerate(BLOCKS[depth], start=1):
        for block in range(blocks):
            at = f"layer{stage}.{block}"
            for i in range(1, 4 if depth == 50 else 3):
                names += [f"{at}.conv{i}.weight", *(f"{at}.bn{i}.{part}" for part in BN)]
            if block == 0 and (stage > 1 or depth == 50):
                names += [f"{at}.downsample.0.weight", *(f"{at}.downsample.1.{part}" for part in BN)]
    return [*names, "fc.weight", "fc.bias"]


@pytest.mark.parametrize(
    ("depth", "published", "entries"), [(18, 11_689_512, 122), (34, 21_797_672, 218), (50, 25_557_032, 320)]
)
def test_names_and_parameter_counts_are_torchvision_s(depth: int, published: int, entries: int) -> None:
    with torch.device("meta"):
        model = ResNet(depth, n_classes=1000, n_channels=3)
    assert count(model) == published  # the num_params that torchvision publishes with its weights
    assert list(model.state_dict()) == torchvision_s_names(depth)
    assert len(torchvision_s_names(depth)) == entries


@pytest.mark.parametrize(("depth", "published"), [(18, 11_173_962), (34, 21_282_122), (50, 23_520_842)])
def test_with_the_cifar_stem_only_the_first_kernel_differs(depth: int, published: int) -> None:
    with torch.device("meta"):
        small, large = (ResNet(depth, n_classes=10, n_channels=3, stem=stem) for stem in ("cifar", "imagenet"))
    assert count(small) == published  # kuangliu/pytorch-cifar
    shapes = [{name: value.shape for name, value in model.state_dict().items()} for model in (small, large)]
    assert {name for name in shapes[0] if shapes[0][name] != shapes[1][name]} == {"conv1.weight"}
    assert shapes[0]["conv1.weight"] == (64, 3, 3, 3)
    assert set(shapes[0]) == set(shapes[1])


@pytest.mark.parametrize(("stem", "side"), [("cifar", 4), ("imagenet", 1)])
def test_the_cifar_stem_keeps_the_pixels_that_imagenet_s_throws_away(stem: str, side: int) -> None:
    model = ResNet(18, n_classes=10, n_channels=3, stem="cifar" if stem == "cifar" else "imagenet", width=4).eval()
    seen: list[torch.Size] = []
    model.layer4.register_forward_hook(lambda module, inputs, output: seen.append(output.shape))
    model(torch.zeros(1, 3, 32, 32))
    assert seen == [(1, 32, side, side)]


@pytest.mark.parametrize(("depth", "features"), [(18, 512), (34, 512), (50, 2048)])
def test_the_penultimate_layer_has_the_published_size(depth: int, features: int) -> None:
    with torch.device("meta"):
        model = build_model(f"resnet{depth}", n_classes=10, n_channels=3)
        assert model.features(torch.empty(2, 3, 64, 64)).shape == (2, features)


def test_another_depth_is_refused() -> None:
    with pytest.raises(InputError, match="depth 20"):
        ResNet(20, n_classes=10, n_channels=3)


def test_convolutions_start_as_he_s_normal_distribution_with_fan_out() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        model = ResNet(50, n_classes=10, n_channels=1, width=8)
    for name, parameter in model.named_parameters():
        weight = parameter.detach()
        if weight.ndim == 4:
            std = math.sqrt(2 / (weight.shape[0] * weight[0, 0].numel()))
            assert abs(float(weight.std()) / std - 1) < 4 / math.sqrt(2 * weight.numel()), name
    assert float(model.fc.weight.detach().abs().max()) <= 1 / math.sqrt(256)  # torch's default for linear layers


@pytest.mark.parametrize("depth", [18, 34, 50])
def test_torchvision_s_own_network_gives_the_same_logits(depth: int) -> None:
    torchvision = library("torchvision")
    with torch.random.fork_rng(devices=[]):
        theirs = getattr(torchvision.models, f"resnet{depth}")(weights=None).eval()
    ours = ResNet(depth, n_classes=1000, n_channels=3).eval()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 3, 65, 70, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(ours.double()(x), theirs.double()(x), rtol=1e-10, atol=1e-10)


def test_a_seed_gives_torchvision_s_initial_weights() -> None:
    torchvision = library("torchvision")
    weights = []
    for build in (lambda: torchvision.models.resnet18(), lambda: ResNet(18, n_classes=1000, n_channels=3)):
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)
            weights.append(build().state_dict())
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
