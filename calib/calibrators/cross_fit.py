"""Cross-fitting: calibrated predictions for users without a calibration split, each row by a fit that never saw it."""

from typing import TypeVar

import numpy as np

from calib._checks import generator
from calib.calibrators._base import Calibrator, rejoined
from calib.calibrators.registry import as_method
from calib.errors import InputError
from calib.predictions import Predictions, require_predictions

FOLDS = 5
CalibratorT = TypeVar("CalibratorT", bound=Calibrator)


def cross_fit(
    method: type[Calibrator] | str, predictions: Predictions, *, folds: int = FOLDS, seed: int = 0
) -> Predictions:
    """Calibrate each of ``folds`` random parts of ``predictions`` by a fit on the others; same rows, same order.

    ``method`` is a class or its name, "vector" for instance.  Raises `InputError` for fewer rows than folds.

    >>> from calib import TemperatureScaling
    >>> predictions = Predictions.from_logits([[2.0, 0.0], [0.0, 1.0]] * 10, [0, 1] * 8 + [1, 0, 1, 0])
    >>> cross_fit(TemperatureScaling, predictions).n
    20
    """
    return cross_fit_with_fits(as_method(method), predictions, folds=folds, seed=seed)[0]


def cross_fit_with_fits(
    method: type[CalibratorT], predictions: Predictions, *, folds: int = FOLDS, seed: int = 0
) -> tuple[Predictions, list[CalibratorT]]:
    """Do as `cross_fit`, and return the fits beside the predictions, one a fold."""
    require_predictions(predictions)
    if isinstance(folds, bool) or not isinstance(folds, int | np.integer) or not 2 <= folds <= predictions.n:
        raise InputError(
            f"cross-fitting needs between 2 and n = {predictions.n} folds, got {folds!r}",
            help="bring more examples, or a calibration split of their own",
        )
    fold = generator(seed).permutation(predictions.n) % folds
    fits = [method.fit(predictions[fold != i]) for i in range(folds)]
    parts = [fit.transform(predictions[fold == i]) for i, fit in enumerate(fits)]
    return rejoined(predictions, parts, np.concatenate([np.flatnonzero(fold == i) for i in range(folds)])), fits
