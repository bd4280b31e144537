"""MiniGoogLeNet is the Keras network of the label smoothing tutorial."""

import math

import torch
from torch import nn

from calib.models import MiniGoogLeNet
from calib.models.minigooglenet import Downsample
from tests.models.conftest import count


def test_the_parameter_count_is_that_of_keras() -> None:
    """Keras prints 1,656,250 in all, of which the 3,424 moving averages of batch normalisation are not trained."""
    model = MiniGoogLeNet(n_classes=10, n_channels=3)
    averages = sum(value.numel() for name, value in model.named_buffers() if "running" in name)
    assert (count(model), averages) == (1_652_826, 3_424)


def test_images_of_the_tutorial_end_as_7_by_7_pixels() -> None:
    with torch.device("meta"):
        model = MiniGoogLeNet(n_classes=10, n_channels=3).eval()
        assert model.layers(torch.empty(1, 3, 32, 32)).shape == (1, 336, 7, 7)
        assert model.layers(torch.empty(1, 3, 7, 7)).shape == (1, 336, 1, 1)


def test_downsampling_puts_the_convolution_before_the_pooled_input() -> None:
    x = torch.rand(1, 2, 6, 6)
    out = Downsample(2, 5)(x)
    assert out.shape == (1, 7, 2, 2)
    assert out[0, 5, 0, 0] == x[0, 0, :3, :3].max()
    assert out[0, 6, 1, 1] == x[0, 1, 2:5, 2:5].max()


def test_batch_normalisation_has_the_constants_of_keras() -> None:
    layers = [
        module for module in MiniGoogLeNet(n_classes=2, n_channels=1).modules() if isinstance(module, nn.BatchNorm2d)
    ]
    assert len(layers) == 19
    assert {(layer.eps, layer.momentum) for layer in layers} == {(1e-3, 0.01)}


def test_dropout_is_between_features_and_logits_and_only_in_training() -> None:
    model, x = MiniGoogLeNet(n_classes=3, n_channels=1).eval(), torch.rand(4, 1, 15, 15)
    seen: list[torch.Tensor] = []
    model.fc.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        features = model.features(x)
        model(x)
        model.dropout.train()
        model(x)
    assert torch.equal(seen[0], features)
    kept = seen[1][features > 0] > 0
    assert 0.4 < float(kept.float().mean()) < 0.6
    torch.testing.assert_close(seen[1][seen[1] > 0], 2 * features[seen[1] > 0])


def test_weights_start_as_glorot_s_uniform_distribution_and_biases_as_zero() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        model = MiniGoogLeNet(n_classes=10, n_channels=3)
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            weight = module.weight.detach()
            pixels = weight[0, 0].numel()
            bound = math.sqrt(6 / (pixels * (weight.shape[0] + weight.shape[1])))
            assert 0.97 * bound < float(weight.abs().max()) <= bound
            assert abs(float(weight.std()) / bound * math.sqrt(3) - 1) < 4 / math.sqrt(weight.numel())
            assert module.bias is not None
            assert not module.bias.any()
