"""Ensemble temperature scaling (ETS): a mixture of the scaled, the given and the uniform distribution."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from calib._arrays import Float
from calib._checks import check_choice
from calib._html import fields_html
from calib.calibrators._base import example_weights, keep_predicted, log_probs, refuse_targets, with_probs
from calib.calibrators.temperature import TemperatureScaling
from calib.errors import InputError
from calib.predictions import ArrayLike, Predictions, require_predictions


@dataclass(frozen=True, eq=False)
class EnsembleTemperatureScaling:
    """w₁ · softmax(z / T) + w₂ · softmax(z) + w₃ / k, with ``weights`` (w₁, w₂, w₃) ≥ 0 that sum to 1.

    All three rank the classes of a row alike, or not at all, so predicted classes stay.  ``loss`` says what the weights
    minimise.
    """

    temperature: float
    weights: Float
    loss: Literal["mse", "nll"] = "mse"

    _repr_html_ = fields_html

    def __post_init__(self) -> None:
        weights = np.asarray(self.weights, np.float64)
        if weights.shape != (3,) or not (weights.min() >= 0 and abs(weights.sum() - 1) <= 1e-9):
            raise InputError(
                f"weights must be three numbers of at least 0 that sum to 1, got {self.weights}",
                help="[1, 0, 0] is temperature scaling",
            )
        TemperatureScaling(self.temperature)  # raises for what is no temperature
        object.__setattr__(self, "weights", weights)

    @classmethod
    def fit(
        cls, predictions: Predictions, *, targets: ArrayLike | None = None, loss: Literal["mse", "nll"] = "mse"
    ) -> "EnsembleTemperatureScaling":
        """Find T by NLL, as in `TemperatureScaling`, then the weights by mean squared error (Brier score) or NLL.

        Both are convex in the weights; on the fitted rows the result is never worse than any of the three parts.  Zhang
        et al. fit T by the same loss as the weights.  Takes sample weights.  Raises `InputError` for ``targets``, an
        unknown loss and bad values.  Source: Zhang, Kailkhura & Han (2020).

        >>> predictions = Predictions.from_logits([[4.0, 0.0]] * 4, [0, 0, 0, 1])
        >>> fitted = EnsembleTemperatureScaling.fit(predictions)
        >>> fitted.transform(predictions).values[0].round(6)
        array([0.75, 0.25])
        """
        refuse_targets(targets, "ensemble temperature scaling")
        check_choice("loss", loss, ("mse", "nll"))
        temperature = TemperatureScaling.fit(predictions).temperature
        parts = _parts(predictions, temperature)
        of_label = np.stack([part[np.arange(predictions.n), predictions.labels] for part in parts], axis=1)
        share = example_weights(predictions) / predictions.n
        if loss == "nll":
            return cls(temperature, _weights_by_nll(of_label, share), loss)
        products = np.array([[share @ np.einsum("ij,ij->i", one, other) for other in parts] for one in parts])
        return cls(temperature, _weights_by_squares(products, share @ of_label), loss)

    def transform(self, predictions: Predictions) -> Predictions:
        """Return probabilities; in a row that becomes uniform the predicted class stays one float above the others."""
        require_predictions(predictions)
        probs = sum(
            weight * part for weight, part in zip(self.weights, _parts(predictions, self.temperature), strict=True)
        )
        return with_probs(predictions, keep_predicted(np.asarray(probs), predictions.outcomes.predicted))


def _parts(predictions: Predictions, temperature: float) -> list[Float]:
    """The three distributions of each row, ``(n, k)`` each."""
    given = np.exp(log_probs(predictions))
    scaled = np.exp(log_probs(TemperatureScaling(temperature).transform(predictions)))
    return [scaled, given, np.full_like(given, 1 / predictions.n_classes)]


def _weights_by_squares(products: Float, of_label: Float) -> Float:
    """Weights that minimise the squared distance to the one-hot rows: a quadratic, whatever n and k are."""

    def loss(weights: Float) -> float:
        return float(weights @ products @ weights - 2 * of_label @ weights)

    def gradient(weights: Float) -> Float:
        slope: Float = 2 * (products @ weights - of_label)
        return slope

    return _on_simplex(loss, gradient)


def _weights_by_nll(of_label: Float, share: Float) -> Float:
    """Weights that minimise the mean of −ln of the label's probability."""
    smallest = np.finfo(np.float64).tiny  # a label's probability of 0 keeps a slope

    def loss(weights: Float) -> float:
        return float(-share @ np.log(np.maximum(of_label @ weights, smallest)))

    def gradient(weights: Float) -> Float:
        slope: Float = -share @ (of_label / np.maximum(of_label @ weights, smallest)[:, None])
        return slope

    return _on_simplex(loss, gradient)


def _on_simplex(loss: Callable[[Float], float], gradient: Callable[[Float], Float]) -> Float:
    """The best of what SLSQP finds from the middle of the simplex and its three corners."""
    from scipy.optimize import LinearConstraint, minimize

    found = minimize(
        loss,
        np.full(3, 1 / 3),
        jac=gradient,
        method="SLSQP",
        bounds=[(0, 1)] * 3,
        constraints=LinearConstraint(np.ones(3), 1, 1),
        options={"ftol": 1e-15, "maxiter": 200},
    ).x
    inside = np.clip(found, 0, None)
    candidates = [inside / inside.sum(), *np.eye(3)]
    return min(candidates, key=loss)
