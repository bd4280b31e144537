"""Any metric by group: what the metric says of each group's rows."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

import calib
from calib.errors import InputError

from .references import sample

PREDICTIONS = calib.Predictions.from_logits(*sample(60, 3))
GROUPS = np.tile(["b", "a", "c"], 20)


@pytest.mark.parametrize("metric", [calib.ece, calib.nll, calib.accuracy, calib.classwise_ece])
def test_each_group_gets_its_own_value(metric: Any) -> None:
    found = calib.by_group(metric, PREDICTIONS, GROUPS)
    assert list(found) == ["a", "b", "c"]
    for group, value in found.items():
        assert value == metric(PREDICTIONS[group == GROUPS])


@pytest.mark.parametrize("groups", [GROUPS, GROUPS.tolist(), pd.Series(GROUPS), pd.Categorical(GROUPS)])
def test_groups_come_in_any_dress(groups: Any) -> None:
    assert calib.by_group(calib.ece, PREDICTIONS, groups) == calib.by_group(calib.ece, PREDICTIONS, GROUPS)


def test_logs_of_confidence_have_groups_too() -> None:
    outcomes = calib.Outcomes.from_confidence([0.9, 0.6, 0.8], [1, 0, 1], sample_weight=[1, 2, 3])
    found = calib.by_group(calib.ece, outcomes, [1, 0, 1])
    assert found == {0: pytest.approx(0.6), 1: pytest.approx((0.1 + 3 * 0.2) / 4)}


@pytest.mark.parametrize(
    ("groups", "message"),
    [(GROUPS[:5], r"shape \(60,\)"), (np.where(np.arange(60) == 7, np.nan, 1.0), "row 7 has no group")],
)
def test_missing_groups_are_refused(groups: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        calib.by_group(calib.ece, PREDICTIONS, groups)
    with pytest.raises(InputError, match="row 2 has no group"):
        calib.by_group(calib.ece, PREDICTIONS, [*["a", "b", None], *["a"] * 57])


def test_groups_keep_their_type_and_their_order() -> None:
    outcomes = calib.Outcomes.from_confidence([0.9, 0.6, 0.8], [1, 0, 1])
    assert list(calib.by_group(calib.ece, outcomes, np.array([10, 2, 9], object))) == [2, 9, 10]
    assert len(calib.by_group(calib.ece, outcomes, np.array([2, "2", 2], object))) == 2
    with pytest.raises(InputError, match="row 1 has no group"):
        calib.by_group(calib.ece, outcomes, pd.array(["a", None, "b"], dtype="string"))
    with pytest.raises(InputError, match="Predictions or Outcomes are needed"):
        calib.by_group(calib.ece, np.eye(3), [0, 1, 2])  # type: ignore[arg-type]


def test_a_group_whose_weights_are_all_0_is_refused_in_words() -> None:
    outcomes = calib.Outcomes.from_confidence([0.9, 0.6], [1, 0], sample_weight=[0, 1])
    for metric in (calib.ece, calib.accuracy, calib.smooth_ece, calib.ks_error):
        with pytest.raises(InputError, match="all sample weights are 0"):
            calib.by_group(metric, outcomes, [0, 1])


def test_intervals_and_reports_come_group_by_group_too() -> None:
    predictions = calib.Predictions.from_probs([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]] * 10, [0, 1, 0] * 10)
    groups = ["a", "a", "b"] * 10
    intervals = calib.by_group(calib.ece_interval, predictions, groups)
    assert intervals["a"] == calib.ece_interval(
        predictions[np.array([0, 1, 2] * 10) >= 0][np.tile([True, True, False], 10)]
    )
    assert calib.by_group(calib.evaluate, predictions, groups)["b"].n == 10


def test_nan_among_words_is_no_group_called_nan() -> None:
    with pytest.raises(InputError, match="row 1 has no group"):
        calib.by_group(calib.ece, PREDICTIONS, ["a", float("nan"), *["b"] * 58])
