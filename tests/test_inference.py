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
from calib.inference import predict_part, resolve_device
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
