"""The CIFAR ResNets have the published shapes."""

import pytest
import torch

from calib.errors import InputError
from calib.models import build_model


@pytest.mark.parametrize(
    ("arch", "published_millions"),
    [("resnet20", 0.27), ("resnet32", 0.46), ("resnet44", 0.66), ("resnet56", 0.85), ("resnet110", 1.7)],
)
def test_parameter_counts_are_those_of_the_paper(arch: str, published_millions: float) -> None:
    model = build_model(arch, n_classes=10, n_channels=3)
    count = sum(parameter.numel() for parameter in model.parameters()) / 1e6
    assert count == pytest.approx(published_millions, abs=0.05 if published_millions > 1 else 0.006)


@pytest.mark.parametrize(("size", "channels", "classes"), [(8, 1, 10), (28, 1, 10), (32, 3, 100)])
def test_forward_is_the_last_layer_of_the_features(size: int, channels: int, classes: int) -> None:
    model = build_model("resnet8", n_classes=classes, n_channels=channels, width=8).eval()
    x = torch.randn(2, channels, size, size)
    features = model.features(x)
    assert features.shape == (2, 32)
    assert torch.equal(model(x), features @ model.fc.weight.T + model.fc.bias)


def test_an_unknown_architecture_names_the_known_ones() -> None:
    with pytest.raises(InputError, match="resnet9000") as error:
        build_model("resnet9000", n_classes=10, n_channels=3)
    assert "resnet56" in error.value.help
