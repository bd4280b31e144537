"""The schedules are torch's and the papers', step by step."""

import pytest
import torch

from calib.training.config import TrainConfig
from calib.training.presets import PRESETS, preset
from calib.training.schedule import schedule_step


@pytest.mark.parametrize("n_steps", [1, 2, 3, 4, 10, 333])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_one_cycle_is_that_of_torch(n_steps: int, momentum: float) -> None:
    config = TrainConfig(dataset="digits", learning_rate=0.3, momentum=momentum)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3, momentum=momentum)
    theirs = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.3, total_steps=n_steps, cycle_momentum=momentum > 0)
    for step in range(n_steps):
        group = optimizer.param_groups[0]
        ours = schedule_step(config, step, n_steps)
        assert ours.learning_rate == pytest.approx(group["lr"], rel=1e-12)
        assert ours.momentum == pytest.approx(group["momentum"], rel=1e-12)
        optimizer.step()
        if step + 1 < n_steps:
            theirs.step()


def test_muller_divides_by_ten_at_32k_and_48k_of_64k_steps() -> None:
    config = preset("muller")
    rates = [schedule_step(config, step, config.steps or 0).learning_rate for step in (0, 31_999, 32_000, 48_000)]
    assert rates == pytest.approx([0.1, 0.1, 0.01, 0.001])


def test_mukhoti_divides_by_ten_at_epochs_150_and_250() -> None:
    config, batches = preset("mukhoti"), 352
    for epoch, expected in ((0, 0.1), (149, 0.1), (150, 0.01), (249, 0.01), (250, 0.001), (349, 0.001)):
        rate = schedule_step(config, epoch * batches, 350 * batches).learning_rate
        assert rate == pytest.approx(expected)


def test_linear_falls_to_zero_and_constant_stays() -> None:
    linear, constant = (TrainConfig(dataset="digits", schedule=name) for name in ("linear", "constant"))
    assert [schedule_step(linear, step, 4).learning_rate for step in range(4)] == pytest.approx(
        [0.1, 0.075, 0.05, 0.025]
    )
    assert {schedule_step(constant, step, 4) for step in range(4)} == {(0.1, 0.9)}


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_whole_configuration(name: str) -> None:
    config = preset(name)
    assert config.smoothing == 0
    assert config.train_size is not None
    assert config.train_size + (config.calibration_size or 0) == 50_000
