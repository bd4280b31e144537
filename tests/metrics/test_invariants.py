"""What holds for every metric, on near-calibrated data; and a table of where it does not, and why."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

import calib

from ..references import rows_of_confidence, sample

quiet = settings(deadline=None, derandomize=True, max_examples=10)

METRICS: dict[str, Callable[..., float]] = {
    name: getattr(calib, name)
    for name in (
        "accuracy",
        "aurc",
        "auroc",
        "average_calibration_error",
        "bias_reduced_ece",
        "brier",
        "classwise_ece",
        "debiased_squared_ce",
        "e_aurc",
        "ece",
        "ece_sweep",
        "kde_ece",
        "ks_error",
        "kuiper_error",
        "mce",
        "nll",
        "rmsce",
        "skce",
        "smooth_ece",
        "thresholded_ace",
        "top_label_ece",
        "unbiased_squared_ce",
    )
}
METRICS["ece, equal mass"] = lambda *data: calib.ece(*data, binning="equal-mass")
METRICS["ece, left"] = lambda *data: calib.ece(*data, closed="left")
METRICS["ece of class 1"] = lambda p: calib.ece(p, of=1)

# Where an invariant does not hold, and why.
N_MATTERS = "it takes out what sampling adds at this n, or sums over ranks 1 … n"
DUPLICATES = {
    "aurc": N_MATTERS,
    "bias_reduced_ece": N_MATTERS,
    "debiased_squared_ce": N_MATTERS,
    "e_aurc": N_MATTERS,
    "kde_ece": "a row's copy is a neighbour that is not left out",
    "skce": "a row and its copy make a pair",
    "unbiased_squared_ce": "a row and its copy make a pair",
}
ONE_EXAMPLE = {
    "auroc": "NaN: there is no pair of a right and a wrong prediction",
    "kde_ece": "refused: nothing is left when the row is left out",
    "skce": "refused: there is no pair",
}
BINNED = {name for name in METRICS if "ece" in name or "mce" in name or "ace" in name or "squared" in name}


def predictions(n: int = 240, k: int = 3, seed: int = 0) -> tuple[Any, Any]:
    """Near-calibrated: on a uniformly overconfident net every binning agrees, and a test would prove nothing."""
    logits, labels = sample(n, k, true_temperature=1.05, seed=seed)
    return logits.astype(np.float32).astype(np.float64), labels


@pytest.mark.parametrize("name", METRICS)
def test_the_order_of_the_rows_does_not_matter(name: str) -> None:
    logits, labels = predictions()
    order = np.random.default_rng(1).permutation(len(labels))
    values = [
        METRICS[name](calib.Predictions.from_logits(z, y))
        for z, y in ((logits, labels), (logits[order], labels[order]))
    ]
    assert values[0] == pytest.approx(values[1], abs=1e-9)


@pytest.mark.parametrize("name", METRICS)
def test_rows_that_come_twice_change_nothing_or_the_table_says_why(name: str) -> None:
    logits, labels = predictions()
    once = METRICS[name](calib.Predictions.from_logits(logits, labels))
    twice = METRICS[name](calib.Predictions.from_logits(np.tile(logits, (2, 1)), np.tile(labels, 2)))
    assert (abs(once - twice) < 1e-9) == (name not in DUPLICATES)


@pytest.mark.parametrize("name", METRICS)
def test_the_order_of_the_classes_matters_only_to_the_metric_of_one_class(name: str) -> None:
    logits, labels = predictions()
    order = np.array([2, 0, 1])
    moved = calib.Predictions.from_logits(logits[:, order], np.argsort(order)[labels])
    same = abs(METRICS[name](moved) - METRICS[name](calib.Predictions.from_logits(logits, labels))) < 1e-9
    assert same == (name != "ece of class 1")


@pytest.mark.parametrize("name", METRICS)
def test_numpy_torch_and_lists_agree_to_1e_9(name: str) -> None:
    logits, labels = predictions()
    want = METRICS[name](calib.Predictions.from_logits(logits, labels))
    for dress in (torch.from_numpy, np.asfortranarray, lambda array: array.tolist()):
        assert METRICS[name](calib.Predictions.from_logits(dress(logits), dress(labels))) == pytest.approx(
            want, abs=1e-9
        )


@pytest.mark.parametrize("dtype", [np.float32, np.float16, torch.bfloat16])
@pytest.mark.parametrize("name", METRICS)
def test_short_floats_agree_to_1e_6_with_the_same_numbers_in_float64(name: str, dtype: Any) -> None:
    logits, labels = predictions()
    short = torch.from_numpy(logits).to(dtype) if isinstance(dtype, torch.dtype) else logits.astype(dtype)
    wide = np.asarray(short.double() if isinstance(short, torch.Tensor) else short, np.float64)
    got = METRICS[name](calib.Predictions.from_logits(short, labels))
    tolerance = 2 / len(labels) if name in BINNED and name != "smooth_ece" else 1e-6  # one may round across an edge
    assert got == pytest.approx(METRICS[name](calib.Predictions.from_logits(wide, labels)), abs=tolerance)


@pytest.mark.parametrize("name", METRICS)
def test_logits_and_their_probabilities_agree(name: str) -> None:
    logits, labels = predictions()
    probs = torch.from_numpy(logits).softmax(dim=1).numpy()
    want = METRICS[name](calib.Predictions.from_logits(logits, labels))
    assert METRICS[name](calib.Predictions.from_probs(probs, labels)) == pytest.approx(want, abs=1e-9)


@pytest.mark.parametrize("name", METRICS)
def test_one_example_has_a_value_or_the_table_says_why(name: str) -> None:
    one = calib.Predictions.from_logits([[2.0, 0.0, -1.0]], [0])
    if ONE_EXAMPLE.get(name, "").startswith("refused"):
        with pytest.raises(calib.InputError):
            METRICS[name](one)
    else:
        assert np.isnan(METRICS[name](one)) == (name in ONE_EXAMPLE)


@pytest.mark.parametrize("correct", [0, 1])
@pytest.mark.parametrize("name", METRICS)
def test_at_confidence_1_an_error_of_calibration_is_0_or_1(name: str, correct: int) -> None:
    data = rows_of_confidence(np.ones(20), np.full(20, correct))
    if name in ("nll", "brier", "accuracy", "auroc", "aurc", "e_aurc", "skce"):
        expected = {
            "nll": 0.0 if correct else np.inf,
            "brier": 0.0 if correct else 2.0,
            "accuracy": float(correct),
            "auroc": np.nan,
            "aurc": 1.0 - correct,
            "e_aurc": 0.0,
            "skce": 2.0 * (1 - correct),
        }[name]
    else:
        expected = 1.0 - correct
    assert METRICS[name](calib.Predictions.from_probs(*data)) == pytest.approx(expected, abs=1e-9, nan_ok=True)


@quiet
@given(st.integers(0, 2**31), st.integers(2, 60), st.integers(2, 6))
def test_no_metric_leaves_its_range(seed: int, n: int, k: int) -> None:
    logits, labels = predictions(n, k, seed)
    p = calib.Predictions.from_logits(logits, labels)
    for name, metric in METRICS.items():
        value = metric(p)
        low = -1.0 if name in ("bias_reduced_ece", "debiased_squared_ce", "unbiased_squared_ce", "skce") else 0.0
        high = {"nll": np.inf, "brier": 2.0, "skce": 2.0}.get(name, 1.0)
        assert np.isnan(value) if name == "auroc" and np.isnan(value) else low - 1e-12 <= value <= high + 1e-12, name


@quiet
@given(st.integers(0, 2**31), st.integers(1, 50))
def test_errors_that_may_not_cancel_are_at_least_the_mean_gap(seed: int, n: int) -> None:
    logits, labels = predictions(n, 3, seed)
    p = calib.Predictions.from_logits(logits, labels)
    gap = abs(float(p.outcomes.residual.mean()))
    for name in (
        "ece",
        "ece, equal mass",
        "ece, left",
        "ece_sweep",
        "ks_error",
        "kuiper_error",
        "smooth_ece",
        "top_label_ece",
    ):
        assert METRICS[name](p) >= gap - 1e-6, name
