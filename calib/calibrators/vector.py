"""Vector scaling: a scale and an intercept a class, held near temperature scaling by a ridge."""

from collections.abc import Sequence
from dataclasses import dataclass

from calib._arrays import Float
from calib._html import fields_html
from calib.calibrators import _linear
from calib.calibrators._base import check_classes, finite_log_probs
from calib.calibrators._ridge import Penalty, Status
from calib.predictions import ArrayLike, Predictions

STRENGTHS = (1e4, 1e3, 1e2, 10.0, 1.0, 0.1)  # to choose from, over the number of examples


@dataclass(frozen=True, eq=False)
class VectorScaling:
    """softmax(``scale`` · x + ``intercept``), entry by entry, where x are the logarithms of the given probabilities.

    Make one by `fit`, or directly from ``scale`` and ``intercept``, both ``(k,)``.  After a fit: the ``penalty`` it was
    held by, mean ``nll_before`` and ``nll_after`` in nats on the ``n`` fitted rows, the ``iterations`` of L-BFGS, and
    whether it converged (``status``).  Unlike a temperature it can change which class is predicted.
    """

    scale: Float
    intercept: Float
    penalty: float = float("nan")
    nll_before: float = float("nan")
    nll_after: float = float("nan")
    n: int = 0
    iterations: int = 0
    status: Status = "ok"

    _repr_html_ = fields_html

    def __post_init__(self) -> None:
        _linear.keep_finite(self, "scale")

    @property
    def n_classes(self) -> int:
        """Number of classes, k."""
        return self.intercept.size

    @classmethod
    def fit(
        cls,
        predictions: Predictions,
        *,
        targets: ArrayLike | None = None,
        penalty: float | Sequence[float] | None = None,
        folds: int = 5,
        seed: int = 0,
    ) -> "VectorScaling":
        """Minimise mean NLL + ``penalty`` · Σ (dⱼ² + bⱼ²), where scaleⱼ = (1 + dⱼ) / T and T is the fitted temperature.

        A strong penalty leaves temperature scaling, a weak one the vector scaling of the source, which has none.  It is
        chosen by cross-validated NLL from 10⁴/n … 0.1/n, or from those given; a single number is taken as it is.  The
        ridge makes the solution finite and unique, and Σ bⱼ = 0.  ``targets`` ``(n, k)`` are soft labels; sample
        weights count in proportion.  A probability of 0 counts as the smallest float64.  Raises `InputError` for bad
        values and for a penalty that is not above 0.  Source: Guo et al. (2017), section 4.2.

        >>> rows = Predictions.from_probs([[0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.2, 0.2, 0.6]] * 20, [0, 1, 2] * 20)
        >>> fitted = VectorScaling.fit(rows, penalty=0.01)
        >>> fitted.scale.shape, fitted.status, fitted.nll_after < fitted.nll_before
        ((3,), 'ok', True)
        """
        given = _linear.examples(predictions, targets)
        default = [strength / given.effective for strength in STRENGTHS]
        path = [Penalty(each, each) for each in _linear.strengths(penalty, default, "penalty")]
        chosen = _linear.choose(given, [path], folds=folds, seed=seed)
        beta = _linear.inverse_temperature(given)
        scale, intercept, told = _linear.around_temperature(
            predictions, targets, given.part(slice(None), beta), chosen, beta
        )
        return cls(scale, intercept, penalty=chosen.intercept, **told)

    def transform(self, predictions: Predictions) -> Predictions:
        """Return predictions with the new logits.  Raises `InputError` for plain arrays and other class counts."""
        check_classes(predictions, self.n_classes, "vector scaling")
        return _linear.mapped(predictions, finite_log_probs(predictions), self.scale, self.intercept)
