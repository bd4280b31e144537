"""Bayesian binning against a loop with factorial-like sums, evidence by hand, and its limits."""

import math

import numpy as np
import pytest

import calib
from calib.calibrators.bbq import BayesianBinning
from calib.errors import InputError
from calib.predictions import Predictions

from .. import references
from ..references import sample


def reference(scores: list[float], labels: list[int]) -> list[float]:
    """The averaged rate of every row: log-gamma scores of all distinct binnings, weights by a plain softmax."""
    n = len(scores)
    distinct = sorted(set(scores))
    binnings: list[list[int]] = []
    for b in range(max(1, int(n ** (1 / 3) / 10)), math.ceil(10 * round(n ** (1 / 3), 9)) + 1):
        raw = references.equal_mass_bins(scores, b)
        names = {name: i for i, name in enumerate(sorted(set(raw)))}
        bins = [names[name] for name in raw]
        if bins not in binnings:
            binnings.append(bins)

    def limit(upper: float) -> float:
        at = distinct.index(upper)
        logits = [math.log(value / (1 - value)) for value in (distinct[at - 1], upper)]
        return 1 / (1 + math.exp(-sum(logits) / 2))

    evidence, rates = [], []
    for bins in binnings:
        total, rate = 0.0, {}
        count = max(bins) + 1
        lowest = [min(s for s, i in zip(scores, bins, strict=True) if i == b) for b in range(count)]
        limits = [0.0, *(limit(value) for value in lowest[1:]), 1.0]
        for b in range(count):
            inside = [y for y, i in zip(labels, bins, strict=True) if i == b]
            alpha = limits[b] + limits[b + 1]
            beta = 2 - alpha
            right, wrong = sum(inside), len(inside) - sum(inside)
            total += math.lgamma(2) - math.lgamma(len(inside) + 2)
            total += math.lgamma(right + alpha) - math.lgamma(alpha) + math.lgamma(wrong + beta) - math.lgamma(beta)
            rate[b] = (right + alpha) / (len(inside) + 2)
        evidence.append(total)
        rates.append([rate[i] for i in bins])
    weights = references.softmax(evidence)
    return [math.fsum(w * row[j] for w, row in zip(weights, rates, strict=True)) for j in range(n)]


@pytest.mark.parametrize("n", [1, 2, 7, 64])
def test_the_average_is_that_of_a_loop_over_binnings(n: int) -> None:
    rng = np.random.default_rng(n)
    probs = np.round(rng.uniform(0.05, 0.94, size=n), 1 if n == 7 else 2)
    labels = (rng.random(n) < probs**2).astype(int)
    given = Predictions.from_probs(probs, labels)
    after = BayesianBinning.fit(given).transform(given).values[:, 1]
    np.testing.assert_allclose(after, reference(probs.tolist(), labels.tolist()), rtol=1e-10)


def test_by_hand_one_bin_against_two() -> None:
    # one bin: prior (1, 1), 2 of 4 right: 2! 2! / 5! = 1/30.  Two, cut at 1/2: priors (1/2, 3/2) and (3/2, 1/2),
    # 0 and 2 of 2 right: each Γ(7/2) Γ(2) / (Γ(3/2) Γ(4)) = 5/8
    given = Predictions.from_probs([0.2, 0.2, 0.8, 0.8], [0, 0, 1, 1])
    weight = (25 / 64) / (25 / 64 + 1 / 30)
    low = weight * (0.5 / 4) + (1 - weight) * 0.5
    np.testing.assert_allclose(BayesianBinning.fit(given).values[0], [low, 1 - low], rtol=1e-12)


def test_no_probability_becomes_zero_or_one_so_nll_stays_finite() -> None:
    split, test = (Predictions.from_logits(*sample(400, 5, seed=seed)) for seed in (1, 2))
    after = BayesianBinning.fit(split).transform(test)
    assert 0 < after.values.min() < after.values.max() < 1
    assert math.isfinite(calib.nll(after))


def test_probabilities_of_zero_and_one_are_binned_too() -> None:
    given = Predictions.from_probs([0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0], [0, 0, 1, 1, 1, 1, 1])
    after = BayesianBinning.fit(given).transform(given).values[:, 1]
    assert 0 < after[0] < 0.5 < after[-1] < 1


def test_bins_beyond_the_saturation_of_probabilities_are_bins_too() -> None:
    scores = np.repeat([-1000.0, 0.0, 50.0, 60.0, 1000.0], 40)
    labels = np.arange(200) % 40 < np.repeat([0, 0, 20, 40, 40], 40)
    given = Predictions.from_logits(np.stack([0 * scores, scores], axis=1), labels)
    after = BayesianBinning.fit(given).transform(given).values[:, 1]
    assert ((after > 0) & (after < 1)).all()
    assert after[80] == pytest.approx(0.5, abs=0.05)


def test_much_data_picks_the_binning_that_explains_it() -> None:
    probs = np.repeat([0.2, 0.8], 500)
    labels = np.concatenate([np.arange(500) < 200, np.arange(500) < 300]).astype(int)
    values = BayesianBinning.fit(Predictions.from_probs(probs, labels)).values[0]
    np.testing.assert_allclose(values, [200.5 / 502, 301.5 / 502], atol=1e-3)


def test_weights_are_refused_in_words() -> None:
    with pytest.raises(InputError, match="Bayesian binning takes no sample weights, its likelihood counts rows"):
        BayesianBinning.fit(Predictions.from_probs([0.2, 0.8], [0, 1], sample_weight=[1, 2]))
