"""T-Cal against the plain statistic, its level on calibrated models, and its power."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from calib.errors import InputError
from calib.metrics.tcal import TCal, t_cal
from calib.outcomes import Outcomes
from calib.predictions import Predictions

from ..references import sample

quiet = settings(deadline=None, derandomize=True, max_examples=40)

MURPHY = ([0.2] * 10 + [0.6] * 10 + [0.9] * 10, [1] * 3 + [0] * 7 + [1] * 5 + [0] * 5 + [1] * 9 + [0])


def plain_statistic(confidence: Any, correct: Any, m: int) -> float:
    """Lee et al. (2023): Σ over bins ((i − 1)/m, i/m], 0 in the first, of ((Σ r)² − Σ r²) / n_bin, over n."""
    bins: dict[int, list[float]] = {}
    for c, a in zip(confidence, correct, strict=True):
        bins.setdefault(max(math.ceil(c * m), 1), []).append(c - a)
    return math.fsum((sum(r) ** 2 - sum(x * x for x in r)) / len(r) for r in bins.values()) / len(confidence)


def calibrated(n: int, seed: int, *, step: float = 0.0) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    confidence = rng.beta(3, 1, n)
    if step:
        confidence = np.round(confidence / step) * step
    return confidence, rng.random(n) < confidence


def run(confidence: Any, correct: Any, **options: Any) -> TCal:
    return t_cal(Outcomes.from_confidence(confidence, correct), **{"n_resamples": 200, **options})


def test_the_statistic_of_murphys_forecasts() -> None:
    result = run(*MURPHY)
    assert result.scales.tolist() == [2, 4, 8, 16, 32, 64, 128, 256]
    # from four bins up each forecast has its own: ((−1)² + 1² + 0² − 10 · Σ mean r²) / 300
    assert result.statistic[1:].tolist() == pytest.approx([-0.0123333333] * 7, abs=1e-10)


@pytest.mark.parametrize("step", [0.0, 0.125, 0.1])
@pytest.mark.parametrize("n", [2, 3, 10, 150])
def test_the_statistic_at_every_scale_is_that_of_the_loop_over_bins(n: int, step: float) -> None:
    confidence, correct = calibrated(n, seed=n, step=step)
    result = run(confidence, correct, n_resamples=1)
    assert len(result.scales) == int(2 * math.log2(n / math.sqrt(math.log(n))))
    assert result.scales.tolist() == [2**i for i in range(1, len(result.scales) + 1)]
    expected = [plain_statistic(confidence, correct, m) for m in result.scales.tolist()]
    np.testing.assert_allclose(result.statistic, expected, rtol=0, atol=1e-12)


def test_the_ends_belong_to_the_first_and_the_last_bin() -> None:
    confidence, correct = [0.0, 0.25, 0.5, 0.5 + 1e-12, 0.9, 1.0], [1, 0, 1, 0, 1, 0]
    result = run(confidence, correct, n_resamples=1)
    at_two = ((-1 + 0.25 - 0.5) ** 2 - 1 - 0.0625 - 0.25 + (0.5 - 0.1 + 1) ** 2 - 0.25 - 0.01 - 1) / 18
    assert result.statistic[0] == pytest.approx(at_two, abs=1e-10)


def test_p_values_count_the_draws_at_least_as_large() -> None:
    confidence, correct = np.array([0.7, 0.7, 0.7, 0.7, 0.4]), np.array([0, 0, 1, 0, 1])
    result = run(confidence, correct, n_resamples=300, seed=3)
    order = np.argsort(confidence, kind="stable")
    draws = np.random.default_rng(3).random((300, 5)) < confidence[order]
    for m, p_value in zip(result.scales.tolist(), result.p_values.tolist(), strict=True):
        own = plain_statistic(confidence, correct, m)
        as_large = sum(plain_statistic(confidence[order], draw, m) >= own - 1e-12 for draw in draws)
        assert p_value == (1 + as_large) / 301
    assert result.p_value == min(1, len(result.scales) * result.p_values.min())


def test_a_calibrated_model_is_rejected_no_more_often_than_the_level_says() -> None:
    rejected = sum(run(*calibrated(60, seed), seed=seed, n_resamples=400).rejects(0.05) for seed in range(150))
    assert rejected <= 14  # of 150 at 5 %: more has a probability below 2 %


def test_the_p_values_of_one_scale_are_those_of_a_test_of_its_own() -> None:
    p_values = [run(*calibrated(60, seed), seed=seed).p_values[0] for seed in range(150)]
    assert 0.4 < np.mean(p_values) < 0.6
    assert 3 <= sum(p <= 0.1 for p in p_values) <= 27


def test_an_overconfident_model_is_rejected_and_so_is_one_whose_errors_cancel() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.random(2000)
    assert run(confidence, rng.random(2000) < confidence**2, n_resamples=500).rejects()
    waves = confidence + 0.15 * np.sign(np.sin(confidence * 16 * np.pi))
    result = run(confidence, rng.random(2000) < np.clip(waves, 0, 1), n_resamples=500)
    assert result.rejects()
    assert result.p_values[0] > 0.01  # two bins are blind to it
    assert result.p_values[3] == result.p_values.min() == 1 / 501


def test_a_certain_model_is_rejected_at_its_first_errors() -> None:
    assert run([1.0] * 20, [1] * 20).p_value == 1
    assert run([1.0] * 20, [1] * 18 + [0] * 2).p_value == pytest.approx(7 / 201)
    assert run([0.0] * 20, [0] * 18 + [1] * 2).rejects()


def test_all_right_and_all_wrong_are_told_from_half_confidence() -> None:
    assert run([0.5] * 40, [1] * 40).rejects()
    assert run([0.5] * 40, [0] * 40).rejects()
    assert not run([0.5] * 40, [0, 1] * 20).rejects()


@quiet
@given(st.integers(2, 60), st.integers(0, 2**31))
def test_the_order_of_rows_does_not_matter_and_p_values_are_probabilities(n: int, seed: int) -> None:
    confidence, correct = calibrated(n, seed, step=0.1)
    order = np.random.default_rng(seed).permutation(n)
    first, second = (run(confidence[rows], correct[rows], n_resamples=20) for rows in (slice(None), order))
    np.testing.assert_allclose(first.statistic, second.statistic, rtol=0, atol=1e-12)
    assert first.p_values.tolist() == second.p_values.tolist()
    assert ((first.p_values > 0) & (first.p_values <= 1)).all()
    assert first.p_values.min() <= first.p_value <= 1


def test_a_seed_repeats_and_another_differs() -> None:
    data = calibrated(100, 0)
    assert run(*data, seed=1).p_values.tolist() == run(*data, seed=1).p_values.tolist()
    assert run(*data, seed=1).p_values.tolist() != run(*data, seed=2).p_values.tolist()


def test_predictions_and_one_class_are_taken() -> None:
    predictions = Predictions.from_logits(*sample(50, 3))
    top = predictions.outcomes
    expected = run(top.confidence, top.correct).statistic.tolist()
    assert t_cal(predictions, n_resamples=1).statistic.tolist() == expected
    assert t_cal([0.9, 0.4, 0.2], [1, 1, 0], of=1, n_resamples=1).statistic.shape == (3,)


def test_one_example_sample_weights_and_bad_counts_are_refused() -> None:
    with pytest.raises(InputError, match="compares examples, got 1"):
        run([0.5], [1])
    weighted = Outcomes.from_confidence([0.5, 0.6], [1, 0], sample_weight=[1, 2])
    with pytest.raises(InputError, match="t_cal takes no sample weights"):
        t_cal(weighted)
    for bad in (0, 1.5, True, "9", 2_000_000):
        with pytest.raises(InputError, match="n_resamples must be a whole number"):
            run([0.5, 0.6], [1, 0], n_resamples=bad)
    with pytest.raises(InputError, match="a seed must be"):
        run([0.5, 0.6], [1, 0], seed=-1)
