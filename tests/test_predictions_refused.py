"""What is no predictions is refused in words, by row and column."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import calib
from calib.errors import InputError
from calib.predictions import Predictions

from .test_predictions import LABELS, LOGITS


@pytest.mark.parametrize(
    ("logits", "labels", "message"),
    [
        (np.zeros((2, 2, 2)), [0, 1], r"got \(2, 2, 2\)"),
        (3.0, [0], r"got \(\)"),
        (np.zeros((0, 3)), [], "logits have no rows"),
        ([[1.0], [2.0]], [0, 0], r"1 column\(s\), at least 2"),
        (np.zeros((2, 0)), [0, 0], r"0 column\(s\)"),
        ([["a", "b"]], [0], "logits must be numbers, got dtype <U1"),
        (np.zeros((1, 2), complex), [0], "got dtype complex128"),
        (np.array([["a", 1.0]], object), [0], "got dtype object"),
        (np.zeros((1, 2), "M8[s]"), [0], "must be numbers"),
        (np.zeros((3, 2)), [0, 1], "3 rows of scores came with 2 labels"),
        (np.zeros((2, 2)), 1, r"labels must have shape \(n,\), got \(\)"),
        (np.zeros((2, 2)), [[1, 0], [0, 1]], r"labels must have shape \(n,\), got \(2, 2\)"),
        (np.zeros((2, 2)), ["cat", "dog"], "labels must be integers, got dtype <U3"),
        (np.zeros((2, 2)), [None, 1], "whole numbers, row 0 holds nan"),
        (np.zeros((2, 2)), np.array([0j, 1]), "labels must be integers, got dtype complex128"),
        (np.zeros((3, 2)), [0, 1, 0.5], "whole numbers, row 2 holds 0.5"),
        (np.zeros((2, 2)), [0, np.nan], "whole numbers, row 1 holds nan"),
        (np.zeros((2, 2)), [0, np.inf], "row 1 holds inf"),
        (np.zeros((3, 2)), [0, 1, 2], "labels must lie in 0 … 1 for 2 classes, row 2 holds 2"),
        (np.zeros((2, 2)), [-100, 1], "row 0 holds -100"),
        (np.zeros((2, 2)), np.array([0, 2**64 - 1], np.uint64), "row 1 holds"),
    ],
)
def test_what_is_no_table_of_scores_with_labels_is_refused(logits: Any, labels: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        Predictions.from_logits(logits, labels)
    assert caught.value.help


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ([np.nan, 0.0], "logits must be numbers or −inf, row 2 column 0 holds nan"),
        ([0.0, np.inf], "row 2 column 1 holds inf"),
        ([-np.inf, -np.inf], "row 2 of the logits is −inf for every class"),
        ([-np.inf, np.nan], "row 2 column 1 holds nan"),
    ],
)
@pytest.mark.parametrize("block_entries", [1, 4, 1000])
def test_a_bad_logit_is_named_by_row_and_column_in_whatever_block(
    monkeypatch: pytest.MonkeyPatch, bad: list[float], message: str, block_entries: int
) -> None:
    monkeypatch.setattr("calib._arrays.BLOCK_ENTRIES", block_entries)
    predictions = Predictions.from_logits([[0.0, 1.0], [1.0, 0.0], bad, [np.nan, 1.0]], [0, 1, 0, 1])
    for measure in (calib.ece, calib.nll, calib.evaluate, calib.TemperatureScaling.fit):
        with pytest.raises(InputError, match=message):
            measure(predictions)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ([np.nan, 1.0], "probabilities must be numbers, row 1 column 0 holds nan"),
        ([0.5, 0.49], "must sum to 1, row 1 sums to 0.99"),
        ([0.6, 0.405], "must sum to 1, row 1 sums to 1.005"),
        ([0.0, 0.0], "row 1 sums to 0"),
        ([-0.1, 1.1], r"must lie in \[0, 1\], row 1 column 0 holds -0.1"),
        ([3.0, -2.0], r"row 1 column 0 holds 3"),
        ([np.inf, 0.0], r"row 1 column 0 holds inf"),
        ([-np.inf, 1.0], r"row 1 column 0 holds -inf"),
        ([1e-30, -1e-30], "row 1"),
    ],
)
def test_a_row_that_is_no_distribution_is_refused_by_name(bad: list[float], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        calib.ece([[0.5, 0.5], bad], [0, 1])
    assert caught.value.help


def test_logits_handed_over_as_probabilities_are_refused_with_the_way_out() -> None:
    with pytest.raises(InputError, match=r"\[0, 1\]") as caught:
        calib.ece([[4.0, -1.0], [0.3, 2.0]], [0, 1])
    assert "Predictions.from_logits" in caught.value.help


def test_logits_that_look_like_probabilities_stay_logits() -> None:
    rows = [[0.25, 0.75]]
    assert calib.nll(Predictions.from_logits(rows, [1])) == pytest.approx(np.log1p(np.exp(-0.5)), rel=1e-15)
    assert calib.nll(Predictions.from_probs(rows, [1])) == pytest.approx(-np.log(0.75), rel=1e-15)


@pytest.mark.parametrize("names", [["a"], ["a", "b", "c", "d"], []])
def test_class_names_are_one_a_column(names: list[str]) -> None:
    with pytest.raises(InputError, match=f"{len(names)} class names were given for 3 classes"):
        Predictions.from_logits(LOGITS, LABELS, class_names=names)


def test_rows_of_different_lengths_are_refused_in_words() -> None:
    with pytest.raises(InputError, match="the rows of a list differ in length"):
        Predictions.from_logits([[1.0, 2.0], [1.0]], [0, 0])


def test_one_probability_an_example_out_of_range_is_named_as_it_was_given() -> None:
    for bad in (2.608, -0.1, np.nan):
        with pytest.raises(InputError, match=f"row 1 holds {bad:g}"):
            calib.ece(np.array([0.5, bad]), [0, 1])


def test_what_torch_or_pandas_hold_in_their_own_ways_is_read_or_refused_in_words() -> None:
    frame = pd.DataFrame([[0.75, 0.25], [0.5, 0.5]]).astype("Float64")
    assert Predictions.from_probs(frame, pd.Series([0, 1], dtype=object)).values.dtype == np.float64
    with pytest.raises(InputError, match="row 1 holds nan"):
        Predictions.from_probs(frame, pd.Series([True, pd.NA], dtype="boolean"))
    with pytest.raises(InputError, match="labels must be integers, got dtype object") as error:
        Predictions.from_probs(frame, np.array(["1", 0], object))
    assert "`class_names`" in error.value.help
    for tensor in (torch.eye(2).to_sparse(), torch.empty(2, 2, device="meta")):
        with pytest.raises(InputError, match="cannot become an array"):
            Predictions.from_logits(tensor, [0, 1])


def test_masked_entries_are_never_read() -> None:
    probs = np.ma.masked_array([[0.9, 0.1], [0.4, 0.6]], mask=[[False, False], [True, True]])
    with pytest.raises(InputError, match="has masked entries"):
        calib.ece(probs, [0, 1])
    assert calib.ece(np.ma.masked_array(probs.data), [0, 1]) == calib.ece(probs.data, [0, 1])


def test_weights_whose_sum_would_overflow_are_refused() -> None:
    with pytest.raises(InputError, match="sample weights must add up to less than"):
        Predictions.from_probs([0.5, 0.6], [0, 1], sample_weight=[1e307, 1.0])


@pytest.mark.parametrize("rows", [0, np.array([[0, 1], [1, 0]])])
def test_what_chooses_no_list_of_rows_is_refused_in_words(rows: Any) -> None:
    with pytest.raises(InputError, match="rows are selected by a slice, a mask"):
        Predictions.from_probs([0.5, 0.6], [0, 1])[rows]
    with pytest.raises(InputError, match="leaves no rows"):
        Predictions.from_probs([0.5, 0.6], [0, 1])[2:]
