"""The line of log-odds: slope and intercept of correctness on confidence, and what they are worth."""

from dataclasses import dataclass
from math import inf, nan, sqrt
from typing import Literal, TypeAlias

import numpy as np

from calib._arrays import Bool, Float
from calib.arguments import as_outcomes, unweighted
from calib.errors import InputError, NumericalError
from calib.outcomes import Outcomes
from calib.predictions import ArrayLike, Of, Predictions

Status: TypeAlias = Literal["ok", "separable", "reversed", "one outcome", "unidentifiable"]

Z_95 = 1.959963984540054  # the 97.5 % quantile of the standard normal distribution
_ROUNDING = 1e-12  # likelihoods that differ by less than this part differ by rounding alone


@dataclass(frozen=True)
class SlopeIntercept:
    """The line on which true log-odds lie over claimed ones: ``intercept`` + ``slope`` · claimed; calibrated: 0 and 1.

    A slope below 1 is overconfidence that grows with confidence.  ``in_the_large`` is the intercept with the slope held
    at 1, in nats: below 0 where right answers are fewer than claimed.  Each has a ``_error``, its standard error
    (observed information), and a ``_interval``, the 95 % Wald interval.  Where ``status`` is not "ok" slope and
    intercept have no finite best value: "separable" (slope inf: no wrong row is more confident than a right one),
    "reversed" (−inf), "one outcome" (all right or all wrong: also ``in_the_large`` is ±inf) or "unidentifiable" (all
    claims equal); what is unknown then is NaN.
    """

    slope: float
    slope_error: float
    intercept: float
    intercept_error: float
    in_the_large: float
    in_the_large_error: float
    n: int
    status: Status

    @property
    def slope_interval(self) -> tuple[float, float]:
        """95 % Wald interval of the slope."""
        return self.slope - Z_95 * self.slope_error, self.slope + Z_95 * self.slope_error

    @property
    def intercept_interval(self) -> tuple[float, float]:
        """95 % Wald interval of the intercept."""
        return self.intercept - Z_95 * self.intercept_error, self.intercept + Z_95 * self.intercept_error

    @property
    def in_the_large_interval(self) -> tuple[float, float]:
        """95 % Wald interval of calibration in the large."""
        return self.in_the_large - Z_95 * self.in_the_large_error, self.in_the_large + Z_95 * self.in_the_large_error


def calibration_slope_intercept(
    predictions: Predictions | Outcomes | ArrayLike, labels: ArrayLike | None = None, *, of: Of = "predicted"
) -> SlopeIntercept:
    """Regress correctness on the log-odds of confidence (logistic, maximum likelihood): a calibrated line has slope 1.

    Arguments as for `calib.spiegelhalter`.  Raises `InputError` for bad input, for sample weights, and for
    probabilities of exactly 0 or 1, whose log-odds are infinite.  Source: Cox (1958).

    >>> line = calibration_slope_intercept([0.9] * 4 + [0.1] * 4, [1, 1, 1, 0, 0, 0, 0, 1], of=1)
    >>> round(line.slope, 6), round(abs(line.intercept), 6), line.status  # ln 3 / ln 9: odds of 3 where 9 were claimed
    (0.5, 0.0, 'ok')
    """
    outcomes = unweighted(as_outcomes(predictions, labels, of=of), "calibration_slope_intercept")
    claimed, correct = outcomes.log_odds, outcomes.correct
    if infinite := int(np.isinf(claimed).sum()):
        raise InputError(
            f"{infinite} of {outcomes.n} rows claim a probability of exactly 0 or 1, whose log-odds are infinite",
            help="pass logits, whose log-odds stay finite, or leave these rows out",
        )
    right, wrong = claimed[correct], claimed[~correct]
    if len(right) == 0 or len(wrong) == 0:
        return SlopeIntercept(nan, nan, nan, nan, inf if len(right) else -inf, nan, outcomes.n, "one outcome")
    large, large_error = _in_the_large(claimed, correct)
    if claimed.min() == claimed.max():
        return SlopeIntercept(nan, nan, nan, nan, large, large_error, outcomes.n, "unidentifiable")
    if right.min() >= wrong.max():
        return SlopeIntercept(inf, nan, nan, nan, large, large_error, outcomes.n, "separable")
    if right.max() <= wrong.min():
        return SlopeIntercept(-inf, nan, nan, nan, large, large_error, outcomes.n, "reversed")
    centre = float(claimed.mean())
    scale = float(np.abs(claimed - centre).mean())
    (level, steepness), covariance = _logistic((claimed - centre) / scale, correct)
    back = np.array([[1, -centre / scale], [0, 1 / scale]])  # from the standardised line to the given one
    intercept_error, slope_error = np.sqrt(np.diag(back @ covariance @ back.T)).tolist()
    slope = steepness / scale
    intercept = level - slope * centre
    return SlopeIntercept(slope, slope_error, intercept, intercept_error, large, large_error, outcomes.n, "ok")


def _in_the_large(claimed: Float, correct: Bool) -> tuple[float, float]:
    """The shift of log-odds at which as many are right as claimed, between those that suit the extreme rows alone."""
    from scipy.optimize import brentq
    from scipy.special import expit, logit

    share = float(logit(correct.mean()))
    low, high = share - float(claimed.max()) - 1, share - float(claimed.min()) + 1
    hits = int(correct.sum())
    shift = float(brentq(lambda by: float(expit(claimed + by).sum()) - hits, low, high, xtol=1e-13, rtol=1e-14))
    information = float((expit(claimed + shift) * expit(-claimed - shift)).sum())
    return shift, 1 / sqrt(information) if information > 0 else inf


def _logistic(values: Float, correct: Bool) -> tuple[tuple[float, float], Float]:
    """Level and slope of a logistic regression on one standardised column, and their covariance; damped Newton."""
    from scipy.special import expit, log_expit

    sign = np.where(correct, 1.0, -1.0)
    design = np.stack([np.ones(len(values)), values], axis=1)
    line = np.zeros(2)
    likelihood = float(log_expit(sign * (design @ line)).sum())
    for _ in range(200):
        odds = design @ line
        gradient = design.T @ (sign * expit(-sign * odds))
        information = (design * (expit(odds) * expit(-odds))[:, None]).T @ design
        step = np.linalg.solve(information, gradient)
        if np.abs(step).max() <= 1e-11 * (1 + np.abs(line).max()):
            covariance = np.asarray(np.linalg.inv(information), np.float64)
            return (float(line[0] + step[0]), float(line[1] + step[1])), covariance
        while (trial := float(log_expit(sign * (design @ (line + step))).sum())) < likelihood * (1 + _ROUNDING):
            step /= 2  # the likelihood is concave: a short enough step climbs
        line, likelihood = line + step, trial
    raise NumericalError("the calibration slope did not converge", help="report this with the data, please")
