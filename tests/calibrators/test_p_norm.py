"""MaxLogit p-norm: the score by a loop, the choice of p by AURC, and what it leaves as it was."""

from typing import Any

import numpy as np
import pytest

import calib
from calib.calibrators.p_norm import MaxLogitPNorm
from calib.errors import InputError
from calib.predictions import Predictions

from ..references import sample


def broken(n: int, k: int, seed: int = 0) -> Predictions:
    """Rows whose logits are larger by a factor that says nothing about the label: softmax confidence is misled."""
    logits, labels = sample(n, k, true_temperature=2.0, seed=seed)
    return Predictions.from_logits(logits * np.exp(np.random.default_rng(seed).normal(size=(n, 1))), labels)


def reference(row: list[float], p: float) -> float:
    mean = sum(row) / len(row)
    centred = [value - mean for value in row]
    norm = 1.0 if p == 0 else sum(abs(value) ** p for value in centred) ** (1 / p)
    return max(centred) / norm


def aurc(score: list[float], correct: list[bool]) -> float:
    """The mean over coverages of the share of errors, for scores without ties."""
    order = sorted(range(len(score)), key=lambda i: -score[i])
    errors, total = 0, 0.0
    for answered, i in enumerate(order, 1):
        errors += not correct[i]
        total += errors / answered
    return total / len(score)


@pytest.mark.parametrize("p", [0, 0.5, 1, 2, 3, 10])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_score_is_that_of_a_loop(p: float, dtype: Any) -> None:
    logits = sample(30, 5)[0].astype(dtype)
    score = MaxLogitPNorm(p).score(Predictions.from_logits(logits, np.zeros(30, int)))
    np.testing.assert_allclose(score, [reference(row, p) for row in logits.astype(float).tolist()], atol=1e-12)


def test_by_hand() -> None:
    given = Predictions.from_logits([[4.0, 1.0, 1.0], [7.0, 7.0, 7.0]], [0, 0])  # centred 2, −1, −1 and zeros
    for p, expected in ((0, 2), (1, 0.5), (2, 2 / np.sqrt(6)), (4, 2 / 18**0.25)):
        np.testing.assert_allclose(MaxLogitPNorm(p).score(given), [expected, 0], rtol=1e-12)


def test_p_is_the_one_with_the_lowest_aurc_of_a_loop() -> None:
    given = broken(150, 4)
    correct = (given.values.argmax(axis=1) == given.labels).tolist()
    areas = {p: aurc([reference(row, p) for row in given.values.tolist()], correct) for p in range(11)}
    fitted = MaxLogitPNorm.fit(given)
    assert fitted.p == min(areas, key=lambda p: areas[p])
    assert fitted.aurc_after == pytest.approx(areas[int(fitted.p)], rel=1e-12)
    assert fitted.aurc_before == calib.aurc(given)
    assert fitted.aurc_after == calib.aurc(fitted.rank(given))


def test_held_out_ranking_improves_where_scale_misleads_softmax() -> None:
    split, test = broken(2000, 5, 1), broken(2000, 5, 2)
    ranked = MaxLogitPNorm.fit(split).rank(test)
    assert calib.aurc(ranked) < calib.aurc(test) - 0.01
    assert calib.auroc(ranked) > calib.auroc(test) + 0.02


def test_softmax_confidence_stays_where_nothing_is_better() -> None:
    given = Predictions.from_logits(*sample(3000, 6, scale=4.0, true_temperature=1.0))
    fitted = MaxLogitPNorm.fit(given)
    assert fitted.p is None
    assert fitted.aurc_before == fitted.aurc_after
    np.testing.assert_array_equal(fitted.score(given), given.outcomes.log_odds)
    assert calib.aurc(fitted.rank(given)) == calib.aurc(given)


def test_of_two_classes_there_is_nothing_to_gain_and_rounding_gains_nothing() -> None:
    given = broken(500, 2)
    assert MaxLogitPNorm.fit(given).p is None
    assert calib.aurc(MaxLogitPNorm(0).rank(given)) == pytest.approx(calib.aurc(given), abs=1e-12)
    for p in (1, 2, 7):
        assert len(np.unique(MaxLogitPNorm(p).score(given))) == 1


def test_of_p_one_all_rows_with_one_logit_above_the_mean_tie() -> None:
    logits = np.clip(sample(200, 3)[0], -1, 1)
    logits[:, 0] = 5.0
    assert np.unique(MaxLogitPNorm(1).score(Predictions.from_logits(logits, np.zeros(200, int)))).tolist() == [0.5]


def test_ranking_touches_neither_confidence_nor_losses_nor_the_outcomes_it_came_from() -> None:
    given = broken(50, 4)
    before = given.outcomes.log_odds.copy()
    ranked = MaxLogitPNorm(2).rank(given)
    for column in ("confidence", "correct", "nll", "brier", "predicted"):
        np.testing.assert_array_equal(getattr(ranked, column), getattr(given.outcomes, column))
    np.testing.assert_array_equal(ranked.score, MaxLogitPNorm(2).score(given))
    np.testing.assert_array_equal(given.outcomes.score, before)
    assert calib.ece(ranked) == calib.ece(given)


@pytest.mark.parametrize("p", [1, 2, 10])
def test_neither_a_shift_nor_a_scale_of_a_row_changes_its_score(p: float) -> None:
    logits = sample(40, 5)[0]
    factor = 10.0 ** np.linspace(-150, 150, 40)[:, None]
    for other in (logits + 7, logits * factor):
        one, two = (MaxLogitPNorm(p).score(Predictions.from_logits(z, np.zeros(40, int))) for z in (logits, other))
        np.testing.assert_allclose(two, one, rtol=1e-10)


def test_probabilities_are_read_through_their_logarithms() -> None:
    given = broken(50, 4)
    probs = np.exp(given.values - given.values.max(axis=1, keepdims=True))
    probs /= probs.sum(axis=1, keepdims=True)
    score = MaxLogitPNorm(3).score(Predictions.from_probs(probs, given.labels))
    np.testing.assert_allclose(score, MaxLogitPNorm(3).score(given), rtol=1e-9)


def test_the_order_of_rows_and_the_names_of_classes_do_not_matter() -> None:
    given, order = broken(200, 4), np.array([2, 0, 3, 1])
    permuted = Predictions.from_logits(given.values[:, order], np.argsort(order)[given.labels])
    fitted = MaxLogitPNorm.fit(given)
    for other in (MaxLogitPNorm.fit(permuted), MaxLogitPNorm.fit(given[::-1])):
        assert other.p == fitted.p
        assert other.aurc_after == pytest.approx(fitted.aurc_after, rel=1e-12)


def test_one_row_and_equal_rows_keep_softmax() -> None:
    for n in (1, 5):
        fitted = MaxLogitPNorm.fit(Predictions.from_logits([[3.0, 1.0, 0.0]] * n, [0, 1, 2, 0, 0][:n]))
        assert fitted.p is None


@pytest.mark.parametrize("block_entries", [4, 10**9])
def test_the_first_row_with_a_probability_of_zero_is_named(monkeypatch: pytest.MonkeyPatch, block_entries: int) -> None:
    monkeypatch.setattr("calib._arrays.BLOCK_ENTRIES", block_entries)
    logits = sample(9, 4)[0]
    logits[6, 1] = logits[8, 0] = -np.inf
    with pytest.raises(InputError, match="row 6 holds a logit of −inf"):
        MaxLogitPNorm.fit(Predictions.from_logits(logits, np.zeros(9, int)))


def test_what_it_cannot_do_is_refused_in_words() -> None:
    given = broken(5, 4)
    with pytest.raises(InputError, match="the MaxLogit p-norm takes no soft targets"):
        MaxLogitPNorm.fit(given, targets=np.full((5, 4), 0.25))
    with pytest.raises(InputError, match="the MaxLogit p-norm takes no sample weights"):
        MaxLogitPNorm.fit(Predictions.from_logits(given.values, given.labels, sample_weight=[1, 2, 3, 4, 5]))
    for p in (-1.0, float("inf"), float("nan")):
        with pytest.raises(InputError, match="p must be a number of at least 0"):
            MaxLogitPNorm(p)
