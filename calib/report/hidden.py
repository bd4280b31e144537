"""What the confidence of the predicted class hides: errors of the classes that cancel."""

import numpy as np

from calib._text import printable
from calib.binning import equal_width_edges
from calib.curve import CalibrationCurve, binned, calibration_curve
from calib.predictions import Predictions
from calib.report.subject import Subject
from calib.uncertainty import ece_null

RARE = 0.01  # chance of as many classes outside their intervals, below which it is told


def hidden_error(subject: Subject) -> str:
    """A sentence where classes of what would be shipped are off, though their errors may cancel in the confidence.

    Of two classes P(second class) is asked: it may be as wrong as the confidence is right.  Of more, whether more of
    them than chance explains claim what their precision denies.  Empty where neither is the case.
    """
    diagnosis = subject.diagnosis
    shipped = diagnosis.after if diagnosis.needs_temperature else diagnosis.before
    said = _second_class(subject, shipped) if shipped.n_classes == 2 else _many_classes(shipped)
    return f"{'With the temperature ' if said and diagnosis.needs_temperature else ''}{said}"


def by_predicted_class(predictions: Predictions) -> CalibrationCurve:
    """The calibration curve whose bins are the predicted classes: count, mean confidence, precision and gap of each."""
    outcomes = predictions.outcomes
    return binned(outcomes, outcomes.predicted, equal_width_edges(predictions.n_classes))


def outside(curve: CalibrationCurve) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Whether each bin's mean confidence lies outside the 95 % interval of its accuracy; not so where it is empty.

    Raises `InputError` for weighted examples.
    """
    low, high = curve.accuracy_interval()
    return np.asarray((curve.mean_confidence < low) | (curve.mean_confidence > high))


def _second_class(subject: Subject, shipped: Predictions) -> str:
    n_bins = subject.diagnosis.uncalibrated.n_bins
    error = calibration_curve(shipped, n_bins=n_bins, of=1).ece
    null = ece_null(shipped, n_bins=n_bins, seed=subject.diagnosis.seed, of=1)
    if error <= np.quantile(null, 0.95):
        return ""
    name = printable(subject.class_names[1], limit=40)
    return f"P({name}) is off by an ECE of {error:.3f}, where chance explains {null.mean():.3f}."


def _many_classes(shipped: Predictions) -> str:
    from scipy.stats import binom

    curve = by_predicted_class(shipped)
    if curve.weight is not None:
        return ""
    off, predicted = int(outside(curve).sum()), int((curve.count > 0).sum())
    if binom.sf(off - 1, predicted, 0.05) >= RARE:
        return ""
    return (
        f"{off} of {predicted:,} predicted classes claim a mean confidence outside the 95 % interval of their "
        "precision, more than chance explains."
    )
