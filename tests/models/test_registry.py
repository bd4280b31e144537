"""Every architecture of the registry keeps the same promises."""

import copy

import pytest
import torch
from torch import Tensor

from calib.errors import InputError
from calib.models import ARCHITECTURES, Classifier, Network, build_model
from tests.models.conftest import count, seeded

FIXED_WIDTH = {"alexnet", "minigooglenet"}
SHAPES = [(3, 32, 32), (1, 28, 28), (3, 19, 33), (1, 9, 13)]


def small(arch: str, shape: tuple[int, int, int], *, seed: int = 0, n_classes: int = 7) -> Network:
    """The architecture as narrow as it can be; ImageNet stems are checked for large images, so they get no size."""
    large = arch in ("resnet18", "resnet34", "resnet50")
    return seeded(
        arch,
        seed=seed,
        n_classes=n_classes,
        n_channels=shape[0],
        width=None if arch in FIXED_WIDTH else 4,
        image_size=None if large else shape[1:],
    )


def images(shape: tuple[int, int, int], n: int = 3) -> Tensor:
    return torch.randn(n, *shape, generator=torch.Generator().manual_seed(1))


def as_classifier(model: Network) -> Classifier:
    return model  # mypy holds the Protocol


@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_logits_are_features_and_a_one_times_the_templates(arch: str, shape: tuple[int, int, int]) -> None:
    model, x = small(arch, shape), images(shape)
    with torch.no_grad():
        logits, features, templates = model(x), model.features(x), as_classifier(model).templates
    assert logits.shape == (3, 7)
    assert templates.shape == (7, features.shape[1] + 1)
    assert float(features.std()) > 0
    with_one = torch.cat([features, torch.ones(3, 1)], dim=1)
    torch.testing.assert_close(with_one @ templates.T, logits, rtol=1e-5, atol=1e-5)
    assert not templates.requires_grad


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_a_seed_decides_the_initial_weights(arch: str) -> None:
    first, same, other = (small(arch, (1, 9, 9), seed=seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first if name.endswith("weight"))


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_a_copy_and_a_state_dict_give_the_same_network(arch: str) -> None:
    shape = (1, 9, 9)
    model, other, x = small(arch, shape), small(arch, shape, seed=1), images(shape)
    with torch.no_grad():
        expected = model(x)
        assert not torch.equal(other(x), expected)
        other.load_state_dict(model.state_dict())
        assert torch.equal(other(x), expected)
        assert torch.equal(copy.deepcopy(model)(x), expected)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_each_parameter_gets_a_gradient(arch: str) -> None:
    shape = (3, 32, 32)
    model = small(arch, shape).train()
    model(images(shape, n=4)).logsumexp(dim=1).sum().backward()
    assert [name for name, parameter in model.named_parameters() if parameter.grad is None] == []


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_on_the_meta_device_the_shapes_are_the_same(arch: str) -> None:
    with torch.device("meta"):
        model = build_model(arch, n_classes=7, n_channels=1, image_size=(64, 64))
    assert all(parameter.is_meta for parameter in model.parameters())
    assert model.templates.shape[0] == 7


def test_the_width_is_the_published_one_unless_given() -> None:
    with torch.device("meta"):
        for arch, published, features in (("resnet20", 16, 64), ("resnet34-cifar", 64, 512), ("mnist-fc", 1200, 1200)):
            plain, same, half = (
                build_model(arch, n_classes=10, n_channels=1, width=width, image_size=(28, 28))
                for width in (None, published, published // 2)
            )
            assert count(plain) == count(same) > count(half)
            assert plain.templates.shape == (10, features + 1)


@pytest.mark.parametrize("arch", sorted(FIXED_WIDTH))
def test_a_width_is_refused_where_there_is_only_one(arch: str) -> None:
    with pytest.raises(InputError, match=f"{arch} has one width only, got width=8"):
        build_model(arch, n_classes=10, n_channels=3, width=8, image_size=(32, 32))


@pytest.mark.parametrize("arch", ["alexnet", "mnist-fc", "mnist-fc-dropout"])
def test_a_network_that_sees_all_pixels_at_once_asks_for_the_image_size(arch: str) -> None:
    with pytest.raises(InputError, match="all pixels") as error:
        build_model(arch, n_classes=10, n_channels=3)
    assert "image_size" in error.value.help


@pytest.mark.parametrize(
    ("arch", "size", "instead"),
    [("resnet18", (32, 32), "resnet18-cifar"), ("resnet50", (64, 63), "resnet50-cifar"), ("minigooglenet", (6, 9), "")],
)
def test_images_too_small_for_a_network_are_refused(arch: str, size: tuple[int, int], instead: str) -> None:
    with pytest.raises(InputError, match=f"{size[0]}×{size[1]}") as error:
        build_model(arch, n_classes=10, n_channels=3, image_size=size)
    assert instead in error.value.help


def test_an_unknown_architecture_names_the_known_ones() -> None:
    with pytest.raises(InputError, match="resnet9000") as error:
        build_model("resnet9000", n_classes=10, n_channels=3)
    assert "resnet56" in error.value.help
    with pytest.raises(InputError) as error:
        build_model("MiniGoogleNet", n_classes=10, n_channels=3)
    assert error.value.help.startswith("did you mean minigooglenet?")


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_no_1x1_convolution_has_a_stride(arch: str) -> None:
    """In oneDNN the gradient of such a one writes past its memory, see `calib.models.resnet_cifar.projection`."""
    with torch.device("meta"):
        model = build_model(arch, n_classes=7, n_channels=1, image_size=(64, 64))
    convolutions = [module for module in model.modules() if isinstance(module, torch.nn.Conv2d)]
    assert all(module.stride == (1, 1) for module in convolutions if module.kernel_size == (1, 1))


@pytest.mark.parametrize("arch", ["resnet8b", "resnet18-cifar", "resnet50-cifar"])
def test_gradients_of_a_narrow_network_are_those_of_float64_in_any_memory_format(arch: str) -> None:
    model, x = small(arch, (3, 16, 16)), images((3, 16, 16), n=8)
    gradients = []
    for network, batch in (
        (model, x.contiguous(memory_format=torch.channels_last)),
        (copy.deepcopy(model).double(), x.double()),
    ):
        network(batch).square().sum().backward()
        gradients.append({name: p.grad for name, p in network.named_parameters()})
    for name, exact in gradients[1].items():
        assert exact is not None
        torch.testing.assert_close(gradients[0][name], exact.float(), rtol=1e-3, atol=1e-4 * float(exact.abs().max()))
