"""Accuracy: the share of examples whose predicted class is the label."""

from calib.arguments import as_outcomes
from calib.outcomes import Outcomes
from calib.predictions import ArrayLike, Predictions


def accuracy(predictions: Predictions | Outcomes | ArrayLike, labels: ArrayLike | None = None) -> float:
    """Share of correct predictions.  [0, 1]; higher is better.  Ties go to the lowest class index.

    Takes `Predictions`, or probabilities ``(n, k)`` (``(n,)`` = P(y = 1)) and labels ``(n,)``.  Sample weights are
    used.  Raises `InputError` for bad input.

    >>> accuracy([[0.9, 0.1], [0.2, 0.8]], [0, 0])
    0.5
    """
    outcomes = as_outcomes(predictions, labels, ranked=False)
    return outcomes.mean(outcomes.correct)
