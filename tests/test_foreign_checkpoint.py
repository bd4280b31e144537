"""Networks that calib did not train: run on the data named, with the architecture their tensors fit, doubts said."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from calib import foreign_data
from calib.datasets import load_dataset
from calib.errors import InputError
from calib.foreign_checkpoint import predict_foreign
from calib.inference import predict_part
from calib.reading import Reading
from calib.sources import open_source
from calib.training.checkpoint import Checkpoint
from calib.training.config import TrainConfig
from calib.training.loop import train

DIGITS = Reading(dataset="digits")


@pytest.fixture(scope="module")
def trained() -> Checkpoint:
    return train(TrainConfig(dataset="digits", width=4, epochs=4))


@pytest.fixture
def weights(trained: Checkpoint, tmp_path: Path) -> Path:
    torch.save(
        {"state_dict": {f"module.{name}": value for name, value in trained.state_dict.items()}}, tmp_path / "a.pth"
    )
    return tmp_path / "a.pth"


def test_the_logits_are_those_of_the_network(trained: Checkpoint, weights: Path) -> None:
    found = predict_foreign(weights, DIGITS)
    assert found.n == 1797  # digits have no official test part
    order = np.argsort(trained.split.test)
    own = predict_part(trained, "test").values[order]
    np.testing.assert_allclose(found.values[np.sort(trained.split.test)], own, atol=1e-5)
    notes = " ".join(found.provenance["notes"])
    assert "the architecture is resnet8 (from the shapes of its tensors)" in notes
    assert "all 1797 images were used" in notes
    assert "mean and std are those of digits" in notes
    assert "began with module." in notes
    source = open_source(weights, DIGITS)
    assert source.calibration is None
    assert source.notes == found.provenance["notes"]


def test_other_means_and_an_architecture_by_name_are_taken(trained: Checkpoint, weights: Path) -> None:
    same = Reading(dataset="digits", arch="resnet8", mean=trained.normalisation.mean, std=trained.normalisation.std)
    plain, other = predict_foreign(weights, DIGITS), predict_foreign(weights, same)
    np.testing.assert_array_equal(plain.values, other.values)
    assert "(--arch)" in other.provenance["notes"][0]
    moved = predict_foreign(weights, Reading(dataset="digits", mean=(0.9,), std=(0.1,)))
    assert np.abs(moved.values - plain.values).max() > 0.1
    wider = replace(same, std=tuple(2 * one for one in trained.normalisation.std))
    assert np.abs(predict_foreign(weights, wider).values - plain.values).max() > 0.1


def test_a_factory_of_the_user_s_own_makes_the_network(
    weights: Path, trained: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mynets.py").write_text(
        "from calib.models import build_model\n"
        "def make():\n    return build_model('resnet8', n_classes=10, n_channels=1, width=4)\n"
        "def broken():\n    return 1 / 0\n"
        "def number():\n    return 3\n"
    )
    found = predict_foreign(weights, Reading(dataset="digits", model="mynets:make"))
    np.testing.assert_array_equal(found.values, predict_foreign(weights, DIGITS).values)
    for model, words in (
        ("mynets:broken", "ZeroDivisionError"),
        ("mynets:number", "returned int, no torch.nn.Module"),
        ("mynets:absent", "AttributeError"),
        ("nowhere_at_all:make", "ModuleNotFoundError"),
        ("mynets", "package.module:factory"),
    ):
        with pytest.raises(InputError, match=words):
            predict_foreign(weights, Reading(dataset="digits", model=model))
    assert "" not in sys.path or sys.path.count("") == 1


@pytest.mark.parametrize(
    ("reading", "words"),
    [
        (Reading(), "do not say what data"),
        (Reading(dataset="cifar100", data_dir=Path("nowhere")), "cifar100"),
        (Reading(dataset="imagenet"), "no data set 'imagenet'"),
        (Reading(dataset="digits", arch="resnet20"), "do not fit resnet20: the file lacks 60 names"),
        (Reading(dataset="digits", arch="resnet9"), "there is no architecture"),
        (Reading(dataset="digits", mean=(0.5,)), "--mean and --std go together"),
        (Reading(dataset="digits", mean=(0.5, 0.5), std=(1.0,)), "a number a channel, got 2 for 1"),
        (Reading(dataset="digits", image_size=32), "are 8×8"),
        (Reading(dataset="digits", averaged=True), "no averaged"),
        (Reading(dataset="folder"), "needs --data-dir"),
    ],
)
def test_what_cannot_be_run_is_refused(weights: Path, reading: Reading, words: str) -> None:
    with pytest.raises(InputError, match=words):
        predict_foreign(weights, reading)


def test_weights_for_other_data_are_refused(trained: Checkpoint, tmp_path: Path) -> None:
    for name, value, words in (
        ("fc.weight", torch.zeros(7, 16), "knows 7 classes, digits has 10"),
        ("conv1.weight", torch.zeros(4, 3, 3, 3), "takes images of 3 channels"),
        ("fc.bias", torch.full((10,), float("nan")), "NaN or infinite"),
        ("fc.bias", torch.zeros(10).to_sparse(), "no plain tensor"),
        ("fc.bias", torch.zeros(11), r"fc.bias \(11,\), not \(10,\)"),
    ):
        torch.save({**trained.state_dict, name: value}, tmp_path / "b.pth")
        with pytest.raises(InputError, match=words):
            predict_foreign(tmp_path / "b.pth", DIGITS)


def test_half_precision_weights_are_widened(trained: Checkpoint, tmp_path: Path) -> None:
    torch.save({name: value.half() for name, value in trained.state_dict.items()}, tmp_path / "half.pth")
    assert predict_foreign(tmp_path / "half.pth", DIGITS).values.dtype == np.float32


def test_classes_in_another_order_and_guessing_are_noticed(trained: Checkpoint, tmp_path: Path) -> None:
    turned = dict(trained.state_dict)
    order = torch.roll(torch.arange(10), 1)
    turned |= {name: turned[name][order] for name in ("fc.weight", "fc.bias")}
    torch.save(turned, tmp_path / "turned.pth")
    assert (
        "with the classes in another order" in predict_foreign(tmp_path / "turned.pth", DIGITS).provenance["notes"][-1]
    )
    torch.save({**turned, "fc.weight": torch.zeros(10, 16)}, tmp_path / "constant.pth")
    said = predict_foreign(tmp_path / "constant.pth", DIGITS).provenance["notes"]
    assert "what guessing gives" in said[-1]


def test_of_data_with_an_official_test_part_that_part_alone_is_run(
    trained: Checkpoint, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = load_dataset("digits")
    monkeypatch.setattr(foreign_data, "load_dataset", lambda *_, **__: replace(whole, n_train=1500))
    found = predict_foreign(weights, DIGITS)
    np.testing.assert_array_equal(found.labels, whole.labels[1500:])
    monkeypatch.undo()
    np.testing.assert_array_equal(found.values, predict_foreign(weights, DIGITS).values[1500:])


def test_how_far_a_network_is_can_be_watched(weights: Path) -> None:
    seen: list[int] = []
    source = open_source(weights, replace(DIGITS, batch_size=700, on_images=seen.append))
    assert seen == [700, 1400, source.test.n]


def test_names_of_other_classes_than_the_data_has_are_counted(weights: Path) -> None:
    renamed = replace(DIGITS, class_names=tuple("abcdefghij"))
    assert predict_foreign(weights, renamed).class_names == tuple("abcdefghij")
    with pytest.raises(InputError, match="2 class names were given, digits has 10 classes"):
        predict_foreign(weights, replace(DIGITS, class_names=("a", "b")))
