"""Dirichlet calibration: a linear map of ln p with off-diagonal and intercept regularisation (ODIR)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calib._arrays import Float
from calib._html import fields_html
from calib.calibrators import _linear
from calib.calibrators._base import check_classes, finite_log_probs
from calib.calibrators._ridge import Penalty, Status
from calib.predictions import ArrayLike, Predictions

OFF_DIAGONAL = (1e2, 10.0, 1.0, 0.1, 0.01)  # to choose from; what they are multiples of is said in `fit`
INTERCEPT = (1e3, 30.0, 1.0, 0.03)
DIAGONAL = 1.0  # over the number of examples


@dataclass(frozen=True, eq=False)
class DirichletCalibration:
    """softmax(``matrix`` · ln p + ``intercept``), p being the given probabilities.

    It is what Bayes' rule makes of p when p has a Dirichlet distribution in every class.  The map is that of
    `MatrixScaling`, which works on log-softmax(z) = ln p; only the penalty differs.

    Make one by `fit`, or directly from ``matrix`` ``(k, k)`` and ``intercept`` ``(k,)``.  After a fit: the penalties it
    was held by (λ is ``off_diagonal_penalty``, μ ``intercept_penalty``), mean ``nll_before`` and ``nll_after`` in nats
    on the ``n`` fitted rows, the ``iterations`` of L-BFGS, and whether it converged (``status``).  It can change which
    class is predicted.
    """

    matrix: Float
    intercept: Float
    off_diagonal_penalty: float = float("nan")
    intercept_penalty: float = float("nan")
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
        off_diagonal_penalty: float | Sequence[float] | None = None,
        intercept_penalty: float | Sequence[float] | None = None,
        folds: int = 5,
        seed: int = 0,
    ) -> "DirichletCalibration":
        """Minimise mean NLL + λ · mean of wᵢⱼ² over i ≠ j + μ · mean of bⱼ² + Σ (T wⱼⱼ − 1)² / n.

        λ and μ are chosen by cross-validated NLL from the pairs of those given; a single number is taken as it is.  By
        default λ is T² k² (k − 1)² / n times 100 … 0.01, and μ is k / n times 1000 … 0.03.  The last term is not in the
        source, whose diagonal is free: then the diagonal is infinite for separable data and for a class without
        labels.  It counts as much as one example; T is the fitted temperature.  The source's own grid is not
        reproduced.  ``targets`` ``(n, k)`` are soft labels; sample weights count in proportion, n as Kish's effective
        number.  A probability of 0 counts as the smallest float64.  Raises `InputError` for bad values and for
        penalties that are not above 0.  Source: Kull et al. (2019).

        >>> rows = Predictions.from_probs([[0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.2, 0.2, 0.6]] * 20, [0, 1, 2] * 20)
        >>> fitted = DirichletCalibration.fit(rows, off_diagonal_penalty=0.01, intercept_penalty=0.01)
        >>> fitted.matrix.shape, fitted.status, fitted.nll_after < fitted.nll_before
        ((3, 3), 'ok', True)
        """
        given = _linear.examples(predictions, targets)
        k, n, beta = predictions.n_classes, given.effective, _linear.inverse_temperature(given)
        off_diagonal, mean = [each * (k * (k - 1) / beta) ** 2 / n for each in OFF_DIAGONAL], beta**2 / (k * (k - 1))
        lambdas = _linear.strengths(off_diagonal_penalty, off_diagonal, "off_diagonal_penalty")
        mus = _linear.strengths(intercept_penalty, [each * k / n for each in INTERCEPT], "intercept_penalty")
        paths = [[Penalty(mu / k, DIAGONAL / n, each * mean) for each in lambdas] for mu in mus]
        chosen = _linear.choose(given, paths, folds=folds, seed=seed)
        matrix, intercept, told = _linear.around_temperature(
            predictions, targets, given.part(slice(None), beta), chosen, beta
        )
        return cls(
            matrix,
            intercept,
            off_diagonal_penalty=(chosen.off_diagonal or np.nan) / mean,
            intercept_penalty=chosen.intercept * k,
            **told,
        )

    def transform(self, predictions: Predictions) -> Predictions:
        """Return predictions with the new logits.  Raises `InputError` for plain arrays and other class counts."""
        check_classes(predictions, self.n_classes, "Dirichlet calibration")
        return _linear.mapped(predictions, finite_log_probs(predictions), self.matrix, self.intercept)
