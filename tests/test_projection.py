"""The plane keeps the distances of its templates, sees nothing beside itself, and refuses what spans none."""

import numpy as np
import pytest
import torch

import calib
from calib._arrays import Float
from calib.errors import InputError
from calib.projection import TemplatePlane


def three(d: int = 65, *, seed: int = 0, scale: float = 1.0) -> Float:
    templates: Float = np.random.default_rng(seed).normal(size=(3, d)) * scale
    return templates


def sides(points: Float) -> Float:
    lengths: Float = np.linalg.norm(points[[0, 0, 1]] - points[[1, 2, 2]], axis=1)
    return lengths


@pytest.mark.parametrize("scale", [1e-300, 1e-8, 1.0, 1e100])
@pytest.mark.parametrize("d", [2, 3, 65])
def test_the_three_distances_between_templates_stay_what_they_are(d: int, scale: float) -> None:
    unit = three(d, seed=d)
    corners = TemplatePlane.of(unit * scale).corners / scale
    np.testing.assert_allclose(sides(corners), sides(unit), rtol=1e-12)


def test_the_axes_are_orthonormal_even_in_a_flat_triangle() -> None:
    flat = three()
    flat[2] = flat[0] + 0.3 * (flat[1] - flat[0]) + 1e-5 * flat[2]
    for templates in (three(), flat, three(2)):
        basis = TemplatePlane.of(templates).basis
        np.testing.assert_allclose(basis.T @ basis, np.eye(2), atol=1e-14)


def test_the_origin_is_the_first_template_and_the_second_lies_on_the_first_axis() -> None:
    corners = TemplatePlane.of(three()).corners
    np.testing.assert_allclose(corners[0], 0, atol=0)
    assert corners[1, 0] > 0
    assert abs(corners[1, 1]) < 1e-13
    assert corners[2, 1] > 0


def test_a_plane_worked_by_hand() -> None:
    plane = TemplatePlane.of([[1, 1, 1], [1, 4, 5], [1, 1, 6]])  # u1 = (0, 3, 4)/5, u2 = (0, -4, 3)/5
    np.testing.assert_allclose(plane.basis, np.array([[0.0, 0.0], [0.6, -0.8], [0.8, 0.6]]), atol=1e-15)
    np.testing.assert_allclose(plane.corners, [[0, 0], [5, 0], [4, 3]], atol=1e-14)
    np.testing.assert_allclose(plane.project([[7, 3, 2]]), [[2, -1]], atol=1e-15)


def test_what_is_orthogonal_to_the_plane_does_not_move_a_point() -> None:
    plane, rng = TemplatePlane.of(three()), np.random.default_rng(1)
    features, beside = rng.normal(size=(50, 65)), rng.normal(size=(50, 65))
    beside -= beside @ plane.basis @ plane.basis.T
    np.testing.assert_allclose(plane.project(features + 100 * beside), plane.project(features), atol=1e-11)
    along = plane.project(features + plane.basis[:, 0]) - plane.project(features)
    np.testing.assert_allclose(along, np.tile([1.0, 0.0], (50, 1)), atol=1e-12)


def test_the_basis_is_that_of_a_qr_decomposition_up_to_sign() -> None:
    templates = three()
    q, _ = np.linalg.qr((templates[1:] - templates[0]).T)
    basis = TemplatePlane.of(templates).basis
    np.testing.assert_allclose(np.abs(np.sum(q * basis, axis=0)), np.ones(2), rtol=1e-12)


def test_features_come_with_or_without_the_one_of_the_bias() -> None:
    plane, features = TemplatePlane.of(three()), np.random.default_rng(2).normal(size=(9, 64))
    expected = (np.hstack([features, np.ones((9, 1))]) - plane.templates[0]) @ plane.basis
    assert np.array_equal(plane.project(features), expected)
    assert np.array_equal(plane.project(np.hstack([features, np.ones((9, 1))])), expected)
    low = torch.tensor(features, dtype=torch.float32, requires_grad=True)
    assert plane.project(low).dtype == np.float64
    np.testing.assert_allclose(plane.project(low), expected, atol=1e-5)
    assert plane.project(np.zeros((0, 64))).shape == (0, 2)


def test_the_plane_is_the_templates_own_copy_and_cannot_be_written() -> None:
    templates = three()
    plane = calib.TemplatePlane.of(templates)
    before = plane.corners
    templates[:] = 0
    assert np.array_equal(plane.corners, before)
    for array in (plane.templates, plane.basis):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 1


def on_a_line(dtype: type) -> object:
    templates = three()
    templates[2] = templates[0] + 0.3 * (templates[1] - templates[0])
    return templates.astype(dtype)


@pytest.mark.parametrize(
    "templates",
    [
        on_a_line(np.float64),
        on_a_line(np.float32),
        on_a_line(np.float16),
        np.ones((3, 5)),
        [[0, 0], [0, 0], [1, 1]],
        [[0, 0], [1, 1], [0, 0]],
        [[0, 0], [1, 1], [1, 1]],
        [[0, 0], [1, 1], [-1, -1]],
    ],
)
def test_templates_on_one_line_are_refused(templates: object) -> None:
    with pytest.raises(InputError, match="lie on one line") as error:
        TemplatePlane.of(templates)
    assert "different classes" in error.value.help


@pytest.mark.parametrize(
    ("templates", "words"),
    [
        (np.ones((2, 5)), r"shape \(3, d \+ 1\), got \(2, 5\)"),
        (np.ones((10, 5)), r"got \(10, 5\)"),
        ([[1.0], [2.0], [4.0]], r"got \(3, 1\)"),
        ([1.0, 2.0, 3.0], r"matrix of numbers, got shape \(3,\)"),
        ([["a", "b"]] * 3, "dtype <U1"),
        ([[0, 0], [1, np.nan], [2, 1]], "finite, row 1 is not"),
        ([[0, 0], [1, 1], [np.inf, 1]], "finite, row 2 is not"),
    ],
)
def test_templates_of_another_form_are_refused(templates: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        TemplatePlane.of(templates)


@pytest.mark.parametrize(
    ("features", "words"),
    [(np.ones((4, 63)), r"64 columns, or 65 .* got \(4, 63\)"), (np.ones(64), "matrix"), ([[np.nan] * 64], "row 0")],
)
def test_features_of_another_form_are_refused(features: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        TemplatePlane.of(three()).project(features)
