"""CORP: miscalibration, discrimination and uncertainty of a score, from isotonic recalibration."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from calib._arrays import Float
from calib._checks import check_choice
from calib.arguments import as_outcomes
from calib.metrics.ranking import Ranking
from calib.outcomes import Outcomes
from calib.predictions import ArrayLike, Of, Predictions


@dataclass(frozen=True, eq=False)
class Corp:
    """``score`` = ``miscalibration`` − ``discrimination`` + ``uncertainty``, and the curve behind it.

    ``miscalibration`` (MCB) is what isotonic recalibration would gain, ``discrimination`` (DSC) what the recalibrated
    forecast gains over the base rate, ``uncertainty`` (UNC) the score of the base rate; none is negative, but for
    rounding.  The curve, ``(m,)`` each, one entry a distinct forecast, ascending: ``confidence``, the ``recalibrated``
    probability, and the ``count`` of rows (by weight where there are weights).
    """

    score: float
    miscalibration: float
    discrimination: float
    uncertainty: float
    confidence: Float
    recalibrated: Float
    count: Float


def corp(
    predictions: Predictions | Outcomes | ArrayLike,
    labels: ArrayLike | None = None,
    *,
    score: Literal["brier", "log"] = "brier",
    of: Of = "predicted",
) -> Corp:
    """Split the score of one event's forecasts by isotonic recalibration: no bins to choose, any sample reproducible.

    Takes `Predictions`, or probabilities ``(n, k)`` (``(n,)`` = P(y = 1)) and labels ``(n,)``, or `Outcomes`.
    The event is that the predicted class is right; ``of=c`` asks about class c, ``of=1`` about P(y = 1).
    ``score="brier"`` is (c − y)², in [0, 1], ``"log"`` is −ln of the probability claimed for what happened, in nats,
    inf where that was 0.  Forecasts are told apart by their log-odds; ties are pooled first.  Even a calibrated model
    has a miscalibration above 0 at finite n, because the isotonic fit bends to noise.  Takes sample weights.  Raises
    `InputError` for bad input.  Source: Dimitriadis, Gneiting & Jordan (2021).

    >>> parts = corp([0.1, 0.3, 0.4, 0.6, 0.8, 0.9], [0, 1, 0, 1, 0, 1], of=1)
    >>> parts.recalibrated.tolist(), round(parts.miscalibration, 6), round(parts.discrimination, 6), parts.uncertainty
    ([0.0, 0.5, 0.5, 0.5, 0.5, 1.0], 0.078333, 0.083333, 0.25)
    """
    from scipy.optimize import isotonic_regression

    check_choice("score", score, ("brier", "log"))
    outcomes = as_outcomes(predictions, labels, of=of)
    ranking = Ranking.of(outcomes)
    known = (ranking.right + ranking.wrong > 0)[::-1]  # rows of weight 0 say nothing
    right, wrong = ranking.right[::-1][known], ranking.wrong[::-1][known]
    count = right + wrong
    start = isotonic_regression(right / count, weights=count).blocks[:-1]
    pooled_right, pooled_wrong = np.add.reduceat(right, start), np.add.reduceat(wrong, start)
    level = pooled_right / (pooled_right + pooled_wrong)  # from sums, so that 0 and 1 are exact
    claimed, recalibrated, base = (
        _score(outcomes, score),
        _score_of_levels(pooled_right, pooled_wrong, score),
        _score_of_levels(right.sum(keepdims=True), wrong.sum(keepdims=True), score),
    )
    return Corp(
        score=claimed,
        miscalibration=claimed - recalibrated,
        discrimination=base - recalibrated,
        uncertainty=base,
        confidence=ranking.confidence[::-1][known],
        recalibrated=np.repeat(level, np.diff(start, append=len(count))),
        count=count * ranking.heaviest,
    )


def _score(outcomes: Outcomes, score: str) -> float:
    """The mean score of the forecasts as they are; log-odds keep the log score finite where confidence saturates."""
    if score == "brier":
        return outcomes.mean(outcomes.residual**2)
    return outcomes.mean(np.logaddexp(0, np.where(outcomes.correct, -outcomes.log_odds, outcomes.log_odds)))


def _score_of_levels(right: Float, wrong: Float, score: str) -> float:
    """The mean score of forecasting each level's own share of right rows."""
    from scipy.special import xlogy

    total = right + wrong
    if score == "brier":
        return float((right * wrong / total).sum() / total.sum())
    return float(-(xlogy(right, right / total) + xlogy(wrong, wrong / total)).sum() / total.sum())
