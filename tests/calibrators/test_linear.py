"""The shared fit against finite differences and a slow minimiser, and what all five linear methods hold to."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import calib
from calib.calibrators import _linear, _ridge
from calib.calibrators._base import Calibrator
from calib.calibrators._ridge import Examples, Penalty, Problem, minimise
from calib.calibrators.cross_fit import cross_fit
from calib.calibrators.dirichlet import DirichletCalibration
from calib.calibrators.matrix import MatrixScaling
from calib.calibrators.structured import StructuredMatrixScaling, StructuredVectorScaling
from calib.calibrators.temperature import TemperatureScaling
from calib.calibrators.vector import VectorScaling
from calib.errors import InputError
from calib.predictions import Predictions

from .. import references
from ..references import sample

STRUCTURED: list[Any] = [StructuredVectorScaling, StructuredMatrixScaling]
METHODS: list[Any] = [VectorScaling, MatrixScaling, DirichletCalibration, *STRUCTURED]
FIXED: dict[Any, dict[str, float]] = {
    VectorScaling: {"penalty": 0.01},
    MatrixScaling: {"penalty": 0.003},
    DirichletCalibration: {"off_diagonal_penalty": 0.03, "intercept_penalty": 0.02},
    StructuredVectorScaling: {},
    StructuredMatrixScaling: {},
}
every_method = pytest.mark.parametrize("method", METHODS, ids=lambda method: method.__name__)


def log_softmax(logits: Any) -> Any:
    return np.log(np.array(references.softmax_rows(logits)))


def probs(fitted: Any, predictions: Predictions) -> Any:
    return np.array(references.softmax_rows(fitted.transform(predictions).values))


def matrix_of(fitted: Any) -> Any:
    return fitted.matrix if hasattr(fitted, "matrix") else fitted.scale


def slow_minimum(logits: Any, labels: Any, penalty: Any, start: Any) -> Any:
    """The minimum over (W, b) of mean NLL + penalty, by BFGS without gradients; W is flat in ``start``."""
    from scipy.optimize import minimize

    k = logits.shape[1]

    def objective(theta: Any) -> float:
        matrix, intercept = theta[:-k], theta[-k:]
        matrix = np.diag(matrix) if matrix.size == k else matrix.reshape(k, k)
        moved = logits @ matrix.T + intercept
        rows = moved - np.log(np.exp(moved).sum(axis=1, keepdims=True))
        return float(-rows[np.arange(len(labels)), labels].mean() + penalty(matrix, intercept))

    found = minimize(objective, start, method="BFGS", options={"gtol": 1e-7, "maxiter": 5000})
    return found.x[:-k], found.x[-k:]


def problem(shape: str, seed: int = 0) -> tuple[Problem, Any]:
    rng = np.random.default_rng(seed)
    logits, share = log_softmax(rng.normal(size=(12, 4)) * 2).T, rng.dirichlet(np.ones(12))
    given = Examples(logits, rng.dirichlet(np.ones(4), size=12).T, share)
    found = Problem.of(given, Penalty(0.3, 0.2, None if shape == "vector" else 0.1))
    return found, rng.normal(size=found.strength.size) * 0.3


@pytest.mark.parametrize("shape", ["vector", "matrix"])
def test_the_slope_and_its_own_slope_are_those_of_finite_differences(shape: str) -> None:
    found, theta = problem(shape)
    steps = 1e-5 * np.eye(theta.size)
    slope = [(found.objective(theta + h)[0] - found.objective(theta - h)[0]) / 2e-5 for h in steps]
    np.testing.assert_allclose(found.objective(theta)[1], slope, atol=1e-9)
    second = [(found.objective(theta + h)[1] - found.objective(theta - h)[1]) / 2e-5 for h in steps]
    np.testing.assert_allclose(found.curvature(theta), np.diag(second), rtol=1e-7)
    step = found.newton_step(theta, found.objective(theta)[1], np.ones(theta.size))
    left = np.array(second) @ step + found.objective(theta)[1]
    assert np.linalg.norm(left) < 2e-3 * np.linalg.norm(found.objective(theta)[1])


@pytest.mark.parametrize("shape", ["vector", "matrix"])
def test_the_value_is_mean_cross_entropy_and_the_sums_of_squares(shape: str) -> None:
    found, theta = problem(shape)
    given, (matrix, intercept) = found.given, found.split(theta)
    square = np.diag(matrix) if shape == "vector" else matrix
    total = 0.0
    for logits, targets, share in zip(given.logits.T, given.targets.T, given.share, strict=True):
        row = references.softmax(list(logits + square @ logits + intercept))
        total -= share * sum(t * np.log(q) for t, q in zip(targets, row, strict=True))
    on, off = np.sum(np.diag(square) ** 2), np.sum(square**2) - np.sum(np.diag(square) ** 2)
    assert found.objective(theta)[0] == pytest.approx(total + 0.2 * on + 0.1 * off + 0.3 * np.sum(intercept**2))


@pytest.mark.parametrize("off_diagonal", [None, 0.004])
def test_the_minimum_has_no_slope_to_eleven_digits(off_diagonal: float | None) -> None:
    given = _linear.examples(Predictions.from_logits(*sample(300, 6)), None)
    penalty = Penalty(0.002, 0.003, off_diagonal)
    found = minimise(given, penalty)
    theta = np.concatenate([found.matrix.ravel(), found.intercept])
    assert found.status == "ok"
    assert np.abs(Problem.of(given, penalty).objective(theta)[1]).max() < 1e-10


def test_a_fit_that_runs_out_of_steps_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_ridge, "STEPS", 1)
    for method in METHODS:
        assert method.fit(Predictions.from_logits(*sample(300, 6, scale=4)), **FIXED[method]).status == "not converged"


def test_one_over_t_is_that_of_temperature_scaling() -> None:
    predictions = Predictions.from_logits(*sample(200, 4))
    beta = _linear.inverse_temperature(_linear.examples(predictions, None))
    assert 1 / beta == pytest.approx(TemperatureScaling.fit(predictions).temperature, rel=1e-9)


def test_a_path_ends_after_two_penalties_that_do_worse(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def pretend(rest: Examples, penalty: Penalty, **_: Any) -> Any:
        tried.append(penalty)
        return penalty

    paths = [[Penalty(float(i), float(j)) for j in range(5)] for i in range(4)]
    losses = {
        penalty: loss
        for path, row in zip(paths, ([5, 4, 6, 3, 9], [7, 8, 9, 0, 0], [3, 4, 5, 0, 0], [0] * 5), strict=True)
        for penalty, loss in zip(path, row, strict=True)
    }
    monkeypatch.setattr(_linear, "minimise", pretend)
    monkeypatch.setattr(_linear, "mean_nll", lambda held, fit: losses[fit])
    given = _linear.examples(Predictions.from_logits(*sample(40, 3)), None)
    assert _linear.choose(given, paths, folds=2, seed=0) == paths[0][3]  # the first of two that are equally good
    assert tried[::2] == [*paths[0], *paths[1][:3], *paths[2][:3]]


@every_method
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_nll_after_is_that_of_the_transformed_predictions_whatever_the_dtype(method: Any, dtype: Any) -> None:
    logits, labels = sample(150, 4)
    predictions = Predictions.from_logits(logits.astype(dtype), labels)
    fitted = method.fit(predictions)
    assert fitted.nll_before == pytest.approx(calib.nll(predictions), rel=1e-6)
    assert fitted.nll_after == pytest.approx(calib.nll(fitted.transform(predictions)), rel=1e-12)
    assert (fitted.n, fitted.n_classes, fitted.status) == (150, 4, "ok")
    assert fitted.nll_after < fitted.nll_before
    as_probs = Predictions.from_probs(np.exp(log_softmax(logits.astype(dtype))), labels)
    np.testing.assert_allclose(matrix_of(method.fit(as_probs)), matrix_of(fitted), rtol=1e-7, atol=1e-9)


Z, Y = sample(120, 4, seed=3)
ROWS, TOP = np.arange(120), Z.argmax(axis=1)
ZERO = np.full((120, 4), -np.inf)
HARD = {
    "separable": (Z, TOP),
    "worse than chance": (Z, Z.argmin(axis=1)),
    "constant": (np.zeros((120, 4)), Y),
    "one example": (Z[:1], Y[:1]),
    "three examples": (Z[:3], Y[:3]),
    "fewer examples than classes": (np.random.default_rng(0).normal(size=(6, 20)), np.arange(6)),
    "a class without labels": (Z, np.minimum(Y, 2)),
    "two classes": (Z[:, :2], Y % 2),
    "impossible classes": (np.where(np.arange(4) == ((Y + 1 + ROWS % 3) % 4)[:, None], -np.inf, Z), Y),
    "an impossible label": (np.where((ROWS[:, None] == 5) & (np.arange(4) == Y[5]), -np.inf, Z), Y),
    "certain and right": (np.where(np.eye(4)[Y] > 0, 0.0, ZERO), Y),
    "certain and sometimes wrong": (np.where(np.eye(4)[TOP] > 0, 0.0, ZERO), Y),
}


@every_method
@pytest.mark.parametrize("name", HARD)
def test_hard_cases_have_finite_parameters_and_no_higher_nll(method: Any, name: str) -> None:
    predictions = Predictions.from_logits(*HARD[name])
    fitted = method.fit(predictions)
    mixing = np.log1p(1 / predictions.n) if method in STRUCTURED else 0.0  # what Laplace's rule may cost
    assert fitted.status == "ok"
    assert np.abs(matrix_of(fitted)).max() < 20
    assert np.abs(fitted.intercept).max() < 20
    assert fitted.nll_after <= fitted.nll_before + mixing + 1e-9
    assert np.isfinite(fitted.transform(predictions).values).all()


@every_method
def test_a_constant_added_to_each_row_of_logits_changes_nothing(method: Any) -> None:
    logits, labels = sample(150, 4)
    predictions = Predictions.from_logits(logits, labels)
    shifted = Predictions.from_logits(logits + np.random.default_rng(1).normal(size=(150, 1)) * 30, labels)
    fitted, again = method.fit(predictions), method.fit(shifted)
    np.testing.assert_allclose(probs(again, shifted), probs(fitted, predictions), atol=1e-9)
    np.testing.assert_allclose(probs(fitted, shifted), probs(fitted, predictions), atol=1e-12)


@every_method
def test_classes_in_another_order_have_their_parameters_in_that_order(method: Any) -> None:
    logits, labels = sample(200, 5)
    order = np.array([3, 0, 4, 1, 2])
    fitted = method.fit(Predictions.from_logits(logits, labels))
    other = method.fit(Predictions.from_logits(logits[:, order], np.argsort(order)[labels]))
    expected = matrix_of(fitted)[order] if matrix_of(fitted).ndim == 1 else matrix_of(fitted)[np.ix_(order, order)]
    np.testing.assert_allclose(matrix_of(other), expected, atol=1e-8)
    np.testing.assert_allclose(other.intercept, fitted.intercept[order], atol=1e-8)


@pytest.mark.parametrize("method", METHODS[:3], ids=lambda method: method.__name__)
def test_weights_count_like_repeated_rows(method: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    logits, labels = sample(60, 4)
    times, given = np.arange(60) % 3, FIXED[method]
    weighted = method.fit(Predictions.from_logits(logits, labels, sample_weight=2.0 * times), **given)
    monkeypatch.setattr("calib.calibrators.dirichlet.DIAGONAL", 60 / 36)  # over n: there 36 by Kish, here 60 rows
    repeated = method.fit(Predictions.from_logits(np.repeat(logits, times, 0), np.repeat(labels, times)), **given)
    np.testing.assert_allclose(matrix_of(weighted), matrix_of(repeated), atol=1e-9)
    assert weighted.nll_before == pytest.approx(repeated.nll_before, rel=1e-12)
    assert weighted.nll_after == pytest.approx(repeated.nll_after, rel=1e-12)


@every_method
def test_the_scale_of_weights_and_rows_without_weight_do_not_show(method: Any) -> None:
    logits, labels = sample(90, 3)
    weight = np.random.default_rng(0).uniform(0.5, 2, size=90)
    kept = np.arange(90) < 70
    fitted = method.fit(Predictions.from_logits(logits[kept], labels[kept], sample_weight=weight[kept]))
    other = method.fit(Predictions.from_logits(logits, labels, sample_weight=7 * weight * kept))
    np.testing.assert_allclose(matrix_of(other), matrix_of(fitted), atol=1e-9)
    assert other.nll_after == pytest.approx(fitted.nll_after, rel=1e-12)


@every_method
def test_soft_targets_that_are_one_hot_are_labels_and_their_mixtures_are_repeated_rows(method: Any) -> None:
    logits, labels = sample(80, 3)
    predictions, hot = Predictions.from_logits(logits, labels), np.eye(3)[labels]
    fitted = method.fit(predictions, **FIXED[method])
    np.testing.assert_allclose(matrix_of(method.fit(predictions, targets=hot, **FIXED[method])), matrix_of(fitted))
    if method in METHODS[:2]:
        other = (labels + 1) % 3
        soft = method.fit(predictions, targets=(hot + np.eye(3)[other]) / 2, **FIXED[method])
        both = Predictions.from_logits(np.concatenate([logits] * 2), np.concatenate([labels, other]))
        np.testing.assert_allclose(matrix_of(soft), matrix_of(method.fit(both, **FIXED[method])), atol=1e-9)


@every_method
def test_a_fit_is_the_same_twice_and_cannot_be_written_to(method: Any) -> None:
    predictions = Predictions.from_logits(*sample(100, 3))
    fitted = method.fit(predictions)
    np.testing.assert_array_equal(matrix_of(method.fit(predictions)), matrix_of(fitted))
    with pytest.raises(ValueError, match="read-only"):
        fitted.intercept[0] = 1.0


@every_method
def test_other_classes_plain_arrays_and_bad_parameters_are_refused(method: Any) -> None:
    fitted = method.fit(Predictions.from_logits(*sample(50, 3)))
    with pytest.raises(InputError, match="was fitted to 3 classes, these predictions have 4"):
        fitted.transform(Predictions.from_logits(*sample(5, 4)))
    with pytest.raises(InputError):
        method.fit(np.zeros((5, 3)))
    with pytest.raises(InputError, match="intercept must be finite"):
        replace(fitted, intercept=np.array([0.0, np.nan, 0.0]))
    with pytest.raises(InputError, match="must be finite, of shape"):
        replace(fitted, intercept=np.zeros(4))
    with pytest.raises(InputError, match="targets must be"):
        method.fit(Predictions.from_logits(*sample(5, 4)), targets=np.ones((5, 3)))


@pytest.mark.parametrize("penalty", [0.0, -1.0, np.nan, np.inf, [], [1.0, 0.0], "strong", True])
def test_a_penalty_that_is_none_is_refused(penalty: Any) -> None:
    for method in METHODS[:3]:
        for name in FIXED[method]:
            with pytest.raises(InputError, match=f"{name} must be a number above 0"):
                method.fit(Predictions.from_logits(*sample(50, 3)), **{name: penalty})


@pytest.mark.parametrize("folds", [1, 0, 2.5, True])
def test_folds_are_at_least_two(folds: Any) -> None:
    for method in METHODS[:3]:
        with pytest.raises(InputError, match="folds must be a whole number of at least 2"):
            method.fit(Predictions.from_logits(*sample(50, 3)), folds=folds)


def test_one_example_holds_nothing_out_and_gets_the_strongest_penalty() -> None:
    one = Predictions.from_logits([[1.0, 0.0, 0.5]], [1])
    assert VectorScaling.fit(one, penalty=[0.1, 5.0, 1.0]).penalty == 5.0
    assert MatrixScaling.fit(one, penalty=(0.1, 5.0, 1.0)).penalty == 5.0


def test_they_are_calibrators_that_can_be_cross_fitted() -> None:
    methods: list[type[Calibrator]] = [VectorScaling, MatrixScaling, DirichletCalibration, *STRUCTURED]
    predictions = Predictions.from_logits(*sample(200, 3, true_temperature=3))
    for method in methods:
        assert calib.nll(cross_fit(method, predictions, folds=2)) < calib.nll(predictions)
