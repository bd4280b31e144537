"""The CIFAR ResNets have the published shapes, shortcuts and initial weights."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from calib.models import CifarResNet, build_model
from calib.models.resnet_cifar import BasicBlock
from tests.models.conftest import count


@pytest.mark.parametrize(
    ("arch", "published"),  # He et al. (2016), table 6; the counts to the last digit: by hand from that table
    [
        ("resnet20", "0.27"),
        ("resnet32", "0.46"),
        ("resnet44", "0.66"),
        ("resnet56", "0.85"),
        ("resnet110", "1.7"),
        ("resnet20b", "0.27"),  # chenyaofo/pytorch-cifar-models, whose networks have option B
        ("resnet32b", "0.47"),
        ("resnet44b", "0.66"),
        ("resnet56b", "0.86"),
    ],
)
def test_parameter_counts_in_millions_are_the_published_ones(arch: str, published: str) -> None:
    millions = count(build_model(arch, n_classes=10, n_channels=3)) / 1e6
    assert f"{millions:.{len(published) - 2}f}" == published


@pytest.mark.parametrize("depth", [8, 20, 32, 44, 56, 110])
def test_parameter_counts_follow_from_the_layers(depth: int) -> None:
    m = (depth - 2) // 6
    first = 3 * 16 * 9 + 2 * 16
    stages = sum(9 * w * w * (2 * m - (w > 16)) + 9 * w * w // 2 * (w > 16) + 2 * w * 2 * m for w in (16, 32, 64))
    last = 64 * 10 + 10
    model_a, model_b = (CifarResNet(depth, n_classes=10, n_channels=3, shortcut=option) for option in ("A", "B"))
    assert count(model_a) == first + stages + last
    assert count(model_b) - count(model_a) == 16 * 32 + 2 * 32 + 32 * 64 + 2 * 64


def test_a_depth_that_is_not_6m_plus_2_is_refused() -> None:
    for depth in (2, 18, 21):
        with pytest.raises(ValueError, match="6m"):
            CifarResNet(depth, n_classes=10, n_channels=3)


@pytest.mark.parametrize(("size", "channels", "classes"), [(8, 1, 10), (28, 1, 10), (32, 3, 100)])
def test_forward_is_the_last_layer_of_the_features(size: int, channels: int, classes: int) -> None:
    model = CifarResNet(8, n_classes=classes, n_channels=channels, width=8).eval()
    x = torch.randn(2, channels, size, size)
    features = model.features(x)
    assert features.shape == (2, 32)
    assert torch.equal(model(x), features @ model.fc.weight.T + model.fc.bias)


def silenced(block: BasicBlock) -> BasicBlock:
    """Without the convolutions' branch: what is left is ReLU of the shortcut."""
    nn.init.zeros_(block.bn2.weight)
    return block.eval()


@pytest.mark.parametrize("size", [(8, 8), (7, 9)])
def test_option_a_takes_every_second_pixel_and_pads_with_channels_of_zeros(size: tuple[int, int]) -> None:
    x = torch.rand(2, 4, *size)
    out = silenced(BasicBlock(4, 8, 2, "A"))(x)
    assert torch.equal(out[:, 2:6], x[:, :, ::2, ::2])
    assert not out[:, [0, 1, 6, 7]].any()


@pytest.mark.parametrize("size", [(8, 8), (7, 9)])
def test_option_b_is_a_normalised_1x1_convolution_of_every_second_pixel(size: tuple[int, int]) -> None:
    x = torch.rand(2, 4, *size)
    block = silenced(BasicBlock(4, 8, 2, "B"))
    assert block.downsample is not None
    weight = block.downsample[0].weight
    assert isinstance(weight, torch.Tensor)
    expected = torch.einsum("oi,nihw->nohw", weight[:, :, 0, 0], x[:, :, ::2, ::2]) / math.sqrt(1 + 1e-5)
    torch.testing.assert_close(block(x), functional.relu(expected))


@pytest.mark.parametrize("option", ["A", "B"])
def test_a_block_that_keeps_the_shape_has_a_shortcut_without_parameters(option: str) -> None:
    x = torch.rand(2, 4, 5, 5)
    block = silenced(BasicBlock(4, 4, 1, "B" if option == "B" else "A"))
    assert torch.equal(block(x), x)
    assert not any(name.startswith("downsample") for name in block.state_dict())


def test_weights_start_as_he_s_normal_distribution_with_fan_in() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        model = CifarResNet(20, n_classes=1000, n_channels=3, shortcut="B")
    for name, parameter in model.named_parameters():
        weight = parameter.detach()
        if weight.ndim > 1:
            std = math.sqrt(2 / weight[0].numel())
            assert abs(float(weight.std()) / std - 1) < 4 / math.sqrt(2 * weight.numel()), name
            assert abs(float(weight.mean())) < 4 * std / math.sqrt(weight.numel()), name
