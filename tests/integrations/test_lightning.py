"""The Lightning callback logs what calib computes from all logits of an epoch."""

# mypy: disable-error-code="misc"

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import calib
from calib.errors import InputError

lightning: Any = pytest.importorskip("pytorch_lightning", reason="pytorch-lightning is not installed")

from calib.integrations.lightning import NAMES, CalibrationCallback  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")  # Lightning's own, about loggers and workers
GENERATOR = torch.Generator().manual_seed(0)
X = torch.randn(101, 20, generator=GENERATOR)
Y = (X[:, :5] + torch.randn(101, 5, generator=GENERATOR)).argmax(1)


class Net(lightning.LightningModule):
    def __init__(self, *, returns: str = "logits") -> None:
        super().__init__()
        self.net, self.returns = nn.Linear(20, 5), returns

    def training_step(self, batch: list[Tensor], _: int) -> Tensor:
        return nn.functional.cross_entropy(self.net(batch[0]), batch[1])

    def validation_step(self, batch: list[Tensor], _: int, dataloader_idx: int = 0) -> dict[str, Tensor]:
        return {self.returns: self.net(batch[0])}

    test_step = validation_step

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def trainer(folder: Path, callback: CalibrationCallback) -> Any:
    quiet = {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    return lightning.Trainer(
        max_epochs=2, accelerator="cpu", callbacks=[callback], default_root_dir=folder, num_sanity_val_steps=1, **quiet
    )


def loader() -> Any:
    return DataLoader(TensorDataset(X, Y), batch_size=32)


def test_an_epoch_logs_the_numbers_of_all_its_examples(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net, running = Net(), trainer(tmp_path, CalibrationCallback(n_bins=10))
    running.fit(net, loader(), loader())
    with torch.no_grad():
        whole = calib.evaluate(calib.Predictions.from_logits(net.net(X), Y), n_bins=10).to_dict()
    logged = {name: float(value) for name, value in running.callback_metrics.items()}
    assert {f"val_{name}" for name in NAMES} <= set(logged)
    for name in NAMES:
        assert logged[f"val_{name}"] == pytest.approx(whole[name], rel=1e-5), name  # Lightning logs float32
    running.test(net, loader(), verbose=False)
    assert float(running.callback_metrics["test_ece"]) == pytest.approx(whole["ece"], rel=1e-5)


def test_every_dataloader_has_its_numbers_and_a_prefix_sets_callbacks_apart(tmp_path: Path) -> None:
    net = Net()
    running = trainer(tmp_path, CalibrationCallback(n_bins=5, prefix="five_"))
    parts = [DataLoader(TensorDataset(X[rows], Y[rows]), batch_size=16) for rows in (slice(0, 40), slice(40, 101))]
    running.validate(net, parts, verbose=False)
    for i, rows in enumerate((slice(0, 40), slice(40, 101))):
        with torch.no_grad():
            expected = calib.ece(calib.Predictions.from_logits(net.net(X[rows]), Y[rows]), n_bins=5)
        assert float(running.callback_metrics[f"five_val_ece/dataloader_idx_{i}"]) == pytest.approx(expected, rel=1e-5)


def test_batches_without_outputs_are_left_out_and_an_epoch_without_batches_logs_nothing(tmp_path: Path) -> None:
    class Silent(Net):
        def validation_step(self, batch: list[Tensor], index: int, dataloader_idx: int = 0) -> Any:
            return None if index < 4 else super().validation_step(batch, index)

    running = trainer(tmp_path, CalibrationCallback())
    net = Silent()
    running.validate(net, DataLoader(TensorDataset(X, Y), batch_size=20), verbose=False)
    with torch.no_grad():
        expected = calib.ece(calib.Predictions.from_logits(net.net(X[80:]), Y[80:]))
    assert float(running.callback_metrics["val_ece"]) == pytest.approx(expected, rel=1e-5)
    running = trainer(tmp_path, CalibrationCallback())
    running.validate(net, DataLoader(TensorDataset(X[:20], Y[:20]), batch_size=20), verbose=False)
    assert "val_ece" not in running.callback_metrics


def test_labels_in_the_outputs_go_first_and_a_batch_without_is_explained(tmp_path: Path) -> None:
    class Labelled(Net):
        def validation_step(self, batch: list[Tensor], index: int, dataloader_idx: int = 0) -> Any:
            return {"logits": self.net(batch[0]), "labels": 4 - batch[1]}

    running, net = trainer(tmp_path, CalibrationCallback()), Labelled()
    running.validate(net, loader(), verbose=False)
    with torch.no_grad():
        expected = calib.nll(calib.Predictions.from_logits(net.net(X), 4 - Y))
    assert float(running.callback_metrics["val_nll"]) == pytest.approx(expected, rel=1e-5)
    with pytest.raises(InputError, match="no second part of a batch that is a dict"):
        CalibrationCallback().on_validation_batch_end(None, None, {"logits": X}, {"x": X, "y": Y}, 0)


def test_steps_that_return_something_else_say_how_to_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must return a dictionary with `logits`"):
        trainer(tmp_path, CalibrationCallback()).validate(Net(returns="scores"), loader(), verbose=False)
    own = CalibrationCallback(read=lambda outputs, batch: (outputs["scores"], batch[1]))
    running = trainer(tmp_path, own)
    running.validate(Net(returns="scores"), loader(), verbose=False)
    assert "val_ece" in running.callback_metrics
