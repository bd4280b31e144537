"""Ensemble temperature scaling: the weights against a grid, the classes it keeps, and mixtures it should recover."""

from typing import Any, Literal

import numpy as np
import pytest

import calib
from calib.calibrators._base import log_probs
from calib.calibrators.ensemble_temperature import EnsembleTemperatureScaling
from calib.calibrators.temperature import TemperatureScaling
from calib.errors import InputError
from calib.predictions import Predictions

from .. import references
from ..references import sample

Loss = Literal["mse", "nll"]
LOSSES: tuple[Loss, ...] = ("mse", "nll")


def data(n: int = 300, k: int = 4, seed: int = 0, true_temperature: float = 3.0) -> Predictions:
    return Predictions.from_logits(*sample(n, k, true_temperature=true_temperature, seed=seed))


def mixed(n: int, seed: int, share: float = 0.3) -> Predictions:
    """Labels of the softmax at T = 1.5, but for a share that is drawn evenly from four classes."""
    logits, labels = sample(n, 4, true_temperature=1.5, scale=4.0, seed=seed)
    rng = np.random.default_rng(seed + 100)
    return Predictions.from_logits(logits, np.where(rng.random(n) < share, rng.integers(0, 4, size=n), labels))


def score(loss: Loss, temperature: float, weights: Any, predictions: Predictions) -> float:
    """Brier score or NLL of the mixture, row by row."""
    given, scaled = (references.softmax_rows(predictions.values, t) for t in (1.0, temperature))
    k = predictions.n_classes
    rows = [
        [weights[0] * a + weights[1] * b + weights[2] / k for a, b in zip(*pair, strict=True)]
        for pair in zip(scaled, given, strict=True)
    ]
    labels = predictions.labels.tolist()
    return references.brier(rows, labels) if loss == "mse" else references.nll(rows, labels)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("seed", range(3))
def test_no_weights_of_a_grid_are_better(loss: Loss, seed: int) -> None:
    given = mixed(60, seed)
    fitted = EnsembleTemperatureScaling.fit(given, loss=loss)
    assert fitted.temperature == TemperatureScaling.fit(given).temperature
    assert fitted.weights.min() >= 0
    assert fitted.weights.sum() == pytest.approx(1, abs=1e-12)
    best = score(loss, fitted.temperature, fitted.weights, given)
    for i in range(21):
        for j in range(21 - i):
            weights = np.array([i, j, 20 - i - j]) / 20
            assert score(loss, fitted.temperature, weights, given) >= best - 1e-10
            for step in (1e-2, 1e-4):
                near = (1 - step) * fitted.weights + step * weights
                assert i % 5 or j % 5 or score(loss, fitted.temperature, near, given) >= best - 1e-10


def test_the_two_losses_choose_different_weights() -> None:
    given = mixed(60, 0)
    one, other = (EnsembleTemperatureScaling.fit(given, loss=loss).weights for loss in LOSSES)
    assert np.abs(one - other).max() > 1e-3


def test_transform_is_the_mixture() -> None:
    given = data(20)
    fitted = EnsembleTemperatureScaling(2.0, np.array([0.5, 0.3, 0.2]))
    scaled, plain = (np.array(references.softmax_rows(given.values, t)) for t in (2.0, 1.0))
    np.testing.assert_allclose(fitted.transform(given).values, 0.5 * scaled + 0.3 * plain + 0.05, rtol=1e-12)


@pytest.mark.parametrize("weights", [[1, 0, 0], [0, 0, 1], [0.2, 0.3, 0.5]])
def test_predicted_classes_stay_whatever_the_weights(weights: list[float]) -> None:
    logits, labels = sample(500, 5, scale=1e-3)
    logits[0] = [0, 1e-18, 0, 0, 0]
    logits[1, 2] = 60.0
    given = Predictions.from_logits(logits, labels)
    after = EnsembleTemperatureScaling(40.0, np.array(weights)).transform(given)
    np.testing.assert_array_equal(after.values.argmax(axis=1), given.outcomes.predicted)
    assert calib.accuracy(after) == calib.accuracy(given)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("k", [2, 5])
def test_new_rows_are_distributions_also_of_zeros_ones_and_infinite_logits(loss: Loss, dtype: Any, k: int) -> None:
    logits, labels = sample(60, k)
    logits = logits.astype(dtype)
    logits[0, 1:] = logits[1, :-1] = logits[2, 0] = -np.inf
    probs = np.array(references.softmax_rows(logits)).astype(dtype)
    for given in (Predictions.from_logits(logits, labels), Predictions.from_probs(probs, labels)):
        after = EnsembleTemperatureScaling.fit(given, loss=loss).transform(given)
        assert after.values.min() >= 0
        np.testing.assert_allclose(after.values.sum(axis=1), 1, rtol=0, atol=1e-12)
        np.testing.assert_array_equal(after.values.argmax(axis=1), given.outcomes.predicted)


def test_an_impossible_label_makes_nll_give_the_uniform_part_some_weight() -> None:
    logits, labels = sample(60, 4)
    logits[3, labels[3]] = -np.inf
    given = Predictions.from_logits(logits, labels)
    fitted = EnsembleTemperatureScaling.fit(given, loss="nll")
    assert fitted.weights[2] > 0.01
    assert np.isfinite(calib.nll(fitted.transform(given)))


@pytest.mark.parametrize("loss", LOSSES)
def test_the_share_of_labels_drawn_evenly_comes_back(loss: Loss) -> None:
    given = mixed(20_000, 5)
    fitted = EnsembleTemperatureScaling.fit(given, loss=loss)
    test = mixed(20_000, 6)
    after = fitted.transform(test)
    temperature = TemperatureScaling.fit(given).transform(test)
    assert fitted.weights[2] == pytest.approx(0.3, abs=0.1)
    assert calib.nll(after) < calib.nll(temperature) < calib.nll(test)
    assert calib.ece(after) < calib.ece(temperature) < calib.ece(test)


@pytest.mark.parametrize("loss", LOSSES)
def test_it_is_no_worse_than_temperature_scaling_on_the_rows_it_was_fitted_to(loss: Loss) -> None:
    metric = calib.brier if loss == "mse" else calib.nll
    for seed in range(5):
        given = data(40, seed=seed, true_temperature=1.2)
        after = EnsembleTemperatureScaling.fit(given, loss=loss).transform(given)
        scaled = TemperatureScaling.fit(given).transform(given)
        assert metric(after) <= min(metric(scaled), metric(given)) + 1e-12


@pytest.mark.parametrize("loss", LOSSES)
def test_one_row_and_equal_rows_are_enough(loss: Loss) -> None:
    for labels in ([0], [1], [0, 0, 0, 1]):
        given = Predictions.from_logits([[3.0, 0.0, -1.0]] * len(labels), labels)
        after = EnsembleTemperatureScaling.fit(given, loss=loss).transform(given)
        np.testing.assert_allclose(after.values.sum(axis=1), 1, rtol=0, atol=1e-12)


@pytest.mark.parametrize("loss", LOSSES)
def test_weights_count_as_repeated_rows_and_neither_order_nor_names_of_classes_matter(loss: Loss) -> None:
    given = mixed(80, 2)
    times = np.random.default_rng(1).integers(0, 4, size=80)
    repeated = Predictions.from_logits(np.repeat(given.values, times, axis=0), np.repeat(given.labels, times))
    order = np.array([2, 0, 3, 1])
    expected = EnsembleTemperatureScaling.fit(repeated, loss=loss)
    for other in (
        Predictions.from_logits(given.values, given.labels, sample_weight=times),
        repeated[np.random.default_rng(0).permutation(repeated.n)],
        Predictions.from_logits(repeated.values[:, order], np.argsort(order)[repeated.labels]),
    ):
        fitted = EnsembleTemperatureScaling.fit(other, loss=loss)
        assert fitted.temperature == pytest.approx(expected.temperature, rel=1e-8)
        np.testing.assert_allclose(fitted.weights, expected.weights, atol=1e-5)


def test_a_temperature_carried_already_is_part_of_what_is_given() -> None:
    given = data(50)
    carried = TemperatureScaling(2.0).transform(given)
    halved = Predictions.from_logits(given.values / 2, given.labels)
    fitted = EnsembleTemperatureScaling.fit(halved)
    again = EnsembleTemperatureScaling.fit(carried)
    np.testing.assert_allclose(again.weights, fitted.weights, atol=1e-6)
    np.testing.assert_allclose(log_probs(fitted.transform(carried)), log_probs(fitted.transform(halved)), rtol=1e-9)


def test_what_it_cannot_do_is_refused_in_words() -> None:
    with pytest.raises(InputError, match="ensemble temperature scaling takes no soft targets"):
        EnsembleTemperatureScaling.fit(data(5), targets=np.full((5, 4), 0.25))
    with pytest.raises(InputError, match="loss must be mse or nll, got 'ece'"):
        EnsembleTemperatureScaling.fit(data(5), loss="ece")  # type: ignore[arg-type]
    for weights in ([0.5, 0.5], [0.5, 0.6, -0.1], [0.5, 0.2, 0.2]):
        with pytest.raises(InputError, match="weights must be three numbers"):
            EnsembleTemperatureScaling(1.0, np.array(weights))
    with pytest.raises(InputError, match="a temperature must be a positive number"):
        EnsembleTemperatureScaling(0.0, np.array([1.0, 0, 0]))
