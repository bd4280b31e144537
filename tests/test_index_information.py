"""The estimate has the limits of the theory and agrees with plain loops over two indices, not over one."""

import math

import numpy as np
import pytest

from calib.errors import InputError
from calib.index_information import index_information


def by_loops(draws: list[float], means: list[float], variance: float, *, as_printed: bool = False) -> float:
    n, total = len(draws), 0.0
    for x in range(n):
        inner = math.fsum(
            math.exp(-(((draws[other] if as_printed else draws[x]) - means[other]) ** 2) / (2 * variance))
            for other in range(n)
        )
        total += -((draws[x] - means[x]) ** 2) / (2 * variance) - math.log(inner / n)
    return total / n


def test_two_tight_clusters_have_ln_2_one_point_0_and_distinct_points_ln_n() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.01, 600)
    clusters = np.repeat([-5.0, 5.0], 300)
    assert index_information(clusters + noise, clusters) == pytest.approx(math.log(2), abs=1e-12)
    assert index_information(noise, np.zeros(600)) == pytest.approx(0, abs=1e-12)
    apart = np.arange(600.0)
    assert index_information(apart + noise, apart) == pytest.approx(math.log(600), abs=1e-9)


def test_without_any_noise_the_limits_are_the_same() -> None:
    clusters = np.repeat([-5.0, 5.0], 300)
    assert index_information(clusters, clusters) == pytest.approx(math.log(2), abs=1e-12)
    assert index_information(np.arange(600.0), np.arange(600.0)) == pytest.approx(math.log(600), abs=1e-12)
    assert index_information(np.ones(5), np.ones(5)) == 0
    assert index_information(np.array([3.0]), np.array([1.0])) == 0


def test_it_is_the_formula_with_two_indices_and_not_the_printed_one() -> None:
    rng = np.random.default_rng(1)
    means = rng.normal(0, 2, 300)
    draws = means + rng.normal(0, 0.7, 300)
    variance = float(np.mean((draws - means) ** 2))
    rows = draws.tolist(), means.tolist(), variance
    assert index_information(draws, means) == pytest.approx(by_loops(*rows), rel=1e-12)
    assert by_loops(*rows, as_printed=True) < 0 < 0.5 < index_information(draws, means)
    one, other = ([0.0, 10.0], [0.5, 10.5]), 0.125
    printed = by_loops(*one, other, as_printed=True)
    assert index_information(*map(np.array, one), variance=other) == pytest.approx(math.log(2), rel=1e-9)
    assert printed == pytest.approx(0, abs=1e-9)  # two points that nobody confuses: ln 2, not 0


def test_far_points_do_not_underflow_and_a_few_can_fall_below_zero() -> None:
    assert index_information(np.array([0.0, 1e9]), np.array([1.0, 1e9 - 1])) == pytest.approx(math.log(2))
    assert index_information(np.array([1.0, -1.0]), np.array([-1.0, 1.0])) < 0
    assert index_information(np.array([1.0, -1.0]), np.array([-1.0, 1.0]), variance=0.0) == -math.inf


@pytest.mark.parametrize(
    ("draws", "means", "variance", "words"),
    [
        ([1.0, 2.0], [1.0], None, "one shape"),
        ([], [], None, "one shape"),
        ([[1.0]], [[1.0]], None, "one shape"),
        ([math.nan], [1.0], None, "not finite"),
        ([1.0], [1.0], -1.0, "at least 0"),
        ([1.0], [1.0], math.nan, "at least 0"),
    ],
)
def test_bad_input_is_refused(draws: list[float], means: list[float], variance: float | None, words: str) -> None:
    with pytest.raises(InputError, match=words):
        index_information(np.array(draws), np.array(means), variance=variance)
