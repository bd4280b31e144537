"""Calibration of data that arrive in parts: sums that add up over batches, files and processes."""

import io
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from calib._arrays import Float
from calib._checks import check_choice, check_some_weight
from calib.arguments import as_outcomes
from calib.binning import Closed, bins_of, equal_width_edges
from calib.curve import CalibrationCurve, binned
from calib.errors import InputError
from calib.histogram import LogOddsHistogram
from calib.outcomes import Outcomes
from calib.predictions import ArrayLike, Of, Predictions


@dataclass(frozen=True, eq=False)
class Summary:
    """What a `CalibrationState` knows; names and units are those of the metrics.

    ``nll`` and ``brier`` are None where only confidences were seen; ``nll`` is inf where a label had probability 0, in
    ``infinite_nll`` examples.  ``histogram`` is what ranks and kernels need: see `calib.evaluate_sums`.
    """

    n: int
    accuracy: float
    mean_confidence: float
    gap: float
    ece: float
    rmsce: float
    mce: float
    nll: float | None
    infinite_nll: int
    brier: float | None
    curve: CalibrationCurve
    histogram: LogOddsHistogram


class CalibrationState:
    """Counts and float64 sums in ``n_bins`` bins of equal width; the state of a whole is the sum of its parts'.

    Whatever the partition and the order, counts are equal and sums agree to about 1e-12; no count is a float32, so
    there is no number of examples at which it stops.  For ranks of ``torch.distributed`` see `calib.all_merge`.

    >>> state = CalibrationState()
    >>> for labels in ([0, 1], [0, 0]):
    ...     state.update([[0.9, 0.1], [0.2, 0.8]], labels)
    >>> state.compute().n, round(state.compute().ece, 4)
    (4, 0.2)
    """

    def __init__(self, *, n_bins: int = 15, closed: Closed = "right") -> None:
        check_choice("closed", closed, get_args(Closed))
        edges, zeros = equal_width_edges(n_bins), np.zeros(n_bins)
        self.curve = CalibrationCurve(edges, np.zeros(n_bins, np.int64), zeros, zeros, None, closed)
        self.losses: Float | None = None
        self.infinite_nll = 0
        self.histogram = LogOddsHistogram.empty()

    def update(
        self, predictions: Predictions | Outcomes | ArrayLike, labels: ArrayLike | None = None, *, of: Of = "predicted"
    ) -> None:
        """Add a part: `Predictions`, probabilities and labels, or `Outcomes`.  Sample weights are used; all may be 0.

        Raises `InputError` for bad input, which then is not added, and where parts that hold whole distributions meet
        parts that hold confidences alone.
        """
        outcomes = as_outcomes(predictions, labels, of=of, part=True)
        n_bins = len(self.curve.count)
        index, edges = bins_of(outcomes, n_bins, "equal-width", self.curve.closed)
        weight = 1.0 if outcomes.weight is None else outcomes.weight
        part = CalibrationState(n_bins=n_bins, closed=self.curve.closed)
        part.curve = binned(outcomes, index, edges, self.curve.closed)
        if outcomes.losses is not None:
            infinite = np.isinf(outcomes.nll) & (np.asarray(weight) > 0)
            finite_nll = np.where(np.isinf(outcomes.nll), 0.0, outcomes.nll)
            part.losses = np.array([(weight * finite_nll).sum(), (weight * outcomes.brier).sum()])
            part.infinite_nll = int(infinite.sum())
        part.histogram = LogOddsHistogram.of(outcomes)
        vars(self).update(vars(self.merge(part)))

    def merge(self, other: "CalibrationState") -> "CalibrationState":
        """Return the state of both data sets, as ``+`` does; neither argument changes.

        Raises `InputError` where their bins or kinds of input differ, and for what is no state.

        >>> first, second = CalibrationState(), CalibrationState()
        >>> first.update([[0.9, 0.1]], [0])
        >>> second.update([[0.2, 0.8]], [1])
        >>> (first + second).compute().n
        2
        """
        if not isinstance(other, CalibrationState):
            raise InputError(
                f"a CalibrationState is needed here, got {type(other).__name__}", help="predictions go to update()"
            )
        merged = CalibrationState(n_bins=len(self.curve.count), closed=self.curve.closed)
        merged.curve = self.curve + other.curve
        held = [state.losses for state in (self, other) if state.curve.n > 0]
        if any(losses is None for losses in held) and any(losses is not None for losses in held):
            raise InputError(
                "some parts hold whole distributions and some confidences alone", help="keep one state for each"
            )
        known = [losses for losses in held if losses is not None]
        merged.losses = np.sum(known, axis=0) if known else None
        merged.infinite_nll = self.infinite_nll + other.infinite_nll
        merged.histogram = self.histogram + other.histogram
        return merged

    __add__ = merge

    def compute(self) -> Summary:
        """Read the metrics from the sums.  Raises `InputError` where nothing was added yet."""
        curve, mass = self.curve, float(self.curve.mass.sum())
        if curve.n == 0:
            raise InputError("the state holds no examples", help="call update(predictions) first")
        check_some_weight(curve.weight)
        accuracy, mean_confidence = float(curve.correct_sum.sum() / mass), float(curve.confidence_sum.sum() / mass)
        nll, brier = (None, None) if self.losses is None else (float(total / mass) for total in self.losses)
        return Summary(
            n=curve.n,
            accuracy=accuracy,
            mean_confidence=mean_confidence,
            gap=mean_confidence - accuracy,
            ece=curve.ece,
            rmsce=curve.rmsce,
            mce=curve.mce,
            nll=float("inf") if self.infinite_nll else nll,
            infinite_nll=self.infinite_nll,
            brier=brier,
            curve=curve,
            histogram=self.histogram,
        )

    def to_bytes(self) -> bytes:
        """Everything, as an ``.npz`` of plain arrays; see `from_bytes`."""
        curve, file = self.curve, io.BytesIO()
        arrays: dict[str, Any] = {
            "edges": curve.edges,
            "count": curve.count,
            "confidence_sum": curve.confidence_sum,
            "correct_sum": curve.correct_sum,
            "weight": curve.weight,
            "closed": np.array(curve.closed),
            "losses": self.losses,
            "infinite_nll": np.array(self.infinite_nll),
            **{name: getattr(self.histogram, name) for name in _OF_HISTOGRAM},
        }
        np.savez(file, **{name: array for name, array in arrays.items() if array is not None})
        return file.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> "CalibrationState":
        """Read what `to_bytes` wrote; nothing is unpickled.  Raises `InputError` for anything else."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as file:
                arrays = dict(file)
            closed: Closed = "left" if str(arrays["closed"]) == "left" else "right"
            state = cls(n_bins=len(arrays["count"]), closed=closed)
            edges, count, confidence, correct = (
                arrays[name] for name in ("edges", "count", "confidence_sum", "correct_sum")
            )
            weight, losses = arrays.get("weight"), arrays.get("losses")
            columns = [confidence, correct, *([] if weight is None else [weight])]
            good = count.dtype == np.int64 and (count >= 0).all() and np.array_equal(edges, state.curve.edges)
            good &= all(each.shape == count.shape and (np.isfinite(each) & (each >= 0)).all() for each in columns)
            good &= losses is None or (losses.shape == (2,) and bool(np.isfinite(losses).all()))
            good &= int(arrays["infinite_nll"]) >= 0
            if not good:
                raise ValueError("these are no sums")
            state.curve = CalibrationCurve(edges, count, confidence, correct, weight, closed)
            state.losses, state.infinite_nll = losses, int(arrays["infinite_nll"])
            state.histogram = LogOddsHistogram.checked(*(arrays[name] for name in _OF_HISTOGRAM))
            held, binned_mass = float(state.histogram.mass.sum()), float(state.curve.mass.sum())
            if not abs(held - binned_mass) <= 1e-9 * binned_mass < np.inf:
                raise ValueError("curve and histogram are of different data")
        except Exception as error:  # numpy raises a dozen kinds on a damaged file; each means the same
            raise InputError("these bytes are no calibration state", help="pass what to_bytes() returned") from error
        return state


_OF_HISTOGRAM = ("cells", "wrong", "right", "squares")
