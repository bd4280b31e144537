"""Temperature scaling: divide the logits by the one number that minimises NLL on the calibration split."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np

from calib._arrays import Float
from calib._blocks import Block, fits_one_block, map_blocks, read_blocks, row_sums
from calib.errors import InputError
from calib.predictions import ArrayLike, Predictions, require_predictions

Status: TypeAlias = Literal["ok", "separable", "worse than chance", "unidentifiable"]


@dataclass(frozen=True)
class TemperatureScaling:
    """A temperature T > 0: ``transform`` divides logits by it.  T > 1 softens an overconfident model.

    Make one by `fit`, or directly, ``TemperatureScaling(2.0)``.  After a fit: ``standard_error`` of T (observed
    information; NaN where there is none), mean ``nll_before`` and ``nll_after`` in nats on the ``n`` fitted rows, and
    ``status``.  Where NLL has no minimum at a finite T, ``temperature`` is 1, ``status`` says why, and ``limit`` is
    where T was heading: 0 when every label has the highest logit ("separable"), inf when the labels' logits are no
    higher than average ("worse than chance"); None when no T differs from another ("unidentifiable").
    """

    temperature: float
    standard_error: float = float("nan")
    nll_before: float = float("nan")
    nll_after: float = float("nan")
    n: int = 0
    status: Status = "ok"
    limit: float | None = None

    def __post_init__(self) -> None:
        if not (0 < self.temperature < np.inf and 1 / self.temperature < np.inf):
            raise InputError(
                f"a temperature must be a positive number, got {self.temperature}",
                help="1.0 leaves the logits as they are",
            )

    @classmethod
    def fit(cls, predictions: Predictions, *, targets: ArrayLike | None = None) -> "TemperatureScaling":
        """Find the T that minimises NLL, to about ten digits.

        NLL is convex in β = 1/T, so its slope (mean expected logit − mean true logit) has one root, found in log β by
        ``scipy.optimize``: Newton's method, else bracketed and by Brent's; in float64 with the row maximum subtracted.
        Raises `InputError` for bad values.  Source: Guo et al. (2017), section 4.2.

        >>> confident = Predictions.from_logits([[2.0, 0.0]] * 4, [0, 0, 0, 1])
        >>> round(TemperatureScaling.fit(confident).temperature, 6)  # 2 / ln 3
        1.820478
        """
        require_predictions(predictions)
        if predictions.sample_weight is not None:
            raise InputError(
                "a temperature cannot be fitted to weighted examples yet",
                help="leave sample_weight out; calib.evaluate and the metrics of docs/metrics.md take it",
            )
        before = float(predictions.outcomes.nll.mean())
        lowest, highest, finite = _slope_limits(predictions)
        if not finite or lowest == highest:
            return cls(1.0, nll_before=before, nll_after=before, n=predictions.n, status="unidentifiable")
        if highest <= 0:
            return cls(1.0, nll_before=before, nll_after=before, n=predictions.n, status="separable", limit=0.0)
        if lowest >= 0:
            return cls(
                1.0, nll_before=before, nll_after=before, n=predictions.n, status="worse than chance", limit=np.inf
            )
        slope_and_curvature = _passes(predictions)
        beta = _root(slope_and_curvature)
        if not 1e-300 < beta < 1e300:  # the slope differs from 0 by rounding only
            return cls(1.0, nll_before=before, nll_after=before, n=predictions.n, status="unidentifiable")
        _, curvature = slope_and_curvature(beta)
        fitted = cls(1 / beta, n=predictions.n)
        after = float(fitted.transform(predictions).outcomes.nll.mean())
        error = float("nan") if curvature <= 0 else float(1 / (beta**2 * np.sqrt(predictions.n * curvature)))
        return replace(fitted, standard_error=error, nll_before=before, nll_after=after)

    def transform(self, predictions: Predictions) -> Predictions:
        """Return predictions with this temperature on top of what they carry; the logits are shared, not copied.

        Raises `InputError` for plain arrays, and where both temperatures together leave the range of float64.
        """
        require_predictions(predictions)
        beta = predictions.beta / self.temperature
        if not (np.all(np.isfinite(beta)) and np.all(np.asarray(beta) > 0)):
            raise InputError(
                f"a temperature of {self.temperature:g} on top of what the predictions carry leaves the range of "
                "float64",
                help="fit it on the logits as they were",
            )
        return replace(predictions, beta=beta)


def _slope_limits(predictions: Predictions) -> tuple[float, float, bool]:
    """The slope of NLL at β → 0 and β → ∞ (as sums over rows), and whether every label has a probability above 0."""
    lowest = highest = 0.0
    finite = True
    for block in read_blocks(predictions, form="logits"):
        logits = block.values
        true_logit = logits[np.arange(len(logits)), predictions.labels[block.rows]]
        possible = np.isfinite(logits)
        mean = np.where(possible, logits, 0.0).sum(axis=1) / possible.sum(axis=1)
        finite &= bool(np.isfinite(true_logit).all())
        lowest += float((mean - true_logit).sum())
        highest += float(-true_logit.sum())  # the row maximum is 0
    return lowest, highest, finite


def _passes(predictions: Predictions) -> Callable[[float], tuple[float, float]]:
    """First and second derivative of mean NLL in β: mean (E_q z − z_y), and the mean variance of z under the model.

    Every call goes over the blocks once more, but data of a single block are read and checked only once.
    """

    def read(block: Block) -> tuple[Float, Float]:
        logits = np.nan_to_num(block.values, copy=False)  # −inf becomes the lowest number: times a probability of 0
        return logits, logits[np.arange(len(logits)), predictions.labels[block.rows]]

    def moments(logits: Float, true_logit: Float, beta: float) -> Float:
        with np.errstate(over="ignore"):
            weight = np.exp(beta * logits)
        total = row_sums(weight)
        weight *= logits
        mean = row_sums(weight) / total
        square = np.einsum("ij,ij->i", weight, logits) / total
        return np.array([(mean - true_logit).sum(), (square - mean**2).sum()])

    kept = read(next(read_blocks(predictions, form="logits"))) if fits_one_block(predictions) else None

    def derivatives(beta: float) -> tuple[float, float]:
        if kept is not None:
            parts = [moments(*kept, beta)]
        else:
            parts = map_blocks(predictions, lambda block: moments(*read(block), beta), form="logits", exact=True)
        slope, curvature = np.sum(parts, axis=0) / predictions.n
        return float(slope), float(curvature)

    return derivatives


def _root(derivatives: Callable[[float], tuple[float, float]]) -> float:
    """The β > 0 at which the slope of NLL, which increases from below 0 at 0 to above 0 at ∞, crosses zero.

    Newton's method in log β takes about six passes from β = 1; where it does not settle (far away it overshoots) the
    root is bracketed and found by Brent's.
    """
    from scipy.optimize import brentq, root_scalar

    def slope_and_change(log_beta: float) -> tuple[float, float]:
        beta = float(np.exp(np.clip(log_beta, -_FAR, _FAR)))
        slope, curvature = derivatives(beta)
        return slope, max(beta * curvature, _FLAT)

    def slope_at(log_beta: float) -> float:
        return derivatives(float(np.exp(log_beta)))[0]

    newton = root_scalar(slope_and_change, x0=0.0, fprime=True, method="newton", xtol=1e-12, maxiter=10)
    if newton.converged and abs(newton.root) < _FAR:
        return float(np.exp(newton.root))
    inner, direction = 0.0, -1.0 if slope_at(0.0) > 0 else 1.0
    outer, step = direction, 1.0
    while slope_at(outer) * direction < 0:
        inner, step = outer, 2 * step
        outer += direction * step
        if abs(outer) > _FAR:
            return float(np.exp(outer))
    return float(np.exp(brentq(slope_at, min(inner, outer), max(inner, outer), xtol=1e-12, rtol=1e-14)))


_FAR = 700.0  # log β beyond the range of float64
_FLAT = 1e-300  # keeps a step finite where the slope does not change
