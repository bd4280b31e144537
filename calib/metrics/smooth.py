"""The smooth calibration error: kernel-smoothed residuals in place of bins, at a bandwidth that sets itself."""

from dataclasses import dataclass

import numpy as np

from calib._arrays import Float
from calib._checks import check_whole, is_number
from calib.arguments import as_outcomes
from calib.errors import InputError
from calib.metrics._heat import HeatSeries, width_to_cells
from calib.outcomes import Outcomes
from calib.predictions import ArrayLike, Of, Predictions

SMALLEST_BANDWIDTH, LARGEST_BANDWIDTH = 1e-5, 1e5
SEARCHES = ((2.5e-4, 1e-9), (1.6e-5, 1e-9), (1e-6, 1e-7))  # smallest width, tolerance; real data seldom need the rest
SLACK = 2e-6  # more than two series of different fineness can differ by
MAX_POINTS = 10_001
EMPTY = 1e-8  # density, relative to the uniform one, below which a ratio of two series is rounding


def smooth_ece(
    predictions: Predictions | Outcomes | ArrayLike,
    labels: ArrayLike | None = None,
    *,
    bandwidth: float | None = None,
    of: Of = "predicted",
) -> float:
    """Smooth calibration error.  [0, 1]; lower is better; correct to 1e-6.

    ∫ |mean_i K_s(t, c_i) (c_i − a_i)| dt over [0, 1], c confidence, a correctness, K_s the Gaussian of width s
    reflected at 0 and 1.  ``bandwidth`` is s, from 1e-5 to 1e5; None takes the one at which error and bandwidth
    are the same number.  Never below |mean confidence − accuracy|, and never rising with s.

    Takes `Predictions`, probabilities ``(n, k)`` and labels ``(n,)``, or `Outcomes`; weighted by sample weights.
    Raises `InputError` for bad input.  Source: Błasiok & Nakkiran (2023), Smooth ECE.

    >>> round(smooth_ece([[0.9, 0.1], [0.2, 0.8]], [0, 1]), 4)
    0.15
    """
    outcomes = as_outcomes(predictions, labels, of=of)
    confidence, residual = outcomes.confidence, outcomes.residual * _shares(outcomes)
    if bandwidth is None:
        return fixed_point(confidence, residual)
    _check_bandwidth(bandwidth)
    return HeatSeries.of(confidence, residual, width_to_cells(bandwidth)).absolute_integral(bandwidth)


@dataclass(frozen=True, eq=False)
class SmoothCurve:
    """Kernel means on ``t`` ``(points,)``, even steps from 0 to 1, at one ``bandwidth``: a diagram without bins.

    ``confidence`` and ``accuracy`` are the means around t, NaN where ``density`` (its mean over [0, 1] is 1) is below
    1e-8.  ``ece`` = ∫ density · |confidence − accuracy| dt is the smooth calibration error at this bandwidth.
    """

    t: Float
    confidence: Float
    accuracy: Float
    density: Float
    bandwidth: float
    ece: float

    @property
    def gap(self) -> Float:
        """Mean confidence − accuracy around each t, ``(points,)``; positive where overconfident."""
        return self.confidence - self.accuracy


def smooth_curve(
    predictions: Predictions | Outcomes | ArrayLike,
    labels: ArrayLike | None = None,
    *,
    bandwidth: float | None = None,
    points: int = 501,
    of: Of = "predicted",
) -> SmoothCurve:
    """The curve behind `smooth_ece`; arguments as there.

    ``points``, from 2 to 10,001, is the length of the columns.  ``bandwidth`` None takes that of `smooth_ece`, or the
    distance of two points where that is more, because narrower features could not be seen.  Raises `InputError`.

    >>> curve = smooth_curve([[0.9, 0.1], [0.9, 0.1]], [0, 1], bandwidth=0.05)
    >>> round(float(curve.accuracy[450]), 4), round(float(curve.confidence[450]), 4)
    (0.5, 0.9)
    """
    check_whole("points", points, lowest=2, highest=MAX_POINTS, help="501 is the default")
    outcomes = as_outcomes(predictions, labels, of=of)
    share = np.broadcast_to(_shares(outcomes), outcomes.n)
    if bandwidth is None:
        bandwidth = max(fixed_point(outcomes.confidence, outcomes.residual * share), 1 / (points - 1))
    _check_bandwidth(bandwidth)
    finer = -(-width_to_cells(bandwidth) // (points - 1))
    columns = (share, outcomes.confidence * share, outcomes.correct * share)
    series = [HeatSeries.of(outcomes.confidence, column, width_to_cells(bandwidth)) for column in columns]
    density, confidence, correct = (one.spread(bandwidth, finer * (int(points) - 1))[0][::finer] for one in series)
    seen = density >= EMPTY
    return SmoothCurve(
        t=np.arange(points) / (points - 1),
        confidence=np.divide(confidence, density, out=np.full(points, np.nan), where=seen),
        accuracy=np.divide(correct, density, out=np.full(points, np.nan), where=seen),
        density=np.maximum(density, 0.0),
        bandwidth=float(bandwidth),
        ece=HeatSeries(series[1].coefficients - series[2].coefficients).absolute_integral(bandwidth),
    )


def fixed_point(confidence: Float, residual: Float) -> float:
    """The s at which the error equals s: error(s) never rises, so it is at least error(s') for every s' above it."""
    lower, upper = float(abs(residual.sum())), np.inf  # the error at s → ∞
    for floor, tolerance in SEARCHES:
        if np.abs(residual).sum() - lower <= tolerance:
            return lower
        width = max(lower, floor)
        series = HeatSeries.of(confidence, residual, width_to_cells(width))
        error = series.absolute_integral(width)
        if error > width:
            return _crossing(series, width, min(error, upper), tolerance)
        if width == lower:
            return lower
        lower, upper = max(lower, error), width + SLACK
        confidence, residual = _pooled(confidence, residual)
    return lower


def _crossing(series: HeatSeries, low: float, high: float, tolerance: float) -> float:
    from scipy.optimize import brentq

    if high - low <= tolerance:
        return high
    return float(brentq(lambda s: series.absolute_integral(s) - s, low, high + tolerance, xtol=tolerance))


def _pooled(confidence: Float, residual: Float) -> tuple[Float, Float]:
    """Equal confidences as one, whose residuals may cancel."""
    values, index = np.unique(confidence, return_inverse=True)
    return values, np.bincount(index, weights=residual).astype(np.float64)


def _shares(outcomes: Outcomes) -> Float | float:
    """What each example counts for; they sum to 1."""
    return 1 / outcomes.n if outcomes.weight is None else outcomes.weight / outcomes.weight.sum()


def _check_bandwidth(bandwidth: float) -> None:
    if not is_number(bandwidth) or not SMALLEST_BANDWIDTH <= bandwidth <= LARGEST_BANDWIDTH:
        raise InputError(
            f"bandwidth must be a number from {SMALLEST_BANDWIDTH:g} to {LARGEST_BANDWIDTH:g}, got {bandwidth!r}",
            help="leave it out for the bandwidth that equals the error",
        )
