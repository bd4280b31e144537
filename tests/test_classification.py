"""Precision, recall and F1 class by class: worked by hand, equal to scikit-learn's, and joined to the confidence."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

import calib
from calib.errors import InputError
from calib.predictions import Predictions

from .references import sample

# Labels 0 0 0 1 1 2; predicted 0 0 1 1 0 0: class 2 is never predicted, class 3 is neither.
LABELS = [0, 0, 0, 1, 1, 2]
PREDICTED = [0, 0, 1, 1, 0, 0]
CONFIDENCE = [0.9, 0.8, 0.7, 0.6, 0.9, 0.5]


def by_hand(**options: Any) -> pd.DataFrame:
    probs = np.zeros((6, 4))
    for row, predicted, confidence in zip(probs, PREDICTED, CONFIDENCE, strict=True):
        row[:] = (1 - confidence) / 3
        row[predicted] = confidence
    return calib.classification_report(Predictions.from_probs(probs, LABELS, **options))


def column(report: pd.DataFrame, name: str) -> list[float]:
    return [float(value) for value in report[name]]


def test_precision_recall_and_f1_are_those_worked_by_hand() -> None:
    report = by_hand()
    assert report["kind"].tolist() == ["class"] * 4 + ["accuracy", "macro mean", "weighted mean"]
    assert column(report, "precision")[:4] == pytest.approx([2 / 4, 1 / 2, 0, 0])
    assert column(report, "recall")[:4] == pytest.approx([2 / 3, 1 / 2, 0, 0])
    assert column(report, "f1")[:4] == pytest.approx([4 / 7, 1 / 2, 0, 0])
    assert report["n"].tolist() == [3, 2, 1, 0, 6, 6, 6]
    assert report["predicted"].tolist() == [4, 2, 0, 0, 6, 6, 6]


def test_the_means_are_those_worked_by_hand_and_leave_out_a_class_that_never_occurs() -> None:
    report = by_hand()
    assert column(report, "f1")[4:] == pytest.approx([3 / 6, (4 / 7 + 1 / 2) / 3, (3 * 4 / 7 + 2 / 2) / 6])
    assert column(report, "recall")[4:] == pytest.approx([1 / 2, (2 / 3 + 1 / 2) / 3, 1 / 2])
    assert column(report, "precision")[4:] == pytest.approx([1 / 2, (1 / 2 + 1 / 2) / 3, (3 / 2 + 2 / 2) / 6])


def test_confidence_and_gap_are_of_the_examples_predicted_as_the_class() -> None:
    report = by_hand()
    assert column(report, "mean_confidence")[:2] == pytest.approx([(0.9 + 0.8 + 0.9 + 0.5) / 4, (0.7 + 0.6) / 2])
    assert column(report, "gap")[:2] == pytest.approx([0.775 - 0.5, 0.65 - 0.5])
    assert report["gap"][2:4].isna().all()
    assert report["gap"][5:].isna().all()


def test_the_overall_row_is_the_accuracy_and_gap_of_evaluate() -> None:
    predictions = Predictions.from_logits(*sample(300, 5))
    overall = calib.classification_report(predictions).query("kind == 'accuracy'").iloc[0]
    found = calib.evaluate(predictions)
    assert overall["precision"] == overall["recall"] == overall["f1"] == found.accuracy
    assert overall["gap"] == pytest.approx(found.gap, abs=1e-15)


def test_gaps_weighted_by_what_is_predicted_add_up_to_the_overall_gap() -> None:
    report = calib.classification_report(Predictions.from_logits(*sample(500, 7)))
    classes = report[report["kind"] == "class"]
    overall = float(report["gap"][report["kind"] == "accuracy"].iloc[0])
    assert float((classes["gap"] * classes["predicted"]).sum()) / 500 == pytest.approx(overall)


@pytest.mark.parametrize(("k", "n"), [(2, 50), (5, 400), (40, 60), (1000, 3000)])
@pytest.mark.parametrize("weighted", [False, True])
def test_equal_to_scikit_learn_to_the_twelfth_digit(k: int, n: int, weighted: bool) -> None:
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    logits, labels = sample(n, k)
    weight = np.random.default_rng(1).exponential(size=n) if weighted else None
    report = calib.classification_report(Predictions.from_logits(logits, labels, sample_weight=weight))
    theirs = metrics.classification_report(
        labels, logits.argmax(axis=1), sample_weight=weight, output_dict=True, zero_division=0
    )
    ours = report[(report["kind"] != "class") | (report["n"] + report["predicted"] > 0)]
    keys = {"macro mean": "macro avg", "weighted mean": "weighted avg"}
    for row in ours.to_dict("records"):
        if row["kind"] == "accuracy":
            assert row["f1"] == pytest.approx(theirs["accuracy"], rel=0, abs=1e-12)
            continue
        expected = theirs[str(row["class"]) if row["kind"] == "class" else keys[row["kind"]]]
        for mine, other in (("precision", "precision"), ("recall", "recall"), ("f1", "f1-score")):
            assert row[mine] == pytest.approx(expected[other], rel=0, abs=1e-12)
        if not weighted:
            assert row["n"] == expected["support"]
    assert len(ours) == len(theirs)


def test_a_weight_of_two_is_an_example_twice() -> None:
    logits, labels = sample(40, 3)
    twice = np.arange(40) % 2
    weighted = calib.classification_report(Predictions.from_logits(logits, labels, sample_weight=1 + twice))
    rows = np.repeat(np.arange(40), 1 + twice)
    repeated = calib.classification_report(Predictions.from_logits(logits[rows], labels[rows]))
    shares = ["precision", "recall", "f1", "mean_confidence", "gap"]
    np.testing.assert_allclose(weighted[shares].to_numpy(float), repeated[shares].to_numpy(float), atol=1e-12)
    assert weighted["n"].iloc[-1] == 40


def test_names_are_the_classes_own_or_their_numbers_and_may_repeat() -> None:
    assert by_hand()["name"].tolist() == ["0", "1", "2", "3", "", "", ""]
    report = by_hand(class_names=["accuracy", "accuracy", "", "NA"])
    assert report["name"].tolist() == ["accuracy", "accuracy", "", "NA", "", "", ""]
    assert report["class"].tolist() == [0, 1, 2, 3, None, None, None]


def test_the_worst_come_first_and_ties_stay_in_their_order() -> None:
    logits, labels = sample(400, 6)
    predictions = Predictions.from_logits(logits, labels)
    whole = calib.classification_report(predictions)
    for by in ("f1", "precision", "recall"):
        report = calib.classification_report(predictions, worst=3, by=by)
        lowest = sorted(whole[by][:6])[:3]
        assert column(report, by)[:3] == lowest
        pd.testing.assert_frame_equal(report[3:].reset_index(drop=True), whole[6:].reset_index(drop=True))
    tied = calib.classification_report(np.full((4, 4), 0.25), [0, 1, 2, 3], worst=9)
    assert tied["class"].tolist() == [1, 2, 3, 0, None, None, None]


def test_the_worst_gap_is_the_largest_on_either_side_and_unknown_ones_come_last() -> None:
    report = calib.classification_report(
        [[0.4, 0.6, 0], [0.4, 0.6, 0], [0.6, 0.4, 0], [0.7, 0.3, 0]], [1, 1, 0, 2], worst=3, by="gap"
    )
    assert report["class"].tolist()[:3] == [1, 0, 2]
    assert column(report, "gap")[:2] == pytest.approx([-0.4, 0.15])
    assert math.isnan(column(report, "gap")[2])


def test_bad_arguments_are_refused() -> None:
    predictions = Predictions.from_logits([[1.0, 0.0]], [0])
    for worst in (0, -1, True, 2.5):
        with pytest.raises(InputError, match="worst must be a whole number of at least 1"):
            calib.classification_report(predictions, worst=worst)  # type: ignore[arg-type]  # that is the test
    with pytest.raises(InputError, match="by must be f1 or"):
        calib.classification_report(predictions, by="support")  # type: ignore[arg-type]  # that is the test
    with pytest.raises(InputError, match="whole distributions are needed"):
        calib.classification_report(calib.Outcomes.from_confidence([0.5], [True]))
    weighted = Predictions.from_logits([[1.0, 0.0], [0.0, 1.0]], [0, 1], sample_weight=[0, 1])
    with pytest.raises(InputError, match="all sample weights are 0"):
        calib.classification_report(weighted[:1])


def test_ends_all_right_and_all_wrong() -> None:
    right = calib.classification_report([[1.0, 0.0], [0.0, 1.0]], [0, 1])
    assert right[["precision", "recall", "f1"]].to_numpy(float).min() == 1
    assert column(right, "gap")[:3] == [0, 0, 0]
    wrong = calib.classification_report([[1.0, 0.0], [0.0, 1.0]], [1, 0])
    assert wrong[["precision", "recall", "f1"]].to_numpy(float).max() == 0
    assert column(wrong, "gap")[:3] == [1, 1, 1]
