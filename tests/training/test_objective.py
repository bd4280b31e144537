"""Every option of a config reaches the loss, the gradient or the image it is about, as its formula says."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from calib.datasets import load_dataset, split
from calib.errors import InputError
from calib.runs import train_run
from calib.training import epoch as one_epoch
from calib.training.checkpoint import Checkpoint
from calib.training.config import TrainConfig
from calib.training.loop import prepare, train
from calib.training.losses import mixing
from calib.training.objective import Objective
from calib.training.ranks import ALONE

K = 4
CONFIG = TrainConfig(dataset="digits")
LOGITS = torch.tensor([[2.0, -1.0, 0.5, 0.0], [0.1, 0.2, -3.0, 1.0], [-1.0, 4.0, 0.0, 0.3]], dtype=torch.float64)
LABELS = torch.tensor([0, 2, 1])
TAUGHT = torch.tensor([[1.0, 0.0, 0.0, 2.0], [0.0, 1.0, 3.0, 0.0], [0.5, 0.5, 0.0, 0.0]], dtype=torch.float64)
IMAGES = torch.zeros(3, 1, 2, 2)
SMALL = TrainConfig(dataset="digits", width=2, epochs=2, train_size=96)


def probs_of(logits: torch.Tensor) -> np.ndarray:
    odds = np.exp(logits.numpy() - logits.numpy().max(axis=1, keepdims=True))
    rows: np.ndarray = odds / odds.sum(axis=1, keepdims=True)
    return rows


def by_hand(config: TrainConfig) -> np.ndarray:
    """The loss of each example, written out in numpy."""
    p, rows = probs_of(LOGITS), np.eye(K)[LABELS.numpy()]
    rows = (1 - config.smoothing) * rows + config.smoothing / K
    losses = -(rows * (1 - p) ** config.focal_gamma * np.log(p)).sum(axis=1)
    if config.margin is not None:
        z = LOGITS.numpy()
        beyond = np.maximum(z.max(axis=1, keepdims=True) - z - config.margin, 0)
        losses += config.margin_weight * beyond.mean(axis=1)
    if config.teacher is not None:
        t = config.distillation_temperature
        w = config.distillation_weight
        s = config.student_temperature or t
        distilled = -(probs_of(TAUGHT / t) * np.log(probs_of(LOGITS / s))).sum(axis=1)
        if config.match_logits:
            distilled = ((LOGITS.numpy() - TAUGHT.numpy()) ** 2).sum(axis=1) / 2
        losses = (1 - w) * losses + w * distilled
    found: np.ndarray = losses
    return found


@pytest.mark.parametrize("target_rows", [False, True])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"smoothing": 0.1},
        {"focal_gamma": 2.0},
        {"focal_gamma": 3.0, "smoothing": 0.2},
        {"margin": 1.5},
        {"margin": 0.5, "margin_weight": 0.7, "smoothing": 0.1},
        {"teacher": "t"},
        {"teacher": "t", "distillation_temperature": 3.0, "distillation_weight": 0.25, "smoothing": 0.1},
        {"teacher": "t", "distillation_temperature": 4.0, "student_temperature": 1.0},
        {"teacher": "t", "match_logits": True, "distillation_weight": 0.6},
    ],
    ids=str,
)
def test_the_loss_is_the_formula_of_its_config(changes: dict[str, Any], target_rows: bool) -> None:
    config = replace(CONFIG, target_rows=target_rows, **changes)
    objective = Objective(config, K, (lambda _: TAUGHT) if config.teacher else None)
    losses = objective.losses(LOGITS, objective.targets(LABELS), IMAGES)
    np.testing.assert_allclose(losses.numpy(), by_hand(config), rtol=1e-6)  # target rows are float32


def test_smoothing_by_rows_and_by_argument_give_the_same_gradient() -> None:
    gradients = []
    for target_rows in (False, True):
        logits = LOGITS.float().requires_grad_()
        objective = Objective(replace(CONFIG, smoothing=0.1, target_rows=target_rows), K)
        objective.losses(logits, objective.targets(LABELS), IMAGES).sum().backward()  # type: ignore[no-untyped-call]
        gradients.append(logits.grad)
    torch.testing.assert_close(gradients[0], gradients[1])


def steps_of(config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Images and targets of every step of the first epoch, as the objective sees them."""
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []
    real = Objective.losses

    def spy(self: Objective, logits: torch.Tensor, targets: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
        seen.append((images.clone(), targets.clone()))
        return real(self, logits, targets, images)

    monkeypatch.setattr(Objective, "losses", spy)
    train(config)
    monkeypatch.undo()
    return seen


def test_mixup_mixes_images_and_targets_by_one_weight_and_one_partner(monkeypatch: pytest.MonkeyPatch) -> None:
    config = replace(SMALL, epochs=1, batch_size=96, mixup=1.0, smoothing=0.1, target_rows=True)
    ((plain, rows),) = steps_of(replace(config, mixup=0.0), monkeypatch)
    ((mixed, targets),) = steps_of(config, monkeypatch)
    weight, partner = mixing(96, alpha=1.0, key=(config.seed, 1, 0))
    torch.testing.assert_close(mixed, weight * plain + (1 - weight) * plain[partner])
    torch.testing.assert_close(targets, weight * rows + (1 - weight) * rows[partner])


def test_images_move_differently_in_every_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    config = replace(SMALL, batch_size=96, shift=2)
    first, second = (
        images.flatten(1).sort(dim=0).values for images, _ in steps_of(config, monkeypatch)
    )  # sorted: in any order
    assert not torch.allclose(first, second)
    still, again = (
        images.flatten(1).sort(dim=0).values for images, _ in steps_of(replace(config, shift=0), monkeypatch)
    )
    assert torch.allclose(still, again)


def gradient_after(config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> list[torch.Tensor]:
    """The gradients that the optimiser sees in the very first step."""
    seen: list[list[torch.Tensor]] = []
    real = torch.optim.SGD.step

    def spy(self: torch.optim.SGD, *arguments: Any, **options: Any) -> Any:
        seen.append([p.grad.clone() for group in self.param_groups for p in group["params"]])
        return real(self, *arguments, **options)

    monkeypatch.setattr(torch.optim.SGD, "step", spy)
    train(replace(config, steps=1))
    monkeypatch.undo()
    return seen[0]


def norm(gradients: list[torch.Tensor]) -> float:
    return float(torch.cat([gradient.flatten() for gradient in gradients]).norm())


def test_the_loss_scale_multiplies_the_gradient_and_clipping_comes_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = norm(gradient_after(SMALL, monkeypatch))
    assert norm(gradient_after(replace(SMALL, loss_scale=3.0), monkeypatch)) == pytest.approx(3 * plain, rel=1e-4)
    clipped = replace(SMALL, loss_scale=3.0, clip_norm=plain / 2)
    assert norm(gradient_after(clipped, monkeypatch)) == pytest.approx(plain / 2, rel=1e-4)
    assert norm(gradient_after(replace(SMALL, clip_norm=2 * plain), monkeypatch)) == pytest.approx(plain, rel=1e-4)


@pytest.mark.parametrize(
    ("option", "value"), [("weight_decay", 1e-2), ("momentum", 0.5), ("nesterov", False), ("learning_rate", 0.05)]
)
def test_the_optimiser_is_told_what_the_config_says(option: str, value: Any) -> None:
    data = load_dataset("digits")
    training = prepare(replace(SMALL, **{option: value}), data, split(data, seed=0), device="cpu", ranks=ALONE)
    name = {"learning_rate": "lr"}.get(option, option)
    assert training.optimizer.param_groups[0][name] == value


def test_bfloat16_and_compile_reach_the_forward_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[torch.dtype] = []
    real = nn.functional.conv2d

    def spy(*arguments: Any, **options: Any) -> torch.Tensor:
        out = real(*arguments, **options)
        seen.append(out.dtype)
        return out

    monkeypatch.setattr(nn.Conv2d, "_conv_forward", lambda self, x, w, b: spy(x, w, b, self.stride, self.padding))
    for precision in ("float32", "bfloat16"):
        seen.clear()
        train(replace(SMALL, epochs=1, precision=precision))
        assert getattr(torch, precision) in seen
    compiled: list[nn.Module] = []

    def compile(network: nn.Module) -> nn.Module:
        compiled.append(network)
        return network

    monkeypatch.setattr(torch, "compile", compile)
    train(replace(SMALL, epochs=1, compile=True))
    assert len(compiled) == 1


def test_what_is_watched_has_clean_labels_and_no_augmentation() -> None:
    data = load_dataset("digits")
    parts = split(data, seed=0, train_size=96)
    noisy = replace(SMALL, label_noise=1.0, shift=2, flip=True)
    training = prepare(noisy, data, parts, device="cpu", ranks=ALONE)
    n = len(training.held_out_labels)
    assert np.array_equal(training.held_out_labels, data.labels[parts.calibration[:n]])
    images = training.held_out.batch(torch.arange(n), 5)
    plain = prepare(SMALL, data, parts, device="cpu", ranks=ALONE).held_out.batch(torch.arange(n), 5)
    assert torch.equal(images, plain)
    assert n == 200
    assert len(prepare(replace(SMALL, keep="best"), data, parts, device="cpu", ranks=ALONE).held_out_labels) == 400


def test_a_student_depends_on_its_teacher_which_stays_as_it_was(tmp_path: Path) -> None:
    train_run(SMALL, tmp_path / "teacher")
    train_run(replace(SMALL, seed=1), tmp_path / "other")
    config = replace(SMALL, teacher=str(tmp_path / "teacher"), distillation_weight=1.0)
    student = train(config)
    same, other = train(config), train(replace(config, teacher=str(tmp_path / "other")))
    assert torch.equal(student.state_dict["fc.weight"], same.state_dict["fc.weight"])
    assert not torch.equal(student.state_dict["fc.weight"], other.state_dict["fc.weight"])
    assert student.inputs.keys() == {"teacher"}
    seen: list[Checkpoint] = []
    train(config, on_epoch=seen.append)
    train_run(replace(SMALL, seed=2), tmp_path / "teacher", force=True)
    with pytest.raises(InputError, match="other data"):
        train(config, resume=seen[0])


def test_a_teacher_that_knows_the_held_out_examples_is_refused(tmp_path: Path) -> None:
    train_run(replace(SMALL, split_seed=7, train_size=600), tmp_path / "teacher")
    with pytest.raises(InputError, match="of the examples that are held out here") as error:
        train(replace(SMALL, teacher=str(tmp_path / "teacher")))
    assert "--split-seed 7" in error.value.help


def test_a_step_is_looked_at_often_enough_to_stop_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_epoch, "LOOKED_AT", 1)
    steps: list[int] = []
    config = replace(SMALL, batch_size=4, learning_rate=1e5, loss_scale=1e5, schedule="constant")
    with pytest.raises(InputError, match="diverged in epoch 1"):
        train(config, on_step=lambda done, *_: steps.append(done))
    assert len(steps) < 24


def test_dropout_draws_anew_in_every_epoch_and_for_every_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds: list[int] = []
    real = Objective.losses

    def spy(self: Objective, *arguments: Any) -> torch.Tensor:
        seeds.append(torch.default_generator.initial_seed())
        return real(self, *arguments)

    monkeypatch.setattr(Objective, "losses", spy)
    for seed in (0, 1, 0):
        train(replace(SMALL, batch_size=96, seed=seed))
    assert len(set(seeds)) == 4
    assert seeds[:2] == seeds[4:]
