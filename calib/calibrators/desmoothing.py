"""De-smoothing: the exact inverse of what label smoothing does to the probabilities of an optimal model."""

from dataclasses import dataclass

import numpy as np

from calib._arrays import Float
from calib._html import fields_html
from calib.calibrators._base import example_weights, keep_predicted, log_probs, one_hot, with_probs
from calib.errors import InputError
from calib.predictions import ArrayLike, Predictions, require_predictions


@dataclass(frozen=True)
class SmoothingInverse:
    """p = (q − α / k) / (1 − α), where α = ``smoothing`` in [0, 1); entries below 0 become 0 and the row is rescaled.

    A model that minimises the expected cross-entropy to targets (1 − α) · one-hot + α / k predicts q = (1 − α) · p +
    α / k where p is the truth; this takes it back.  Make one by the α of the training, ``SmoothingInverse(0.1)``, or by
    `fit`.  A probability at or below α / k becomes exactly 0: where that is the label's, NLL is infinite.
    ``cut_labels`` counts these rows of the calibration split (0 where there was none).
    """

    smoothing: float
    cut_labels: int = 0

    _repr_html_ = fields_html

    def __post_init__(self) -> None:
        if not 0 <= self.smoothing < 1:
            raise InputError(f"smoothing must lie in [0, 1), got {self.smoothing}", help="0.1 is the usual value")

    @classmethod
    def fit(cls, predictions: Predictions, *, targets: ArrayLike | None = None) -> "SmoothingInverse":
        """Find the α in [0, 0.999] that minimises the Brier score, to about six digits.

        By Brier score because NLL is infinite as soon as one label's probability is cut to 0.  The score is smooth
        between cuts but need not have one minimum, so a grid is searched first and then the interval beside its best
        point; α = 0 is among them.  Takes soft labels as ``targets`` ``(n, k)`` and sample weights.  Raises
        `InputError` for bad values.

        >>> truth, labels = [[0.75, 0.25]] * 4, [0, 0, 0, 1]
        >>> smoothed = Predictions.from_probs([[0.9 * p + 0.05 for p in row] for row in truth], labels)
        >>> round(SmoothingInverse.fit(smoothed).smoothing, 5)
        0.1
        """
        from scipy.optimize import minimize_scalar

        wanted = one_hot(predictions, targets)
        probs, weight = np.exp(log_probs(predictions)), example_weights(predictions)

        def brier(smoothing: float) -> float:
            return float(weight @ ((_inverse(probs, smoothing) - wanted) ** 2).sum(axis=1))

        grid = np.append(np.arange(40) / 40, 0.999)
        best = int(np.argmin([brier(value) for value in grid]))
        bounds = (float(grid[max(best - 1, 0)]), float(grid[min(best + 1, len(grid) - 1)]))
        found = minimize_scalar(brier, bounds=bounds, method="bounded", options={"xatol": 1e-9})
        smoothing = float(found.x if found.fun < brier(grid[best]) else grid[best])
        return cls(smoothing, _cut_labels(probs, predictions, smoothing))

    def transform(self, predictions: Predictions) -> Predictions:
        """Return probabilities; ``provenance["cut_labels"]`` counts rows whose label's probability became 0.

        Predicted classes stay.
        """
        require_predictions(predictions)
        probs = np.exp(log_probs(predictions))
        found = keep_predicted(_inverse(probs, self.smoothing), predictions.outcomes.predicted)
        return with_probs(predictions, found, {"cut_labels": _cut_labels(probs, predictions, self.smoothing)})


def _inverse(probs: Float, smoothing: float) -> Float:
    """What is above α / k, divided by its sum: that is 1 − α where nothing is below."""
    above = np.maximum(probs - smoothing / probs.shape[1], 0)
    rows: Float = above / above.sum(axis=1, keepdims=True)
    return rows


def _cut_labels(probs: Float, predictions: Predictions, smoothing: float) -> int:
    """How many rows have their label's probability, above 0 before, cut to 0."""
    of_label = probs[np.arange(predictions.n), predictions.labels]
    return int(((of_label > 0) & (of_label <= smoothing / predictions.n_classes)).sum())
