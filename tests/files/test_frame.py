"""Dataframes as predictions: columns by name, in the order of their numbers, errors by row."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from calib.errors import InputError
from calib.predictions import Predictions


def table(k: int = 12) -> pd.DataFrame:
    logits = np.arange(3 * k, dtype=float).reshape(3, k)
    columns = {f"logit_{c}": logits[:, c] for c in sorted(range(k), key=str)}  # logit_10 before logit_2
    return pd.DataFrame({**columns, "label": [0, 1, 11], "weight": [1.0, 0.5, 2.0], "note": [object()] * 3})


def test_columns_are_taken_by_their_numbers_and_others_left_alone() -> None:
    found = Predictions.from_frame(table())
    assert found.values.tolist() == np.arange(36.0).reshape(3, 12).tolist()
    assert found.labels.tolist() == [0, 1, 11]
    assert found.sample_weight is not None
    assert found.sample_weight.tolist() == [1.0, 0.5, 2.0]


def test_lists_words_and_kinds_are_as_in_files() -> None:
    lists = pd.DataFrame({"probs": [[0.9, 0.1], [0.2, 0.8]], "label": ["cat", "dog"]})
    found = Predictions.from_frame(lists, class_names=["cat", "dog"])
    assert (found.kind, found.labels.tolist()) == ("probs", [0, 1])
    unsaid = pd.DataFrame({"scores": [[0.9, 0.1], [0.2, 0.8]], "label": [0, 1]})
    assert Predictions.from_frame(unsaid, kind="logits").kind == "logits"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"logit_3": [1.0, None, 2.0]}, "row 1 column 'logit_3' has no value"),
        ({"label": [0, 1, None]}, "row 2 column 'label' has no value"),
        ({"logit_3": [[1.0], [1.0, 2.0], [3.0]]}, "'logit_3' holds neither numbers nor words nor lists"),
    ],
)
def test_what_is_missing_or_odd_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Predictions.from_frame(table().assign(**change))


def test_two_columns_of_one_name_are_refused() -> None:
    twice = pd.concat([table(), table()[["label"]]], axis=1)
    with pytest.raises(InputError, match="two columns of one name"):
        Predictions.from_frame(twice)
