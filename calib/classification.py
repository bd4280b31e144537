"""Precision, recall and F1 class by class, and how far the confidence is from the precision."""

from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np

from calib._arrays import AnyArray, Float
from calib._checks import check_choice, check_some_weight, check_whole
from calib._sums import ratio, sums_by
from calib.arguments import as_predictions
from calib.predictions import ArrayLike, Predictions

if TYPE_CHECKING:
    import pandas as pd

By: TypeAlias = Literal["f1", "precision", "recall", "gap"]


def classification_report(
    predictions: Predictions | ArrayLike, labels: ArrayLike | None = None, *, worst: int | None = None, by: By = "f1"
) -> "pd.DataFrame":
    """Tabulate the predicted class against the label: a row a class, then accuracy, macro mean and weighted mean.

    Takes `Predictions`, or probabilities ``(n, k)`` and labels ``(n,)``.  Columns: ``kind`` ("class", "accuracy",
    "macro mean", "weighted mean"), ``class`` (0 … k − 1; None in the last three rows), ``name``; ``precision``,
    ``recall``, ``f1`` in [0, 1]; ``n``, the examples labelled so, and ``predicted``, those predicted so;
    ``mean_confidence`` of those predicted so and ``gap`` = mean confidence − precision in [−1, 1], positive where too
    much is claimed for the class, NaN where it is never predicted.

    What would be 0 / 0 is 0: the precision of a class never predicted, the recall of one that is no label, the F1 of
    one that is neither (scikit-learn's ``zero_division=0``).  The macro mean is over the classes that are a label or a
    prediction, the weighted mean weights recall, precision and F1 by the labels.  Over all examples precision, recall
    and F1 are all the accuracy.  Sample weights weight everything but ``n`` and ``predicted``, which are counts.

    ``worst`` keeps that many classes, the lowest ``by`` first (of ``"gap"`` the largest on either side); the last three
    rows stay those of all classes.  Raises `InputError` for bad input.

    >>> report = classification_report([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]], [0, 1, 1])
    >>> report[["kind", "precision", "recall", "f1", "n"]].round(2).values.tolist()[:2]
    [['class', 0.5, 1.0, 0.67, 1], ['class', 1.0, 0.5, 0.67, 2]]
    """
    import pandas as pd

    checked = as_predictions(predictions, labels)
    check_some_weight(checked.sample_weight)
    check_choice("by", by, get_args(By))
    outcomes, each = checked.outcomes, _each_class(checked)
    order = _order(-np.abs(each["gap"]) if by == "gap" else each[by], worst)
    accuracy, mean_confidence = outcomes.mean(outcomes.correct), outcomes.mean(outcomes.confidence)
    occurs = each["n"] + each["predicted"] > 0
    rates = ("precision", "recall", "f1")
    below = {
        name: [accuracy, each[name][occurs].mean(), np.average(each[name], weights=each["support"])] for name in rates
    } | {
        "n": [outcomes.n] * 3,
        "predicted": [outcomes.n] * 3,
        "mean_confidence": [mean_confidence, np.nan, np.nan],
        "gap": [mean_confidence - accuracy, np.nan, np.nan],
    }
    names = checked.class_names or tuple(map(str, range(checked.n_classes)))
    return pd.DataFrame(
        {
            "kind": ["class"] * len(order) + ["accuracy", "macro mean", "weighted mean"],
            "class": pd.Series([*order.tolist(), None, None, None], dtype=object),
            "name": [*(names[c] for c in order), "", "", ""],
            **{name: np.append(each[name][order], last) for name, last in below.items()},
        }
    )


def _each_class(predictions: Predictions) -> dict[str, AnyArray]:
    """The columns of the table for every class ``(k,)``, and ``support``, the weight of the examples labelled so."""
    truth, outcomes, k = predictions.labels, predictions.outcomes, predictions.n_classes
    predicted, weight = outcomes.predicted, outcomes.mass
    support, claimed = sums_by(truth, weight, k), sums_by(predicted, weight, k)
    right = sums_by(predicted, weight * outcomes.correct, k)
    precision = ratio(right, claimed, empty=0.0)
    mean_confidence = ratio(sums_by(predicted, weight * outcomes.confidence, k), claimed, empty=np.nan)
    return {
        "precision": precision,
        "recall": ratio(right, support, empty=0.0),
        "f1": ratio(2 * right, claimed + support, empty=0.0),
        "n": np.bincount(truth, minlength=k),
        "predicted": np.bincount(predicted, minlength=k),
        "mean_confidence": mean_confidence,
        "gap": mean_confidence - precision,
        "support": support,
    }


def _order(score: Float, worst: int | None) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """The classes to show: all in their order, or the ``worst`` by ascending score, NaN last and ties as they stand."""
    if worst is None:
        return np.arange(len(score))
    return np.argsort(score, kind="stable")[: check_whole("worst", worst, lowest=1, help="leave it out for all")]
