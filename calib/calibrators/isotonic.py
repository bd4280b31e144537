"""Isotonic calibration: the non-decreasing step function that fits the labels best, a class each or one for all."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from calib._arrays import Float
from calib._checks import check_choice
from calib._html import fields_html
from calib.calibrators._base import (
    check_classes,
    example_weights,
    keep_predicted,
    log_probs,
    refuse_targets,
    with_probs,
)
from calib.calibrators._steps import check_steps, class_log_odds, columns, edges_before, from_steps, pooled
from calib.errors import InputError
from calib.predictions import ArrayLike, Predictions, require_predictions

Method: TypeAlias = Literal["one-vs-rest", "pooled"]
SLOPE = 1e-9  # added per unit of probability: tells apart what a step makes equal
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class IsotonicCalibration:
    """Step functions from log-odds to probability, non-decreasing; rows divided by their sum.

    ``values[c][i]`` is the new probability of class c where ``edges[c][i - 1]`` < log-odds ≤ ``edges[c][i]``.  An edge
    lies midway between the two log-odds of the calibration split beside it; below the lowest of these and above the
    highest the first and last value go on.  On the split itself the map is the isotonic fit exactly.  With two classes
    there is one function, of P(y = 1); with ``method="pooled"`` one for every class.
    """

    edges: tuple[Float, ...]
    values: tuple[Float, ...]
    n_classes: int
    method: Method = "one-vs-rest"

    _repr_html_ = fields_html

    def __post_init__(self) -> None:
        check_steps(self.edges, self.values, self.n_classes, functions=1 if self.method == "pooled" else 0)
        if not all((np.diff(value) >= 0).all() for value in self.values):
            raise InputError("isotonic step functions do not fall", help="make them by `fit`")

    @classmethod
    def fit(
        cls, predictions: Predictions, *, targets: ArrayLike | None = None, method: Method = "one-vs-rest"
    ) -> "IsotonicCalibration":
        """Regress "this class is the label" on the log-odds of the class, by the order of the log-odds alone.

        "one-vs-rest" fits each class on its own (Zadrozny & Elkan 2002).  It bends to noise at a few thousand rows, may
        change predicted classes, and its first and last values are often exactly 0 and 1, so that one surprise makes
        NLL infinite.  "pooled" fits one function to all n · k entries and keeps every predicted class (Zhang, Kailkhura
        & Han 2020).  Ties are pooled first.  Takes sample weights.  Raises `InputError` for ``targets``, an unknown
        method and bad values.

        >>> predictions = Predictions.from_probs([0.1, 0.3, 0.4, 0.6, 0.8, 0.9], [0, 1, 0, 1, 0, 1])
        >>> IsotonicCalibration.fit(predictions).values
        (array([0. , 0.5, 1. ]),)
        """
        refuse_targets(targets, "isotonic calibration")
        check_choice("method", method, ("one-vs-rest", "pooled"))
        if method == "one-vs-rest":
            fits = [_steps(*pooled(*column)) for column in columns(predictions)]
        else:
            require_predictions(predictions)
            k = predictions.n_classes
            event, weight = np.eye(k, dtype=bool)[predictions.labels], np.repeat(example_weights(predictions), k)
            fits = [_steps(*pooled(class_log_odds(predictions).ravel(), event.ravel(), weight))]
        edges, values = zip(*fits, strict=True)
        return cls(edges, values, predictions.n_classes, method)

    def transform(self, predictions: Predictions) -> Predictions:
        """Return the new distributions.

        "one-vs-rest": where every class's value is 0 a row keeps what it had, counted in
        ``provenance["fallback_rows"]``.  "pooled": 1e-9 of each probability is added to its value, so that order within
        a row stays and no row is all 0.  Raises `InputError` for another number of classes.
        """
        check_classes(predictions, self.n_classes, "isotonic calibration")
        if self.method == "one-vs-rest":
            return from_steps(predictions, self.edges, self.values)
        scores = self.values[0][np.searchsorted(self.edges[0], class_log_odds(predictions))]
        scores = scores + SLOPE * np.exp(log_probs(predictions))
        probs = keep_predicted(scores / scores.sum(axis=1, keepdims=True), predictions.outcomes.predicted)
        return with_probs(predictions, probs)


def _steps(scores: Float, total: Float, events: Float) -> tuple[Float, Float]:
    """The edges and values of the isotonic regression of rates on distinct, ascending scores."""
    from scipy.optimize import isotonic_regression

    start = isotonic_regression(events / total, weights=total).blocks[:-1].astype(np.int64)
    value = np.add.reduceat(events, start) / np.add.reduceat(total, start)  # from sums, so that 0 and 1 are exact
    start = start[np.diff(value, prepend=-1.0) > _ROUNDING * value]  # rounding must not cut a step in two
    return edges_before(scores, start), np.add.reduceat(events, start) / np.add.reduceat(total, start)
