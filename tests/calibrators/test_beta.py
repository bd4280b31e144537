"""Beta calibration against a grid, the maps it contains, its bounds, and classes that are separated."""

import math
from typing import Any

import numpy as np
import pytest
from scipy.special import expit

import calib
from calib.calibrators._base import log_probs
from calib.calibrators.beta import BetaCalibration
from calib.calibrators.platt import PlattScaling
from calib.errors import InputError
from calib.predictions import Predictions


def beta_data(n: int, a: float, b: float, c: float, *, seed: int = 0, scale: float = 2.0) -> Predictions:
    """Probabilities whose labels follow the map with these parameters."""
    rng = np.random.default_rng(seed)
    p = expit(rng.normal(size=n) * scale)
    truth = expit(a * np.log(p) - b * np.log1p(-p) + c)
    return Predictions.from_probs(p, (rng.random(n) < truth).astype(int))


def loss(a: float, b: float, c: float, probs: list[float], labels: list[int]) -> float:
    """Mean NLL of the map, row by row."""
    total = 0.0
    for p, y in zip(probs, labels, strict=True):
        logit = a * math.log(p) - b * math.log(1 - p) + c
        total += math.log1p(math.exp(-logit)) if y == 1 else math.log1p(math.exp(logit))
    return total / len(labels)


@pytest.mark.parametrize("truth", [(1, 1, 0), (0.5, 2, 0.3), (2, 0.5, -0.4), (1, -1, 0.5), (-1, 0.5, 0), (-1, -1, 0)])
def test_no_allowed_neighbour_is_better(truth: tuple[float, float, float]) -> None:
    data = beta_data(60, *truth, seed=4, scale=1.0)
    probs, labels = data.values[:, 1].tolist(), data.labels.tolist()
    fitted = BetaCalibration.fit(data)
    best = loss(fitted.a, fitted.b, fitted.c, probs, labels)
    for step in (1e-4, 1e-2, 0.3):
        for da in (-step, 0, step):
            for db in (-step, 0, step):
                for dc in (-step, 0, step):
                    a, b, c = fitted.a + da, fitted.b + db, fitted.c + dc
                    assert a < 0 or b < 0 or loss(a, b, c, probs, labels) >= best - 1e-13
    assert not fitted.smoothed


def test_a_known_map_comes_back() -> None:
    fitted = BetaCalibration.fit(beta_data(200_000, 0.6, 1.5, 0.3))
    assert (fitted.a, fitted.b, fitted.c) == pytest.approx((0.6, 1.5, 0.3), abs=0.06)


def test_by_hand_three_probabilities_with_rates_of_their_own_are_met_exactly() -> None:
    probs, rights = [0.2, 0.5, 0.8], [1, 3, 6]  # of 8 each
    labels = [int(i < right) for right in rights for i in range(8)]
    fitted = BetaCalibration.fit(Predictions.from_probs(np.repeat(probs, 8), labels))
    after = fitted.transform(Predictions.from_probs(probs, [0, 0, 0])).values[:, 1]
    np.testing.assert_allclose(expit(after), np.array(rights) / 8, rtol=1e-9)


def test_a_coefficient_that_would_be_negative_is_zero() -> None:
    assert BetaCalibration.fit(beta_data(2000, -0.5, 1.0, 0.0)).a == 0
    assert BetaCalibration.fit(beta_data(2000, 1.0, -0.5, 0.0)).b == 0
    fitted = BetaCalibration.fit(beta_data(2000, -1.0, -1.0, 0.0))
    assert fitted.a == fitted.b == 0
    share = beta_data(2000, -1.0, -1.0, 0.0).labels.mean()
    assert fitted.c == pytest.approx(math.log(share / (1 - share)), rel=1e-9)


def test_held_out_nll_and_ece_fall_where_a_sigmoid_is_the_wrong_shape() -> None:
    split, test = (beta_data(4000, 0.3, 3.0, 0.0, seed=seed) for seed in (1, 2))
    after = BetaCalibration.fit(split).transform(test)
    platt = PlattScaling.fit(split).transform(test)
    assert calib.nll(after) < calib.nll(platt) < calib.nll(test)
    assert calib.ece(after, of=1) < 0.5 * calib.ece(test, of=1)


def test_a_b_and_c_of_one_one_and_zero_change_nothing() -> None:
    data = beta_data(20, 1, 1, 0)
    np.testing.assert_allclose(
        np.exp(log_probs(BetaCalibration(1.0, 1.0, 0.0).transform(data))), data.values, rtol=1e-12
    )


@pytest.mark.parametrize("labels", [[0, 0, 1, 1], [0, 0, 0, 0], [1, 1, 1, 1]])
def test_separated_classes_and_a_missing_class_are_fitted_to_smoothed_targets(labels: list[int]) -> None:
    data = Predictions.from_probs([0.1, 0.3, 0.6, 0.9], labels)
    fitted = BetaCalibration.fit(data)
    assert fitted.smoothed
    assert math.isfinite(fitted.a + fitted.b + fitted.c)
    assert abs(fitted.transform(data).values[:, 1]).max() < 10


def test_a_tie_on_the_threshold_separates_too_but_equal_scores_do_not() -> None:
    assert BetaCalibration.fit(Predictions.from_probs([0.1, 0.5, 0.5, 0.9], [0, 0, 1, 1])).smoothed
    fitted = BetaCalibration.fit(Predictions.from_probs([0.3] * 4, [0, 1, 1, 1]))
    assert (fitted.a, fitted.b, fitted.smoothed) == (1, 1, False)
    assert fitted.transform(Predictions.from_probs([0.3], [0])).values[0, 1] == pytest.approx(math.log(3))


@pytest.mark.parametrize("labels", [[0, 0, 1, 1, 0, 0], [1, 1, 0, 0, 1, 1], [1, 1, 1, 0, 0, 0]])
def test_labels_that_only_a_map_that_falls_could_separate_have_a_finite_fit(labels: list[int]) -> None:
    fitted = BetaCalibration.fit(Predictions.from_probs([0.05, 0.2, 0.4, 0.6, 0.8, 0.95], labels))
    assert not fitted.smoothed
    assert fitted.a + fitted.b + abs(fitted.c) < 5


def test_one_row_is_enough() -> None:
    data = Predictions.from_probs([0.3], [1])
    assert BetaCalibration.fit(data).transform(data).values[0, 1] == pytest.approx(math.log(2))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_zeros_ones_and_infinite_logits_have_finite_maps_and_distributions(dtype: Any) -> None:
    data = beta_data(100, 0.7, 1.2, 0.1)
    logits = np.log(data.values).astype(dtype)
    logits[0, 0] = logits[1, 1] = logits[2, 1] = -np.inf
    given = Predictions.from_logits(logits, data.labels)
    fitted = BetaCalibration.fit(given)
    assert math.isfinite(fitted.a + fitted.b + fitted.c)
    after = log_probs(fitted.transform(given))
    assert np.isfinite(after).all()
    np.testing.assert_allclose(np.exp(after).sum(axis=1), 1, rtol=0, atol=1e-12)


def test_weights_that_average_one_count_as_repeated_rows() -> None:
    data = beta_data(12, 1, 1, 0, seed=1)
    times = np.array([0, 2, 1, 1, 3, 0, 0, 1, 1, 1, 1, 1])
    repeated = Predictions.from_probs(np.repeat(data.values, times, axis=0), np.repeat(data.labels, times))
    one = BetaCalibration.fit(Predictions.from_probs(data.values, data.labels, sample_weight=times))
    other = BetaCalibration.fit(repeated)
    assert (one.a, one.b, one.c) == pytest.approx((other.a, other.b, other.c), rel=1e-8, abs=1e-12)


def test_a_row_of_weight_zero_does_not_spoil_a_separation() -> None:
    data = Predictions.from_probs([0.1, 0.3, 0.6, 0.9, 0.99], [0, 0, 1, 1, 0], sample_weight=[1, 1, 1, 1, 0])
    assert BetaCalibration.fit(data).smoothed


def test_the_order_of_rows_does_not_matter_and_swapped_classes_swap_a_and_b() -> None:
    data = beta_data(100, 0.7, 1.5, 0.2)
    fitted, again = BetaCalibration.fit(data), BetaCalibration.fit(data[np.arange(99, -1, -1)])
    swapped = BetaCalibration.fit(Predictions.from_probs(data.values[:, ::-1], 1 - data.labels))
    for other in ((again.a, again.b, again.c), (swapped.b, swapped.a, -swapped.c)):
        assert other == pytest.approx((fitted.a, fitted.b, fitted.c), rel=1e-8, abs=1e-12)


def test_what_it_cannot_do_is_refused_in_words() -> None:
    three = Predictions.from_logits(np.eye(3), [0, 1, 2])
    for call in (BetaCalibration.fit, BetaCalibration(1.0, 1.0, 0.0).transform):
        with pytest.raises(InputError, match="beta calibration is for two classes, these predictions have 3"):
            call(three)
    with pytest.raises(InputError, match="beta calibration takes no soft targets"):
        BetaCalibration.fit(beta_data(5, 1, 1, 0), targets=np.full((5, 2), 0.5))
    with pytest.raises(InputError, match="numbers of at least 0"):
        BetaCalibration(-1.0, 1.0, 0.0)
