"""Proper scores: best in expectation only for the true distribution."""

from calib.arguments import as_outcomes
from calib.outcomes import Outcomes
from calib.predictions import ArrayLike, Predictions


def nll(predictions: Predictions | Outcomes | ArrayLike, labels: ArrayLike | None = None) -> float:
    """Mean negative log-likelihood of the labels, in nats.  [0, inf]; lower is better.

    Takes `Predictions`, or probabilities ``(n, k)`` (``(n,)`` = P(y = 1)) and labels ``(n,)``.  inf where a label had
    probability 0: nothing is clipped.  Sample weights are used.  Raises `InputError` for bad input.

    >>> round(nll([[0.9, 0.1], [0.2, 0.8]], [0, 1]), 4)
    0.1643
    """
    outcomes = as_outcomes(predictions, labels)
    return outcomes.mean(outcomes.nll)


def brier(predictions: Predictions | Outcomes | ArrayLike, labels: ArrayLike | None = None) -> float:
    """Mean Brier score, the squared distance to the one-hot label summed over classes.  [0, 2]; lower is better.

    Arguments as for `nll`.  For two classes it is twice the (P(y = 1) − y)² that some call Brier score.  Sample weights
    are used.  Raises `InputError` for bad input.  Source: Brier (1950).

    >>> round(brier([[0.9, 0.1], [0.2, 0.8]], [0, 1]), 4)
    0.05
    """
    outcomes = as_outcomes(predictions, labels)
    return outcomes.mean(outcomes.brier)
