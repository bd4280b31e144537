"""Label smoothing: the arithmetic of both conventions, and that both routes to it are one loss."""

import copy
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

import calib
from calib.errors import InputError
from calib.predictions import Predictions
from calib.targets import (
    Convention,
    equivalent_smoothing,
    smooth_labels,
    smoothing_logit_gap,
    target_entropy,
    uniform_smoothing,
)
from calib.training.losses import smoothed_cross_entropy

from . import references

TABLE = [  # k, α, target, other, logit gap, least smoothed CE, hard NLL there, ECE of a model that is always right
    (10, 0.1, 0.91, 0.01, 4.510860, 0.500288, 0.094311, 0.09),
    (10, 0.05, 0.955, 0.005, 5.252273, 0.282396, 0.046044, 0.045),
    (2, 0.1, 0.95, 0.05, 2.944439, 0.198515, 0.051293, 0.05),
    (2, 0.2, 0.9, 0.1, 2.197225, 0.325083, 0.105361, 0.1),
    (6, 0.3, 0.75, 0.05, 2.708050, 0.964695, 0.287682, 0.25),
    (100, 0.05, 0.9505, 0.0005, 7.550135, 0.424499, 0.050767, 0.0495),
    (100, 0.1, 0.901, 0.001, 6.803505, 0.777797, 0.104250, 0.099),
    (1000, 0.1, 0.9001, 0.0001, 9.105091, 1.014848, 0.105249, 0.0999),
]
BIRD = [0.3, 0.6, 0.001, 0.001, 0.05, 0.03]  # the six classes of the tutorial: they sum to .982


@pytest.mark.parametrize(("k", "alpha", "floor"), [(row[0], row[1], row[5]) for row in TABLE])
def test_the_entropy_of_a_target_is_the_least_that_its_loss_can_be(k: int, alpha: float, floor: float) -> None:
    assert target_entropy(alpha, k) == pytest.approx(floor, abs=1e-6)
    epsilon = alpha * (k - 1) / k
    assert target_entropy(epsilon, k, convention="wrong-classes") == pytest.approx(target_entropy(alpha, k), rel=1e-12)
    best = torch.log(torch.from_numpy(smooth_labels([0], k, smoothing=alpha)))
    loss = smoothed_cross_entropy(best, torch.tensor([0]), smoothing=alpha)
    assert float(loss) == pytest.approx(target_entropy(alpha, k), rel=1e-12)


def test_the_entropy_of_a_target_ends_at_zero_and_at_ln_k() -> None:
    assert math.copysign(1, target_entropy(0.0, 5)) == 1
    assert target_entropy(0.0, 5) == 0
    assert target_entropy(1.0, 5) == pytest.approx(math.log(5), rel=1e-12)
    with pytest.raises(InputError, match="smoothing must lie"):
        target_entropy(-0.1, 5)


@pytest.mark.parametrize(("k", "alpha", "gap"), [(row[0], row[1], row[4]) for row in TABLE])
def test_the_logit_gap_of_smoothing_is_that_of_the_target(k: int, alpha: float, gap: float) -> None:
    assert smoothing_logit_gap(alpha, k) == pytest.approx(gap, abs=1e-6)
    epsilon = alpha * (k - 1) / k
    assert smoothing_logit_gap(epsilon, k, convention="wrong-classes") == pytest.approx(gap, abs=1e-6)


def test_the_logit_gap_ends_at_infinity_and_at_zero() -> None:
    assert smoothing_logit_gap(0.0, 5) == math.inf
    assert smoothing_logit_gap(1.0, 5) == 0
    assert smoothing_logit_gap(0, 2, convention="wrong-classes") == math.inf
    for smoothing, k in ((-0.1, 5), (1.1, 5), (0.1, 1)):
        with pytest.raises(InputError):
            smoothing_logit_gap(smoothing, k)


@pytest.mark.parametrize(("k", "alpha", "target", "other", "gap", "floor", "hard_nll", "ece"), TABLE)
def test_the_arithmetic_of_smoothing(
    k: int, alpha: float, target: float, other: float, gap: float, floor: float, hard_nll: float, ece: float
) -> None:
    rows = smooth_labels([k - 1], k, smoothing=alpha)
    assert rows.shape == (1, k)
    np.testing.assert_allclose(rows[0], [other] * (k - 1) + [target], rtol=1e-12)
    assert rows.sum() == pytest.approx(1, rel=1e-12)
    assert math.log(rows[0, -1] / rows[0, 0]) == pytest.approx(gap, abs=1e-6)
    assert -(rows * np.log(rows)).sum() == pytest.approx(floor, abs=1e-6)
    assert calib.nll(rows, [k - 1]) == pytest.approx(hard_nll, abs=1e-6)
    assert calib.ece(rows, [k - 1]) == pytest.approx(ece, abs=1e-12)
    logits = torch.log(torch.tensor(rows))
    loss = smoothed_cross_entropy(logits, torch.tensor([k - 1]), smoothing=alpha)
    assert loss.item() == pytest.approx(floor, abs=1e-6)


def test_the_six_class_example_is_refused_as_it_is_printed_since_it_sums_to_982_thousandths() -> None:
    for measure in (calib.nll, calib.ece):
        with pytest.raises(InputError, match=r"must sum to 1, row 0 sums to 0\.982"):
            measure([BIRD], [1])
    with pytest.raises(InputError, match="sum to 1"):
        Predictions.from_probs([BIRD], [1]).outcomes  # noqa: B018
    with pytest.raises(InputError, match="must be distributions that sum to 1"):
        smooth_labels([BIRD], 6, smoothing=0.3)


def test_the_six_class_example_in_both_conventions_gives_the_printed_rows_and_losses() -> None:
    uniform = smooth_labels([1], 6, smoothing=0.3)
    wrong_classes = smooth_labels([1], 6, smoothing=0.25, convention="wrong-classes")
    np.testing.assert_allclose(uniform, [[0.05, 0.75, 0.05, 0.05, 0.05, 0.05]], rtol=1e-14)
    np.testing.assert_allclose(wrong_classes, uniform, rtol=1e-14)
    printed, normalised = np.array(BIRD), np.array(BIRD) / np.sum(BIRD)
    assert -(uniform @ np.log(printed)).item() == pytest.approx(1.459208, abs=1e-6)
    assert -(uniform @ np.log(normalised)).item() == pytest.approx(1.441044, abs=1e-6)
    assert calib.nll([normalised], [1]) == pytest.approx(0.492662, abs=1e-6)
    assert -(smooth_labels([1], 6, smoothing=0.1) @ np.log(printed)).item() == pytest.approx(0.826953, abs=1e-6)
    tenth = smooth_labels([1], 6, smoothing=0.1, convention="wrong-classes")
    assert -(tenth @ np.log(printed)).item() == pytest.approx(0.890179, abs=1e-6)
    logits = torch.log(torch.tensor([BIRD], dtype=torch.float64))
    loss = smoothed_cross_entropy(logits, torch.tensor([1]), smoothing=0.25, convention="wrong-classes")
    assert loss.item() == pytest.approx(1.441044, abs=1e-6)


@pytest.mark.parametrize("convention", ["uniform", "wrong-classes"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5, 0.75])
@pytest.mark.parametrize("k", [4, 10])
def test_both_routes_have_equal_losses_and_equal_gradients(k: int, smoothing: float, convention: Convention) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = (5 * torch.randn(40, k, generator=generator, dtype=torch.float64)).requires_grad_()
    labels = torch.randint(k, (40,), generator=generator)
    targets = smooth_labels(labels, k, smoothing=smoothing, convention=convention)
    losses = [
        functional.cross_entropy(logits, targets),
        smoothed_cross_entropy(logits, labels, smoothing=smoothing, convention=convention).mean(),
    ]
    gradients = [torch.autograd.grad(loss, logits)[0] for loss in losses]
    torch.testing.assert_close(losses[0], losses[1], rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("alpha", [0.0, 0.1, 1.0])
def test_the_smoothed_loss_mixes_cross_entropy_with_that_of_the_uniform_distribution(alpha: float) -> None:
    logits, labels = references.sample(30, 5)
    probs = np.array(references.softmax_rows(logits))
    expected = (1 - alpha) * references.nll(probs.tolist(), labels.tolist()) - alpha * np.log(probs).mean()
    loss = smoothed_cross_entropy(torch.tensor(logits), torch.tensor(labels), smoothing=alpha).mean()
    assert loss.item() == pytest.approx(expected, rel=1e-12)


def test_full_smoothing_pulls_towards_the_uniform_distribution_alone() -> None:
    np.testing.assert_allclose(smooth_labels([0, 2], 4, smoothing=1), 0.25)
    logits = torch.zeros(3, 4, dtype=torch.float64, requires_grad=True)
    loss = smoothed_cross_entropy(logits, torch.tensor([0, 1, 2]), smoothing=1.0).mean()
    (gradient,) = torch.autograd.grad(loss, logits)
    assert gradient.abs().max() < 1e-15


@pytest.mark.parametrize(
    "labels",
    [
        [0, 2, 1],
        np.array([0, 2, 1], np.uint8),
        np.eye(3)[[0, 2, 1]],
        np.eye(3, dtype=np.int64)[[0, 2, 1]],
        [[0.5, 0.5, 0.0], [0.0, 0.0, 1.0], [0.2, 0.3, 0.5]],
        torch.tensor([0, 2, 1]),
        torch.eye(3)[[0, 2, 1]],
    ],
    ids=lambda labels: f"{type(labels).__name__} {getattr(labels, 'dtype', '')}",
)
def test_the_argument_is_never_changed(labels: Any) -> None:
    before = copy.deepcopy(labels)
    rows = smooth_labels(labels, 3, smoothing=0.3)
    np.testing.assert_array_equal(np.asarray(labels), np.asarray(before))
    assert type(rows) is (torch.Tensor if isinstance(labels, torch.Tensor) else np.ndarray)
    assert np.asarray(rows).dtype == np.float64
    rows[:] = -1
    np.testing.assert_array_equal(np.asarray(labels), np.asarray(before))
    one_hot = np.eye(3)[np.asarray(before)] if np.ndim(before) == 1 else np.asarray(before)
    np.testing.assert_allclose(np.asarray(smooth_labels(labels, 3, smoothing=0.3)), 0.7 * one_hot + 0.1, rtol=1e-7)


def test_no_smoothing_gives_one_hot_rows_in_both_conventions() -> None:
    for convention in ("uniform", "wrong-classes"):
        rows = smooth_labels([1, 0], 3, smoothing=0, convention=convention)
        assert rows.tolist() == [[0, 1, 0], [1, 0, 0]]


@pytest.mark.parametrize(("k", "alpha"), [row[:2] for row in TABLE])
def test_the_conventions_convert_into_one_another(k: int, alpha: float) -> None:
    epsilon = alpha * (k - 1) / k
    assert uniform_smoothing(epsilon, k, convention="wrong-classes") == pytest.approx(alpha, rel=1e-14)
    rows = smooth_labels([0], k, smoothing=epsilon, convention="wrong-classes")
    assert rows[0, 0] == pytest.approx(1 - epsilon, rel=1e-12)
    assert rows[0, 1] == pytest.approx(epsilon / (k - 1), rel=1e-12)


@pytest.mark.parametrize("k", [2, 3, 10, 49])
def test_the_wrong_classes_can_get_all_but_one_kth(k: int) -> None:
    rows = smooth_labels([0], k, smoothing=(k - 1) / k, convention="wrong-classes")
    np.testing.assert_allclose(rows, 1 / k, rtol=1e-14)
    with pytest.raises(InputError, match=r"at most \(k − 1\)/k"):
        smooth_labels([0], k, smoothing=math.nextafter((k - 1) / k, 1), convention="wrong-classes")


@pytest.mark.parametrize(
    ("labels", "k", "smoothing", "message"),
    [
        ([0], 3, -0.1, r"smoothing must lie in \[0, 1\], got -0.1"),
        ([0], 3, 1.1, "got 1.1"),
        ([0], 3, math.nan, "got nan"),
        ([3], 3, 0.1, "labels must lie in 0 … 2"),
        ([-1], 3, 0.1, "labels must lie in 0 … 2"),
        ([0.0, 1.0], 3, 0.1, r"integers \(n,\) or rows"),
        ([True], 3, 0.1, r"integers \(n,\) or rows"),
        (["a"], 3, 0.1, r"integers \(n,\) or rows"),
        (1, 3, 0.1, r"integers \(n,\) or rows"),
        (np.zeros((1, 3, 1)), 3, 0.1, r"integers \(n,\) or rows"),
        ([[0.5, 0.5]], 3, 0.1, "must have 3 columns"),
        ([[0.5, 0.6, 0.0]], 3, 0.1, "sum to 1"),
        ([[1.5, -0.5, 0.0]], 3, 0.1, "sum to 1"),
        ([[math.nan, 0.5, 0.5]], 3, 0.1, "sum to 1"),
        ([0], 1, 0.1, "n_classes must be at least 2, got 1"),
        ([["a", "b"]], 2, 0.1, "target rows must be numbers"),
    ],
)
def test_what_cannot_be_smoothed_is_refused(labels: Any, k: int, smoothing: float, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        smooth_labels(labels, k, smoothing=smoothing)
    assert caught.value.help


def test_an_unknown_convention_is_refused() -> None:
    with pytest.raises(InputError, match="convention must be uniform or wrong-classes, got 'both'"):
        smooth_labels([0], 3, smoothing=0.1, convention="both")  # type: ignore[arg-type]


def test_one_class_is_refused_in_either_convention() -> None:
    with pytest.raises(InputError, match="n_classes must be at least 2"):
        smooth_labels([0], 1, smoothing=0.0, convention="wrong-classes")


def test_equivalent_smoothing_is_alpha_of_smoothed_targets_and_what_is_missing_of_others() -> None:
    labels = np.array([0, 1, 2, 3])
    for alpha in (0.0, 0.1, 0.75, 1.0):
        rows = smooth_labels(labels, 4, smoothing=alpha)
        assert equivalent_smoothing(rows, labels) == pytest.approx(alpha, abs=1e-15)
    assert equivalent_smoothing([[0.0, 1.0]], [0]) == 2  # k/(k − 1): all of it on wrong classes
    logits = np.random.default_rng(0).normal(0, 2, (100, 5))
    given = Predictions.from_logits(logits, np.zeros(100, dtype=int))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert equivalent_smoothing(given) == pytest.approx(5 / 4 * (1 - p[:, 0].mean()), rel=1e-12)
    weight = np.arange(100.0)
    weighted = Predictions.from_logits(logits, np.zeros(100, dtype=int), sample_weight=weight)
    expected = 5 / 4 * (1 - np.average(p[:, 0], weights=weight))
    assert equivalent_smoothing(weighted) == pytest.approx(expected, rel=1e-12)
    tiny = Predictions.from_logits([[40.0, 0.0]], [0])
    assert equivalent_smoothing(tiny) == pytest.approx(2 * np.exp(-40), rel=1e-9)  # not 1 − 1


def test_equivalent_smoothing_of_examples_that_weigh_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="all sample weights are 0"):
        equivalent_smoothing(Predictions.from_probs([[0.9, 0.1]], [0], sample_weight=[0]))
