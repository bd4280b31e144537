"""Beta calibration: the map that is right where the scores of both classes follow beta distributions."""

from dataclasses import dataclass

import numpy as np

from calib._arrays import Bool, Float
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

FACES = ((0, 1, 2), (0, 2), (1, 2), (2,))  # which of a, b and c are free; the others are 0


@dataclass(frozen=True)
class BetaCalibration:
    """logit q = ``a`` · ln p − ``b`` · ln(1 − p) + ``c``, from the probability p of class 1 to its new one, q.

    ``a`` and ``b`` are at least 0, so q never falls where p rises; ``BetaCalibration(1.0, 1.0, 0.0)`` changes nothing
    and a = b is Platt scaling.  ``smoothed`` says that the classes were separated by their scores, or one was missing:
    likelihood has no maximum then, and the fit used Platt's smoothed targets.  Log-odds of p beyond ±``limit`` count as
    ±``limit``, as in `PlattScaling`.
    """

    a: float
    b: float
    c: float
    limit: float = -LOWEST
    smoothed: bool = False

    _repr_html_ = fields_html

    def __post_init__(self) -> None:
        if not (0 <= self.a < np.inf and 0 <= self.b < np.inf and np.isfinite(self.c) and 0 < self.limit < np.inf):
            raise InputError(
                f"a, b and limit must be numbers of at least 0 and c a number, got {self.a}, {self.b}, {self.limit} "
                f"and {self.c}",
                help="BetaCalibration(1.0, 1.0, 0.0) leaves predictions as they are",
            )

    @classmethod
    def fit(cls, predictions: Predictions, *, targets: ArrayLike | None = None) -> "BetaCalibration":
        """Maximise likelihood under a, b ≥ 0: a logistic regression on ln p and −ln(1 − p).

        The problem is convex, so the best of the four fits with neither, one or both of a and b held at 0 that keep the
        signs is its exact solution; Kull et al. drop one negative coefficient and fit again.  Where all scores are
        equal a and b stay 1.  Takes sample weights, as `PlattScaling`.  Raises `InputError` unless k = 2, for
        ``targets`` and for bad values.  Source: Kull, Silva Filho & Flach (2017).

        >>> beta = BetaCalibration.fit(Predictions.from_probs([0.1, 0.4, 0.6, 0.9], [0, 1, 0, 1]))
        >>> round(beta.a, 4), round(beta.b, 4), round(abs(beta.c), 4)
        (0.9522, 0.9522, 0.0)
        """
        refuse_targets(targets, "beta calibration")
        predictions = examples_that_count(predictions)
        log_odds = binary_log_odds(predictions, "beta calibration")
        weight, positive = example_weights(predictions), predictions.labels == 1
        limit = limit_of(log_odds)
        scores = np.clip(log_odds, -limit, limit)
        smoothed = are_separated(scores, positive)
        wanted = smoothed_targets(positive, weight) if smoothed else positive.astype(np.float64)
        if scores.min() == scores.max():
            return cls(1.0, 1.0, log_odds_of_mean(wanted, weight) - float(scores[0]), limit, smoothed)
        features = np.stack([*_logs(scores), np.ones(len(scores))], axis=1)
        best, lowest = np.zeros(3), np.inf
        for free in FACES:
            coefficients = np.zeros(3)
            coefficients[list(free)], loss = fit_logistic(features[:, free], wanted, weight)
            if coefficients[:2].min() >= 0 and loss < lowest:
                best, lowest = coefficients, loss
        return cls(float(best[0]), float(best[1]), float(best[2]), limit, smoothed)

    def transform(self, predictions: Predictions) -> Predictions:
        """Return logits of the new distributions, 0 for class 0.  Raises `InputError` unless k = 2."""
        scores = np.clip(binary_log_odds(predictions, "beta calibration"), -self.limit, self.limit)
        log_p, minus_log_rest = _logs(scores)
        logits = self.a * log_p + self.b * minus_log_rest + self.c
        return with_logits(predictions, np.stack([np.zeros_like(logits), logits], axis=1))


def are_separated(scores: Float, positive: Bool) -> bool:
    """Whether some threshold has label 0 below and 1 above it (ties on it), so that no rising map is the most likely.

    Equal scores with both labels are not: their rate is a solution.
    """
    if positive.all() or not positive.any():
        return True
    return bool(scores[~positive].max() <= scores[positive].min() and scores.min() < scores.max())


def _logs(log_odds: Float) -> tuple[Float, Float]:
    """Of log-odds of p: ln p and −ln(1 − p)."""
    return -np.logaddexp(0, -log_odds), np.logaddexp(0, log_odds)
