"""The standard report of one set of predictions."""

from dataclasses import asdict, dataclass

import numpy as np

from calib.curve import calibration_curve
from calib.predictions import ArrayLike, Predictions, as_predictions
from calib.uncertainty import ece_null


@dataclass(frozen=True)
class Report:
    """Accuracy and calibration of one model on one split; names and units are those of the metrics.

    ``gap`` is mean confidence − accuracy (positive: overconfident).  ``ece_null`` is what ECE would average for a
    perfectly calibrated model with these confidences at this ``n``, ``ece_null_95`` its 95 % quantile: an ``ece`` below
    that cannot be told from calibration.
    """

    n: int
    n_classes: int
    n_bins: int
    accuracy: float
    mean_confidence: float
    nll: float
    brier: float
    ece: float
    ece_null: float
    ece_null_95: float
    mce: float
    gap: float

    def to_dict(self) -> dict[str, float | int]:
        """Return the fields by name, for JSON and tables."""
        return asdict(self)


def evaluate(
    predictions: Predictions | ArrayLike, labels: ArrayLike | None = None, *, n_bins: int = 15, seed: int = 0
) -> Report:
    """Measure accuracy, proper scores and calibration in one pass.

    Takes `Predictions`, or probabilities ``(n, k)`` and labels ``(n,)``.  ``seed`` drives the resampling behind
    ``ece_null``.  Raises `InputError` for bad input.

    >>> evaluate([[0.9, 0.1], [0.2, 0.8]], [0, 1]).accuracy
    1.0
    """
    predictions = as_predictions(predictions, labels)
    outcomes = predictions.outcomes
    curve = calibration_curve(predictions, n_bins=n_bins)
    null = ece_null(predictions, n_bins=n_bins, seed=seed)
    accuracy, mean_confidence = float(outcomes.correct.mean()), float(outcomes.confidence.mean())
    return Report(
        n=predictions.n,
        n_classes=predictions.n_classes,
        n_bins=n_bins,
        accuracy=accuracy,
        mean_confidence=mean_confidence,
        nll=float(outcomes.nll.mean()),
        brier=float(outcomes.brier.mean()),
        ece=curve.ece,
        ece_null=float(null.mean()),
        ece_null_95=float(np.quantile(null, 0.95)),
        mce=curve.mce,
        gap=mean_confidence - accuracy,
    )
