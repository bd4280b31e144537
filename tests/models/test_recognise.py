"""Weights are recognised by their shapes, and what does not fit is said in a few lines."""

import pytest
import torch

from calib.errors import InputError
from calib.models import ARCHITECTURES, build_model
from calib.models.foreign import read_foreign
from calib.models.recognise import compared, fit, n_channels_of, n_classes_of, recognise

SMALL = ("resnet8", "resnet20b", "resnet18", "resnet18-cifar", "resnet50-cifar", "alexnet", "minigooglenet", "mnist-fc")


@pytest.mark.parametrize("arch", SMALL)
def test_every_architecture_is_recognised_by_its_own_weights(arch: str) -> None:
    size = (64, 64) if arch == "resnet18" else (32, 32)
    width = 4 if arch.startswith("resnet") else 16 if arch == "mnist-fc" else None
    weights = build_model(arch, n_classes=7, n_channels=3, width=width, image_size=size).state_dict()
    best = recognise(weights, image_shape=(3, *size))[0]
    assert (best.arch, best.width, best.exact) == (arch, width, True)
    assert n_classes_of(weights) == 7
    assert n_channels_of(weights) == (3 if arch != "mnist-fc" else None)


def test_another_depth_is_the_likeliest_and_the_difference_is_short() -> None:
    weights = build_model("resnet20", n_classes=10, n_channels=3, width=4).state_dict()
    assert recognise(weights)[0].arch == "resnet20"
    wrong = fit(weights, "resnet32")
    assert not wrong.exact
    assert wrong.difference == "the file lacks 60 names, such as layer1.3.conv1.weight"
    more = fit(weights, "resnet8")
    assert more.difference == "the file has 72 names more, such as layer1.1.conv1.weight"
    weights["fc.weight"] = torch.zeros(10, 99)
    assert "fc.weight (10, 99), not (10, 16)" in fit(weights, "resnet20").difference
    assert len(fit(weights, "alexnet", image_shape=(3, 32, 32)).difference) < 300


def test_counters_of_batches_may_be_missing() -> None:
    weights = build_model("resnet8", n_classes=10, n_channels=1, width=2).state_dict()
    old = {name: value for name, value in weights.items() if not name.endswith("num_batches_tracked")}
    assert fit(old, "resnet8").exact
    assert compared(old, build_model("resnet8", n_classes=10, n_channels=1, width=2), "mine").exact


def test_weights_without_a_last_layer_fit_nothing() -> None:
    with pytest.raises(InputError, match="no last layer"):
        n_classes_of({"a.bias": torch.zeros(3)})
    assert recognise({"a.bias": torch.zeros(3)}) == []
    assert len(ARCHITECTURES) >= len(SMALL)


def test_prefixes_averages_and_names_of_architectures_are_found() -> None:
    weights = build_model("resnet8", n_classes=10, n_channels=1, width=2).state_dict()
    wrapped = {f"module._orig_mod.{name}": value for name, value in weights.items()}
    found = read_foreign({"model": {**wrapped, "n_averaged": torch.tensor(3)}, "args": {"model": "resnet8"}})
    assert list(found.state_dict) == list(weights)
    assert found.arch == "resnet8"
    assert found.notes == ("the names of its weights began with module._orig_mod.",)
    lightning = read_foreign({"state_dict": {f"model.{name}": value for name, value in weights.items()}})
    assert list(lightning.state_dict) == list(weights)
    both = {"state_dict": weights, "state_dict_ema": {name: value + 1 for name, value in weights.items()}}
    plain, averaged = read_foreign(both), read_foreign(both, averaged=True)
    assert torch.equal(plain.state_dict["fc.bias"] + 1, averaged.state_dict["fc.bias"])
    assert "--ema uses them" in plain.notes[0]
    assert "were used" in averaged.notes[0]
    with pytest.raises(InputError, match="no averaged"):
        read_foreign(weights, averaged=True)
