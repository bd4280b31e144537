"""De-smoothing takes smoothing back exactly, cuts what lies below, and finds the α that was used."""

from typing import Any

import numpy as np
import pytest

import calib
from calib.calibrators.desmoothing import SmoothingInverse
from calib.errors import InputError
from calib.predictions import Predictions

from .. import references
from ..references import sample


def smoothed(n: int, k: int, smoothing: float, *, seed: int = 0, concentration: float = 1.0) -> tuple[Predictions, Any]:
    """The population optimum of a smoothed loss: (1 − α) p + α / k with labels drawn from p; and p."""
    rng = np.random.default_rng(seed)
    truth = rng.dirichlet(np.full(k, concentration), size=n)
    labels = (truth.cumsum(axis=1) > rng.random(n)[:, None]).argmax(axis=1)
    return Predictions.from_probs((1 - smoothing) * truth + smoothing / k, labels), truth


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5, 0.99])
@pytest.mark.parametrize("k", [2, 7])
def test_smoothed_distributions_come_back(smoothing: float, k: int) -> None:
    given, truth = smoothed(50, k, smoothing)
    np.testing.assert_allclose(SmoothingInverse(smoothing).transform(given).values, truth, rtol=1e-9, atol=1e-12)


def test_smoothed_one_hot_rows_become_one_hot_again() -> None:
    rows = calib.smooth_labels(np.array([0, 2, 1]), n_classes=3, smoothing=0.1)
    after = SmoothingInverse(0.1).transform(Predictions.from_probs(rows, [0, 2, 1]))
    np.testing.assert_allclose(after.values, np.eye(3)[[0, 2, 1]], atol=1e-15)


def test_by_hand_what_lies_below_is_cut_and_the_rest_divided_by_its_sum() -> None:
    after = SmoothingInverse(0.3).transform(Predictions.from_probs([[0.05, 0.25, 0.7]], [0]))
    np.testing.assert_allclose(after.values, [[0, 0.15 / 0.75, 0.6 / 0.75]], rtol=1e-12)
    assert after.provenance["cut_labels"] == 1
    assert calib.nll(after) == np.inf


@pytest.mark.parametrize("smoothing", [0.0, 0.05, 0.2, 0.6])
def test_the_alpha_that_was_used_comes_back(smoothing: float) -> None:
    given, _ = smoothed(40_000, 4, smoothing, concentration=0.5)
    fitted = SmoothingInverse.fit(given)
    assert fitted.smoothing == pytest.approx(smoothing, abs=0.015)
    test, _ = smoothed(5000, 4, smoothing, seed=1, concentration=0.5)
    if smoothing >= 0.2:
        after = fitted.transform(test)
        assert calib.brier(after) < calib.brier(test)
        assert calib.ece(after) < 0.5 * calib.ece(test)


@pytest.mark.parametrize("seed", range(4))
def test_no_alpha_of_a_fine_grid_has_a_lower_brier_score(seed: int) -> None:
    given, _ = smoothed(30, 5, 0.3, seed=seed)
    best = calib.brier(SmoothingInverse(SmoothingInverse.fit(given).smoothing).transform(given))
    for value in np.linspace(0, 0.999, 400):
        assert calib.brier(SmoothingInverse(float(value)).transform(given)) >= best - 1e-9


def test_of_two_valleys_the_deeper_one_is_found() -> None:
    probs = [[35, 10, 33, 22], [31, 29, 12, 28], [16, 29, 32, 23], [21, 22, 32, 25], [14, 28, 16, 42]]
    given = Predictions.from_probs(np.array(probs) / 100, [0, 2, 2, 1, 3])
    scores = [calib.brier(SmoothingInverse(i / 1000).transform(given)) for i in range(1000)]
    fitted = SmoothingInverse.fit(given).smoothing
    assert calib.brier(SmoothingInverse(fitted).transform(given)) <= min(scores) + 1e-9
    assert fitted > 0.5


def test_an_overconfident_model_needs_none() -> None:
    given = Predictions.from_logits(*sample(500, 4, true_temperature=3.0))
    fitted = SmoothingInverse.fit(given)
    assert fitted.smoothing == pytest.approx(0, abs=1e-6)
    assert fitted.cut_labels == 0


def test_the_fit_counts_the_labels_that_it_cut() -> None:
    probs = [[0.92, 0.04, 0.04]] * 30
    given = Predictions.from_probs(probs, [0] * 29 + [2])
    fitted = SmoothingInverse.fit(given)
    after = fitted.transform(given)
    assert fitted.cut_labels == after.provenance["cut_labels"] == int((after.outcomes.nll == np.inf).sum())
    zero = Predictions.from_probs([[0.9, 0.1, 0.0]], [2])  # was 0 before
    assert SmoothingInverse(0.1).transform(zero).provenance["cut_labels"] == 0
    wide = Predictions.from_probs([*probs, [0.9, 0.099, 0.001]], [0] * 30 + [2])
    assert SmoothingInverse.fit(wide).cut_labels == 1


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("k", [2, 5])
def test_new_rows_are_distributions_with_the_same_predicted_classes(dtype: Any, k: int) -> None:
    logits, labels = sample(60, k)
    logits = logits.astype(dtype)
    logits[0, 1:] = logits[1, :-1] = logits[2, 0] = -np.inf
    logits[3] = 1.0
    probs = np.array(references.softmax_rows(logits)).astype(dtype)
    for given in (Predictions.from_logits(logits, labels), Predictions.from_probs(probs, labels)):
        for method in (SmoothingInverse.fit(given), SmoothingInverse(0.999)):
            after = method.transform(given)
            assert after.values.min() >= 0
            np.testing.assert_allclose(after.values.sum(axis=1), 1, rtol=0, atol=1e-12)
            np.testing.assert_array_equal(after.values.argmax(axis=1), given.outcomes.predicted)


def test_predicted_classes_stay_where_two_probabilities_are_neighbouring_floats() -> None:
    low = np.random.default_rng(0).uniform(0.3, 0.45, size=300)
    high = np.nextafter(low, 1)
    given = Predictions.from_probs(np.stack([low, high, 1 - low - high], axis=1), np.ones(300, int))
    for smoothing in (0.0, 0.1, 0.7):
        after = SmoothingInverse(smoothing).transform(given)
        np.testing.assert_array_equal(after.values.argmax(axis=1), given.outcomes.predicted)


def test_one_row_is_enough() -> None:
    fitted = SmoothingInverse.fit(Predictions.from_probs([[0.8, 0.1, 0.1]], [0]))
    assert fitted.transform(Predictions.from_probs([[0.8, 0.1, 0.1]], [0])).values[0, 0] == pytest.approx(1)


def test_soft_targets_take_the_place_of_labels() -> None:
    given, truth = smoothed(50, 4, 0.3)
    assert SmoothingInverse.fit(given, targets=truth).smoothing == pytest.approx(0.3, abs=1e-5)
    with pytest.raises(InputError, match="targets must be numbers of shape"):
        SmoothingInverse.fit(given, targets=truth[:10])


def test_weights_count_as_repeated_rows_and_neither_order_nor_names_of_classes_matter() -> None:
    given, _ = smoothed(200, 4, 0.3)
    times = np.random.default_rng(1).integers(0, 4, size=200)
    repeated = Predictions.from_probs(np.repeat(given.values, times, axis=0), np.repeat(given.labels, times))
    order = np.array([2, 0, 3, 1])
    expected = SmoothingInverse.fit(repeated).smoothing
    for other in (
        Predictions.from_probs(given.values, given.labels, sample_weight=times),
        repeated[::-1],
        Predictions.from_probs(repeated.values[:, order], np.argsort(order)[repeated.labels]),
    ):
        assert SmoothingInverse.fit(other).smoothing == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("smoothing", [-0.1, 1.0, float("nan")])
def test_a_smoothing_that_is_none_is_refused(smoothing: float) -> None:
    with pytest.raises(InputError, match=r"smoothing must lie in \[0, 1\)"):
        SmoothingInverse(smoothing)
