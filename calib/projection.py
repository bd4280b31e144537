"""The plane through the templates of three classes, and penultimate activations seen on it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from calib._arrays import AnyArray, Float, read_only, to_numpy
from calib.errors import InputError
from calib.predictions import ArrayLike

_FLATTEST = 1e-6  # height of a triangle over its longest side, below which its third corner is rounding


@dataclass(frozen=True, eq=False)
class TemplatePlane:
    """The plane through three class templates, with axes of its own (Müller et al., 2019, section 2).

    ``templates`` is ``(3, d + 1)``, a row a class: the weights of its logit, then the bias.  ``basis`` is
    ``(d + 1, 2)`` with orthonormal columns: the first points from template 0 to template 1, the second to the side of
    template 2.  The origin is template 0.  Lengths are those of the space: nothing is scaled.

    >>> plane = TemplatePlane.of([[0, 0, 1], [4, 0, 1], [1, 3, 1]])
    >>> plane.corners.tolist()
    [[0.0, 0.0], [4.0, 0.0], [1.0, 3.0]]
    >>> plane.project([[2, 5]]).tolist()
    [[2.0, 5.0]]
    """

    templates: Float
    basis: Float

    @classmethod
    def of(cls, templates: ArrayLike) -> "TemplatePlane":
        """Span the plane of three templates ``(3, d + 1)`` by Gram–Schmidt.

        Raises `InputError` for another shape, for NaN and infinities, and for templates that lie on one line.
        """
        rows = finite_matrix(templates, "templates")
        if len(rows) != 3 or rows.shape[1] < 2:
            raise InputError(
                f"templates must have shape (3, d + 1), got {rows.shape}",
                help="pass the rows of three classes: model.templates[[0, 1, 2]]",
            )
        sides = rows[1:] - rows[0]
        longest = float(np.abs(sides).max())
        flat = max(_FLATTEST, 4 * _precision(to_numpy(templates)) * float(np.abs(rows).max()) / (longest or 1.0))
        first, second = sides / (longest or 1.0)  # no square overflows, none underflows
        length = float(np.linalg.norm(first))
        rest = second if length == 0 else second - first * (first @ second / length**2)
        height = float(np.linalg.norm(rest))
        if min(length, height) <= flat * max(length, float(np.linalg.norm(second))):
            raise InputError(
                "the three templates lie on one line: they span no plane", help="choose three different classes"
            )
        u1 = first / length
        u2 = rest - u1 * (u1 @ rest)  # again: what rounding left of the first direction, in a flat triangle
        return cls(read_only(rows), read_only(np.column_stack([u1, u2 / np.linalg.norm(u2)])))

    @property
    def corners(self) -> Float:
        """The three templates on the plane ``(3, 2)``: (0, 0), a point on the first axis, one above it."""
        return self.project(self.templates)

    def project(self, features: ArrayLike) -> Float:
        """Drop activations onto the plane: ``(n, 2)``, float64.

        ``features`` are ``(n, d)``, to which the 1 that meets the bias is appended, or ``(n, d + 1)`` with it.  Raises
        `InputError` for other shapes, NaN and infinities.
        """
        d = self.templates.shape[1] - 1
        rows = finite_matrix(features, "features")
        if rows.shape[1] not in (d, d + 1):
            raise InputError(
                f"features must have {d} columns, or {d + 1} with the 1 of the bias, got {rows.shape}",
                help="pass the penultimate activations of the network that the templates are of",
            )
        if rows.shape[1] == d:
            rows = with_one(rows)
        points: Float = (rows - self.templates[0]) @ self.basis
        return points


def with_one(features: Float) -> Float:
    """Append the column of ones that the biases of the templates meet: ``(n, d)`` to ``(n, d + 1)``."""
    return np.concatenate([features, np.ones((len(features), 1))], axis=1)


def finite_matrix(values: Any, name: str) -> Float:
    """Return ``values`` as float64 with two axes; `InputError` for other shapes and types, NaN and infinities."""
    array = to_numpy(values)
    if array.ndim != 2 or array.dtype.kind not in "fiub":
        raise InputError(
            f"{name} must be a matrix of numbers, got shape {array.shape} of dtype {array.dtype}",
            help="pass one row an example or class",
        )
    array = array.astype(np.float64)
    if not (good := np.isfinite(array).all(axis=1)).all():
        raise InputError(f"{name} must be finite, row {int(np.argmin(good))} is not", help="has the network diverged?")
    return array


def _precision(array: AnyArray) -> float:
    """The spacing of numbers near 1 in the dtype given; whole numbers are exact."""
    return float(np.finfo(array.dtype).eps) if array.dtype.kind == "f" else 0.0
