"""Platt scaling: a sigmoid of the log-odds of two classes, with the smoothed targets that keep it finite."""

from dataclasses import dataclass

import numpy as np

from calib._html import fields_html
from calib.calibrators._base import (
    LOWEST,
    binary_log_odds,
    example_weights,
    examples_that_count,
    refuse_targets,
    with_logits,
)
from calib.calibrators._logistic import fit_logistic, limit_of, log_odds_of_mean, smoothed_targets
from calib.errors import InputError
from calib.predictions import ArrayLike, Predictions


@dataclass(frozen=True)
class PlattScaling:
    """q = sigmoid(``slope`` · s + ``intercept``), where s are the log-odds of class 1 and q its new probability.

    Make one by `fit`, or directly, ``PlattScaling(1.0, 0.0)`` being the map that changes nothing.  A slope below 0
    turns the ranking round.  Log-odds beyond ±``limit`` count as ±``limit``, the infinite ones of probabilities 0 and 1
    too: a line cannot hold infinity.  A fit sets it to the largest finite log-odds of its split, or to 36.7 (where
    probabilities in float64 reach 1) if that is more.
    """

    slope: float
    intercept: float
    limit: float = -LOWEST

    _repr_html_ = fields_html

    def __post_init__(self) -> None:
        if not (np.isfinite(self.slope) and np.isfinite(self.intercept) and 0 < self.limit < np.inf):
            raise InputError(
                f"slope, intercept and limit must be numbers, the limit above 0, got {self.slope}, {self.intercept} "
                f"and {self.limit}",
                help="PlattScaling(1.0, 0.0) leaves predictions as they are",
            )

    @classmethod
    def fit(cls, predictions: Predictions, *, targets: ArrayLike | None = None) -> "PlattScaling":
        """Minimise cross-entropy to smoothed targets: (N₁ + 1) / (N₁ + 2) for label 1, 1 / (N₀ + 2) for label 0.

        N₁ and N₀ are numbers of rows, or sums of weights scaled to a mean of 1 where they are not 0.  It is convex;
        the smoothing gives it a solution also where the scores separate the classes or one class is missing.  Where all
        scores are equal the slope stays 1.  Raises `InputError` unless k = 2, for ``targets`` and for bad values.
        Source: Platt (1999).

        >>> platt = PlattScaling.fit(Predictions.from_probs([0.1, 0.4, 0.6, 0.9], [0, 1, 0, 1]))
        >>> round(platt.slope, 4), round(abs(platt.intercept), 4)
        (0.3787, 0.0)
        """
        refuse_targets(targets, "Platt scaling")
        predictions = examples_that_count(predictions)
        log_odds = binary_log_odds(predictions, "Platt scaling")
        weight, positive = example_weights(predictions), predictions.labels == 1
        limit = limit_of(log_odds)
        scores, smooth = np.clip(log_odds, -limit, limit), smoothed_targets(positive, weight)
        if scores.min() == scores.max():
            return cls(1.0, log_odds_of_mean(smooth, weight) - float(scores[0]), limit)
        (slope, intercept), _ = fit_logistic(np.stack([scores, np.ones(len(scores))], axis=1), smooth, weight)
        return cls(float(slope), float(intercept), limit)

    def transform(self, predictions: Predictions) -> Predictions:
        """Return logits of the new distributions, 0 for class 0.  Raises `InputError` unless k = 2."""
        scores = np.clip(binary_log_odds(predictions, "Platt scaling"), -self.limit, self.limit)
        logits = self.slope * scores + self.intercept
        return with_logits(predictions, np.stack([np.zeros_like(logits), logits], axis=1))
