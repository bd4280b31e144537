"""Both routes are one training; the loss against smoothed targets is not that against hard ones."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from calib.predictions import Predictions
from calib.studies.two_routes import PAPERS, SETTINGS, Setting, agreement_table, configs, route_table, smoothed_loss
from calib.studies.write_two_routes import readable_agreement, readable_routes, verdict
from calib.training.config import TrainConfig

from .networks import trained

SETTING = Setting(TrainConfig(dataset="digits", width=2, epochs=2, train_size=96, smoothing=0.1), seeds=2)


def test_the_smoothed_loss_is_torch_s() -> None:
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(0, 3, (50, 7)), rng.integers(7, size=50)
    expected = functional.cross_entropy(torch.tensor(logits), torch.tensor(labels), label_smoothing=0.1)
    assert smoothed_loss(Predictions.from_logits(logits, labels), 0.1) == pytest.approx(float(expected), rel=1e-12)
    assert smoothed_loss(Predictions.from_logits(logits, labels), 0.0) == pytest.approx(
        float(functional.cross_entropy(torch.tensor(logits), torch.tensor(labels))), rel=1e-12
    )


def test_the_tutorial_s_setting_is_its_recipe() -> None:
    (paper,) = PAPERS.values()
    assert (paper.base.arch, paper.base.dataset, paper.base.epochs) == ("minigooglenet", "cifar10", 70)
    assert (paper.base.smoothing, paper.base.learning_rate, paper.base.batch_size) == (0.1, 5e-3, 64)
    assert SETTINGS["fashion-mnist-14"].base.arch == "minigooglenet"
    assert [config.target_rows for config in configs(SETTING).values()] == [True, False, True, False]


def test_the_routes_agree_and_the_numbers_called_validation_loss_do_not(tmp_path: Path) -> None:
    trained(configs(SETTING), tmp_path)
    table = route_table(SETTING, tmp_path)
    assert table["route"].tolist() == ["target rows", "loss argument"] * 2
    for _, pair in table.groupby("seed"):
        assert pair["train_loss"].max() == pytest.approx(pair["train_loss"].min(), rel=1e-4)
        assert pair["nll"].max() == pytest.approx(pair["nll"].min(), rel=1e-2)
    assert (table["smoothed_loss"] - table["nll"]).abs().min() > 1e-5
    agreement = agreement_table(SETTING, tmp_path)
    assert agreement["differ in"].tolist() == ["route", "seed", "route"]  # of seeds one route is enough
    bounds = (("same_answer", 0.98, 1.0), ("probability", 0.0, 0.01), ("first_epoch", 0.0, 1e-5))
    for column, least, most in bounds:
        of = {str(what): rows[column].to_list() for what, rows in agreement.groupby("differ in")}
        assert least <= min(of["route"]) <= max(of["route"]) <= most
        assert max(of["seed"]) < least or min(of["seed"]) > most
    assert readable_routes(table)["seeds"].tolist() == ["2", "2"]
    assert readable_agreement(agreement)["pairs"].tolist() == ["2", "1"]
    text = verdict(table, SETTING)
    rows = table.to_dict("records")
    hard = np.mean([row["nll"] for row in rows if row["route"] == "target rows"])
    soft = np.mean([row["smoothed_loss"] for row in rows if row["route"] == "loss argument"])
    assert f"the loss on the test split is {hard:.4f}" in text
    assert f"it is {soft:.4f}" in text
    assert "below 0.5003" in text
