"""The standard report of one set of predictions."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from calib._arrays import Float
from calib._html import report_html
from calib._sums import sums_by
from calib.arguments import as_outcomes, as_predictions
from calib.binning import bin_index
from calib.curve import CalibrationCurve, calibration_curve
from calib.intervals import Interval, ece_interval, interval_of_sums
from calib.inversion import BinSums
from calib.metrics.cumulative import ks_error
from calib.metrics.from_histogram import (
    Bounded,
    aurc_from,
    auroc_from,
    equal_mass_ece_from,
    ks_error_from,
    smooth_ece_from,
)
from calib.metrics.ranking import Ranking
from calib.metrics.smooth import smooth_ece
from calib.outcomes import Outcomes
from calib.predictions import ArrayLike, Predictions
from calib.state import Summary
from calib.uncertainty import ece_null, ece_null_from


@dataclass(frozen=True)
class Report:
    """Accuracy and calibration of one model on one split; names and units are those of the metrics.

    ``gap`` is mean confidence − accuracy (positive: overconfident).  ``ece_low`` to ``ece_high`` is a 95 % interval of
    the population's ECE; being biased upwards, ``ece`` need not lie inside.  ``ece_null`` is what ECE would average
    for a perfectly calibrated model with these confidences at this ``n``, ``ece_null_95`` its 95 % quantile: an ``ece``
    below that cannot be told from calibration.  ``debiased_squared_ce`` and ``ece_equal_mass`` have bins of equal mass.
    ``auroc`` and ``aurc`` are of correctness.  ``nll`` is inf where a label had probability 0, in ``infinite_nll``
    examples; what cannot be known is NaN (None for ``n_classes``).
    """

    n: int
    n_classes: int | None
    n_bins: int
    accuracy: float
    mean_confidence: float
    nll: float
    infinite_nll: int
    brier: float
    ece: float
    ece_low: float
    ece_high: float
    ece_null: float
    ece_null_95: float
    ece_equal_mass: float
    rmsce: float
    debiased_squared_ce: float
    mce: float
    smooth_ece: float
    ks_error: float
    gap: float
    auroc: float
    aurc: float

    def to_dict(self) -> dict[str, float | int]:
        """Return the fields by name, for JSON and tables."""
        return asdict(self)

    def _repr_html_(self) -> str:
        return report_html(self)


def evaluate(
    predictions: Predictions | Outcomes | ArrayLike,
    labels: ArrayLike | None = None,
    *,
    n_bins: int = 15,
    seed: int = 0,
) -> Report:
    """Measure accuracy, proper scores, calibration and ranking from one pass over the scores.

    Takes `Predictions`, probabilities ``(n, k)`` and labels ``(n,)``, or `Outcomes`.  ``seed`` drives the draws behind
    ``ece_null``, ``ece_low`` and ``ece_high``.  Where examples have sample weights, what is not defined for them is
    NaN.  Raises `InputError` for bad input.

    >>> evaluate([[0.9, 0.1], [0.2, 0.8]], [0, 1]).accuracy
    1.0
    """
    outcomes = as_outcomes(predictions, labels)
    curve = calibration_curve(outcomes, n_bins=n_bins)
    interval = ece_interval(outcomes, n_bins=n_bins, seed=seed)
    null = ece_null(outcomes, n_bins=n_bins, seed=seed)
    equal_mass = calibration_curve(outcomes, n_bins=n_bins, binning="equal-mass")
    ranking = Ranking.of(outcomes)
    accuracy, mean_confidence = outcomes.mean(outcomes.correct), outcomes.mean(outcomes.confidence)
    weighted, losses = outcomes.weight is not None, outcomes.losses
    return Report(
        n=outcomes.n,
        n_classes=_n_classes(predictions, labels),
        accuracy=accuracy,
        mean_confidence=mean_confidence,
        nll=np.nan if losses is None else outcomes.mean(losses.nll),
        infinite_nll=0 if losses is None else int((np.isinf(losses.nll) & (outcomes.mass > 0)).sum()),
        brier=np.nan if losses is None else outcomes.mean(losses.brier),
        ece_equal_mass=equal_mass.ece,
        debiased_squared_ce=np.nan if weighted else equal_mass.debiased_squared_ce,
        smooth_ece=smooth_ece(outcomes),
        ks_error=ks_error(outcomes),
        auroc=ranking.auroc,
        aurc=np.nan if weighted else ranking.aurc,
        gap=mean_confidence - accuracy,
        n_bins=n_bins,
        **_of_bins(curve, interval, null),
    )


def evaluate_sums(
    summary: Summary, *, n_classes: int | None = None, seed: int = 0
) -> tuple[Report, Mapping[str, float]]:
    """The report of data that were not kept, from their sums, and how far off some of its numbers can be.

    Proper scores and numbers of equal-width bins are those of the examples themselves.  ``ece_equal_mass``,
    ``smooth_ece``, ``ks_error``, ``auroc`` and ``aurc`` come from the histogram: the second result bounds, by name, how
    far each can be from the number of the examples.  The draws behind ``ece_null`` are of cells; with sample weights a
    cell counts for its effective examples, there and in the interval.  ``debiased_squared_ce`` is NaN, with weights
    ``aurc`` too.

    >>> from calib.state import CalibrationState
    >>> state = CalibrationState()
    >>> state.update([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]], [0, 1, 1])
    >>> report, bounds = evaluate_sums(state.compute())
    >>> report.auroc, bounds["auroc"] < 1e-9
    (1.0, True)
    """
    curve, histogram, weighted = summary.curve, summary.histogram, summary.curve.weight is not None
    n_bins = len(curve.count)
    found = {
        "ece_equal_mass": equal_mass_ece_from(histogram, n_bins=n_bins),
        "smooth_ece": smooth_ece_from(histogram),
        "ks_error": ks_error_from(histogram),
        "auroc": auroc_from(histogram),
        "aurc": Bounded(np.nan, np.nan) if weighted else aurc_from(histogram),
    }
    binned = BinSums(curve.mass, curve.confidence_sum, curve.correct_sum, _squares(summary))
    interval = interval_of_sums(binned, seed=seed)
    null = ece_null_from(histogram, n_bins=n_bins, seed=seed)
    report = Report(
        n=summary.n,
        n_classes=n_classes,
        accuracy=summary.accuracy,
        mean_confidence=summary.mean_confidence,
        nll=np.nan if summary.nll is None else summary.nll,
        infinite_nll=summary.infinite_nll,
        brier=np.nan if summary.brier is None else summary.brier,
        debiased_squared_ce=np.nan,
        gap=summary.gap,
        n_bins=n_bins,
        **_of_bins(curve, interval, null),
        **{name: number.value for name, number in found.items()},
    )
    return report, {name: number.bound for name, number in found.items()}


def _of_bins(curve: CalibrationCurve, interval: Interval, null: Float) -> dict[str, float]:
    """What the bins of equal width say: the errors, the interval of the population's ECE, and what chance makes."""
    return {
        "ece": curve.ece,
        "ece_low": interval.low,
        "ece_high": interval.high,
        "ece_null": float(null.mean()),
        "ece_null_95": float(np.quantile(null, 0.95)),
        "rmsce": curve.rmsce,
        "mce": curve.mce,
    }


def _squares(summary: Summary) -> Float:
    """Σ w² of each bin; cells lie in the bin of their mean, and no bin has more effective examples than examples."""
    curve, histogram = summary.curve, summary.histogram
    if curve.weight is None:
        return curve.mass
    index = bin_index(histogram.confidence, curve.edges)
    found = sums_by(index, histogram.squares, len(curve.count))
    return np.asarray(np.maximum(found, curve.mass**2 / np.maximum(curve.count, 1)))


def _n_classes(predictions: Predictions | Outcomes | ArrayLike, labels: ArrayLike | None) -> int | None:
    return None if isinstance(predictions, Outcomes) else as_predictions(predictions, labels).n_classes
