"""Label smoothing as explicit target rows, in both conventions of the literature."""

import math
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from calib._arrays import AnyArray, Float, like, to_numpy
from calib._checks import check_choice, check_some_weight
from calib.arguments import as_predictions
from calib.errors import InputError
from calib.predictions import ArrayLike, Predictions

Convention: TypeAlias = Literal["uniform", "wrong-classes"]


def smooth_labels(labels: ArrayLike, n_classes: int, *, smoothing: float, convention: Convention = "uniform") -> Any:
    """Turn labels into smoothed target rows ``(n, n_classes)``; the argument is never changed.

    ``labels`` are integers ``(n,)``, or rows ``(n, n_classes)`` that are distributions (one-hot, or already soft). With
    ``convention="uniform"`` (Szegedy et al. 2016, torch, Keras) the weight ``smoothing`` = α is spread over all k
    classes: (1 − α)·row + α/k.  With ``"wrong-classes"`` the weight ε goes to the k − 1 others: 1 − ε on the label,
    ε/(k − 1) elsewhere, which is α = ε·k/(k − 1).  Returns float64, a tensor if ``labels`` is one.

    Raises `InputError` for labels out of range, rows that do not sum to 1 or smoothing outside [0, 1].

    >>> smooth_labels([1], 4, smoothing=0.2)
    array([[0.05, 0.85, 0.05, 0.05]])
    >>> smooth_labels([1], 5, smoothing=0.2, convention="wrong-classes")
    array([[0.05, 0.8 , 0.05, 0.05, 0.05]])
    """
    weight = uniform_smoothing(smoothing, n_classes, convention=convention)
    rows = _rows(to_numpy(labels), n_classes)
    return like((1 - weight) * rows + weight / n_classes, labels)


def smoothing_name(smoothing: float) -> str:
    """What networks of a smoothing are called in tables.

    >>> smoothing_name(0.0), smoothing_name(0.05)
    ('hard', 'α = 0.05')
    """
    return f"α = {smoothing:g}" if smoothing else "hard"


def target_entropy(smoothing: float, n_classes: int, *, convention: Convention = "uniform") -> float:
    """Entropy of a smoothed target in nats: the least value that the smoothed cross-entropy can have.  [0, ln k].

    A training loss on smoothed targets stays above it however good the network is, and so cannot be compared with the
    NLL of hard labels.  Raises `InputError` as `smooth_labels` does.

    >>> round(target_entropy(0.1, 10), 4), target_entropy(0.0, 10)
    (0.5003, 0.0)
    """
    weight = uniform_smoothing(smoothing, n_classes, convention=convention)
    row = np.full(n_classes, weight / n_classes)
    row[0] += 1 - weight
    positive = row[row > 0]
    return float(np.sum(positive * np.log(1 / positive)))


def smoothing_logit_gap(smoothing: float, n_classes: int, *, convention: Convention = "uniform") -> float:
    """Correct minus wrong logit, in nats, of a network that puts out the smoothed target itself.  [0, ∞].

    ln((1 − α + α/k) / (α/k)), the constant that smoothing pulls every gap to where the label is certain (Müller et al.,
    2019, section 2); ∞ for hard targets, 0 for α = 1.  Raises `InputError` as `smooth_labels` does.

    >>> round(smoothing_logit_gap(0.1, 10), 6), smoothing_logit_gap(0.0, 10)
    (4.51086, inf)
    """
    weight = uniform_smoothing(smoothing, n_classes, convention=convention)
    return math.log(1 + (1 - weight) * n_classes / weight) if weight > 0 else math.inf


def equivalent_smoothing(predictions: Predictions | ArrayLike, labels: ArrayLike | None = None) -> float:
    """The weight γ that uniform smoothing would need to take as much from the labels as these probabilities do.

    γ = k/(k − 1) times the mean probability of the wrong classes, in [0, k/(k − 1)]: α for targets smoothed by α, 0 for
    one-hot ones, 1 for uniform ones.  Takes `Predictions`, or probabilities ``(n, k)`` and labels ``(n,)``; of a
    teacher at a distillation temperature T, ``TemperatureScaling(T).transform(predictions)``.  Takes sample weights.
    Raises `InputError` for bad input.  Source: Müller et al. (2019), section 4.

    >>> round(equivalent_smoothing([[0.91, 0.06, 0.03], [0.1, 0.85, 0.05]], [0, 1]), 4)  # 3/2 · (.09 + .15)/2
    0.18
    """
    given = as_predictions(predictions, labels)
    check_some_weight(given.sample_weight)
    wrong = -np.expm1(-given.outcomes.nll)
    return float(np.average(wrong, weights=given.sample_weight)) * given.n_classes / (given.n_classes - 1)


def uniform_smoothing(smoothing: float, n_classes: int, *, convention: Convention = "uniform") -> float:
    """The weight α of the uniform convention that gives the same targets.

    Raises `InputError` where smoothing lies outside [0, 1] or the convention is unknown.

    >>> uniform_smoothing(0.25, 6, convention="wrong-classes")
    0.3
    """
    if n_classes < 2:
        raise InputError(f"n_classes must be at least 2, got {n_classes}", help="pass the number of classes")
    if not 0 <= smoothing <= 1:
        raise InputError(
            f"smoothing must lie in [0, 1], got {smoothing}", help="0.1 is the usual value, 0 is hard targets"
        )
    check_choice("convention", convention, get_args(Convention))
    if convention == "uniform":
        return smoothing
    if smoothing > (highest := (n_classes - 1) / n_classes):
        raise InputError(
            f"smoothing over the wrong classes must be at most (k − 1)/k = {highest:.3g}, got {smoothing}",
            help="beyond that the label would be the least likely class",
        )
    return smoothing / highest


def _rows(labels: AnyArray, n_classes: int) -> Float:
    """One distribution a label."""
    if labels.ndim == 2:
        if labels.shape[1] != n_classes:
            raise InputError(
                f"target rows must have {n_classes} columns, got {labels.shape}", help="pass one column a class"
            )
        if labels.dtype.kind not in "fiub":
            raise InputError(f"target rows must be numbers, got dtype {labels.dtype}", help="pass probabilities")
        if not (np.allclose(labels.sum(axis=1), 1, rtol=0, atol=1e-6) and (labels >= 0).all()):
            raise InputError("target rows must be distributions that sum to 1", help="divide each row by its sum")
        return labels.astype(np.float64)
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise InputError(
            f"labels must be integers (n,) or rows (n, k), got {labels.dtype} {labels.shape}", help="pass class indices"
        )
    if ((labels < 0) | (labels >= n_classes)).any():
        raise InputError(f"labels must lie in 0 … {n_classes - 1}", help="count classes from 0")
    rows = np.zeros((len(labels), n_classes))
    rows[np.arange(len(labels)), labels] = 1.0
    return rows
