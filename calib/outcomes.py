"""Outcomes: what calibration asks of predictions, as columns with one entry an example."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from calib._arrays import AnyArray, Bool, Float, Int, read_only, to_numpy
from calib._blocks import probability_form
from calib._checks import weights
from calib._fused_pass import write_columns, write_confidences
from calib.errors import InputError

if TYPE_CHECKING:
    from calib.predictions import ArrayLike, Predictions


@dataclass(frozen=True, eq=False, repr=False)
class Outcomes:
    """What calibration asks of predictions: columns of length n, in float64.

    ``confidence`` is the probability claimed for an event, usually "the predicted class is right", and ``correct``
    whether it happened; ``log_odds`` = ln(confidence / (1 − confidence)), in nats, keeps its order where confidence
    has saturated at 1.0; ``weight`` is the sample weight, None for equal ones.  Where whole distributions were given
    there are also ``predicted`` (ties go to the lowest index), ``nll`` in nats and ``brier``, summed over classes, in
    [0, 2].
    """

    confidence: Float
    correct: Bool
    known_log_odds: Float | None = None
    weight: Float | None = None
    losses: "Losses | None" = None

    @classmethod
    def from_confidence(
        cls, confidence: "ArrayLike", correct: "ArrayLike", *, sample_weight: "ArrayLike" = None
    ) -> "Outcomes":
        """Take logs that hold nothing but a confidence in [0, 1] and whether it was right, both ``(n,)``.

        ``sample_weight`` ``(n,)``, at least 0, is used by the metrics that say so.  Every metric of the predicted class
        works on the result; those of whole distributions raise `InputError`, as does bad input here.

        >>> Outcomes.from_confidence([0.9, 0.6], [True, False]).n
        2
        """
        claimed, happened = to_numpy(confidence), to_numpy(correct)
        if claimed.shape == (0,):
            raise InputError("there are no confidences", help="pass at least one example")
        if claimed.ndim != 1 or claimed.shape != happened.shape:
            raise InputError(
                f"confidence and correct must have one shape (n,), got {claimed.shape} and {happened.shape}",
                help="pass one confidence and one truth value an example",
            )
        if claimed.dtype.kind not in "fiub" or happened.dtype.kind not in "fiub":
            raise InputError(
                f"confidence and correct must be numbers, got dtypes {claimed.dtype} and {happened.dtype}",
                help="pass floats in [0, 1] and booleans",
            )
        if not (claimed.min() >= 0 and claimed.max() <= 1):  # NaN fails both
            row = int(np.argmin((claimed >= 0) & (claimed <= 1)))
            raise InputError(f"confidence must lie in [0, 1], row {row} holds {claimed[row]:g}", help="mend or drop it")
        if happened.dtype != bool and not (good := (happened == 0) | (happened == 1)).all():
            row = int(np.argmin(good))
            raise InputError(f"correct must be 0 or 1, row {row} holds {happened[row]:g}", help="mend or drop it")
        claimed, happened = np.asarray(claimed, np.float64), happened.astype(bool, copy=False)
        return cls(read_only(claimed), read_only(happened), None, weights(sample_weight, len(claimed)))

    @classmethod
    def confidences(cls, predictions: "Predictions") -> "Outcomes":
        """The two columns that binned errors of the predicted class need; about half of the work of `of`."""
        n = predictions.n
        columns = cls(np.empty(n), np.empty(n, bool), None, predictions.sample_weight)
        write_confidences(predictions, columns.confidence, columns.correct)
        return columns

    @classmethod
    def of_class(cls, predictions: "Predictions", index: int) -> "Outcomes":
        """The probability claimed for class ``index``, and whether that is the label.  Raises as `of` does."""
        from calib.per_class import outcomes_of_classes

        return next(outcomes_of_classes(predictions, [index]))

    @property
    def n(self) -> int:
        """Number of examples."""
        return len(self.confidence)

    def __repr__(self) -> str:
        weighted = "" if self.weight is None else ", weighted"
        return f"Outcomes(n={self.n}, {'confidence alone' if self.losses is None else 'whole distributions'}{weighted})"

    def __getitem__(self, rows: slice | AnyArray) -> "Outcomes":
        """Select examples by a slice, a boolean mask or an index array."""
        log_odds, weight = (None if column is None else column[rows] for column in (self.known_log_odds, self.weight))
        losses = None if self.losses is None else Losses(*(column[rows] for column in vars(self.losses).values()))
        return Outcomes(self.confidence[rows], self.correct[rows], log_odds, weight, losses)

    @cached_property
    def log_odds(self) -> Float:
        """ln(confidence / (1 − confidence)) ``(n,)``, computed from the logits where they were given."""
        return log_odds_of(self.confidence) if self.known_log_odds is None else self.known_log_odds

    @property
    def score(self) -> Float:
        """What ranks the examples: log-odds where logits were given, else confidence."""
        return self.confidence if self.known_log_odds is None else self.known_log_odds

    @cached_property
    def order(self) -> Int:
        """Row numbers by ascending `score` ``(n,)``; sorted once for every metric that ranks."""
        return np.argsort(self.score)

    @property
    def mass(self) -> Float:
        """What each example counts, ``(n,)``: its sample weight, or 1."""
        return np.ones(self.n) if self.weight is None else self.weight

    @property
    def relative_mass(self) -> Float:
        """The same with a largest weight of 1, for what depends on the ratios of weights alone."""
        return self.mass if self.weight is None else self.weight / self.weight.max()

    @property
    def residual(self) -> Float:
        """Confidence − correct, ``(n,)``; its mean is the gap."""
        return self.confidence - self.correct

    @property
    def predicted(self) -> Int:
        """The predicted classes ``(n,)``.  Raises `InputError` where only confidences are known."""
        return self._whole().predicted

    @property
    def nll(self) -> Float:
        """Negative log-likelihood of each label ``(n,)``.  Raises `InputError` where only confidences are known."""
        return self._whole().nll

    @property
    def brier(self) -> Float:
        """Brier score of each row ``(n,)``.  Raises `InputError` where only confidences are known."""
        return self._whole().brier

    def mean(self, column: "Float | Bool") -> float:
        """The mean of a column, by ``weight`` where there are weights."""
        if self.weight is None:
            return float(np.mean(column))
        counted = self.weight > 0  # an infinite loss of weight 0 counts nothing
        if not counted.any():
            return float("nan")
        return float(np.average(column[counted], weights=self.weight[counted]))

    def _whole(self) -> "Losses":
        if self.losses is None:
            raise InputError(
                "these outcomes hold one confidence an example, the whole distributions are needed here",
                help="pass Predictions, or ask for a metric of the predicted class",
            )
        return self.losses

    @classmethod
    def of(cls, predictions: "Predictions") -> "Outcomes":
        """Reduce predictions in one pass; memory beside the columns does not grow with n or k.

        Raises `InputError` naming the first row that holds NaN or +inf, or is no distribution.
        """
        n = predictions.n
        log_odds = None if probability_form(predictions) == "given" else np.empty(n)
        losses = Losses(np.empty(n, np.int64), np.empty(n), np.empty(n))
        columns = cls(np.empty(n), np.empty(n, bool), log_odds, predictions.sample_weight, losses)
        write_columns(predictions, columns, losses)
        return columns


@dataclass(frozen=True, eq=False)
class Losses:
    """The columns of `Outcomes` that need whole distributions."""

    predicted: Int
    nll: Float
    brier: Float


def log_odds_of(probability: Float) -> Float:
    """ln(p / (1 − p)), ±inf at the ends."""
    with np.errstate(divide="ignore"):
        return np.log(probability) - np.log1p(-probability)
