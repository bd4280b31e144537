"""Prediction runs anybody's model over anybody's batches and leaves both as they were."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import calib
from calib.datasets import load_dataset
from calib.errors import InputError
from calib.inference import features_part, penultimate, predict_part, resolve_device
from calib.models import ExternalModel
from calib.training.checkpoint import Checkpoint
from calib.training.config import TrainConfig
from calib.training.loop import train


class Classifier(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.frozen = nn.BatchNorm1d(4)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(self.drop(self.frozen(x)))
        return logits


@pytest.fixture
def loader() -> DataLoader[tuple[torch.Tensor, ...]]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(25, 4, generator=generator)
    return DataLoader(TensorDataset(x, torch.arange(25) % 3), batch_size=10)


def test_predictions_are_the_logits_in_eval_mode(loader: DataLoader[tuple[torch.Tensor, ...]]) -> None:
    model = Classifier()
    predictions = calib.predict(model, loader, class_names=["a", "b", "c"])
    x, y = loader.dataset.tensors  # type: ignore[attr-defined]
    with torch.no_grad():
        expected = model.eval()(x).numpy()
    np.testing.assert_allclose(predictions.values, expected, rtol=1e-6)
    assert np.array_equal(predictions.labels, y.numpy())
    assert predictions.kind == "logits"
    assert predictions.class_names == ("a", "b", "c")


def test_every_module_is_put_back_into_its_own_mode(loader: DataLoader[tuple[torch.Tensor, ...]]) -> None:
    model = Classifier().train()
    model.frozen.eval()
    calib.predict(model, loader)
    assert model.training
    assert model.drop.training
    assert not model.frozen.training


def test_modes_are_restored_when_the_model_fails(loader: DataLoader[tuple[torch.Tensor, ...]]) -> None:
    model = nn.Sequential(nn.Dropout(), nn.Linear(5, 3)).train()
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        calib.predict(model, loader)
    assert model[0].training


def test_batch_statistics_and_gradients_stay_untouched(loader: DataLoader[tuple[torch.Tensor, ...]]) -> None:
    model = Classifier().train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    calib.predict(model, loader)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_bfloat16_models_and_outputs_with_logits_are_welcome() -> None:
    batch = (torch.eye(3, dtype=torch.bfloat16), torch.tensor([0, 1, 2]))
    low = nn.Linear(3, 3).bfloat16()
    assert calib.predict(low, [batch]).values.dtype == np.float32
    wrapped = calib.predict(lambda x: SimpleNamespace(logits=5 * x.float()), [batch])
    assert calib.accuracy(wrapped) == 1.0


def test_a_model_that_ends_in_a_softmax_is_noticed() -> None:
    batch = (torch.eye(3), torch.tensor([0, 1, 2]))
    with pytest.warns(UserWarning, match="these are probabilities, predict needs the logits"):
        calib.predict(nn.Sequential(nn.Linear(3, 3), nn.Softmax(dim=1)), [batch])


def test_what_is_no_classifier_or_no_batch_is_refused() -> None:
    batch = (torch.eye(3), torch.tensor([0, 1, 2]))
    with pytest.raises(InputError, match=r"logits \(n, k\)"):
        calib.predict(lambda x: x.sum(), [batch])
    with pytest.raises(InputError, match=r"\(inputs, labels\)"):
        calib.predict(nn.Linear(3, 3), [torch.eye(3)])
    with pytest.raises(InputError, match="empty"):
        calib.predict(nn.Linear(3, 3), [])


def test_a_checkpoint_refuses_data_it_was_not_trained_on(monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = train(TrainConfig(dataset="digits", width=2, epochs=1, train_size=64))
    digits = load_dataset("digits")
    changed = replace(digits, labels=(digits.labels + 1) % 10)
    monkeypatch.setattr("calib.inference.load_dataset", lambda *_, **__: changed)
    with pytest.raises(InputError, match="not what the checkpoint was trained on"):
        predict_part(checkpoint, "test")


def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match="quantum:0"):
        resolve_device("quantum:0")
    assert resolve_device("auto") in ("cpu", "cuda")


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    return train(TrainConfig(dataset="digits", width=2, epochs=1, train_size=64))


def test_features_and_templates_give_the_logits_that_predict_gives(checkpoint: Checkpoint) -> None:
    found = features_part(checkpoint, "test", per_class=None)
    predictions = predict_part(checkpoint, "test")
    templates = checkpoint.model().templates.numpy()  # type: ignore[operator]
    logits = np.hstack([found.features, np.ones((len(found.labels), 1))]) @ templates.T
    np.testing.assert_allclose(logits, predictions.values, rtol=1e-4, atol=1e-4)
    assert np.array_equal(found.labels, predictions.labels)
    assert [found.features.dtype.name, found.labels.dtype.name] == ["float32", "int64"]


def test_the_first_examples_of_each_class_are_taken_in_order(checkpoint: Checkpoint) -> None:
    everything = features_part(checkpoint, "test", per_class=None)
    some = features_part(checkpoint, "test", classes=[7, 2, 7], per_class=5, batch_size=3)
    first = sorted([*np.flatnonzero(everything.labels == 2)[:5], *np.flatnonzero(everything.labels == 7)[:5]])
    assert np.array_equal(some.labels, everything.labels[first])
    np.testing.assert_allclose(some.features, everything.features[first], rtol=1e-5, atol=1e-6)


def test_a_class_of_few_examples_gives_what_it_has(checkpoint: Checkpoint) -> None:
    labels = load_dataset("digits").labels[checkpoint.split.train]
    found = features_part(checkpoint, "train", classes=[3], per_class=1000)
    assert len(found.labels) == (labels == 3).sum() < 64


def test_features_refuse_what_is_not_there(checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    for options, words in (
        ({"classes": [0, 10]}, "0 … 9 for 10 classes, got 10"),
        ({"classes": [-1]}, "got -1"),
        ({"classes": []}, "no classes"),
        ({"per_class": 0}, "per_class must be at least 1, got 0"),
    ):
        with pytest.raises(InputError, match=words):
            features_part(checkpoint, "test", **options)
    emptied = replace(checkpoint, split=replace(checkpoint.split, train=np.array([], dtype=np.int64)))
    monkeypatch.setattr("calib.inference.fingerprint", lambda *_: checkpoint.fingerprint)
    with pytest.raises(InputError, match="train split holds no example of these classes"):
        features_part(emptied, "train")


def test_features_refuse_data_that_the_network_was_not_trained_on(checkpoint: Checkpoint) -> None:
    with pytest.raises(InputError, match="not what the checkpoint was trained on"):
        features_part(replace(checkpoint, fingerprint="other"), "test")


def test_any_network_with_features_will_do_and_is_left_as_it_was(
    loader: DataLoader[tuple[torch.Tensor, ...]],
) -> None:
    inner = Classifier()
    model = ExternalModel(inner, torch.zeros(1, 4)).train()
    inner.frozen.eval()
    found = penultimate(model, loader)
    x, y = loader.dataset.tensors  # type: ignore[attr-defined]
    with torch.no_grad():
        expected = inner.frozen(x).numpy()  # in eval mode the dropout does nothing
    np.testing.assert_allclose(found.features, expected, rtol=1e-6)
    assert np.array_equal(found.labels, y.numpy())
    assert inner.drop.training
    assert not inner.frozen.training


def test_half_precision_features_come_as_float32() -> None:
    model = nn.Linear(3, 3).bfloat16()
    model.features = nn.Identity()
    found = penultimate(model, [(torch.eye(3, dtype=torch.bfloat16), torch.tensor([0, 1, 2], dtype=torch.int32))])
    assert [found.features.dtype.name, found.labels.dtype.name] == ["float32", "int64"]


def test_networks_without_features_are_refused() -> None:
    batch = (torch.eye(3), torch.tensor([0, 1, 2]))
    with pytest.raises(InputError, match="a Linear has no features") as error:
        calib.penultimate(nn.Linear(3, 3), [batch])
    assert "ExternalModel" in error.value.help
    model = nn.Linear(3, 3)
    model.features = nn.Unflatten(1, (1, 3))
    with pytest.raises(InputError, match=r"features\(x\) must return features \(n, d\), it returned \(3, 1, 3\)"):
        calib.penultimate(model, [batch])
    with pytest.raises(InputError, match="empty"):
        calib.penultimate(ExternalModel(nn.Linear(3, 3), torch.zeros(1, 3)), [])


@pytest.mark.parametrize("batch", [[torch.eye(2)], (), torch.eye(2)])
def test_a_batch_without_labels_is_refused(batch: object) -> None:
    with pytest.raises(InputError, match=r"each batch must be \(inputs, labels\)"):
        calib.predict(nn.Linear(2, 2), [batch])
