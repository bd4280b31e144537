"""Histogram binning against loops, and what every step function shares: ties, limits, classes and fallback rows."""

from typing import Any

import numpy as np
import pytest
from scipy.special import expit

import calib
from calib.calibrators._steps import class_log_odds, equal_mass_starts, middle_ranks
from calib.calibrators.bbq import BayesianBinning
from calib.calibrators.histogram import HistogramBinning
from calib.calibrators.isotonic import IsotonicCalibration
from calib.errors import InputError
from calib.predictions import Predictions

from .. import references
from ..references import sample


def equal_width(predictions: Predictions) -> HistogramBinning:
    return HistogramBinning.fit(predictions, binning="equal-width")


def pooled(predictions: Predictions) -> IsotonicCalibration:
    return IsotonicCalibration.fit(predictions, method="pooled")


STEPS: list[Any] = [HistogramBinning.fit, equal_width, IsotonicCalibration.fit, pooled, BayesianBinning.fit]
WEIGHTED = STEPS[:4]
ONE_VS_REST = [*STEPS[:3], STEPS[4]]


def data(n: int = 200, k: int = 4, seed: int = 0, **options: Any) -> Predictions:
    return Predictions.from_logits(*sample(n, k, true_temperature=3.0, seed=seed), **options)


@pytest.mark.parametrize("fit", STEPS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("k", [2, 5])
def test_new_rows_are_distributions_also_of_zeros_ones_and_infinite_logits(fit: Any, dtype: Any, k: int) -> None:
    logits, labels = sample(60, k, seed=k)
    logits = logits.astype(dtype)
    logits[0, 1:] = logits[1, :-1] = logits[2, 0] = -np.inf
    probs = np.array(references.softmax_rows(logits))
    for given in (Predictions.from_logits(logits, labels), Predictions.from_probs(probs.astype(dtype), labels)):
        after = fit(given).transform(given)
        assert after.values.min() >= 0
        np.testing.assert_allclose(after.values.sum(axis=1), 1, rtol=0, atol=1e-12)


@pytest.mark.parametrize("fit", ONE_VS_REST)
def test_a_class_that_never_occurs_becomes_rare_and_breaks_nothing(fit: Any) -> None:
    given = Predictions.from_logits(sample(300, 4)[0], sample(300, 3)[1])
    after = fit(given).transform(given).values
    assert after[:, 3].mean() < 0.5 * np.array(references.softmax_rows(given.values))[:, 3].mean()
    np.testing.assert_allclose(after.sum(axis=1), 1, rtol=0, atol=1e-12)


@pytest.mark.parametrize("fit", STEPS)
@pytest.mark.parametrize("k", [2, 3])
def test_one_row_and_equal_rows_are_enough(fit: Any, k: int) -> None:
    one = Predictions.from_logits(np.arange(k)[None], [k - 1])
    assert fit(one).transform(one).values[0, k - 1] > 1 / k
    many = Predictions.from_logits(np.repeat(np.arange(k)[None], 1000, axis=0), np.arange(1000) % k)
    after = fit(many).transform(many).values
    np.testing.assert_allclose(after, np.broadcast_to(1 / k, after.shape), atol=2e-3)


@pytest.mark.parametrize("fit", STEPS)
def test_the_order_of_rows_does_not_matter(fit: Any) -> None:
    given = data()
    order = np.random.default_rng(0).permutation(given.n)
    for one, other in zip(fit(given).values, fit(given[order]).values, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-12)


@pytest.mark.parametrize("fit", STEPS)
def test_permuted_classes_permute_the_columns(fit: Any) -> None:
    given, order = data(), np.array([2, 0, 3, 1])
    permuted = Predictions.from_logits(given.values[:, order], np.argsort(order)[given.labels])
    np.testing.assert_allclose(
        fit(permuted).transform(permuted).values, fit(given).transform(given).values[:, order], rtol=1e-9
    )


@pytest.mark.parametrize("fit", WEIGHTED)
@pytest.mark.parametrize("k", [2, 3])
def test_weights_count_as_repeated_rows(fit: Any, k: int) -> None:
    given = data(80, k)
    times = np.random.default_rng(1).integers(0, 4, size=80)
    weighted = Predictions.from_logits(given.values, given.labels, sample_weight=times)
    repeated = Predictions.from_logits(np.repeat(given.values, times, axis=0), np.repeat(given.labels, times))
    one, other = fit(weighted), fit(repeated)
    for part in ("edges", "values"):
        for left, right in zip(getattr(one, part), getattr(other, part), strict=True):
            np.testing.assert_allclose(left, right, rtol=1e-12)


@pytest.mark.parametrize("fit", ONE_VS_REST)
def test_two_classes_have_one_step_function_of_the_second(fit: Any) -> None:
    logits, labels = sample(200, 2)
    fitted = fit(Predictions.from_logits(logits, labels))
    assert len(fitted.values) == len(fitted.edges) == 1
    column = fit(Predictions.from_probs(expit(logits[:, 1] - logits[:, 0]), labels))
    np.testing.assert_allclose(column.values[0], fitted.values[0], rtol=1e-12)


@pytest.mark.parametrize("fit", STEPS)
def test_held_out_nll_and_ece_fall_on_an_overconfident_model(fit: Any) -> None:
    split, test = data(4000, 3, 1), data(4000, 3, 2)
    after = fit(split).transform(test)
    assert calib.ece(after) < 0.5 * calib.ece(test)
    assert calib.brier(after) < calib.brier(test)
    has_zeros = fit in (IsotonicCalibration.fit, equal_width)  # they make NLL infinite
    assert has_zeros or calib.nll(after) < calib.nll(test)


@pytest.mark.parametrize("fit", STEPS)
def test_equal_probabilities_tie_whatever_the_other_classes_have(fit: Any) -> None:
    probs = [[0.3, 0.2, 0.5], [0.3, 0.6, 0.1], [0.3, 0.35, 0.35], [0.7, 0.2, 0.1]]
    given = Predictions.from_probs(probs, [0, 1, 2, 0])
    assert len(np.unique(class_log_odds(given)[:, 0])) == 2
    fitted = fit(given)
    assert len(np.unique(np.searchsorted(fitted.edges[0], class_log_odds(given)[:3, 0]))) == 1


@pytest.mark.parametrize("fit", STEPS)
def test_what_they_cannot_do_is_refused_in_words(fit: Any) -> None:
    fitted = fit(data(50, 3))
    with pytest.raises(InputError, match="was fitted to 3 classes, these predictions have 4"):
        fitted.transform(data(50, 4))
    with pytest.raises(InputError, match="Predictions are needed here, got list"):
        fit([[0.5, 0.5]])
    for method in (HistogramBinning.fit, IsotonicCalibration.fit, BayesianBinning.fit):
        with pytest.raises(InputError, match="takes no soft targets"):
            method(data(5, 3), targets=np.full((5, 3), 1 / 3))


def test_log_odds_stay_apart_where_probabilities_saturate() -> None:
    logits = np.array([[50.0, 0.0, 0.0], [60.0, 0.0, 0.0], [0.0, -np.inf, -np.inf], [1.0, 1.0, 1.0]])
    log_odds = class_log_odds(Predictions.from_logits(logits, [0, 0, 0, 0]))
    np.testing.assert_allclose(log_odds[:, 0], [50 - np.log(2), 60 - np.log(2), np.inf, -np.log(2)], rtol=1e-14)
    np.testing.assert_allclose(log_odds[[0, 2], 1], [-50, -np.inf], rtol=1e-14)


def test_rounding_moves_no_tie_across_a_limit_between_bins() -> None:
    for n in range(1, 80):
        middle = middle_ranks(np.full(n, 0.7))
        for n_bins in range(1, 25):
            bins = [(2 * i + 1) * n_bins // (2 * n) for i in range(n)]  # in whole numbers
            expected = [i for i in range(n) if i == 0 or bins[i] != bins[i - 1]]
            assert equal_mass_starts(middle, n_bins).tolist() == expected


@pytest.mark.parametrize("n_bins", [1, 3, 10, 15])
@pytest.mark.parametrize("binning", ["equal-mass", "equal-width"])
def test_new_probabilities_are_the_shares_of_the_bins_of_a_loop(n_bins: int, binning: Any) -> None:
    probs = np.random.default_rng(0).integers(0, 21, size=90) / 20  # ties, ends, and values on edges
    labels = (np.random.default_rng(1).random(90) < probs).astype(int)
    given = Predictions.from_probs(np.stack([1 - probs, probs], axis=1), labels)
    if binning == "equal-mass":
        bins = references.equal_mass_bins(probs.tolist(), n_bins)
    else:
        bins = [references.equal_width_bin(value, n_bins) for value in probs.tolist()]
    expected = [np.mean([labels[j] for j in range(90) if bins[j] == b]) for b in bins]
    fitted = HistogramBinning.fit(given, n_bins=n_bins, binning=binning)
    np.testing.assert_allclose(fitted.transform(given).values[:, 1], expected, rtol=1e-12)


def test_by_hand_three_classes_are_counted_one_by_one_and_divided_by_their_sum() -> None:
    probs = [[0.9, 0.05, 0.05], [0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.2, 0.7]]
    given = Predictions.from_probs(probs, [0, 1, 1, 2])
    fitted = HistogramBinning.fit(given, n_bins=2)
    # class 0: .1 .2 | .8 .9 -> 0, 1/2; class 1: .05 .1 | .2 .7 -> 1/2, 1/2; class 2: .05 | .1 .1 .7 -> 0, 1/3
    expected = np.array([[1 / 2, 1 / 2, 0], [3 / 8, 3 / 8, 1 / 4], [0, 0.6, 0.4], [0, 0.6, 0.4]])
    np.testing.assert_allclose(fitted.transform(given).values, expected)


def test_an_empty_bin_of_equal_width_keeps_its_mid_point() -> None:
    fitted = HistogramBinning.fit(Predictions.from_probs([0.1, 0.9], [0, 1]), n_bins=4, binning="equal-width")
    np.testing.assert_array_equal(fitted.values[0], [0, 0.375, 0.625, 1])
    np.testing.assert_allclose(expit(fitted.edges[0]), [0.25, 0.5, 0.75])


def test_unknown_options_are_refused() -> None:
    with pytest.raises(InputError, match="binning must be equal-width or equal-mass, got 'quantile'"):
        HistogramBinning.fit(data(), binning="quantile")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="n_bins must be a whole number"):
        HistogramBinning.fit(data(), n_bins=0)


@pytest.mark.parametrize(
    ("edges", "values", "n_classes"),
    [
        ((), (), 2),
        ((np.zeros(1),), (np.zeros(2),), 3),
        ((np.zeros(1),), (np.zeros(3),), 2),
        ((np.array([1.0, 0.0]),), (np.zeros(3),), 2),
        ((np.zeros(1),), (np.array([0.5, 1.5]),), 2),
        ((np.zeros(1),), (np.array([0.5, np.nan]),), 2),
        ((np.zeros((1, 1)),), (np.zeros(2),), 2),
    ],
)
def test_steps_that_are_none_are_refused(edges: Any, values: Any, n_classes: int) -> None:
    for method in (HistogramBinning, IsotonicCalibration, BayesianBinning):
        with pytest.raises(InputError, match="step function"):
            method(edges, values, n_classes)
