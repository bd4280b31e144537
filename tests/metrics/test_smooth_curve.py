"""The smooth reliability curve: kernel means, the area that is the error, and where nobody is."""

from typing import Any

import numpy as np
import pytest

from calib.errors import InputError
from calib.metrics.smooth import smooth_curve, smooth_ece
from calib.outcomes import Outcomes

from .test_smooth import kernel, outcomes


@pytest.mark.parametrize(("s", "points"), [(0.02, 101), (0.1, 11), (0.3, 2), (0.004, 338)])
def test_the_curve_is_the_kernel_mean_of_confidence_and_correctness(s: float, points: int) -> None:
    some = outcomes(70, seed=1)
    curve = smooth_curve(some, bandwidth=s, points=points)
    assert curve.t.tolist() == [i / (points - 1) for i in range(points)]
    weights = np.array([kernel(curve.t, float(c), s) for c in some.confidence])
    np.testing.assert_allclose(curve.density, weights.mean(axis=0), rtol=0, atol=1e-7)
    seen = curve.density > 1e-3
    means = weights.T @ np.stack([some.confidence, some.correct], axis=1) / weights.sum(axis=0)[:, None]
    np.testing.assert_allclose(curve.confidence[seen], means[seen, 0], atol=1e-5)
    np.testing.assert_allclose(curve.accuracy[seen], means[seen, 1], atol=1e-5)


def test_the_error_of_the_curve_is_the_area_between_its_lines() -> None:
    some = outcomes(500, seed=2)
    curve = smooth_curve(some, points=2001)
    assert curve.bandwidth == smooth_ece(some)
    assert curve.ece == pytest.approx(curve.bandwidth, abs=1e-8)
    assert curve.ece == pytest.approx(float(np.trapezoid(curve.density * np.abs(curve.gap), curve.t)), abs=1e-5)
    assert float(np.trapezoid(curve.density, curve.t)) == pytest.approx(1, abs=1e-9)


def test_where_nobody_is_the_curve_has_no_value() -> None:
    curve = smooth_curve(Outcomes.from_confidence([0.9, 0.95], [1, 0]), bandwidth=0.01)
    assert np.isnan(curve.accuracy[:400]).all()
    assert np.isnan(curve.gap[:400]).all()
    assert (curve.density[:400] < 1e-8).all()
    assert curve.accuracy[450] == pytest.approx(1, abs=1e-4)


def test_the_curve_of_a_certain_and_right_model_is_drawn_at_the_finest_bandwidth() -> None:
    curve = smooth_curve(np.eye(3), [0, 1, 2])
    assert (curve.bandwidth, curve.ece) == (0.002, 0.0)
    assert curve.accuracy[-1] == pytest.approx(1, abs=1e-12)


def test_the_curve_takes_weights() -> None:
    some = outcomes(40, seed=6)
    weight = np.random.default_rng(0).integers(0, 3, 40)
    weighted = smooth_curve(
        Outcomes.from_confidence(some.confidence, some.correct, sample_weight=weight), bandwidth=0.1
    )
    repeated = smooth_curve(some[np.repeat(np.arange(40), weight)], bandwidth=0.1)
    np.testing.assert_allclose(weighted.accuracy, repeated.accuracy, atol=1e-9)
    np.testing.assert_allclose(weighted.density, repeated.density, atol=1e-9)


@pytest.mark.parametrize("points", [1, 0, 10_002, 3.5, True, "9"])
def test_numbers_of_points_that_are_none_are_refused(points: Any) -> None:
    with pytest.raises(InputError, match="points must be a whole number"):
        smooth_curve([0.9, 0.2], [1, 0], points=points)
