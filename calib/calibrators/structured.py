"""Structured matrix and vector scaling (SMS, SVS): a temperature first, then a ridge of fixed strength around it."""

from dataclasses import dataclass

import numpy as np

from calib._arrays import Float
from calib._html import fields_html
from calib.calibrators import _linear
from calib.calibrators._base import check_classes, finite_log_probs
from calib.calibrators._ridge import Examples, Penalty, Status
from calib.errors import InputError
from calib.predictions import ArrayLike, Predictions


@dataclass(frozen=True, eq=False)
class StructuredMatrixScaling:
    """softmax(``matrix`` · x + ``intercept``), where x = ln((1 − e) softmax(z / T) + e / k) and e is ``mixing``.

    Make one by `fit`, or directly from ``temperature`` T, ``mixing``, ``matrix`` ``(k, k)`` and ``intercept`` ``(k,)``.
    After a fit: mean ``nll_before`` and ``nll_after`` in nats on the ``n`` fitted rows, the ``iterations`` of L-BFGS,
    and whether it converged (``status``).  It can change which class is predicted.
    """

    temperature: float
    mixing: float
    matrix: Float
    intercept: Float
    nll_before: float = float("nan")
    nll_after: float = float("nan")
    n: int = 0
    iterations: int = 0
    status: Status = "ok"

    _repr_html_ = fields_html

    def __post_init__(self) -> None:
        _check(self.temperature, self.mixing)
        _linear.keep_finite(self, "matrix")

    @property
    def n_classes(self) -> int:
        """Number of classes, k."""
        return self.intercept.size

    @classmethod
    def fit(cls, predictions: Predictions, *, targets: ArrayLike | None = None) -> "StructuredMatrixScaling":
        """Fit T by NLL, set e = 1 / (n + 1), then minimise mean NLL + (k Σ bⱼ² + k Σ dⱼⱼ² + k (k − 1) Σ dᵢⱼ²) / n.

        The matrix is I + D; the last sum is over i ≠ j.  These are sums of squares, not means, and no factor ½: so in
        the authors' package probmetrics 1.3.0, with its defaults λ = ρ = τ = 1; that the paper's own tables used the
        same was not checked.  Nothing is cross-validated.  Mixing moves every probability towards 1 / k, as Laplace's
        rule does, and makes none 0; it costs at most ln(1 + 1/n) of NLL, by which ``nll_after`` can exceed
        ``nll_before`` on data that it cannot improve.  Three things differ from the package: float64 throughout; T = 1
        where NLL has no minimum at a finite T (there it stops at a bound); and two classes are treated as any number.
        ``targets`` ``(n, k)`` are soft labels; sample weights count in proportion, n as Kish's effective number.
        Raises `InputError` for bad values.  Source: Berta, Holzmüller, Jordan and Bach (2025).

        >>> rows = Predictions.from_probs([[0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.2, 0.2, 0.6]] * 20, [0, 1, 2] * 20)
        >>> fitted = StructuredMatrixScaling.fit(rows)
        >>> fitted.matrix.shape, round(1 / fitted.mixing), fitted.status
        ((3, 3), 61, 'ok')
        """
        temperature, mixing, given = _scaled_and_mixed(predictions, targets)
        k, n = predictions.n_classes, given.effective
        penalty = Penalty(k / n, k / n, k * (k - 1) / n)
        matrix, intercept, told = _linear.around_temperature(predictions, targets, given, penalty, 1.0)
        return cls(temperature, mixing, matrix, intercept, **told)

    def transform(self, predictions: Predictions) -> Predictions:
        """Return predictions with the new logits.  Raises `InputError` for plain arrays and other class counts."""
        check_classes(predictions, self.n_classes, "structured matrix scaling")
        logs = _mixed(finite_log_probs(predictions), self.temperature, self.mixing)
        return _linear.mapped(predictions, logs, self.matrix, self.intercept)


@dataclass(frozen=True, eq=False)
class StructuredVectorScaling:
    """softmax(``scale`` · x + ``intercept``), entry by entry, with the x of `StructuredMatrixScaling`.

    Make one by `fit`, or directly from ``temperature`` T, ``mixing``, and ``scale`` and ``intercept``, both ``(k,)``.
    After a fit it holds what `StructuredMatrixScaling` does.
    """

    temperature: float
    mixing: float
    scale: Float
    intercept: Float
    nll_before: float = float("nan")
    nll_after: float = float("nan")
    n: int = 0
    iterations: int = 0
    status: Status = "ok"

    _repr_html_ = fields_html

    def __post_init__(self) -> None:
        _check(self.temperature, self.mixing)
        _linear.keep_finite(self, "scale")

    @property
    def n_classes(self) -> int:
        """Number of classes, k."""
        return self.intercept.size

    @classmethod
    def fit(cls, predictions: Predictions, *, targets: ArrayLike | None = None) -> "StructuredVectorScaling":
        """Do as `StructuredMatrixScaling.fit` without entries off the diagonal: scaleⱼ = 1 + dⱼ.

        >>> rows = Predictions.from_probs([[0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.2, 0.2, 0.6]] * 20, [0, 1, 2] * 20)
        >>> fitted = StructuredVectorScaling.fit(rows)
        >>> fitted.scale.shape, round(1 / fitted.mixing), fitted.status
        ((3,), 61, 'ok')
        """
        temperature, mixing, given = _scaled_and_mixed(predictions, targets)
        k, n = predictions.n_classes, given.effective
        scale, intercept, told = _linear.around_temperature(predictions, targets, given, Penalty(k / n, k / n), 1.0)
        return cls(temperature, mixing, scale, intercept, **told)

    def transform(self, predictions: Predictions) -> Predictions:
        """Return predictions with the new logits.  Raises `InputError` for plain arrays and other class counts."""
        check_classes(predictions, self.n_classes, "structured vector scaling")
        logs = _mixed(finite_log_probs(predictions), self.temperature, self.mixing)
        return _linear.mapped(predictions, logs, self.scale, self.intercept)


def _check(temperature: float, mixing: float) -> None:
    """Raise `InputError` unless the temperature is above 0 and the mixing in [0, 1)."""
    if not (0 < temperature < np.inf and 0 <= mixing < 1):
        raise InputError(
            f"the temperature must be above 0 and the mixing in [0, 1), got {temperature} and {mixing}",
            help="1.0 and 0.0 leave probabilities as they are",
        )


def _scaled_and_mixed(predictions: Predictions, targets: ArrayLike | None) -> tuple[float, float, Examples]:
    """The fitted temperature, the share of the uniform distribution, and the examples after both."""
    given = _linear.examples(predictions, targets)
    temperature, mixing = 1 / _linear.inverse_temperature(given), 1 / (given.effective + 1)
    logs = np.ascontiguousarray(_mixed(given.logits.T, temperature, mixing).T)
    return temperature, mixing, Examples(logs, given.targets, given.share)


def _mixed(logs: Float, temperature: float, mixing: float) -> Float:
    """ln((1 − e) softmax(logs / T) + e / k) ``(n, k)``."""
    scaled = logs / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    scaled -= np.log(np.exp(scaled).sum(axis=1, keepdims=True))
    with np.errstate(divide="ignore"):  # no mixing is ln 0
        mixed: Float = np.logaddexp(np.log1p(-mixing) + scaled, np.log(mixing / logs.shape[1]))
    return mixed
