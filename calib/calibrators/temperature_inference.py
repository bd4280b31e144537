"""How sure a temperature is: its likelihood interval, and the test that no temperature is needed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calib._checks import check_level
from calib.calibrators._likelihood import Likelihood
from calib.calibrators._moments import Moments
from calib.calibrators._optimum import optimum
from calib.calibrators.temperature import TemperatureScaling
from calib.errors import NumericalError
from calib.intervals import Interval
from calib.predictions import ArrayLike, Predictions, require_predictions

_FAR = 690.0  # log β at the end of the range of float64


@dataclass(frozen=True)
class TemperatureTest:
    """A test of temperatures: ``p_value`` from χ².  Of T = 1, the likelihood ratio 2 n (NLL(1) − NLL(T))."""

    statistic: float
    p_value: float


def temperature_interval(
    predictions: Predictions, *, level: float = 0.95, targets: ArrayLike | None = None
) -> Interval:
    """Confidence interval of T: every T whose likelihood is not too far below that of the best one.

    It is not symmetric about the estimate.  ``high`` is inf where the data cannot rule out that the scores say nothing.
    The estimate is `TemperatureScaling.fit`'s; weights and ``targets`` as there.  Raises `InputError` for bad values,
    `NumericalError` where NLL has no lowest point.  Source: Wilks (1938).

    >>> predictions = Predictions.from_logits([[2.0, 0.0]] * 40, [0] * 30 + [1] * 10)
    >>> interval = temperature_interval(predictions)
    >>> round(interval.estimate, 3), round(interval.low, 2), round(interval.high, 2)
    (1.82, 1.07, 4.79)
    """
    from scipy.special import chdtri

    allowed = float(chdtri(1, 1 - check_level(level)))
    likelihood, best = _fitted(predictions, targets)
    spread = np.sqrt(allowed / (likelihood.effective * max(best.curvature, 1e-300)))  # of log β, roughly
    lower, upper = (_limit(likelihood, best.beta, best.nll, allowed, direction * spread) for direction in (-1, 1))
    return Interval(1 / best.beta, 1 / upper, 1 / lower if lower > 0 else float("inf"), level)


def temperature_test(predictions: Predictions, *, targets: ArrayLike | None = None) -> TemperatureTest:
    """Test whether the predictions need a temperature at all.  A small p-value speaks against T = 1.

    Weights and ``targets`` as in `TemperatureScaling.fit`.  Raises as `temperature_interval` does.

    >>> test = temperature_test(Predictions.from_logits([[2.0, 0.0]] * 40, [0] * 30 + [1] * 10))
    >>> round(test.statistic, 3), round(test.p_value, 3)
    (5.167, 0.023)
    """
    from scipy.special import chdtrc

    likelihood, best = _fitted(predictions, targets)
    statistic = max(2 * likelihood.effective * (likelihood.at(1.0, order=1).nll - best.nll), 0.0)
    return TemperatureTest(statistic, float(chdtrc(1, statistic)))


def equal_temperatures(fits: Sequence[TemperatureScaling]) -> TemperatureTest | None:
    """Test whether independent examples of several groups share one T; None where a standard error is not known.

    ``statistic`` is the weighted sum of squares of log T about its mean, by the robust standard errors, ``p_value``
    from χ² with one degree less than there are groups.  Source: Cochran (1954).

    >>> one, other = (TemperatureScaling(t, robust_standard_error=0.1) for t in (1.0, 2.0))
    >>> equal_temperatures([one, one]).p_value, equal_temperatures([one, other]).p_value < 1e-3
    (1.0, True)
    """
    from scipy.special import chdtrc

    logs = np.log([fit.temperature for fit in fits])
    errors = np.array([fit.robust_standard_error / fit.temperature for fit in fits])
    if len(fits) < 2 or not (np.isfinite(errors) & (errors > 0)).all():
        return None
    statistic = float((((logs - np.average(logs, weights=errors**-2)) / errors) ** 2).sum())
    return TemperatureTest(statistic, float(chdtrc(len(fits) - 1, statistic)))


def _fitted(predictions: Predictions, targets: ArrayLike | None) -> tuple[Likelihood, Moments]:
    """The likelihood and its moments at the best T.  Raises `NumericalError` where there is none."""
    require_predictions(predictions)
    likelihood = Likelihood(predictions, targets)
    _, best, _ = optimum(likelihood)
    if best is None:
        raise NumericalError(
            "NLL has no lowest point at a finite temperature here",
            help="TemperatureScaling.fit says why, in its status",
        )
    return likelihood, best


def _limit(likelihood: Likelihood, best: float, nll: float, allowed: float, spread: float) -> float:
    """The β on one side at which 2 n (NLL − the lowest) is ``allowed``; 0 where it stays below."""
    from scipy.optimize import brentq

    def excess(log_ratio: float) -> float:
        return 2 * likelihood.effective * (likelihood.at(best * float(np.exp(log_ratio)), order=1).nll - nll) - allowed

    furthest = float(np.sign(spread) * _FAR - np.log(best))
    inner, outer = 0.0, float(np.clip(spread, -5, 5))
    while not excess(outer) >= 0:
        if abs(outer) >= abs(furthest):
            return 0.0 if spread < 0 else np.inf
        inner, outer = outer, (min if spread > 0 else max)(2 * outer, furthest)
    return best * float(np.exp(brentq(excess, inner, outer, xtol=1e-10, maxiter=1000)))
