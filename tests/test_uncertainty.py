"""The null distribution of ECE against direct simulation and published means."""

from typing import Any

import numpy as np
import pytest

import calib
from calib.binning import bin_index, equal_width_edges
from calib.errors import InputError

from .references import rows_of_confidence, sample


def predictions_of(confidence: Any, k: int = 2) -> calib.Predictions:
    return calib.Predictions.from_probs(*rows_of_confidence(confidence, np.ones(len(confidence)), k))


def bernoulli_ece(confidence: Any, n_bins: int, resamples: int, seed: int) -> Any:
    """ECE of data sets whose correctness is one coin a row: the definition, without shortcuts."""
    rng = np.random.default_rng(seed)
    index = bin_index(confidence, equal_width_edges(n_bins))
    draws = np.empty(resamples)
    for i in range(resamples):
        residual = (rng.random(len(confidence)) < confidence) - confidence
        draws[i] = np.abs(np.bincount(index, weights=residual)).sum() / len(confidence)
    return draws


def uniform(low: float) -> Any:
    return lambda rng, n: rng.uniform(low, 1, n)


@pytest.mark.parametrize(
    ("draw", "k", "n", "mean"),
    [
        (uniform(0.002), 1000, 200, 0.0866),  # a thousand classes allow confidences from 0.002 up
        (uniform(0.002), 1000, 1000, 0.0392),
        (uniform(0.5), 2, 200, 0.0627),
        (uniform(0.5), 2, 1000, 0.0282),
        (uniform(0.5), 2, 10_000, 0.0089),
        (lambda rng, n: rng.beta(5, 1, n).clip(0.11), 10, 200, 0.0598),
        (lambda rng, n: rng.beta(5, 1, n).clip(0.11), 10, 1000, 0.0268),
        (lambda rng, n: rng.beta(5, 1, n).clip(0.11), 10, 10_000, 0.0084),
    ],
)
def test_the_mean_is_the_published_bias_of_perfect_calibration(draw: Any, k: int, n: int, mean: float) -> None:
    rng = np.random.default_rng(n)
    samples = 16
    means = [calib.ece_null(predictions_of(draw(rng, n), k), resamples=200, seed=i).mean() for i in range(samples)]
    error = np.std(means, ddof=1) / np.sqrt(samples) + 0.00005 + 0.002 * mean  # ours, rounding, and the source's own
    assert np.mean(means) == pytest.approx(mean, abs=4 * error)
    assert error < 0.02 * mean


@pytest.mark.parametrize("n_bins", [1, 10, 15])
@pytest.mark.parametrize("scale", [0.5, 4.0])
def test_draws_are_distributed_like_one_coin_a_row(n_bins: int, scale: float) -> None:
    predictions = calib.Predictions.from_logits(*sample(300, 4, scale=scale))
    got = calib.ece_null(predictions, n_bins=n_bins, resamples=4000, seed=1)
    want = bernoulli_ece(predictions.outcomes.confidence, n_bins, 4000, seed=2)
    error = np.sqrt((got.var() + want.var()) / 4000)
    assert got.mean() == pytest.approx(want.mean(), abs=4 * error)
    assert got.std() == pytest.approx(want.std(), rel=0.06)
    assert np.quantile(got, 0.95) == pytest.approx(np.quantile(want, 0.95), rel=0.05)


def test_one_hand_worked_expectation() -> None:
    # four rows at 3/4: |Binomial(4, 3/4) − 3| / 4 has mean (3·1 + 2·12 + 1·54 + 1·81) / 4⁵
    null = calib.ece_null([[0.75, 0.25]] * 4, [0, 0, 0, 1], resamples=20_000)
    assert null.mean() == pytest.approx((3 + 24 + 54 + 81) / 4**5, abs=4 * null.std() / np.sqrt(20_000))
    assert set(null.tolist()) <= {0.0, 0.25, 0.5, 0.75}


def test_certain_predictions_have_no_sampling_noise() -> None:
    assert (calib.ece_null(np.eye(3), [0, 1, 1]) == 0).all()


def test_one_seed_gives_one_array_and_another_another() -> None:
    predictions = calib.Predictions.from_logits(*sample(100, 3))
    first = calib.ece_null(predictions, resamples=50, seed=5)
    assert first.shape == (50,)
    np.testing.assert_array_equal(first, calib.ece_null(predictions, resamples=50, seed=5))
    assert not np.array_equal(first, calib.ece_null(predictions, resamples=50, seed=6))


def test_global_random_state_is_neither_read_nor_set() -> None:
    predictions = calib.Predictions.from_logits(*sample(100, 3))
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # type: ignore[index]  # noqa: NPY002
    first = calib.ece_null(predictions, resamples=5)
    assert np.array_equal(before, np.random.get_state()[1])  # type: ignore[index]  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    np.testing.assert_array_equal(first, calib.ece_null(predictions, resamples=5))


def test_labels_play_no_part_under_the_null() -> None:
    logits, labels = sample(100, 3)
    right = calib.ece_null(calib.Predictions.from_logits(logits, labels), resamples=20)
    wrong = calib.ece_null(calib.Predictions.from_logits(logits, (labels + 1) % 3), resamples=20)
    np.testing.assert_array_equal(right, wrong)


def test_ece_of_a_calibrated_model_falls_below_the_95_percent_quantile_95_times_in_100() -> None:
    below = 0
    for seed in range(200):
        predictions = calib.Predictions.from_logits(*sample(200, 3, true_temperature=1.0, seed=seed))
        below += int(calib.ece(predictions) <= np.quantile(calib.ece_null(predictions, resamples=200), 0.95))
    assert 178 <= below <= 199  # binomial, ± 4 sd


@pytest.mark.parametrize("n_bins", [-1, 2.0, "15", True, None])
def test_a_number_of_bins_that_is_none_is_refused_as_it_was_given(n_bins: Any) -> None:
    with pytest.raises(InputError, match=f"n_bins must be a whole number from 1 to 10,000, got {n_bins!r}$"):
        calib.ece_null([[0.9, 0.1]], [0], n_bins=n_bins)


@pytest.mark.parametrize("seed", [None, -1, 1.5, "x"])
def test_what_is_no_seed_is_refused(seed: Any) -> None:
    with pytest.raises(InputError, match="a seed must be a whole number of at least 0"):
        calib.ece_null([[0.75, 0.25]] * 4, [0, 0, 0, 1], seed=seed)


def test_more_bins_than_a_fine_grid_can_be_named_for_still_work() -> None:
    predictions = calib.Predictions.from_logits(*sample(300, 3))
    assert calib.ece_null(predictions, n_bins=100, resamples=20).mean() > calib.ece_null(predictions).mean()


def test_the_normal_limit_is_what_binomials_give() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.5, 1, 3000)  # variances a bin from 12 to 60: some bins of either kind
    outcomes = calib.Outcomes.from_confidence(confidence, np.ones(3000))
    got = calib.ece_null(outcomes, resamples=15_000, seed=3)
    want = bernoulli_ece(confidence, 15, 15_000, seed=4)
    assert got.mean() == pytest.approx(want.mean(), rel=0.01)
    for quantile in (0.05, 0.5, 0.95):
        assert np.quantile(got, quantile) == pytest.approx(np.quantile(want, quantile), rel=0.03)


def test_consistency_intervals_hold_the_accuracies_of_calibrated_models_95_times_in_100() -> None:
    rng = np.random.default_rng(1)
    confidence = np.concatenate([rng.uniform(0, 1, 900), np.full(100, 0.05)])
    inside, held = 0, 0
    low, high = calib.consistency_interval(calib.Outcomes.from_confidence(confidence, np.ones(1000)), n_bins=10)
    for _ in range(300):
        outcomes = calib.Outcomes.from_confidence(confidence, rng.random(1000) < confidence)
        accuracy = calib.calibration_curve(outcomes, n_bins=10).accuracy
        inside += int(((accuracy >= low) & (accuracy <= high)).sum())
        held += 10
    assert 0.94 < inside / held < 0.98  # counts are whole, so intervals that hold 95 % hold a little more


def test_a_consistency_interval_is_around_the_diagonal_and_missing_where_a_bin_is_empty() -> None:
    outcomes = calib.Outcomes.from_confidence(np.full(400, 0.75), np.zeros(400))
    low, high = calib.consistency_interval(outcomes, n_bins=4)
    assert np.isnan(low).tolist() == np.isnan(high).tolist() == [True, True, False, True]
    assert (low[2] + high[2]) / 2 == pytest.approx(0.75, abs=0.01)
    assert high[2] - low[2] == pytest.approx(2 * 1.96 * np.sqrt(0.75 * 0.25 / 400), rel=0.1)
    with pytest.raises(InputError, match="level must lie between 0 and 1"):
        calib.consistency_interval(outcomes, level=95)


@pytest.mark.parametrize("n", [30, 3000])
def test_the_null_of_weighted_examples_is_that_of_drawn_labels(n: int) -> None:
    rng = np.random.default_rng(0)
    confidence, weight = rng.uniform(0.3, 1, n), rng.exponential(size=n) ** 2
    got = calib.ece_null(log(confidence, np.ones(n), weight), resamples=4000)
    bins = np.minimum((confidence * 15 - 1e-12).astype(int), 14)
    member = np.eye(15)[bins] * weight[:, None] / weight.sum()
    draws = np.abs((confidence - (rng.random((4000, n)) < confidence)) @ member).sum(axis=1)
    assert got.mean() == pytest.approx(draws.mean(), rel=0.03)
    assert np.quantile(got, 0.95) == pytest.approx(np.quantile(draws, 0.95), rel=0.06)


def test_for_the_null_the_scale_of_weights_is_nothing_and_weight_zero_is_absence() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.3, 1, 200)
    plain = calib.ece_null(log(confidence, np.ones(200)), resamples=50)
    np.testing.assert_allclose(calib.ece_null(log(confidence, np.ones(200), np.full(200, 7.0)), resamples=50), plain)
    half = np.repeat([1.0, 0.0], 100)
    np.testing.assert_allclose(
        calib.ece_null(log(confidence, np.ones(200), half), resamples=50),
        calib.ece_null(log(confidence[:100], np.ones(100)), resamples=50),
    )
    low, high = calib.consistency_interval(log(confidence, np.ones(200), half))
    again = calib.consistency_interval(log(confidence[:100], np.ones(100)))
    np.testing.assert_allclose((low, high), again, equal_nan=True)


def log(confidence: Any, correct: Any, weight: Any = None) -> calib.Outcomes:
    return calib.Outcomes.from_confidence(confidence, correct, sample_weight=weight)
