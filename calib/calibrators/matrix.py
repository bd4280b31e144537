"""Matrix scaling: any linear map of the log-probabilities, held near temperature scaling by a ridge."""

from collections.abc import Sequence
from dataclasses import dataclass

from calib._arrays import Float
from calib._html import fields_html
from calib.calibrators import _linear
from calib.calibrators._base import check_classes, finite_log_probs
from calib.calibrators._ridge import Penalty, Status
from calib.predictions import ArrayLike, Predictions

STRENGTHS = (1e4, 1e3, 1e2, 10.0, 1.0, 0.1, 0.01)  # to choose from, over the number of examples


@dataclass(frozen=True, eq=False)
class MatrixScaling:
    """softmax(``matrix`` · x + ``intercept``), where x are the logarithms of the given probabilities.

    Logits are scores up to a constant a row, and W z + b would change with that constant, so the map works on
    x = log-softmax(z).  This makes it the family of `DirichletCalibration`; what differs is the penalty: here one
    strength, around the fitted temperature; there two, around a diagonal that is all but free.

    Make one by `fit`, or directly from ``matrix`` ``(k, k)`` and ``intercept`` ``(k,)``.  After a fit: the ``penalty``
    it was held by, mean ``nll_before`` and ``nll_after`` in nats on the ``n`` fitted rows, the ``iterations`` of
    L-BFGS, and whether it converged (``status``).  It can change which class is predicted.
    """

    matrix: Float
    intercept: Float
    penalty: float = float("nan")
    nll_before: float = float("nan")
    nll_after: float = float("nan")
    n: int = 0
    iterations: int = 0
    status: Status = "ok"

    _repr_html_ = fields_html

    def __post_init__(self) -> None:
        _linear.keep_finite(self, "matrix")

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
    ) -> "MatrixScaling":
        """Minimise mean NLL + ``penalty`` · (Σ bⱼ² + Σ dⱼⱼ² + k (k − 1) Σ dᵢⱼ²), the last sum over i ≠ j.

        The matrix is (I + D) / T, T being the fitted temperature.  The source has no penalty, and at k = 100 and
        n = 5000 its NLL explodes; the factor k (k − 1) holds the many entries off the diagonal more tightly, as in
        `StructuredMatrixScaling`.  A strong penalty leaves temperature scaling.  It is chosen by cross-validated NLL
        from 10⁴/n … 0.01/n, or from those given; a single number is taken as it is.  ``targets`` ``(n, k)`` are soft
        labels; sample weights count in proportion.  A probability of 0 counts as the smallest float64.  Raises
        `InputError` for bad values and for a penalty that is not above 0.  Source: Guo et al. (2017), section 4.2.

        >>> rows = Predictions.from_probs([[0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.2, 0.2, 0.6]] * 20, [0, 1, 2] * 20)
        >>> fitted = MatrixScaling.fit(rows, penalty=0.001)
        >>> fitted.matrix.shape, fitted.status, fitted.nll_after < fitted.nll_before
        ((3, 3), 'ok', True)
        """
        given = _linear.examples(predictions, targets)
        k = predictions.n_classes
        default = [strength / given.effective for strength in STRENGTHS]
        path = [Penalty(each, each, each * k * (k - 1)) for each in _linear.strengths(penalty, default, "penalty")]
        chosen = _linear.choose(given, [path], folds=folds, seed=seed)
        beta = _linear.inverse_temperature(given)
        matrix, intercept, told = _linear.around_temperature(
            predictions, targets, given.part(slice(None), beta), chosen, beta
        )
        return cls(matrix, intercept, penalty=chosen.intercept, **told)

    def transform(self, predictions: Predictions) -> Predictions:
        """Return predictions with the new logits.  Raises `InputError` for plain arrays and other class counts."""
        check_classes(predictions, self.n_classes, "matrix scaling")
        return _linear.mapped(predictions, finite_log_probs(predictions), self.matrix, self.intercept)
