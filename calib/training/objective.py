"""What the network is trained towards: the targets and the loss of one batch, put together from a config."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from calib.training.config import TrainConfig
from calib.training.losses import (
    distillation_loss,
    focal_loss,
    logit_matching_loss,
    margin_penalty,
    smoothed_cross_entropy,
)


@dataclass(frozen=True, eq=False)
class Objective:
    """One loss an example.  ``teacher`` turns images into logits where the config distils."""

    config: TrainConfig
    n_classes: int
    teacher: Callable[[Tensor], Tensor] | None = None

    def targets(self, labels: Tensor) -> Tensor:
        """Labels ``(b,)`` as they are, or rows ``(b, k)`` where the config smooths by rows or mixes them."""
        config = self.config
        if config.target_rows:
            one_hot = functional.one_hot(labels, self.n_classes)
            return (1 - config.smoothing) * one_hot + config.smoothing / self.n_classes
        return functional.one_hot(labels, self.n_classes).float() if config.mixup else labels

    def losses(self, logits: Tensor, targets: Tensor, images: Tensor) -> Tensor:
        """Losses ``(b,)`` in nats of ``logits (b, k)`` on ``images``."""
        config = self.config
        smoothing = 0.0 if config.target_rows else config.smoothing
        if config.focal_gamma:
            losses = focal_loss(logits, targets, gamma=config.focal_gamma, smoothing=smoothing)
        else:
            losses = smoothed_cross_entropy(logits, targets, smoothing=smoothing)
        if config.margin is not None:
            losses = losses + config.margin_weight * margin_penalty(logits, margin=config.margin)
        if self.teacher is not None:
            with torch.no_grad():
                taught = self.teacher(images).float()
            distilled = self._distilled(logits, taught)
            losses = (1 - config.distillation_weight) * losses + config.distillation_weight * distilled
        return losses

    def _distilled(self, logits: Tensor, taught: Tensor) -> Tensor:
        config = self.config
        if config.match_logits:
            return logit_matching_loss(logits, taught)
        return distillation_loss(
            logits,
            taught,
            distillation_temperature=config.distillation_temperature,
            student_temperature=config.student_temperature,
        )
