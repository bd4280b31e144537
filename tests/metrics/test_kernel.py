"""SKCE and KDE-ECE against the papers' formulas pair by pair, analytic cases, and the bugs of published code."""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

from calib.errors import InputError
from calib.metrics import kernel
from calib.metrics.kernel import kde_ece, skce
from calib.predictions import Predictions

from .. import references
from ..references import sample

quiet = settings(deadline=None, derandomize=True, max_examples=40)

C8 = [0.51, 0.55, 0.61, 0.66, 0.68, 0.71, 0.81, 0.85]
A8 = [0, 1, 1, 1, 0, 0, 1, 1]


def distance(p: Sequence[float], q: Sequence[float]) -> float:
    return math.fsum(abs(a - b) for a, b in zip(p, q, strict=True)) / 2


def pair_term(p: Sequence[float], y: int, q: Sequence[float], z: int, width: float) -> float:
    """Widmann et al. (2019), h of two examples: k less its mean over Z ~ p, less that over Z' ~ q, plus that over both.

    The kernel k((p, y), (q, z)) = exp(−TV(p, q) / width) · [y = z].
    """

    def k(first: int, second: int) -> float:
        return math.exp(-distance(p, q) / width) * (first == second)

    classes = range(len(p))
    over_first = math.fsum(p[i] * k(i, z) for i in classes)
    over_second = math.fsum(q[j] * k(y, j) for j in classes)
    over_both = math.fsum(p[i] * q[j] * k(i, j) for i in classes for j in classes)
    return k(y, z) - over_first - over_second + over_both


def all_pairs(probs: Any, labels: Any, width: float) -> float:
    rows = list(zip(np.asarray(probs).tolist(), np.asarray(labels).tolist(), strict=True))
    terms = [pair_term(p, y, q, z, width) for (p, y), (q, z) in itertools.combinations(rows, 2)]
    return math.fsum(terms) / len(terms)


def pairs(n: int, seed: int) -> tuple[list[float], list[int]]:
    rng = np.random.default_rng(seed)
    confidence = rng.beta(3, 1, n)
    return confidence.tolist(), (rng.random(n) < 0.1 + 0.85 * confidence).astype(int).tolist()


# --- SKCE ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "k"), [(2, 2), (9, 3), (30, 5)])
@pytest.mark.parametrize("width", [0.05, 0.3, 2.0])
def test_skce_is_the_mean_of_h_over_all_pairs(n: int, k: int, width: float) -> None:
    logits, labels = sample(n, k, seed=n, true_temperature=1.1)
    expected = all_pairs(references.softmax_rows(logits), labels, width)
    assert skce(Predictions.from_logits(logits, labels), bandwidth=width) == pytest.approx(expected, abs=1e-14)


def test_the_default_width_is_the_median_distance_of_different_predictions() -> None:
    logits, labels = sample(25, 3, seed=1)
    logits[:10] = logits[0]
    probs = references.softmax_rows(logits)
    apart = [d for p, q in itertools.combinations(probs, 2) if (d := distance(p, q)) > 0]
    assert skce(probs, labels) == pytest.approx(all_pairs(probs, labels, float(np.median(apart))), abs=1e-13)


def test_the_width_comes_from_a_sample_where_there_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "MEDIAN_OF", 20)
    logits, labels = sample(40, 3, seed=2)
    probs = np.array(references.softmax_rows(logits))
    some = probs[np.random.default_rng(7).choice(40, 20, replace=False)].tolist()
    width = float(np.median([distance(p, q) for p, q in itertools.combinations(some, 2)]))
    assert skce(probs, labels, seed=7) == pytest.approx(all_pairs(probs, labels, width), abs=1e-13)


@pytest.mark.parametrize("size", [2, 3, 7, 64, 70])
def test_blocks_are_the_pairs_inside_them_and_what_is_left_over_is_left_out(size: int) -> None:
    n = 150
    logits, labels = sample(n, 3, seed=3)
    probs = np.array(references.softmax_rows(logits))
    order = np.random.default_rng(5).permutation(n)
    blocks = [order[i : i + size] for i in range(0, n - size + 1, size)]
    expected = np.mean([all_pairs(probs[block], labels[block], 0.4) for block in blocks])
    got = skce(Predictions.from_logits(logits, labels), block_size=size, bandwidth=0.4, seed=5)
    assert got == pytest.approx(expected, abs=1e-13)


def test_one_block_is_all_pairs() -> None:
    probs, labels = [[0.8, 0.2], [0.3, 0.7], [0.6, 0.4]], [0, 0, 1]
    assert skce(probs, labels, block_size=3) == skce(probs, labels)


@pytest.mark.parametrize("entries", [64, 1000])
def test_the_cut_into_tiles_does_not_matter(entries: int, monkeypatch: pytest.MonkeyPatch) -> None:
    predictions = Predictions.from_logits(*sample(120, 4, seed=4))
    whole = skce(predictions, bandwidth=0.3), skce(predictions, bandwidth=0.3, block_size=10)
    monkeypatch.setattr("calib._arrays.BLOCK_ENTRIES", entries)
    monkeypatch.setattr(kernel, "BLOCK_ENTRIES", entries)
    cut = skce(predictions, bandwidth=0.3), skce(predictions, bandwidth=0.3, block_size=10)
    assert cut == pytest.approx(whole, abs=1e-14)


def dirichlet_model(n: int, m: int, wrong: float, rng: np.random.Generator) -> tuple[Any, Any]:
    """Predictions ~ Dir(.1, …); with probability ``wrong`` the label is class 0, else it follows the prediction."""
    probs = rng.dirichlet(np.full(m, 0.1), n)
    probs /= probs.sum(axis=1, keepdims=True)
    labels = np.array([rng.choice(m, p=row) for row in probs])
    return probs, np.where(rng.random(n) < wrong, 0, labels)


@pytest.mark.parametrize("block_size", [None, 10])
def test_skce_is_zero_on_average_for_a_calibrated_model_and_positive_for_another(block_size: int | None) -> None:
    rng = np.random.default_rng(0)
    calibrated = [skce(*dirichlet_model(50, 10, 0.0, rng), block_size=block_size) for _ in range(150)]
    assert abs(np.mean(calibrated)) < 3.5 * np.std(calibrated) / math.sqrt(150)
    assert min(calibrated) < 0 < max(calibrated)
    assert all(skce(*dirichlet_model(300, 10, 0.5, rng), block_size=block_size) > 0.02 for _ in range(3))


def test_blocks_estimate_without_bias_what_all_pairs_do() -> None:
    probs, labels = dirichlet_model(100, 4, 0.3, np.random.default_rng(1))
    blocks = [skce(probs, labels, block_size=10, bandwidth=0.5, seed=seed) for seed in range(200)]
    spread = np.std(blocks) / math.sqrt(200)
    assert abs(np.mean(blocks) - skce(probs, labels, bandwidth=0.5)) < 4 * spread


@pytest.mark.parametrize("beta", [0.5, 3.0])
def test_a_carried_temperature_counts(beta: float) -> None:
    logits, labels = sample(40, 3)
    carried = replace(Predictions.from_logits(logits, labels), beta=beta)
    assert skce(carried) == pytest.approx(skce(references.softmax_rows(logits, 1 / beta), labels), abs=1e-13)
    of_probs = replace(Predictions.from_probs(references.softmax_rows(logits), labels), beta=np.full(40, beta))
    assert skce(of_probs, block_size=20, bandwidth=0.3) == pytest.approx(
        skce(carried, block_size=20, bandwidth=0.3), abs=1e-13
    )


def test_certain_predictions_are_exact_whether_right_or_wrong() -> None:
    assert skce(np.eye(3), [0, 1, 2]) == 0
    assert skce([[1.0, 0.0], [1.0, 0.0]], [0, 0]) == 0
    assert skce([[1.0, 0.0], [1.0, 0.0]], [1, 1]) == 2  # the same surprise (−1, 1) twice
    assert skce([[1.0, 0.0], [0.0, 1.0]], [1, 0], bandwidth=1e6) == pytest.approx(-2, abs=1e-5)


def test_equal_predictions_everywhere_have_a_width_too() -> None:
    # surprises (.5, −.5), (.5, −.5), (−.5, .5): of three pairs one is alike
    assert skce([[0.5, 0.5]] * 3, [0, 0, 1]) == pytest.approx((0.5 - 0.5 - 0.5) / 3, abs=1e-15)


def test_the_order_of_rows_does_not_matter_to_all_pairs() -> None:
    predictions = Predictions.from_logits(*sample(60, 4, seed=6))
    shuffled = predictions[np.random.default_rng(0).permutation(60)]
    assert skce(shuffled) == pytest.approx(skce(predictions), abs=1e-14)


def test_a_seed_repeats_and_another_differs() -> None:
    predictions = Predictions.from_logits(*sample(60, 4, seed=6))
    assert skce(predictions, block_size=5, seed=1) == skce(predictions, block_size=5, seed=1)
    assert skce(predictions, block_size=5, seed=1) != skce(predictions, block_size=5, seed=2)


def test_too_many_pairs_are_refused_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "MAX_ALL_PAIRS", 10)
    predictions = Predictions.from_logits(*sample(11, 3))
    with pytest.raises(InputError, match="all pairs of 11 examples are too many, at most 10") as caught:
        skce(predictions)
    assert "block_size" in caught.value.help
    assert math.isfinite(skce(predictions, block_size=2))


@pytest.mark.parametrize("options", [{"block_size": 1}, {"block_size": 4}, {"block_size": 2.0}, {"block_size": True}])
def test_block_sizes_that_are_none_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="block_size must be a whole number from 2 to 3"):
        skce([[0.5, 0.5]] * 3, [0, 0, 1], **options)


@pytest.mark.parametrize("bandwidth", [0, -1, math.nan, math.inf, "1", True])
@pytest.mark.parametrize("metric", [skce, kde_ece])
def test_bandwidths_that_are_none_are_refused(metric: Callable[..., float], bandwidth: Any) -> None:
    with pytest.raises(InputError, match="bandwidth must be a number"):
        metric([[0.5, 0.5]] * 3, [0, 0, 1], bandwidth=bandwidth)


@pytest.mark.parametrize("metric", [skce, kde_ece])
def test_one_example_and_sample_weights_are_refused(metric: Callable[..., float]) -> None:
    with pytest.raises(InputError, match="compares examples, got 1"):
        metric([[0.5, 0.5]], [0])
    weighted = Predictions.from_probs([[0.5, 0.5]] * 2, [0, 1], sample_weight=[1, 2])
    with pytest.raises(InputError, match="takes no sample weights"):
        metric(weighted)


def test_a_bad_row_is_named_as_it_was_given() -> None:
    probs = np.full((30, 2), 0.5)
    probs[17, 0] = np.nan
    with pytest.raises(InputError, match="row 17 column 0"):
        skce(probs, [0] * 30, block_size=4)


# --- KDE-ECE ------------------------------------------------------------------------------------------------------
