"""Smooth ECE against a plain sum of images, closed forms down to tiny bandwidths, and the mass at 0 and 1."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings, strategies as st

from calib.errors import InputError
from calib.metrics._heat import HeatSeries, width_to_cells
from calib.metrics.smooth import smooth_ece
from calib.outcomes import Outcomes
from calib.predictions import Predictions

from ..references import sample

Float = npt.NDArray[np.float64]
quiet = settings(deadline=None, derandomize=True, max_examples=40)

C8 = [0.51, 0.55, 0.61, 0.66, 0.68, 0.71, 0.81, 0.85]
A8 = [0, 1, 1, 1, 0, 0, 1, 1]
BANDWIDTHS = [0.01, 0.03, 0.1, 0.3, 1.0]


def kernel(t: Float, centre: float, s: float) -> Float:
    """The Gaussian of width s with its images at ±centre + 2j, as many as can be told from 0."""
    total = np.zeros_like(t)
    reach = math.ceil(5 * s) + 1
    for j in range(-reach, reach + 1):
        for image in (centre + 2 * j, -centre + 2 * j):
            total += np.exp(-0.5 * ((t - image) / s) ** 2)
    return total / (s * math.sqrt(2 * math.pi))


def plain(confidence: Any, correct: Any, s: float, points: int = 20_001) -> float:
    """∫ |(1/n) Σ K_s(t, c_i) (c_i − a_i)| dt by trapezoids, cut where a straight line crosses 0."""
    t = np.linspace(0, 1, points)
    height = np.zeros(points)
    for c, a in zip(confidence, correct, strict=True):
        height += (c - a) / len(confidence) * kernel(t, c, s)
    area = 0.0
    for left, right in pairwise(height.tolist()):
        if left * right >= 0:
            area += abs(left + right) / 2
        else:
            area += (left * left + right * right) / (2 * (abs(left) + abs(right)))
    return area / (points - 1)


def plain_fixed_point(confidence: Any, correct: Any) -> float:
    low, high = 0.001, 1.0
    while high - low > 1e-7:
        middle = (low + high) / 2
        low, high = (middle, high) if plain(confidence, correct, middle) > middle else (low, middle)
    return low


def outcomes(n: int, seed: int, *, ends: float = 0.2) -> Outcomes:
    """Near-calibrated outcomes; the share ``ends`` of the confidences is exactly 0 or 1, and some of those wrong."""
    rng = np.random.default_rng(seed)
    confidence = rng.beta(2, 1, n)
    confidence = np.where(rng.random(n) < ends, rng.integers(0, 2, n), confidence)
    return Outcomes.from_confidence(confidence, rng.random(n) < 0.05 + 0.9 * confidence)


def test_smooth_ece_of_the_vector_of_robustness_metrics() -> None:
    eight = Outcomes.from_confidence(C8, A8)
    assert smooth_ece(eight) == pytest.approx(0.0828704, abs=5e-8)
    assert smooth_ece(eight, bandwidth=0.05) == pytest.approx(0.1711500, abs=5e-8)
    assert smooth_ece(eight, bandwidth=0.1) == pytest.approx(0.0644908, abs=1.5e-7)
    assert smooth_ece(eight, bandwidth=0.2) == pytest.approx(0.0475, abs=1e-12)


@pytest.mark.parametrize("s", BANDWIDTHS)
@pytest.mark.parametrize(("n", "ends"), [(1, 0.0), (2, 1.0), (9, 0.5), (60, 0.2)])
def test_at_a_given_bandwidth_it_is_the_integral_of_the_sum_of_images(s: float, n: int, ends: float) -> None:
    some = outcomes(n, seed=n, ends=ends)
    expected = plain(some.confidence.tolist(), some.correct.tolist(), s)
    assert smooth_ece(some, bandwidth=s) == pytest.approx(expected, abs=2e-7)


def test_narrow_kernels_are_integrated_as_exactly() -> None:
    some = outcomes(20, seed=5)
    expected = plain(some.confidence.tolist(), some.correct.tolist(), 0.002, points=200_001)
    assert smooth_ece(some, bandwidth=0.002) == pytest.approx(expected, abs=2e-7)


@pytest.mark.parametrize(("n", "seed"), [(5, 0), (12, 1)])
def test_without_a_bandwidth_it_is_the_fixed_point_of_the_plain_integral(n: int, seed: int) -> None:
    some = outcomes(n, seed=seed)
    expected = plain_fixed_point(some.confidence.tolist(), some.correct.tolist())
    assert smooth_ece(some) == pytest.approx(expected, abs=1e-6)


@quiet
@given(st.integers(1, 300), st.integers(0, 2**31))
def test_error_and_bandwidth_are_the_same_number(n: int, seed: int) -> None:
    some = outcomes(n, seed)
    error = smooth_ece(some)
    if error > 1e-5:
        assert smooth_ece(some, bandwidth=error) == pytest.approx(error, abs=1e-8)


@pytest.mark.parametrize("distance", [0.5, 1e-2, 1e-4, 1e-6, 1e-9, pytest.param(1e-11, marks=pytest.mark.slow)])
def test_two_opposite_examples_at_any_distance_have_a_closed_form(distance: float) -> None:
    # masses ±m at 1/2 ± distance/2: error(s) = 2m · erf(distance / (2√2 s)), short of what reaches 0 and 1
    low, high = 0.5 - distance / 2, 0.5 + distance / 2
    pair = Outcomes.from_confidence([low, high], [False, True])

    def error(s: float) -> float:
        return low * math.erf((high - low) / (2 * math.sqrt(2) * s))

    for s in (1e-4, 1e-3, 1e-2, 0.03):
        assert smooth_ece(pair, bandwidth=s) == pytest.approx(error(s), abs=2e-8)
    if distance == 1e-6:
        assert smooth_ece(pair, bandwidth=1e-5) == pytest.approx(error(1e-5), abs=2e-8)
    if distance < 0.1:
        below, above = 1e-9, 1.0
        while above - below > 1e-12:
            middle = (below + above) / 2
            below, above = (middle, above) if error(middle) > middle else (below, middle)
        assert smooth_ece(pair) == pytest.approx(below, abs=1.1e-7 if below < 1.6e-5 else 2e-9)


@pytest.mark.parametrize("s", [0.01, 0.1, 0.2, 0.5])
def test_mass_at_both_ends_is_reflected_whole(s: float) -> None:
    # +1/2 at 1 and −1/2 at 0: by symmetry the zero lies at 1/2, and either side is a sum of error functions
    def inside(centre: float) -> float:
        cumulative = [math.erf((0.5 - centre - 2 * j) / (math.sqrt(2) * s)) for j in range(-5, 6)]
        from_zero = [math.erf((0.0 - centre - 2 * j) / (math.sqrt(2) * s)) for j in range(-5, 6)]
        return sum(cumulative) - sum(from_zero)  # two images, each half the difference

    certain = Outcomes.from_confidence([0.0, 1.0], [True, False])
    assert smooth_ece(certain, bandwidth=s) == pytest.approx(inside(0) - inside(1), abs=1e-9)


@pytest.mark.parametrize("s", [1e-4, 0.01, 0.05, 0.3])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_with_all_mass_at_one_end_it_is_the_error_rate_at_every_bandwidth(s: float, value: float) -> None:
    correct = np.arange(10) < 3
    at_end = Outcomes.from_confidence(np.full(10, value), correct)
    assert smooth_ece(at_end, bandwidth=s) == pytest.approx(0.3 if value == 0 else 0.7, abs=1e-10)
    assert smooth_ece(at_end) == pytest.approx(0.3 if value == 0 else 0.7, abs=1e-12)


@pytest.mark.parametrize("s", [None, 0.01, 0.05, 0.2])
def test_where_most_confidences_are_one_and_all_gaps_share_a_sign_it_is_the_overall_gap(s: float | None) -> None:
    rng = np.random.default_rng(0)
    confidence = np.where(rng.random(2000) < 0.7, 1.0, np.round(rng.beta(5, 1, 2000), 2))
    correct = np.ones(2000, bool)
    for value in np.unique(confidence):  # at every value at least the first is wrong, and far fewer right than claimed
        here = np.flatnonzero(confidence == value)
        correct[here[: math.ceil(len(here) * (1 - 0.5 * value))]] = False
    saturated = Outcomes.from_confidence(confidence, correct)
    gap = float(saturated.residual.mean())
    assert smooth_ece(saturated, bandwidth=s) == pytest.approx(gap, abs=1e-12)


@quiet
@given(st.integers(1, 200), st.integers(0, 2**31))
def test_it_never_rises_with_the_bandwidth_and_stays_between_the_gap_and_the_mean_residual(n: int, seed: int) -> None:
    some = outcomes(n, seed)
    errors = [smooth_ece(some, bandwidth=s) for s in (1e-4, 1e-3, 0.01, 0.05, 0.2, 1.0, 100.0)]
    assert all(wide <= narrow + 1e-7 for narrow, wide in pairwise(errors))
    gap = abs(float(some.residual.mean()))
    assert errors[0] <= np.abs(some.residual).mean() + 1e-7
    assert errors[-1] == pytest.approx(gap, abs=1e-12)
    assert gap - 1e-12 <= smooth_ece(some) <= errors[0] + 1e-7


@pytest.mark.parametrize("cells", [64, 1024])
def test_moments_about_the_nodes_stand_for_the_points_themselves(cells: int) -> None:
    rng = np.random.default_rng(cells)
    positions = np.concatenate([rng.random(500), [0.0, 1.0, 0.5, 0.5 / cells]])
    masses = rng.normal(size=len(positions))
    m = np.arange(cells + 1)
    exact = np.cos(np.pi * np.outer(m, positions)) @ masses
    damping = np.exp(-((np.pi * m * 4 / cells) ** 2) / 2)  # of the narrowest kernel that so many cells are used for
    error = np.abs((HeatSeries.of(positions, masses, cells).coefficients - exact) * damping)
    assert error.max() < 1e-8 * np.abs(masses).sum()


def test_cells_are_never_wider_than_a_quarter_of_the_kernel() -> None:
    assert all(width_to_cells(s) >= 4 / s for s in np.geomspace(1e-6, 1e5, 200))


@pytest.mark.parametrize(
    ("confidence", "correct"),
    [
        ([1.0], [1]),
        ([0.0, 1.0], [0, 1]),
        ([0.5, 0.5], [0, 1]),
        ([0.75] * 4, [1, 1, 0, 1]),
        ([0.2] * 5, [0, 0, 1, 0, 0]),
    ],
)
def test_what_is_exactly_calibrated_has_no_error(confidence: list[float], correct: list[int]) -> None:
    assert smooth_ece(Outcomes.from_confidence(confidence, correct)) == pytest.approx(0, abs=1e-15)
    assert smooth_ece(Outcomes.from_confidence(confidence, correct), bandwidth=0.1) == pytest.approx(0, abs=1e-15)


def test_one_example_has_the_size_of_its_residual() -> None:
    assert smooth_ece(Outcomes.from_confidence([0.7], [1])) == pytest.approx(0.3, abs=1e-12)


def test_where_all_are_right_or_all_wrong_it_is_the_overall_gap() -> None:
    assert smooth_ece(Outcomes.from_confidence(C8, [1] * 8)) == pytest.approx(1 - np.mean(C8), abs=1e-12)
    assert smooth_ece(Outcomes.from_confidence(C8, [0] * 8)) == pytest.approx(np.mean(C8), abs=1e-12)


@pytest.mark.parametrize("bandwidth", [None, 0.03])
def test_order_and_repetition_of_rows_do_not_matter(bandwidth: float | None) -> None:
    some = outcomes(150, seed=3)
    once = smooth_ece(some, bandwidth=bandwidth)
    shuffled = some[np.random.default_rng(0).permutation(150)]
    assert smooth_ece(shuffled, bandwidth=bandwidth) == pytest.approx(once, abs=3e-9)
    repeated = some[np.repeat(np.arange(150), 3)]
    assert smooth_ece(repeated, bandwidth=bandwidth) == pytest.approx(once, abs=3e-9)


@pytest.mark.parametrize("bandwidth", [None, 0.03])
def test_whole_weights_are_repeated_rows(bandwidth: float | None) -> None:
    some = outcomes(80, seed=4)
    weight = np.random.default_rng(1).integers(0, 4, 80)
    weighted = Outcomes.from_confidence(some.confidence, some.correct, sample_weight=weight * 2.5)
    repeated = some[np.repeat(np.arange(80), weight)]
    expected = smooth_ece(repeated, bandwidth=bandwidth)
    assert smooth_ece(weighted, bandwidth=bandwidth) == pytest.approx(expected, abs=3e-9)


def test_logits_probabilities_and_one_class_are_taken() -> None:
    logits, labels = sample(200, 3, true_temperature=1.1)
    predictions = Predictions.from_logits(logits, labels)
    pairs = Outcomes.from_confidence(predictions.outcomes.confidence, predictions.outcomes.correct)
    assert smooth_ece(predictions) == pytest.approx(smooth_ece(pairs), abs=1e-12)
    positive = [0.9, 0.4, 0.2]
    assert smooth_ece(positive, [1, 1, 0], of=1) == smooth_ece(Outcomes.from_confidence(positive, [1, 1, 0]))


def test_many_near_calibrated_pairs_agree_with_the_sum_of_images() -> None:
    rng = np.random.default_rng(0)
    confidence = np.where(rng.random(1000) < 0.3, 1.0, rng.beta(4, 1, 1000))
    many = Outcomes.from_confidence(confidence, rng.random(1000) < confidence * 0.99)
    t = np.linspace(0, 1, 5001)
    height = sum((kernel(t, c, 0.02) * r for c, r in zip(many.confidence, many.residual, strict=True)), np.zeros(5001))
    assert smooth_ece(many, bandwidth=0.02) == pytest.approx(float(np.trapezoid(np.abs(height), t)) / 1000, abs=1e-6)


@pytest.mark.parametrize("bandwidth", [0, -0.1, 1e-6, math.nan, math.inf, "0.1", True])
def test_bandwidths_that_are_none_are_refused(bandwidth: Any) -> None:
    with pytest.raises(InputError, match="bandwidth must be a number from 1e-05 to 100000"):
        smooth_ece([0.9, 0.2], [1, 0], bandwidth=bandwidth)
