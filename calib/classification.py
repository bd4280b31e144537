"""Precision, recall and F1 class by class, and how far the confidence is from the precision."""

from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from calib._arrays import Float, Int
from calib.binning import check_choice
from calib.errors import InputError
from calib.predictions import ArrayLike, Predictions, as_predictions

if TYPE_CHECKING:
    import pandas as pd

By: TypeAlias = Literal["f1", "precision", "recall", "gap"]
CHOICES = ("f1", "precision", "recall", "gap")


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
    check_choice("by", by, CHOICES)
    k, outcomes = checked.n_classes, checked.outcomes
    weight = np.ones(outcomes.n) if outcomes.weight is None else outcomes.weight
    if not weight.any():
        raise InputError("all sample weights are 0", help="leave these examples out")
    truth, predicted, correct = checked.labels, outcomes.predicted, outcomes.correct
    support = _sums(truth, weight, k)
    claimed = _sums(predicted, weight, k)
    right = _sums(predicted, weight * correct, k)
    n, n_predicted = np.bincount(truth, minlength=k), np.bincount(predicted, minlength=k)
    each = {
        "precision": _share(right, claimed),
        "recall": _share(right, support),
        "f1": _share(2 * right, claimed + support),
    }
    confidence = _share(_sums(predicted, weight * outcomes.confidence, k), claimed, otherwise=np.nan)
    gap = confidence - each["precision"]
    order = _order({**each, "gap": -np.abs(gap)}[by], worst)
    accuracy = outcomes.mean(correct)
    occurs = n + n_predicted > 0
    means = {
        name: [accuracy, values[occurs].mean(), np.average(values, weights=support)] for name, values in each.items()
    }
    mean_confidence = outcomes.mean(outcomes.confidence)
    names = checked.class_names or tuple(map(str, range(k)))
    return pd.DataFrame(
        {
            "kind": ["class"] * len(order) + ["accuracy", "macro mean", "weighted mean"],
            "class": pd.Series([*order.tolist(), None, None, None], dtype=object),
            "name": [*(names[c] for c in order), "", "", ""],
            **{name: np.append(values[order], means[name]) for name, values in each.items()},
            "n": np.append(n[order], [outcomes.n] * 3),
            "predicted": np.append(n_predicted[order], [outcomes.n] * 3),
            "mean_confidence": np.append(confidence[order], [mean_confidence, np.nan, np.nan]),
            "gap": np.append(gap[order], [mean_confidence - accuracy, np.nan, np.nan]),
        }
    )


def _sums(classes: Int, values: Float, k: int) -> Float:
    """Sum of the values of each class ``(k,)``."""
    return np.bincount(classes, values, k).astype(np.float64)


def _share(part: Float, whole: Float, *, otherwise: float = 0.0) -> Float:
    share: Float = np.divide(part, whole, out=np.full(len(whole), otherwise), where=whole > 0)
    return share


def _order(score: Float, worst: int | None) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """The classes to show: all in their order, or the ``worst`` by ascending score, NaN last and ties as they stand."""
    if worst is None:
        return np.arange(len(score))
    if isinstance(worst, bool) or not isinstance(worst, int | np.integer) or worst < 1:
        raise InputError(f"worst must be a whole number of at least 1, got {worst!r}", help="leave it out for all")
    return np.argsort(score, kind="stable")[:worst]
