"""Networks of other libraries have features and templates where their logits come out of one linear layer."""

import copy
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from calib.errors import InputError
from calib.models import ExternalModel, build_model, external_model
from calib.training.checkpoint import load_checkpoint, save_checkpoint
from calib.training.config import TrainConfig
from calib.training.loop import train
from tests.models.conftest import library


class Foreign(nn.Module):
    """A small network that registers its layers in an order that says nothing."""

    def __init__(self, n_classes: int, n_channels: int, ends: Callable[..., Any] = lambda logits, _: logits) -> None:
        super().__init__()
        self.head = nn.Linear(6, n_classes, bias=False)
        self.other = nn.Linear(6, n_classes)
        self.body = nn.Sequential(nn.Conv2d(n_channels, 6, 3), nn.BatchNorm2d(6), nn.ReLU())
        self.ends = ends
        self.register_buffer("offset", torch.zeros(n_classes), persistent=False)

    def forward(self, x: Tensor) -> Any:
        pooled = self.body(x).mean(dim=(2, 3))
        return self.ends(self.head(pooled), self.other(pooled))


X = torch.randn(4, 3, 9, 9, generator=torch.Generator().manual_seed(0))


def test_the_last_layer_is_the_one_whose_output_is_the_network_s() -> None:
    network = Foreign(5, 3)
    model = ExternalModel(network, X[:1]).eval()
    assert model.last_layer == "head"
    features = model.features(X)
    assert features.shape == (4, 6)
    assert model.templates.shape == (5, 7)
    assert not model.templates[:, -1].any()  # it has no bias
    torch.testing.assert_close(torch.cat([features, torch.ones(4, 1)], dim=1) @ model.templates.T, model(X))
    assert torch.equal(copy.deepcopy(model).features(X), features)
    assert not network.head._forward_pre_hooks


def test_auxiliary_outputs_are_left_aside() -> None:
    network = Foreign(5, 3, ends=lambda logits, other: SimpleNamespace(logits=other, aux_logits=logits))
    model = ExternalModel(network, X[:1]).eval()
    assert model.last_layer == "other"
    assert model(X).shape == (4, 5)


@pytest.mark.parametrize("ends", [lambda a, b: (a + b) / 2, lambda a, b: a.log_softmax(dim=1)])
def test_logits_that_are_not_one_layer_s_output_have_no_templates(ends: Callable[..., Any]) -> None:
    model = ExternalModel(Foreign(5, 3, ends=ends), X[:1], name="two heads").eval()
    assert model(X).shape == (4, 5)
    with pytest.raises(InputError, match="logits of two heads do not come out of one linear layer"):
        model.features(X)
    with pytest.raises(InputError, match="logits of two heads do not come out of one linear layer"):
        _ = model.templates


def test_a_network_that_does_not_take_the_image_or_returns_no_logits_is_refused() -> None:
    with pytest.raises(InputError, match=r"Foreign does not take images of 1×9×9 .*: .*channels"):
        ExternalModel(Foreign(5, 3), torch.zeros(1, 1, 9, 9))
    with pytest.raises(InputError, match=r"\(n, k\), it returned \(1, 6, 7, 7\)"):
        ExternalModel(Foreign(5, 3).body, X[:1])


def test_looking_for_the_last_layer_leaves_the_network_as_it_was() -> None:
    network = Foreign(5, 3)
    network.body.eval()
    before = copy.deepcopy(network.state_dict())
    ExternalModel(network, X[:1])
    assert network.training
    assert not network.body.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert not network.head._forward_hooks


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    """timm and torchvision as far as they are used here, so that these tests need neither."""

    def create_model(name: str, *, pretrained: bool, num_classes: int, in_chans: int) -> nn.Module:
        assert not pretrained
        return Foreign(num_classes, in_chans)

    def get_model(name: str, *, weights: None, num_classes: int) -> nn.Module:
        return Foreign(num_classes, 3)

    timm, torchvision = ModuleType("timm"), ModuleType("torchvision")
    timm.__dict__.update(is_model=lambda name: name not in ("", "nonsense"), create_model=create_model)
    models: Any = SimpleNamespace(get_model=get_model)
    models.list_models = lambda module: ["foreign"] if module is models else ["fasterrcnn"]
    torchvision.__dict__["models"] = models
    monkeypatch.setitem(sys.modules, "timm", timm)
    monkeypatch.setitem(sys.modules, "torchvision", torchvision)


@pytest.mark.usefixtures("fakes")
@pytest.mark.parametrize("arch", ["timm:foreign", "timm:foreign.tag", "torchvision:foreign"])
def test_a_name_with_a_library_builds_that_library_s_network(arch: str) -> None:
    model = build_model(arch, n_classes=7, n_channels=3, image_size=(9, 9))
    assert isinstance(model, ExternalModel)
    assert model.name == arch
    assert model.templates.shape == (7, 7)
    with pytest.raises(InputError, match="one width only"):
        build_model(arch, n_classes=7, n_channels=3, width=8)


@pytest.mark.usefixtures("fakes")
@pytest.mark.parametrize(
    ("arch", "n_channels", "words"),
    [
        ("timm:nonsense", 3, "timm has no model 'nonsense'"),
        ("timm:hf-hub:somebody/foreign", 3, "timm has no model"),
        ("timm:", 3, "timm has no model"),
        ("torchvision:nonsense", 3, "torchvision has no classifier 'nonsense'"),
        ("torchvision:foreign", 1, "images of 3 channels, these have 1"),
        ("keras:foreign", 3, "unknown library 'keras'"),
        ("timm:foreign", 3, r"does not take images of 3×2×2"),
    ],
)
def test_what_a_library_does_not_have_is_refused(arch: str, n_channels: int, words: str) -> None:
    with pytest.raises(InputError, match=words):
        build_model(arch, n_classes=7, n_channels=n_channels, image_size=(2, 2))


@pytest.mark.parametrize("name", ["timm", "torchvision"])
def test_a_missing_library_is_named_with_the_extra_that_brings_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)  # as Python has it for a module that is not there
    with pytest.raises(InputError, match=f"needs {name}, which is not installed") as error:
        external_model(f"{name}:resnet18", n_classes=10)
    assert error.value.help == f'in the folder of calib: pip install ".[{name}]"'


def test_a_broken_library_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delitem(sys.modules, "torchvision", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "torchvision.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')")
    with pytest.raises(InputError, match="torchvision is installed but cannot be imported: operator torchvision::nms"):
        external_model("torchvision:resnet18", n_classes=10)


@pytest.mark.usefixtures("fakes")
def test_an_external_network_trains_and_comes_back_from_its_checkpoint(tmp_path: Path) -> None:
    checkpoint = train(TrainConfig(dataset="digits", arch="timm:foreign", epochs=1, train_size=64))
    save_checkpoint(checkpoint, tmp_path / "checkpoint.pt")
    before = torch.random.get_rng_state()
    model = load_checkpoint(tmp_path / "checkpoint.pt").model()
    assert torch.equal(torch.random.get_rng_state(), before)
    weights = model.state_dict()
    assert all(torch.equal(weights[name], value) for name, value in checkpoint.state_dict.items())
    assert [name for name, value in model.named_buffers() if value.is_meta] == []  # those not saved too


@pytest.mark.parametrize(
    ("arch", "size", "last", "d"),
    [
        ("timm:resnet18", 32, "fc", 512),
        ("timm:mobilenetv3_small_050", 32, "classifier", 1024),
        ("timm:convnext_atto", 32, "head.fc", 320),
        ("timm:vit_tiny_patch16_224", 224, "head", 192),
        ("torchvision:resnet18", 32, "fc", 512),
        ("torchvision:mobilenet_v3_small", 32, "classifier.3", 1024),
        ("torchvision:shufflenet_v2_x0_5", 32, "fc", 1024),
    ],
)
def test_the_real_libraries_networks_have_features_and_templates(arch: str, size: int, last: str, d: int) -> None:
    library(arch.partition(":")[0])
    with torch.random.fork_rng(devices=[]):
        model = build_model(arch, n_classes=10, n_channels=3, image_size=(size, size)).eval()
    assert isinstance(model, ExternalModel)
    assert model.last_layer == last
    x = torch.randn(2, 3, size, size)
    with torch.no_grad():
        logits, features = model(x), model.features(x)
    assert features.shape == (2, d)
    with_one = torch.cat([features, torch.ones(2, 1)], dim=1)
    torch.testing.assert_close(with_one @ model.templates.T, logits, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("arch", ["timm:deit_tiny_distilled_patch16_224", "torchvision:squeezenet1_1"])
def test_the_real_networks_with_two_heads_or_a_convolution_last_have_no_templates(arch: str) -> None:
    library(arch.partition(":")[0])
    with torch.random.fork_rng(devices=[]):
        model = build_model(arch, n_classes=10, n_channels=3, image_size=(224, 224))
    with pytest.raises(InputError, match="do not come out of one linear layer"):
        _ = model.templates
