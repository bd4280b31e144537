"""The fully connected MNIST network is teacher and student of the distillation study."""

import math

import pytest
import torch

from calib.models import FullyConnected
from tests.models.conftest import count, seeded


@pytest.mark.parametrize(("width", "parameters"), [(1200, 2_395_210), (800, 1_276_810)])
def test_the_parameter_counts_of_784_1200_1200_10_and_its_student(width: int, parameters: int) -> None:
    with torch.device("meta"):
        model = FullyConnected(n_classes=10, n_channels=1, image_size=(28, 28), width=width)
    assert count(model) == parameters == 785 * width + (width + 1) * width + (width + 1) * 10


def test_features_are_the_second_hidden_layer() -> None:
    model = FullyConnected(n_classes=3, n_channels=2, image_size=(3, 5), width=7).eval()
    x = torch.randn(4, 2, 3, 5)
    hidden = (x.reshape(4, 30) @ model.hidden1.weight.T + model.hidden1.bias).clamp(min=0)
    hidden = (hidden @ model.hidden2.weight.T + model.hidden2.bias).clamp(min=0)
    torch.testing.assert_close(model.features(x), hidden)


def test_weights_start_gaussian_with_deviation_0_03_and_biases_as_zero() -> None:
    model = seeded("mnist-fc", n_channels=1, image_size=(28, 28))
    assert isinstance(model, FullyConnected)
    for layer in (model.hidden1, model.hidden2, model.fc):
        n = layer.weight.numel()
        assert float(layer.weight.detach().std()) == pytest.approx(0.03, rel=4 / math.sqrt(2 * n))
        assert not layer.bias.any()


def test_only_the_dropout_variant_drops_hidden_units_and_only_in_training() -> None:
    x = torch.rand(50, 1, 4, 4)
    for arch, dropped in (("mnist-fc", False), ("mnist-fc-dropout", True)):
        model = seeded(arch, n_channels=1, image_size=(4, 4), width=64)
        assert torch.equal(model(x), model(x))
        model.train()
        assert torch.equal(model(x), model(x)) != dropped
