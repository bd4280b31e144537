"""Spline calibration: confidence corrected by the slope of its cumulative gap, which a cubic spline smooths."""

from dataclasses import dataclass

import numpy as np

from calib._arrays import Float
from calib._checks import check_whole
from calib._html import fields_html
from calib.calibrators._base import example_weights, keep_predicted, log_probs, refuse_targets, with_probs
from calib.calibrators._steps import middle_ranks, pooled
from calib.errors import InputError
from calib.predictions import ArrayLike, Predictions, require_predictions

MOST_POINTS = 10_000  # beyond that the line between two points is all there is to see


@dataclass(frozen=True, eq=False)
class SplineCalibration:
    """The new confidence of the predicted class: linear between the points (``confidence``, ``recalibrated``).

    Both are ``(m,)``, ascending, one entry a distinct confidence of the calibration split, 10,000 at most; outside them
    the first and last value go on.  The map need not rise everywhere, so the ranking of examples may change; predicted
    classes do not.
    """

    confidence: Float
    recalibrated: Float

    _repr_html_ = fields_html

    def __post_init__(self) -> None:
        points = self.confidence, self.recalibrated
        shaped = all(column.ndim == 1 and len(column) == len(self.confidence) > 0 for column in points)
        if not (
            shaped
            and (np.diff(self.confidence) > 0).all()
            and all(((column >= 0) & (column <= 1)).all() for column in points)
        ):
            raise InputError(
                "confidence and recalibrated must be two columns in [0, 1], the first ascending",
                help="make them by `fit`",
            )

    @classmethod
    def fit(
        cls, predictions: Predictions, *, targets: ArrayLike | None = None, n_knots: int = 6
    ) -> "SplineCalibration":
        """Fit a natural cubic spline to the cumulative difference of accuracy and confidence; add its slope.

        Rows in order of confidence, their differences correct − confidence are summed up as a curve over the share of
        rows; the spline has ``n_knots`` equally spaced knots (fewer where there are fewer distinct confidences) and is
        fitted by least squares.  Its slope at a row's rank is what that row's confidence lacks; the sum is cut to
        [0, 1].  Ties of confidence are pooled first.  Takes sample weights.  Raises `InputError` for ``targets``, for
        fewer than 2 knots and for bad values.  Source: Gupta et al. (2021).

        >>> predictions = Predictions.from_probs([[0.8, 0.2]] * 4, [0, 0, 0, 1])
        >>> SplineCalibration.fit(predictions).recalibrated.round(12)
        array([0.75])
        """
        from scipy.interpolate import CubicSpline

        refuse_targets(targets, "spline calibration")
        require_predictions(predictions)
        check_whole("n_knots", n_knots, lowest=2, help="6 is the usual one")
        outcomes = predictions.outcomes
        confidence, total, right = pooled(outcomes.confidence, outcomes.correct, example_weights(predictions))
        share = total / total.sum()
        difference = np.cumsum(right / total.sum() - confidence * share)
        knots = np.linspace(0, 1, min(n_knots, len(confidence) + 1))
        at_knots = CubicSpline(knots, np.eye(len(knots)), bc_type="natural")  # one column a knot
        root = np.sqrt(share)
        heights = np.linalg.lstsq(at_knots(np.cumsum(share)) * root[:, None], difference * root)[0]
        slope = CubicSpline(knots, heights, bc_type="natural").derivative()(middle_ranks(total))
        kept = np.unique(np.linspace(0, len(confidence) - 1, MOST_POINTS).astype(np.int64))
        return cls(confidence[kept], np.clip(confidence + slope, 0, 1)[kept])

    def transform(self, predictions: Predictions) -> Predictions:
        """Return probabilities: the predicted class's new one, and the others in the proportions that they had.

        Where the new one would fall below another class's it is raised until the two are equal, and the class stays the
        predicted one; ``provenance["raised_rows"]`` counts these rows.  Where the others had no probability at all they
        share what is left evenly.
        """
        require_predictions(predictions)
        outcomes, rows = predictions.outcomes, np.arange(predictions.n)
        logs = log_probs(predictions)
        logs[rows, outcomes.predicted] = -np.inf
        logs[np.isneginf(logs).all(axis=1)] = 0.0
        others = np.exp(logs - logs.max(axis=1, keepdims=True))
        others[rows, outcomes.predicted] = 0.0
        others /= others.sum(axis=1, keepdims=True)
        wanted = np.interp(outcomes.confidence, self.confidence, self.recalibrated)
        largest = others.max(axis=1)
        lowest = largest / (1 + largest)  # where it equals the largest of the others
        top = np.maximum(wanted, lowest)
        probs = others * (1 - top)[:, None]
        probs[rows, outcomes.predicted] = top
        notes = {"raised_rows": int((wanted < lowest).sum())}
        return with_probs(predictions, keep_predicted(probs, outcomes.predicted), notes)
