"""Columns mean what they are called, nothing is guessed, and what is wrong is named by row and column."""

import math
from typing import Any

import numpy as np
import pytest

from calib.errors import InputError
from calib.files.columns import predictions_from
from calib.predictions import Predictions

P = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4], [0.25, 0.25, 0.5]])
Y = np.array([0, 1, 2, 0])
BY_CLASS = {f"prob_{i}": P[:, i] for i in range(3)}


def same(found: Predictions, kind: str = "probs") -> bool:
    return found.kind == kind and np.array_equal(found.values, P) and found.labels.tolist() == Y.tolist()


@pytest.mark.parametrize("stem", ["prob_", "probs_", "p", "P", "Prob.", "proba ", "probability-"])
@pytest.mark.parametrize("label", ["label", "labels", "target", "y", "Y_true", "ground_truth", " label "])
def test_scores_and_labels_go_by_many_names(stem: str, label: str) -> None:
    columns = {f"{stem}{i}": P[:, i] for i in (2, 0, 1)}  # in any order
    assert same(predictions_from({label: Y, **columns, "comment": np.array(["a"] * 4)}))


def test_ten_classes_are_sorted_as_numbers() -> None:
    logits = np.arange(24.0).reshape(2, 12)
    found = predictions_from({"label": Y[:2], **{f"logit_{i}": logits[:, i] for i in sorted(range(12), key=str)}})
    assert np.array_equal(found.values, logits)


def test_a_matrix_is_all_classes_at_once_and_one_column_is_the_second_of_two() -> None:
    assert same(predictions_from({"probs": P, "label": Y}))
    assert same(predictions_from({"logits": P, "label": Y}), "logits")
    two = predictions_from({"prob": P[:, 0], "label": np.array([1, 0, 1, 1])})
    assert two.probs[:, 1].tolist() == P[:, 0].tolist()


def test_names_of_classes_come_from_the_columns_and_labels_may_be_words() -> None:
    named = {f"prob_{name}": P[:, i] for i, name in enumerate(("cat", "dog", "NA"))}
    words = np.array(["cat", "dog", "NA", "cat"], dtype=object)
    found = predictions_from({**named, "label": words})
    assert same(found)
    assert found.class_names == ("cat", "dog", "NA")
    bare = {name.removeprefix("prob_"): column for name, column in named.items()}
    assert same(predictions_from({"id": np.arange(4), **bare, "label": words}, kind="probs"))
    assert same(predictions_from({**BY_CLASS, "label": words}, class_names=("cat", "dog", "NA")))
    assert same(predictions_from({**BY_CLASS, "label": Y.astype(str).astype(object)}))


def test_what_names_do_not_say_is_asked_for_and_what_they_say_holds() -> None:
    for name in ("predictions", "scores", "output"):
        with pytest.raises(InputError, match="does not say whether it holds logits") as error:
            predictions_from({name: P, "label": Y})
        assert "--from probs" in error.value.help
        assert same(predictions_from({name: P, "label": Y}, kind="probs"))
    with pytest.raises(InputError, match="no columns of logits") as error:
        predictions_from({"probs": P, "label": Y}, kind="logits")
    assert (
        error.value.help == "the file calls them probs: leave --from out; if they are logits, call them so in the file"
    )
    both = {"probs": P, "logits": np.log(P), "label": Y}
    with pytest.raises(InputError, match="'probs' and 'logits' both hold scores"):
        predictions_from(both)
    assert same(predictions_from(both, kind="probs"))


def test_a_misspelt_column_of_labels_is_shown_before_the_scores() -> None:
    columns = {f"logit_{c}": np.zeros(3) for c in range(10)} | {"lable": np.zeros(3)}
    with pytest.raises(InputError, match="no column of labels among 'lable', 'logit_0'"):
        predictions_from(columns)


@pytest.mark.parametrize("name", ["predict", "prediction", "y_pred", "Pred", "score"])
def test_predicted_classes_are_not_taken_for_probabilities(name: str) -> None:
    hard = {"label": np.array([0, 1, 1, 0]), name: np.array([0, 1, 0, 0])}
    for kind in (None, "probs", "logits"):
        for values in (hard[name], hard[name].astype(float), hard[name].astype(bool)):
            with pytest.raises(InputError, match="classes that were predicted, not how probable") as error:
                predictions_from({**hard, name: values}, kind=kind)
            assert "`confidence` and `correct`" in error.value.help
            assert "`prob_1`" in error.value.help
    assert same(predictions_from({**BY_CLASS, "label": Y, name: hard[name]}))  # beside scores it is nobody's business


def test_class_numbers_are_told_from_scores_by_the_name_of_their_column() -> None:
    numbers = {"label": np.array([0, 1, 1, 0]), "prediction": np.array([3, 9, 0, 3])}
    with pytest.raises(InputError, match="'prediction' holds whole numbers"):
        predictions_from(numbers)
    points = {"label": np.array([0, 1, 1, 0]), "score": np.array([-3, 9, 0, 3])}
    assert predictions_from(points, kind="logits").values[:, 1].tolist() == [-3, 9, 0, 3]
    assert predictions_from({**points, "score": np.array([0.1, 0.9, 0, 1])}, kind="probs").n == 4


def test_weights_and_labels_of_another_file_are_taken() -> None:
    found = predictions_from({**BY_CLASS, "weight": np.array([1, 2, 3, 4])}, labels=Y)
    assert same(found)
    assert found.sample_weight is not None
    assert found.sample_weight.tolist() == [1, 2, 3, 4]
    with pytest.raises(InputError, match="labels were given, and there is a column 'y' too"):
        predictions_from({**BY_CLASS, "y": Y}, labels=Y)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({**BY_CLASS}, "no column of labels"),
        ({**BY_CLASS, "label": Y, "target": Y}, "may all be the labels"),
        ({"label": Y}, "no columns of scores"),
        ({"label": Y, "prob_0": P[:, 0], "prob_2": P[:, 1]}, "number 1 is missing"),
        (
            {"label": Y, "prob_1": P[:, 0], "prob_2": P[:, 1]},
            "'prob_2' are not classes 0 … 1: they begin with",
        ),
        ({"label": Y, "prob_0": P[:, 0]}, "'prob_0' is the only class"),
        ({"label": Y, "prob_0": P[:, 0], "prob_00": P[:, 0], "prob_1": P[:, 1]}, "are the same class"),
        ({"label": Y, **BY_CLASS, "prob_1": np.array(["0.1", "x", "0.2", "0.3"])}, "row 1 column 'prob_1' holds 'x'"),
        ({"label": Y, **BY_CLASS, "prob_1": np.array(["0,2"] * 4)}, "row 0 column 'prob_1' holds '0,2'"),
        ({"label": np.array([0, 1.5, 2, 0]), **BY_CLASS}, "row 1 holds 1.5"),
        ({"label": np.array([0, math.nan, 2, 0]), **BY_CLASS}, "row 1 has no label"),
        ({"label": np.array([0, 1, 3, 0]), **BY_CLASS}, "row 2 holds 3"),
        ({"label": np.array(["0", "one", "2", "0"]), **BY_CLASS}, "row 1 has the label 'one'"),
        ({"label": np.array(["a"] * 4), "prob_a": P[:, 0], "prob_b": P[:, 1]}, "row 0"),
        ({"id": np.array([7, 8, 7, 9]), "label": Y, **BY_CLASS}, "id '7' comes 2 times, first in row 0"),
        ({"label": Y[:3], **BY_CLASS}, "4 rows of scores came with 3 labels"),
        ({"label": np.eye(3)[Y[:4]], **BY_CLASS}, "labels must have shape"),
        ({"label": Y, "weight": np.array(["a"] * 4), **BY_CLASS}, "row 0 column 'weight' holds 'a'"),
    ],
)
def test_bad_columns_are_named(columns: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError) as error:
        _ = predictions_from(columns).outcomes
    assert words in str(error.value)
    assert error.value.help


def test_a_label_that_is_no_class_is_named_with_the_classes() -> None:
    named = {f"prob_{name}": P[:, i] for i, name in enumerate(("cat", "dog", "emu"))}
    with pytest.raises(InputError, match="row 3 has the label 'Cat', which is no class: 'cat', 'dog', 'emu'"):
        predictions_from({**named, "label": np.array(["cat", "dog", "emu", "Cat"])})
    with pytest.raises(InputError, match="row 0 has the label ''"):
        predictions_from({**named, "label": np.array([None, "dog", "emu", "cat"], dtype=object)})


def test_what_follows_the_number_of_a_class_makes_another_column() -> None:
    assert same(predictions_from({**BY_CLASS, "prob_1_before": P[:, 0], "label": Y}))
