"""The doors of every metric: what it is called with becomes `Predictions` or `Outcomes`, and is checked on the way."""

import numpy as np

from calib._arrays import DeviceArray
from calib._checks import check_some_weight, refuse_weights
from calib.errors import InputError
from calib.outcomes import Outcomes
from calib.predictions import ArrayLike, Of, Predictions


def as_predictions(predictions: Predictions | ArrayLike, labels: ArrayLike | None = None) -> Predictions:
    """The door of metrics of whole distributions: `Predictions` pass, ``(probs, labels)`` are taken as probabilities.

    Raises `InputError` where labels are missing, or given twice.
    """
    if isinstance(predictions, Outcomes):
        raise InputError(
            "Outcomes hold one confidence an example, the whole distributions are needed here", help="pass Predictions"
        )
    if isinstance(predictions, Predictions):
        if labels is not None:
            raise InputError(
                "labels were given twice", help="Predictions hold their labels: leave out the second argument"
            )
        return predictions
    if labels is None:
        raise InputError(
            "probabilities were given without labels", help="call metric(probs, labels), or metric(predictions)"
        )
    return Predictions.from_probs(predictions, labels)


def as_outcomes(
    predictions: Predictions | Outcomes | ArrayLike,
    labels: ArrayLike | None = None,
    *,
    of: Of = "predicted",
    ranked: bool = True,
    part: bool = False,
) -> Outcomes:
    """The door of metrics of (confidence, correct) pairs.

    Takes `Predictions`, probabilities with labels, or `Outcomes` as they are.  ``of="predicted"`` asks about the
    predicted class; ``of=c`` about class c: the probability claimed for it, and whether it is the label (so ``of=1`` is
    P(y = 1) for two classes).  With ``ranked=False`` the result holds confidence and correctness alone, unless more is
    there already.  A ``part`` of the data may weigh nothing.  Raises `InputError`.

    >>> as_outcomes([[0.7, 0.3], [0.4, 0.6]], [0, 0], of=0).confidence.tolist()
    [0.7, 0.4]
    """
    if isinstance(predictions, Outcomes):
        if labels is not None or of != "predicted":
            raise InputError(
                "Outcomes hold confidence and correctness of one event",
                help="leave out labels and `of`, or pass Predictions",
            )
        if not part:
            check_some_weight(predictions.weight)
        return predictions
    checked = as_predictions(predictions, labels)
    if not part:
        check_some_weight(checked.sample_weight)
    if of == "predicted":
        whole = ranked or "outcomes" in vars(checked) or isinstance(checked.values, DeviceArray)
        return checked.outcomes if whole else checked.confidences
    if isinstance(of, bool) or not isinstance(of, int | np.integer) or not 0 <= of < checked.n_classes:
        raise InputError(
            f'of must be "predicted" or a class from 0 to {checked.n_classes - 1}, got {of!r}',
            help="P(y = 1) of two classes is of=1",
        )
    return Outcomes.of_class(checked, int(of))


def unweighted(outcomes: Outcomes, metric: str) -> Outcomes:
    """Refuse sample weights in a metric that is not defined for them.  Raises `InputError`."""
    refuse_weights(outcomes.weight, metric)
    return outcomes
