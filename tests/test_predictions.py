"""The door: what is accepted, in which dress it may come, and what is refused in which words."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import calib
from calib.arguments import as_predictions
from calib.errors import InputError
from calib.predictions import Predictions

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


def test_the_outcomes_are_computed_once() -> None:
    predictions = Predictions.from_logits(LOGITS, LABELS)
    assert predictions.outcomes is predictions.outcomes


def test_one_logit_an_example_is_that_of_class_one_as_before_a_sigmoid() -> None:
    scores = np.array([2.0, -1.0, 0.5, -np.inf], np.float32)
    binary = Predictions.from_logits(scores, [1, 0, 0, 0])
    assert binary.n_classes == 2
    assert binary.values.dtype == np.float32
    np.testing.assert_allclose(calib.Outcomes.of_class(binary, 1).confidence, 1 / (1 + np.exp(-scores)), rtol=1e-6)
    assert Predictions.from_logits([3, -2], [1, 0]).values.tolist() == [[0.0, 3.0], [0.0, -2.0]]


def test_probabilities_in_bfloat16_are_as_good_as_their_digits() -> None:
    for k in (2, 10, 1000):
        probs = torch.from_numpy(sample(2000, k)[0]).bfloat16().softmax(1)
        assert 0 <= calib.ece(probs, np.zeros(2000, int)) <= 1


def test_bfloat16_of_ml_dtypes_is_widened() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed")
    logits, labels = sample(50, 3)
    short = logits.astype(ml_dtypes.bfloat16)
    found = calib.Predictions.from_logits(short, labels)
    assert found.values.dtype == np.float32
    assert found.values.tolist() == short.astype(np.float64).tolist()


@pytest.mark.parametrize("make", [Predictions.from_probs, Predictions.from_logits])
def test_labels_in_words_are_taken_by_the_names_of_the_classes(make: Any) -> None:
    scores, names = np.eye(3) * 0.7 + 0.1, ["cat", "dog", "bird"]
    words = ["bird", "cat", "dog"]
    for labels in (words, np.array(words), pd.Series(words), pd.Series(words, dtype="category")):
        assert make(scores, labels, class_names=names).labels.tolist() == [2, 0, 1]
    with pytest.raises(InputError, match="row 1 has the label 'emu', which is no class"):
        make(scores, ["bird", "emu", "cat"], class_names=names)
    with pytest.raises(InputError, match="labels must be integers") as error:
        make(scores, words)
    assert "`class_names`" in error.value.help
