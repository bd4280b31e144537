"""Platt scaling against bisection in plain Python, its smoothed targets by hand, and scores without an ordinary fit."""

import math
from typing import Any

import numpy as np
import pytest
from scipy.special import expit

import calib
from calib.calibrators._base import log_probs
from calib.calibrators._logistic import fit_logistic
from calib.calibrators.platt import PlattScaling
from calib.errors import InputError
from calib.predictions import Predictions

from .. import references


def two_classes(
    n: int, *, slope: float = 1.0, intercept: float = 0.0, scale: float = 2.0, seed: int = 0
) -> Predictions:
    """Gaussian log-odds whose labels follow sigmoid(slope · s + intercept)."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=n) * scale
    labels = (rng.random(n) < expit(slope * scores + intercept)).astype(int)
    return Predictions.from_logits(np.stack([np.zeros(n), scores], axis=1), labels)


def reference(scores: list[float], labels: list[int], weight: list[float] | None = None) -> tuple[float, float]:
    """Slope and intercept by bisection within bisection: for every slope the intercept that balances the residuals."""
    w = weight or [1.0] * len(labels)
    right = math.fsum(m for m, y in zip(w, labels, strict=True) if y == 1)
    wrong = math.fsum(m for m, y in zip(w, labels, strict=True) if y == 0)
    goal = [(right + 1) / (right + 2) if y == 1 else 1 / (wrong + 2) for y in labels]

    def sigmoid(x: float) -> float:
        return 1 / (1 + math.exp(-x)) if x > 0 else math.exp(x) / (1 + math.exp(x))

    def residual(a: float, b: float, power: int) -> float:
        return math.fsum(m * (sigmoid(a * s + b) - t) * s**power for m, s, t in zip(w, scores, goal, strict=True))

    def root(rising: Any, low: float, high: float) -> float:
        for _ in range(70):
            middle = (low + high) / 2
            low, high = (middle, high) if rising(middle) < 0 else (low, middle)
        return (low + high) / 2

    def balanced(a: float) -> float:
        return root(lambda b: residual(a, b, 0), -60, 60)

    slope = root(lambda a: residual(a, balanced(a), 1), -20, 20)
    return slope, balanced(slope)


@pytest.mark.parametrize("seed", range(4))
def test_slope_and_intercept_are_those_of_bisection(seed: int) -> None:
    data = two_classes(15, slope=0.6, intercept=0.4, seed=seed)
    fitted = PlattScaling.fit(data)
    expected = reference(data.values[:, 1].tolist(), data.labels.tolist())
    assert (fitted.slope, fitted.intercept) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_the_loss_of_a_logistic_regression_is_its_mean_cross_entropy() -> None:
    data = two_classes(40, seed=1)
    features = np.stack([data.values[:, 1], np.ones(40)], axis=1)
    (slope, intercept), loss = fit_logistic(features, data.labels.astype(float), np.ones(40))
    logits = slope * data.values + intercept * np.array([0, 1])
    assert loss == pytest.approx(references.nll(references.softmax_rows(logits), data.labels.tolist()), rel=1e-12)


def test_by_hand_two_scores_take_the_smoothed_shares() -> None:
    probs, labels = [0.8] * 3 + [0.2] * 3, [1, 1, 1, 0, 0, 0]  # targets 4/5 and 1/5: what was claimed already
    fitted = PlattScaling.fit(Predictions.from_probs(probs, labels))
    assert (fitted.slope, fitted.intercept) == pytest.approx((1, 0), abs=1e-9)
    probs, labels = [0.9] * 4 + [0.1] * 4, [1, 1, 1, 0, 0, 0, 0, 1]  # (3 · 5/6 + 1/6) / 4 = 2/3
    fitted = PlattScaling.fit(Predictions.from_probs(probs, labels))
    assert (fitted.slope, fitted.intercept) == pytest.approx((math.log(2) / math.log(9), 0), abs=1e-9)


def test_a_known_map_comes_back() -> None:
    fitted = PlattScaling.fit(two_classes(100_000, slope=0.4, intercept=-0.7))
    assert fitted.slope == pytest.approx(0.4, abs=0.02)
    assert fitted.intercept == pytest.approx(-0.7, abs=0.03)


def test_held_out_nll_and_ece_fall_on_an_overconfident_model() -> None:
    split, test = (two_classes(3000, slope=0.3, intercept=0.5, scale=4, seed=seed) for seed in (1, 2))
    after = PlattScaling.fit(split).transform(test)
    assert calib.nll(after) < calib.nll(test) - 0.1
    assert calib.ece(after, of=1) < 0.5 * calib.ece(test, of=1)


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_separated_classes_have_a_finite_fit(flip: bool, scale: float) -> None:
    scores = scale * np.array([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0])
    labels = (scores > 0) ^ flip
    data = Predictions.from_logits(np.stack([0 * scores, scores], axis=1), labels.astype(int))
    fitted = PlattScaling.fit(data)
    expected = reference((scores / scale).tolist(), labels.astype(int).tolist())
    assert fitted.slope * scale == pytest.approx(expected[0], rel=1e-6)
    assert (fitted.slope > 0) != flip
    assert fitted.intercept == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("label", [0, 1])
def test_a_missing_class_and_equal_scores_give_the_smoothed_share(label: int) -> None:
    expected = 4 / 5 if label else 1 / 5
    for probs in ([0.3, 0.3, 0.3], [0.3, 0.31, 0.32]):
        data = Predictions.from_probs(probs, [label] * 3)
        fitted = PlattScaling.fit(data)
        assert 1 / (1 + math.exp(-fitted.transform(data).values[0, 1])) == pytest.approx(expected, rel=1e-6)
    assert PlattScaling.fit(Predictions.from_probs([0.3, 0.3, 0.3], [label] * 3)).slope == 1


def test_one_row_is_enough() -> None:
    data = Predictions.from_probs([0.3], [1])
    assert PlattScaling.fit(data).transform(data).values[0, 1] == pytest.approx(math.log(2))  # (1 + 1) / (1 + 2)


def test_probabilities_of_zero_and_one_count_as_the_limit() -> None:
    rng = np.random.default_rng(5)
    scores = rng.normal(size=200) * 3
    labels = (rng.random(200) < expit(0.5 * scores)).astype(int)
    probs = expit(scores)
    probs[:5], labels[:5] = 1.0, [1, 1, 0, 1, 1]
    probs[5:8], labels[5:8] = 0.0, 0
    fitted = PlattScaling.fit(Predictions.from_probs(probs, labels))
    assert fitted.limit == 53 * math.log(2)
    stand_in = scores.copy()
    stand_in[:5], stand_in[5:8] = fitted.limit, -fitted.limit
    expected = reference(stand_in.tolist(), labels.tolist())
    assert (fitted.slope, fitted.intercept) == pytest.approx(expected, rel=1e-7, abs=1e-9)
    after = fitted.transform(Predictions.from_probs([0.0, 1.0, 1e-300], [0, 1, 0])).values[:, 1]
    np.testing.assert_allclose(after - fitted.intercept, fitted.slope * fitted.limit * np.array([-1, 1, -1]))


def test_the_limit_grows_with_the_scores_so_that_no_finite_one_of_the_split_is_cut() -> None:
    logits = [[0.0, 100.0], [0.0, -2.0], [0.0, 3.0], [0.0, -np.inf]]
    assert PlattScaling.fit(Predictions.from_logits(logits, [1, 1, 0, 0])).limit == 100


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_new_distributions_are_distributions_whatever_the_dtype(dtype: Any) -> None:
    data = two_classes(50)
    logits = data.values.astype(dtype)
    logits[0, 0] = logits[1, 1] = -np.inf
    given = Predictions.from_logits(logits, data.labels)
    after = PlattScaling.fit(given).transform(given)
    assert np.isfinite(log_probs(after)).all()
    np.testing.assert_allclose(np.exp(log_probs(after)).sum(axis=1), 1, rtol=0, atol=1e-12)


def test_logits_and_their_probabilities_have_one_fit() -> None:
    data = two_classes(60)
    from_probs = PlattScaling.fit(Predictions.from_probs(expit(data.values[:, 1]), data.labels))
    fitted = PlattScaling.fit(data)
    assert (from_probs.slope, from_probs.intercept) == pytest.approx((fitted.slope, fitted.intercept), rel=1e-7)


def test_rows_of_weight_zero_are_absent() -> None:
    data = two_classes(60, seed=3)
    weight = np.random.default_rng(0).integers(0, 4, 60)
    weighted = Predictions.from_logits(data.values, data.labels, sample_weight=weight)
    rest = Predictions.from_logits(data.values[weight > 0], data.labels[weight > 0], sample_weight=weight[weight > 0])
    one, other = PlattScaling.fit(weighted), PlattScaling.fit(rest)
    assert (one.slope, one.intercept) == pytest.approx((other.slope, other.intercept), rel=1e-9)
    repeated = PlattScaling.fit(
        Predictions.from_logits(np.repeat(data.values, weight, 0), np.repeat(data.labels, weight))
    )
    assert one.slope == pytest.approx(repeated.slope, rel=0.2)  # the smoothing of targets counts rows


def test_neither_the_order_of_rows_nor_the_scale_of_weights_matters() -> None:
    data = two_classes(40)
    order = np.random.default_rng(0).permutation(40)
    heavy = Predictions.from_logits(data.values, data.labels, sample_weight=np.full(40, 1e-6))
    for other in (data[order], heavy):
        fitted, again = PlattScaling.fit(data), PlattScaling.fit(other)
        assert (again.slope, again.intercept) == pytest.approx((fitted.slope, fitted.intercept), rel=1e-9)


def test_swapped_classes_mirror_the_map() -> None:
    data = two_classes(40, intercept=0.8)
    fitted = PlattScaling.fit(data)
    swapped = PlattScaling.fit(Predictions.from_logits(data.values[:, ::-1], 1 - data.labels))
    assert (swapped.slope, -swapped.intercept) == pytest.approx((fitted.slope, fitted.intercept), rel=1e-9)


def test_what_it_cannot_do_is_refused_in_words() -> None:
    three = Predictions.from_logits(np.eye(3), [0, 1, 2])
    for call in (PlattScaling.fit, PlattScaling(1.0, 0.0).transform):
        with pytest.raises(InputError, match="Platt scaling is for two classes, these predictions have 3"):
            call(three)
    with pytest.raises(InputError, match="Platt scaling takes no soft targets"):
        PlattScaling.fit(two_classes(5), targets=np.full((5, 2), 0.5))
    with pytest.raises(InputError, match="slope, intercept and limit must be numbers"):
        PlattScaling(math.nan, 0.0)
