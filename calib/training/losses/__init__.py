"""Losses of one number an example, and the target rows they are held against: one idea a file."""

from calib.training.losses.distillation import distillation_loss, logit_matching_loss
from calib.training.losses.focal import focal_loss
from calib.training.losses.margin import margin_penalty
from calib.training.losses.mixup import mixing
from calib.training.losses.smoothing import smoothed_cross_entropy

__all__ = [
    "distillation_loss",
    "focal_loss",
    "logit_matching_loss",
    "margin_penalty",
    "mixing",
    "smoothed_cross_entropy",
]
