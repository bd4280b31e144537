"""What may come in as scores and labels: shapes, dtypes and ranges, and one score an example for two classes."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from calib._arrays import AnyArray, Int
from calib.errors import InputError


def logit_matrix(given: Any) -> Any:
    """Logits ``(n, k)``; one an example, ``(n,)``, is that of class 1 of two.  Raises `InputError` for other shapes."""
    if given.ndim == 1 and given.dtype.kind in "fiub":
        column = np.asarray(given)
        column = column if column.dtype.kind == "f" else column.astype(np.float64)
        given = np.stack([np.zeros_like(column), column], axis=1)
    return _matrix(given, "logits")


def probability_matrix(given: AnyArray) -> Any:
    """Probabilities ``(n, k)``; one an example, ``(n,)``, is P(y = 1).  Raises `InputError` for other shapes."""
    if given.ndim == 1 and given.dtype.kind in "fiub":
        positive = given.astype(np.float64)
        if len(outside := np.flatnonzero(~((positive >= 0) & (positive <= 1)))):
            row = int(outside[0])
            raise InputError(
                f"P(y = 1) must lie in [0, 1], row {row} holds {positive[row]:g}",
                help="divide percentages by 100; if these are logits, say so: Predictions.from_logits(logits, labels)",
            )
        given = np.stack([1 - positive, positive], axis=1)
    return _matrix(given, "probs")


def _matrix(values: Any, name: str) -> Any:
    if values.dtype.kind in "iub":
        values = np.asarray(values).astype(np.float64)
    if values.dtype.kind != "f":
        raise InputError(f"{name} must be numbers, got dtype {values.dtype}", help="pass floating-point numbers")
    if values.ndim != 2:
        hint = "pass one row an example, one column a class"
        if values.ndim > 2:
            hint += "; pixels or tokens become rows by reshaping, classes last: scores.reshape(-1, k)"
        raise InputError(f"{name} must have shape (n, k), got {values.shape}", help=hint)
    if values.shape[0] == 0:
        raise InputError(f"{name} have no rows", help="pass at least one example")
    if values.shape[1] < 2:
        raise InputError(
            f"{name} have {values.shape[1]} column(s), at least 2 classes are needed",
            help="for two classes pass both columns, or one score an example as a one-dimensional array",
        )
    return values


def checked_labels(labels: AnyArray, n: int, k: int, class_names: Sequence[str] | None = None) -> Int:
    """Labels ``(n,)`` as integers in 0 … k − 1, words by the ``class_names``.

    Raises `InputError` naming the first bad row.
    """
    if class_names is not None and labels.dtype.kind in "OUS":
        from calib.files.label_column import numbers_of_labels

        labels = numbers_of_labels(labels, class_names, k, "labels")
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        hint = "one-hot rows become labels by labels.argmax(1)" if labels.ndim == 2 else "pass one integer an example"
        raise InputError(f"labels must have shape (n,), got {labels.shape}", help=hint)
    if len(labels) != n:
        raise InputError(
            f"{n} rows of scores came with {len(labels)} labels",
            help="scores and labels must come from the same examples",
        )
    if labels.dtype.kind not in "iufb":
        raise InputError(
            f"labels must be integers, got dtype {labels.dtype}",
            help="bring class numbers from 0; of labels in words say `class_names`, in the order of the columns",
        )
    if labels.dtype.kind == "f" and (fractional := labels != np.floor(labels)).any():
        row = int(np.argmax(fractional))
        raise InputError(f"labels must be whole numbers, row {row} holds {labels[row]}", help="pass class indices")
    if (outside := (labels < 0) | (labels >= k)).any():
        row = int(np.argmax(outside))
        raise InputError(
            f"labels must lie in 0 … {k - 1} for {k} classes, row {row} holds {labels[row]:g}",
            help="count classes from 0, and drop rows that are to be ignored",
        )
    return labels.astype(np.int64)
