"""Temperature scaling: divide the logits by the one number that minimises NLL on the calibration split."""

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, get_args

import numpy as np

from calib._checks import check_choice
from calib._html import fields_html
from calib.calibrators._base import refuse_targets
from calib.calibrators._likelihood import Likelihood
from calib.calibrators._optimum import Nll, optimum
from calib.errors import InputError
from calib.predictions import ArrayLike, Predictions, require_predictions

Status: TypeAlias = Literal["ok", "separable", "worse than chance", "unidentifiable", "no lowest point"]
Objective: TypeAlias = Literal["nll", "brier", "ece"]


@dataclass(frozen=True)
class TemperatureScaling:
    """A temperature T > 0: ``transform`` divides logits by it.  T > 1 softens an overconfident model.

    Make one by `fit`, or directly, ``TemperatureScaling(2.0)``.  After a fit: two standard errors of T, from the
    observed information (``standard_error``) and from the sandwich, which holds for a model of any shape
    (``robust_standard_error``; NaN where there is none); mean ``nll_before`` and ``nll_after`` in nats on the ``n``
    fitted rows; how many ``reads`` of the predictions it took; which ``objective`` was minimised; and ``status``.
    Where NLL has no minimum at a finite T, ``temperature`` is 1, ``status`` says why, and ``limit`` is where T was
    heading: 0 when every label has the highest logit ("separable"), inf when the labels' logits are no higher than
    average ("worse than chance"); None when no T differs from another ("unidentifiable").
    """

    temperature: float
    standard_error: float = float("nan")
    robust_standard_error: float = float("nan")
    nll_before: float = float("nan")
    nll_after: float = float("nan")
    n: int = 0
    status: Status = "ok"
    limit: float | None = None
    objective: Objective = "nll"
    reads: int = 0

    _repr_html_ = fields_html

    def __post_init__(self) -> None:
        if not (0 < self.temperature < np.inf and 1 / self.temperature < np.inf):
            raise InputError(
                f"a temperature must be a positive number, got {self.temperature}",
                help="1.0 leaves the logits as they are",
            )

    @classmethod
    def fit(
        cls, predictions: Predictions, *, targets: ArrayLike | None = None, objective: Objective = "nll"
    ) -> "TemperatureScaling":
        """Find the T that minimises NLL, to about nine digits.

        NLL is convex in β = 1/T, so its slope (mean expected logit − mean true logit) has one root.  Many rows start
        from the root of a sample of them; the slope's derivatives lead on, or ``scipy.optimize`` in a bracket of log β;
        all in float64, with the row maximum subtracted.  ``targets`` ``(n, k)`` are soft labels: distributions
        that take the place of the labels.  Sample weights count in proportion; for the standard errors as Kish's
        effective number of examples.  ``objective="brier"`` or ``"ece"`` (15 bins) minimises that instead, over T from
        1/50 to 50 times the T of NLL: on the rows it is fitted to it looks better than it is, has no standard error
        and, for ECE, which is no proper score, several minima.  Raises `InputError` for bad values.  Source: Guo et al.
        (2017), section 4.2.

        >>> confident = Predictions.from_logits([[2.0, 0.0]] * 4, [0, 0, 0, 1])
        >>> round(TemperatureScaling.fit(confident).temperature, 6)  # 2 / ln 3
        1.820478
        """
        require_predictions(predictions)
        check_choice("objective", objective, get_args(Objective))
        if objective != "nll":
            refuse_targets(targets, f'objective="{objective}"')
        fitted = replace(fitted_to(Likelihood(predictions, targets), n=predictions.n), objective=objective)
        if objective == "nll" or fitted.status != "ok":
            return fitted
        from calib.calibrators._objectives import lowest

        start = replace(fitted, standard_error=np.nan, robust_standard_error=np.nan, nll_after=fitted.nll_before)
        return lowest(start, predictions, objective)

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


def fitted_to(likelihood: Nll, *, n: int) -> TemperatureScaling:
    """The temperature of lowest NLL, or why there is none, of ``n`` examples."""
    before, best, limits = optimum(likelihood)
    fitted = TemperatureScaling(1.0, nll_before=before, nll_after=before, n=n, reads=likelihood.reads)
    if not limits.possible or limits.lowest == limits.highest:
        return replace(fitted, status="unidentifiable")
    if limits.highest <= 0:
        return replace(fitted, status="separable", limit=0.0)
    if limits.lowest >= 0:
        return replace(fitted, status="worse than chance", limit=np.inf)
    if best is None:  # the slope differs from 0 by rounding only
        return replace(fitted, status="unidentifiable")
    fitted = replace(fitted, temperature=1 / best.beta, nll_after=best.nll)
    if best.curvature <= 0:
        return fitted
    return replace(
        fitted,
        standard_error=float(1 / best.beta / np.sqrt(likelihood.effective * best.curvature)),
        robust_standard_error=float(1 / best.beta * (np.sqrt(best.squares[0]) / best.curvature)),
    )
