"""The learning rate and momentum of every step, as functions of the step alone: nothing to save, nothing to resume."""

import math
from typing import NamedTuple

from calib.training.config import TrainConfig

RISE = 0.3  # of a one-cycle schedule: the share of steps on which the rate rises
FIRST, LAST = 1 / 25, 1 / 250_000  # of its peak: where it starts and ends
CYCLED_MOMENTUM = (0.85, 0.95)  # while the rate is high, and while it is low


class Step(NamedTuple):
    """What the optimiser is told before a step."""

    learning_rate: float
    momentum: float


def schedule_step(config: TrainConfig, step: int, n_steps: int) -> Step:
    """Learning rate and momentum of ``step`` in 0 … ``n_steps`` − 1.

    "one-cycle" is that of Smith & Topin (2018) in torch's form: both follow half cosines, the momentum against the rate
    (a momentum of 0 stays 0).

    >>> config = TrainConfig(dataset="digits", schedule="steps", learning_rate=0.5, milestones=(0.5,))
    >>> [schedule_step(config, step, 4).learning_rate for step in range(4)]
    [0.5, 0.5, 0.05, 0.05]
    """
    peak = config.learning_rate
    if config.schedule == "one-cycle":
        low, high = CYCLED_MOMENTUM
        rise = RISE * n_steps - 1
        if step <= rise:
            part, rates, momenta = step / rise, (peak * FIRST, peak), (high, low)
        else:
            part = (step - rise) / (n_steps - 1 - rise)
            rates, momenta = (peak, peak * LAST), (low, high)
        return Step(_cosine(*rates, part), _cosine(*momenta, part) if config.momentum else 0.0)
    if config.schedule == "steps":
        passed = sum(step >= round(milestone * n_steps) for milestone in config.milestones)
        peak *= config.decay**passed
    elif config.schedule == "linear":
        peak *= 1 - step / n_steps
    return Step(peak, config.momentum)


def _cosine(start: float, end: float, part: float) -> float:
    return end + (start - end) / 2 * (1 + math.cos(math.pi * part))
