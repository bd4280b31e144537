"""What vector, matrix, Dirichlet and structured scaling share: a ridge around one temperature, and its strength."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from calib._arrays import Float, read_only, to_numpy
from calib._checks import check_whole, generator
from calib.calibrators._base import example_weights, finite_log_probs, one_hot, with_logits
from calib.calibrators._likelihood import Likelihood
from calib.calibrators._ridge import Deviation, Examples, Penalty, mean_nll, minimise
from calib.calibrators.temperature import TemperatureScaling
from calib.errors import InputError
from calib.predictions import ArrayLike, Predictions


def examples(predictions: Predictions, targets: ArrayLike | None) -> Examples:
    """Log-probabilities, targets and shares of the examples that weigh anything.  Raises `InputError`."""
    weight = example_weights(predictions)
    kept = weight > 0
    logs, rows = finite_log_probs(predictions)[kept], one_hot(predictions, targets)[kept]
    return Examples(np.ascontiguousarray(logs.T), np.ascontiguousarray(rows.T), weight[kept] / weight.sum())


def inverse_temperature(given: Examples) -> float:
    """1/T of temperature scaling; 1 where NLL has no minimum at a finite T."""
    rows = Predictions.from_logits(given.logits.T, given.targets.argmax(axis=0), sample_weight=given.share)
    return 1 / TemperatureScaling.fit(rows, targets=given.targets.T).temperature


def strengths(given: float | Sequence[float] | None, default: Sequence[float], name: str) -> list[float]:
    """The strengths to try, strongest first: those given, or the default.  Raises `InputError`."""
    found = np.atleast_1d(to_numpy(default if given is None else given))
    numbers = found.dtype.kind in "fiu" and found.ndim == 1 and found.size > 0
    if not (numbers and found.min() > 0 and found.max() < np.inf):
        raise InputError(
            f"{name} must be a number above 0, or several to choose from, got {given!r}",
            help="leave it out to have it chosen; without a penalty separable data have infinite parameters",
        )
    return sorted(map(float, found), reverse=True)


def keep_finite(fitted: Any, name: Literal["matrix", "scale"]) -> None:
    """Hold a frozen map's ``matrix`` ``(k, k)`` or ``scale`` ``(k,)``, and ``intercept``, in float64 and read-only.

    Raises `InputError` unless they are finite and of these shapes.
    """
    k = np.size(fitted.intercept)
    for field, shape in ((name, (k, k) if name == "matrix" else (k,)), ("intercept", (k,))):
        array = np.array(getattr(fitted, field), np.float64)
        if array.shape != shape or not np.isfinite(array).all():
            raise InputError(
                f"{field} must be finite, of shape {shape}, got shape {array.shape}", help="make it by `fit`"
            )
        object.__setattr__(fitted, field, read_only(array))


def mapped(predictions: Predictions, logs: Float, linear: Float, intercept: Float) -> Predictions:
    """The same examples with logits that a matrix ``(k, k)`` or scale ``(k,)`` and an intercept make of ``logs``."""
    return with_logits(predictions, (linear * logs if linear.ndim == 1 else logs @ linear.T) + intercept)


def around_temperature(
    predictions: Predictions, targets: ArrayLike | None, scaled: Examples, penalty: Penalty, beta: float
) -> tuple[Float, Float, dict[str, Any]]:
    """Fit D and b to logits that are ``scaled`` by β: β (I + D), or β (1 + d) without entries off the diagonal; b.

    The third result tells of the fit, by field: NLL before and after, n, iterations and status.
    """
    found = minimise(scaled, penalty)
    one = np.eye(len(found.intercept)) if found.matrix.ndim == 2 else 1.0
    return (
        beta * (one + found.matrix),
        found.intercept,
        {
            "nll_before": Likelihood(predictions, targets).at(1.0).nll,
            "nll_after": mean_nll(scaled, found),
            "n": predictions.n,
            "iterations": found.iterations,
            "status": found.status,
        },
    )


def choose(given: Examples, paths: Sequence[Sequence[Penalty]], *, folds: int, seed: int) -> Penalty:
    """The penalty with the lowest NLL on held-out folds; ``paths`` and the penalties in each go from strong to weak.

    Each fold has a temperature of its own.  A fit starts where the one before ended.  A path ends after two penalties
    in a row that do worse than its best, and all end after two paths in a row that find nothing better.  One example
    alone holds nothing out: it gets the strongest penalty.
    """
    n = given.logits.shape[1]
    check_whole("folds", folds, lowest=2, help="5 is the usual number")
    fold = generator(seed).permutation(n) % min(folds, n)
    if n == 1 or sum(map(len, paths)) == 1:
        return paths[0][0]
    splits = []
    for i in range(min(folds, n)):
        beta = inverse_temperature(given.part(fold != i))
        splits.append((given.part(fold != i, beta), given.part(fold == i, beta), given.share[fold == i].sum()))
    best, lowest, vain = paths[0][0], np.inf, 0
    fits: list[Deviation | None] = [None] * len(splits)
    for path in paths:
        nearest, worse, vain = np.inf, 0, vain + 1
        for penalty in path:
            held_out = 0.0
            for i, (rest, held, share) in enumerate(splits):
                fits[i] = fit = minimise(rest, penalty, start=fits[i], rough=True)
                held_out += share * mean_nll(held, fit)
            nearest, worse = min(nearest, held_out), 0 if held_out < nearest else worse + 1
            if held_out < lowest:
                best, lowest, vain = penalty, held_out, 0
            if worse == 2:
                break
        if vain == 2:
            break
    return best
