"""Parts of a proper score: Murphy's reliability, resolution and uncertainty; calibration against refinement."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from calib._checks import check_choice
from calib._sums import ratio, sums_by
from calib.arguments import as_outcomes, as_predictions, unweighted
from calib.binning import bin_index, equal_width_edges
from calib.errors import InputError
from calib.outcomes import Outcomes
from calib.predictions import ArrayLike, Of, Predictions

if TYPE_CHECKING:
    from calib.calibrators.temperature import TemperatureScaling


@dataclass(frozen=True)
class MurphyDecomposition:
    """``score`` = ``reliability`` − ``resolution`` + ``uncertainty`` + ``within_variance`` − ``within_covariance``.

    ``score`` is the mean of (c − y)², c the probability claimed for an event and y whether it happened.
    ``reliability`` (lower is better) is the mean squared gap of forecasts that are pooled, ``resolution`` (higher is
    better) the variance of their accuracies, ``uncertainty`` that of y.  The last two are 0 unless there are bins: the
    variance of c within a bin, and twice its covariance with y there.
    """

    score: float
    reliability: float
    resolution: float
    uncertainty: float
    within_variance: float
    within_covariance: float


def murphy_decomposition(
    predictions: Predictions | Outcomes | ArrayLike,
    labels: ArrayLike | None = None,
    *,
    n_bins: int | None = None,
    of: Of = "predicted",
) -> MurphyDecomposition:
    """Split the Brier score of one event, (c − y)² in [0, 1], into reliability, resolution and uncertainty.

    Takes `Predictions`, or probabilities ``(n, k)`` (``(n,)`` = P(y = 1)) and labels ``(n,)``, or `Outcomes`.
    The event is that the predicted class is right; ``of=c`` asks about class c, ``of=1`` about P(y = 1).
    Forecasts of equal confidence are pooled; where nearly all differ that says little (each row is its own group), so
    pool by ``n_bins`` of equal width, (a, b], and two more parts keep the sum exact.  Takes sample weights.  Raises
    `InputError` for bad input.  Source: Murphy (1973); the parts within bins: Stephenson, Coelho & Jolliffe (2008).

    >>> parts = murphy_decomposition([0.8, 0.8, 0.2, 0.2], [1, 1, 1, 0], of=1)
    >>> round(parts.score, 4), round(parts.reliability, 4), parts.resolution, parts.uncertainty
    (0.19, 0.065, 0.0625, 0.1875)
    """
    outcomes = as_outcomes(predictions, labels, of=of)
    weight = outcomes.mass
    if n_bins is None:
        forecast, index = np.unique(outcomes.confidence, return_inverse=True)
        total = sums_by(index, weight, len(forecast))
    else:
        index = bin_index(outcomes.confidence, equal_width_edges(n_bins))
        total = sums_by(index, weight, n_bins)
        forecast = ratio(sums_by(index, weight * outcomes.confidence, n_bins), total, empty=0.0)
    accuracy = ratio(sums_by(index, weight * outcomes.correct, len(total)), total, empty=0.0)  # empty ones count 0
    base_rate = outcomes.mean(outcomes.correct)
    spread = outcomes.confidence - forecast[index]
    return MurphyDecomposition(
        score=outcomes.mean(outcomes.residual**2),
        reliability=float((total * (forecast - accuracy) ** 2).sum() / total.sum()),
        resolution=float((total * (accuracy - base_rate) ** 2).sum() / total.sum()),
        uncertainty=base_rate * (1 - base_rate),
        within_variance=outcomes.mean(spread**2),
        within_covariance=2 * outcomes.mean(spread * (outcomes.correct - accuracy[index])),
    )


@dataclass(frozen=True)
class CalibrationRefinement:
    """``loss`` = ``calibration`` + ``refinement``: what one temperature would cure, and what it would leave.

    ``fits`` are the temperatures behind it, one, or one a fold.  Where the status of one is not "ok" its loss has no
    minimum at a finite temperature, and its rows were left as they are.
    """

    loss: float
    calibration: float
    refinement: float
    fits: "tuple[TemperatureScaling, ...]"


def calibration_refinement(
    predictions: Predictions | ArrayLike,
    labels: ArrayLike | None = None,
    *,
    loss: Literal["nll", "brier"] = "nll",
    folds: int | None = 5,
    seed: int = 0,
) -> CalibrationRefinement:
    """Split a loss of whole distributions into refinement, the loss after temperature scaling, and calibration.

    Takes `Predictions`, or probabilities ``(n, k)`` and labels ``(n,)``.  Temperatures are fitted by NLL, each of
    ``folds`` random parts by a fit on the others, so that calibration may come out negative; ``folds=None`` fits and
    scores all rows at once, and then calibration is at least 0 for NLL.  A temperature is one kind of recalibration:
    what another would cure is counted as refinement.  Raises `InputError` for bad input, for sample weights, and where
    NLL is infinite, which no temperature changes.  Source: Berta, Holzmüller, Jordan & Bach (2025); the split into two
    parts: Bröcker (2009).

    >>> confident = Predictions.from_logits([[2.0, 0.0]] * 4, [0, 0, 0, 1])
    >>> parts = calibration_refinement(confident, folds=None)  # its best temperature says 3/4, as often as it is right
    >>> round(parts.loss, 4), round(parts.calibration, 4), round(parts.refinement, 4)
    (0.6269, 0.0646, 0.5623)
    """
    from calib.calibrators.cross_fit import cross_fit_with_fits
    from calib.calibrators.temperature import TemperatureScaling

    check_choice("loss", loss, ("nll", "brier"))
    if folds is not None and (isinstance(folds, bool) or not isinstance(folds, int | np.integer)):
        raise InputError(f"folds must be a whole number or None, got {folds!r}", help="5 is the usual number")
    given = as_predictions(predictions, labels)
    before = float(getattr(unweighted(given.outcomes, "calibration_refinement"), loss).mean())
    if not np.isfinite(before):
        row = int(np.argmax(np.isinf(given.outcomes.nll)))
        raise InputError(
            f"NLL is infinite and no temperature changes that: the label of row {row} had probability 0",
            help='find out why the model ruled it out, or ask for loss="brier"',
        )
    if folds is None:
        fits = [TemperatureScaling.fit(given)]
        scaled = fits[0].transform(given)
    else:
        scaled, fits = cross_fit_with_fits(TemperatureScaling, given, folds=int(folds), seed=seed)
    after = float(getattr(scaled.outcomes, loss).mean())
    return CalibrationRefinement(before, before - after, after, tuple(fits))
