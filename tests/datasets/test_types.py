from typing import Any

import numpy as np
import pytest

from calib.datasets import Dataset, SplitSizes
from calib.errors import InputError


def make(**changes: Any) -> Dataset:
    fields: dict[str, Any] = {
        "name": "tiny",
        "images": np.zeros((3, 1, 2, 2), dtype=np.uint8),
        "labels": np.array([0, 1, 1]),
        "class_names": ("no", "yes"),
        "mean": (0.5,),
        "std": (0.25,),
        "pixel_max": 255,
        "n_train": 2,
        "usual_sizes": SplitSizes(train=1, calibration=1),
    }
    return Dataset(**{**fields, **changes})


def test_a_sound_data_set_is_taken() -> None:
    assert (make().n, make().n_classes, make().shape) == (3, 2, (1, 2, 2))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": np.zeros((3, 2, 2), dtype=np.uint8)}, "images must be uint8"),
        ({"images": np.zeros((3, 1, 2, 2))}, "images must be uint8"),
        ({"images": np.zeros((0, 1, 2, 2), dtype=np.uint8), "labels": np.zeros(0, dtype=np.int64)}, "images must be"),
        ({"labels": np.array([0, 1])}, r"labels must be int64 \(3,\)"),
        ({"labels": np.array([0, 1, 1], dtype=np.uint8)}, "labels must be int64"),
        ({"labels": np.array([0, 1, 2])}, "row 2 holds 2"),
        ({"labels": np.array([0, -1, 1])}, "row 1 holds -1"),
        ({"mean": (0.5, 0.5, 0.5)}, "for each of 1 channels"),
        ({"std": (0.0,)}, "positive std"),
        ({"images": np.full((3, 1, 2, 2), 17, dtype=np.uint8), "pixel_max": 16}, r"0 … 16, the largest is 17"),
        ({"n_train": 3}, "n_train must lie in 1 … 2"),
    ],
)
def test_contradicting_fields_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make(**changes)
