"""The door: what is accepted, in which dress it may come, and what is refused in which words."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import calib
from calib.errors import InputError
from calib.predictions import Predictions, as_predictions

from .references import sample

# Quarters and sixteenths: exact in every floating-point type, so that all dresses must agree to the last bit.
LOGITS = np.array([[2.0, -1.25, 0.5], [0.75, 0.75, -3.0], [-8.0, 7.5, 7.25], [0.0, -0.5, 1.5]])
PROBS = np.array([[0.5, 0.25, 0.25], [0.0625, 0.875, 0.0625], [1.0, 0.0, 0.0], [0.25, 0.25, 0.5]])
LABELS = np.array([0, 1, 2, 2])


def read_only(array: Any) -> Any:
    array = array.copy()
    array.flags.writeable = False
    return array


DRESSES: dict[str, Callable[[Any], Any]] = {
    "nested lists": lambda a: a.tolist(),
    "nested tuples": lambda a: tuple(map(tuple, a.tolist())) if a.ndim == 2 else tuple(a.tolist()),
    "float32": lambda a: a.astype(np.float32),
    "float16": lambda a: a.astype(np.float16),
    "longdouble": lambda a: a.astype(np.longdouble),
    "big endian": lambda a: a.astype(">f8"),
    "fortran order": np.asfortranarray,
    "every second row": lambda a: np.repeat(a, 2, axis=0)[::2],
    "reversed twice": lambda a: a[::-1].copy()[::-1],
    "read-only": read_only,
    "pandas": lambda a: pd.DataFrame(a, index=[7, 7, 1, 0]) if a.ndim == 2 else pd.Series(a, index=[7, 7, 1, 0]),
    "tensor": torch.tensor,
    "tensor in float32": lambda a: torch.tensor(a, dtype=torch.float32),
    "tensor in float16": lambda a: torch.tensor(a, dtype=torch.float16),
    "tensor in bfloat16": lambda a: torch.tensor(a, dtype=torch.bfloat16),
    "tensor with gradient": lambda a: torch.tensor(a, requires_grad=True),
    "tensor in the middle of a graph": lambda a: torch.tensor(a, requires_grad=True) * 1,
    "transposed tensor": lambda a: torch.tensor(np.ascontiguousarray(a.T)).T,
    "list of rows": list,
}


def columns(predictions: Predictions) -> list[Any]:
    outcomes = predictions.outcomes
    return [
        outcomes.predicted,
        outcomes.correct,
        outcomes.confidence,
        outcomes.log_odds,
        outcomes.nll,
        outcomes.brier,
    ]


@pytest.mark.parametrize("dress", DRESSES.values(), ids=DRESSES.keys())
@pytest.mark.parametrize("kind", ["logits", "probs"])
def test_the_same_numbers_in_any_dress_give_the_same_outcomes(kind: str, dress: Callable[[Any], Any]) -> None:
    make, values = (Predictions.from_logits, LOGITS) if kind == "logits" else (Predictions.from_probs, PROBS)
    expected = columns(make(values, LABELS))
    for got, want in zip(columns(make(dress(values), LABELS)), expected, strict=True):
        tolerance = 1e-6 if kind == "logits" else 0
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance, strict=True)


@pytest.mark.parametrize(
    "labels",
    [
        LABELS.tolist(),
        LABELS.astype(np.uint8),
        LABELS.astype(np.int32),
        LABELS.astype(np.float32),
        LABELS[:, None],
        torch.tensor(LABELS),
        torch.tensor(LABELS, dtype=torch.uint8),
        pd.Series(LABELS, index=[3, 2, 1, 0]),
        pd.Series(LABELS, dtype="Int64"),
        pd.DataFrame(LABELS),
        read_only(LABELS),
    ],
    ids=lambda labels: f"{type(labels).__name__} {getattr(labels, 'dtype', '')}",
)
def test_labels_come_in_any_dress_too(labels: Any) -> None:
    np.testing.assert_array_equal(Predictions.from_logits(LOGITS, labels).labels, LABELS, strict=True)


def test_boolean_labels_are_classes_0_and_1() -> None:
    assert Predictions.from_probs([0.9, 0.2], [True, False]).labels.tolist() == [1, 0]


def test_a_memory_mapped_file_is_read_where_it_lies(tmp_path: Path) -> None:
    np.save(tmp_path / "logits.npy", LOGITS)
    mapped = np.load(tmp_path / "logits.npy", mmap_mode="r")
    predictions = Predictions.from_logits(mapped, LABELS)
    assert np.shares_memory(predictions.values, mapped)
    for got, want in zip(columns(predictions), columns(Predictions.from_logits(LOGITS, LABELS)), strict=True):
        np.testing.assert_array_equal(got, want)


def test_the_given_array_is_shared_and_never_changed() -> None:
    for make, values in ((Predictions.from_logits, LOGITS), (Predictions.from_probs, PROBS)):
        given = values.copy()
        predictions = make(given, LABELS)
        assert np.shares_memory(predictions.values, given)
        calib.evaluate(predictions)
        calib.TemperatureScaling(3.0).transform(predictions).outcomes  # noqa: B018
        np.testing.assert_array_equal(given, values)
        assert given.flags.writeable


def test_a_tensor_is_shared_too_and_keeps_its_gradient() -> None:
    logits = torch.tensor(LOGITS, requires_grad=True)
    predictions = Predictions.from_logits(logits, LABELS)
    assert predictions.values.ctypes.data == logits.data_ptr()
    assert logits.requires_grad


def test_what_predictions_hold_cannot_be_written_to() -> None:
    predictions = Predictions.from_logits(LOGITS.copy(), LABELS)
    for made in (predictions, predictions[1:], predictions[np.array([0, 2])], predictions[LABELS == 2]):
        assert not made.values.flags.writeable
        assert not made.labels.flags.writeable
    with pytest.raises(AttributeError):
        predictions.beta = 2.0  # type: ignore[misc]


def test_changing_the_labels_array_afterwards_changes_nothing() -> None:
    labels = LABELS.copy()
    predictions = Predictions.from_logits(LOGITS, labels)
    labels[:] = 0
    np.testing.assert_array_equal(predictions.labels, LABELS)


def test_whole_numbers_and_booleans_are_numbers() -> None:
    assert Predictions.from_logits(np.array([[3, 0], [0, 1]]), [0, 1]).outcomes.correct.all()
    assert calib.nll(np.array([[True, False]]), [0]) == 0
    assert calib.nll(np.array([1, 0]), [1, 0]) == 0


@pytest.mark.parametrize("positive", [[0.7, 0.25, 0.5], [1.0, 0.0, 0.5]])
def test_one_dimensional_probabilities_are_those_of_class_1(positive: list[float]) -> None:
    rows = [[1 - p, p] for p in positive]
    labels = [1, 1, 0]
    for metric in (calib.nll, calib.brier, calib.accuracy, calib.ece):
        assert metric(positive, labels) == metric(rows, labels)


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


def test_probabilities_printed_with_three_decimals_are_taken_as_they_are() -> None:
    predictions = Predictions.from_probs([[0.333, 0.333, 0.333], [0.1, 0.2, 0.7]], [0, 2])
    assert predictions.outcomes.confidence.tolist() == [0.333, 0.7]


def test_the_door_takes_predictions_or_probabilities_with_labels_and_nothing_else() -> None:
    predictions = Predictions.from_probs(PROBS, LABELS)
    assert as_predictions(predictions) is predictions
    assert as_predictions(PROBS, LABELS).kind == "probs"
    with pytest.raises(InputError, match="labels were given twice"):
        calib.ece(predictions, LABELS)
    with pytest.raises(InputError, match="probabilities were given without labels"):
        calib.ece(PROBS)


def test_a_selection_of_rows_keeps_everything_else() -> None:
    logits, labels = sample(20, 3)
    predictions = Predictions.from_logits(logits, labels, class_names=["a", "b", "c"], provenance={"run": 1})
    some = predictions[labels == 1]
    assert some.class_names == ("a", "b", "c")
    assert some.provenance == {"run": 1}
    assert (some.labels == 1).all()
    assert some.n == len(some) == (labels == 1).sum()
    assert predictions[np.array([3, 3, 0])].labels.tolist() == labels[[3, 3, 0]].tolist()


def test_a_selection_takes_its_own_temperatures_along() -> None:
    from dataclasses import replace

    logits, labels = sample(6, 3)
    beta = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    predictions = replace(Predictions.from_logits(logits, labels), beta=beta)
    rows = np.array([4, 1])
    np.testing.assert_array_equal(predictions[rows].beta, beta[rows])
    np.testing.assert_array_equal(predictions[rows].outcomes.nll, predictions.outcomes.nll[rows])
    assert replace(predictions, beta=2.0)[rows].beta == 2.0


@pytest.mark.parametrize("rows", [slice(0, 0), np.zeros(4, bool), np.array([], int)])
def test_a_selection_that_leaves_nothing_is_refused(rows: Any) -> None:
    with pytest.raises(InputError, match="leaves no rows"):
        Predictions.from_logits(LOGITS, LABELS)[rows]


@pytest.mark.parametrize("names", [["a"], ["a", "b", "c", "d"], []])
def test_class_names_are_one_a_column(names: list[str]) -> None:
    with pytest.raises(InputError, match=f"{len(names)} class names were given for 3 classes"):
        Predictions.from_logits(LOGITS, LABELS, class_names=names)


def test_the_outcomes_are_computed_once() -> None:
    predictions = Predictions.from_logits(LOGITS, LABELS)
    assert predictions.outcomes is predictions.outcomes


def test_rows_of_different_lengths_are_refused_in_words() -> None:
    with pytest.raises(InputError, match="the rows of a list differ in length"):
        Predictions.from_logits([[1.0, 2.0], [1.0]], [0, 0])


def test_one_logit_an_example_is_that_of_class_one_as_before_a_sigmoid() -> None:
    scores = np.array([2.0, -1.0, 0.5, -np.inf], np.float32)
    binary = Predictions.from_logits(scores, [1, 0, 0, 0])
    assert binary.n_classes == 2
    assert binary.values.dtype == np.float32
    np.testing.assert_allclose(calib.Outcomes.of_class(binary, 1).confidence, 1 / (1 + np.exp(-scores)), rtol=1e-6)
    assert Predictions.from_logits([3, -2], [1, 0]).values.tolist() == [[0.0, 3.0], [0.0, -2.0]]


def test_one_probability_an_example_out_of_range_is_named_as_it_was_given() -> None:
    for bad in (2.608, -0.1, np.nan):
        with pytest.raises(InputError, match=f"row 1 holds {bad:g}"):
            calib.ece(np.array([0.5, bad]), [0, 1])


def test_what_torch_or_pandas_hold_in_their_own_ways_is_read_or_refused_in_words() -> None:
    frame = pd.DataFrame([[0.75, 0.25], [0.5, 0.5]]).astype("Float64")
    assert Predictions.from_probs(frame, pd.Series([0, 1], dtype=object)).values.dtype == np.float64
    with pytest.raises(InputError, match="row 1 holds nan"):
        Predictions.from_probs(frame, pd.Series([True, pd.NA], dtype="boolean"))
    with pytest.raises(InputError, match="labels must be integers, got dtype object"):
        Predictions.from_probs(frame, np.array(["1", 0], object))
    for tensor in (torch.eye(2).to_sparse(), torch.empty(2, 2, device="meta")):
        with pytest.raises(InputError, match="cannot become an array"):
            Predictions.from_logits(tensor, [0, 1])


def test_masked_entries_are_never_read() -> None:
    probs = np.ma.masked_array([[0.9, 0.1], [0.4, 0.6]], mask=[[False, False], [True, True]])
    with pytest.raises(InputError, match="has masked entries"):
        calib.ece(probs, [0, 1])
    assert calib.ece(np.ma.masked_array(probs.data), [0, 1]) == calib.ece(probs.data, [0, 1])


def test_probabilities_in_bfloat16_are_as_good_as_their_digits() -> None:
    for k in (2, 10, 1000):
        probs = torch.from_numpy(sample(2000, k)[0]).bfloat16().softmax(1)
        assert 0 <= calib.ece(probs, np.zeros(2000, int)) <= 1


def test_weights_whose_sum_would_overflow_are_refused() -> None:
    with pytest.raises(InputError, match="sample weights must add up to less than"):
        Predictions.from_probs([0.5, 0.6], [0, 1], sample_weight=[1e307, 1.0])


def test_bfloat16_of_ml_dtypes_is_widened() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed")
    logits, labels = sample(50, 3)
    short = logits.astype(ml_dtypes.bfloat16)
    found = calib.Predictions.from_logits(short, labels)
    assert found.values.dtype == np.float32
    assert found.values.tolist() == short.astype(np.float64).tolist()
