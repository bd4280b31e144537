"""Labels as people write them, numbers or words, into class numbers."""

import re
from collections.abc import Sequence

import numpy as np

from calib._arrays import AnyArray
from calib._text import listed, printable
from calib.errors import InputError

LABELS = ("label", "labels", "target", "targets", "y", "y_true", "ground_truth", "true_label")


def numbers_of_labels(values: AnyArray, names: Sequence[str] | None, n_classes: int, column: str) -> AnyArray:
    """Labels as class numbers; words are looked up among the classes' names."""
    array = np.asarray(values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.dtype.kind in "fiub":
        if array.dtype.kind == "f" and np.isnan(array).any():
            raise InputError(
                f"row {int(np.argmax(np.isnan(array)))} has no label in {printable(column)!r}", help="drop the row"
            )
        return array
    if array.ndim != 1:
        raise InputError(
            f"labels in {printable(column)!r} must have shape (n,), got {array.shape}", help="pass one label an example"
        )
    words = ["" if value is None or value != value else str(value) for value in array]
    if names is not None and not are_numbers(names):
        index = {str(name).strip(): i for i, name in enumerate(names)}
        if len(index) < len(names):
            twice = next(name for i, name in enumerate(names) if index[str(name).strip()] != i)
            raise InputError(
                f"two classes are called {printable(str(twice))!r}, and the labels are words",
                help="give each class its own name, or labels as class numbers from 0",
            )
        for row, word in enumerate(words):
            if word.strip() not in index:
                raise InputError(
                    f"row {row} has the label {printable(word)!r}, which is no class: {listed(names)}",
                    help="labels are class numbers, or names of the classes as the columns have them",
                )
        return np.array([index[word.strip()] for word in words], dtype=np.int64)
    for row, word in enumerate(words):
        if not re.fullmatch(r"\s*[+-]?\d{1,18}(\.0*)?\s*", word):
            raise InputError(
                f"row {row} has the label {printable(word)!r}, but the classes have no names",
                help="name them: columns prob_NAME, --class-names (in Python class_names), or class numbers from 0",
            )
    return np.array([int(float(word)) for word in words], dtype=np.int64)


def words_of(values: AnyArray | None) -> Sequence[str]:
    """The words that labels are, each once, in order; none where they are numbers."""
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind not in "OUS" or not all(isinstance(value, str) for value in array):
        return ()
    found = sorted({str(value).strip() for value in array})
    return () if any(re.fullmatch(r"[+-]?\d+(\.0*)?", word) for word in found) else found


def any_missing(values: AnyArray, names: Sequence[str]) -> bool:
    """Whether a row has no label: a blank, a question mark, null or NaN, and none of the classes' ``names``."""
    array = np.asarray(values)
    if array.dtype.kind == "f":
        return bool(np.isnan(array).any())
    missing = {"", "?", "null", "none", "nan", "na", "n/a"} - {name.strip().lower() for name in names}
    return array.dtype.kind in "OUS" and any(
        value is None or value != value or str(value).strip().lower() in missing for value in array.ravel()
    )


def are_numbers(names: Sequence[str]) -> bool:
    """Whether names of classes are their numbers 0 … k − 1, and so say nothing."""
    return all(re.fullmatch(r"\d+", str(name).strip()) for name in names) and [int(name) for name in names] == list(
        range(len(names))
    )
