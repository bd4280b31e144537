"""AlexNet is the network of TensorFlow's CIFAR-10 tutorial, layer by layer."""

import math

import numpy as np
import numpy.typing as npt
import pytest
import torch

from calib.models import AlexNet
from calib.models.alexnet import _normalise, _pool
from tests.models.conftest import count


def test_the_parameter_count_is_the_tutorial_s() -> None:
    assert count(AlexNet(n_classes=10, n_channels=3, image_size=(24, 24))) == 1_068_298


@pytest.mark.parametrize(("size", "inputs"), [((32, 32), 4096), ((28, 28), 3136), ((9, 6), 384), ((1, 1), 64)])
def test_the_first_dense_layer_fits_the_image(size: tuple[int, int], inputs: int) -> None:
    model = AlexNet(n_classes=10, n_channels=1, image_size=size).eval()
    assert model.dense1.in_features == inputs
    assert model(torch.zeros(2, 1, *size)).shape == (2, 10)


def same_max_pool(x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """3×3 windows, stride 2, TensorFlow's "SAME": ceil(n / 2) windows, what is missing padded half before."""
    starts = []
    for side in x.shape:
        out = math.ceil(side / 2)
        missing = max((out - 1) * 2 + 3 - side, 0)
        starts.append([i * 2 - missing // 2 for i in range(out)])
    return np.array(
        [[x[max(row, 0) : row + 3, max(column, 0) : column + 3].max() for column in starts[1]] for row in starts[0]]
    )


@pytest.mark.parametrize("size", [(8, 8), (7, 7), (6, 9), (1, 2)])
def test_pooling_puts_its_windows_where_tensorflow_does(size: tuple[int, int]) -> None:
    x = torch.randn(1, 1, *size)
    np.testing.assert_array_equal(_pool(x)[0, 0].numpy(), same_max_pool(x[0, 0].numpy()))


def test_normalisation_is_tensorflow_s_formula() -> None:
    """tf.nn.lrn with depth_radius 4, bias 1, alpha 0.001 / 9, beta 0.75."""
    x = 50 * torch.randn(1, 12, 1, 1, dtype=torch.float64)
    values = x.flatten().tolist()
    expected = [
        value / (1 + 0.001 / 9 * sum(other**2 for other in values[max(i - 4, 0) : i + 5])) ** 0.75
        for i, value in enumerate(values)
    ]
    np.testing.assert_allclose(_normalise(x).flatten().numpy(), expected, rtol=1e-12)


def test_the_second_convolution_is_normalised_before_it_is_pooled() -> None:
    """Channel 0 sees a neighbour whose maximum lies at another pixel, so the order shows."""
    model = AlexNet(n_classes=2, n_channels=1, image_size=(4, 4)).eval()
    seen: list[torch.Tensor] = []
    model.conv2.register_forward_hook(lambda module, inputs, output: seen.append(1000 * output))
    model.dense1.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    model.conv2.register_forward_hook(lambda module, inputs, output: 1000 * output)
    with torch.no_grad():
        model(torch.rand(1, 1, 4, 4))
    right = _pool(_normalise(torch.relu(seen[0]))).flatten(1)
    wrong = _normalise(_pool(torch.relu(seen[0]))).flatten(1)
    torch.testing.assert_close(seen[1], right)
    assert not torch.allclose(seen[1], wrong, rtol=1e-3)


def test_weights_start_as_in_the_tutorial() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        model = AlexNet(n_classes=100, n_channels=3, image_size=(24, 24))
    cut = 0.87962566  # the standard deviation of a standard normal distribution cut at ±2
    for layer, std, bias in (
        (model.conv1, 0.05, 0.0),
        (model.conv2, 0.05, 0.1),
        (model.dense1, 0.04, 0.1),
        (model.dense2, 0.04, 0.1),
        (model.fc, 1 / 192, 0.0),
    ):
        weight = layer.weight.detach()
        assert float(weight.abs().max()) <= 2 * std * (1 + 1e-6)
        assert float(weight.std()) == pytest.approx(cut * std, rel=4 / math.sqrt(2 * weight.numel()))
        assert layer.bias is not None
        assert set(layer.bias.tolist()) == {float(np.float32(bias))}
