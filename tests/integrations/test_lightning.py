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

    def validation_step(self, batch: list[Tensor], _: int) -> dict[str, Tensor]:
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


def test_steps_that_return_something_else_say_how_to_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must return a dictionary with `logits`"):
        trainer(tmp_path, CalibrationCallback()).validate(Net(returns="scores"), loader(), verbose=False)
    own = CalibrationCallback(read=lambda outputs, batch: (outputs["scores"], batch[1]))
    running = trainer(tmp_path, own)
    running.validate(Net(returns="scores"), loader(), verbose=False)
    assert "val_ece" in running.callback_metrics
