"""What the columns of somebody's table mean: scores by class, the label, a weight; and Predictions made of them."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from calib._arrays import AnyArray
from calib._text import listed, printable
from calib.errors import InputError
from calib.files.label_column import LABELS, any_missing, numbers_of_labels, words_of
from calib.files.rounded import provenance_of, recognised
from calib.files.score_columns import UNIQUE, Scores, families, role_of, scores_among
from calib.outcomes import Outcomes
from calib.predictions import Kind, Predictions

WEIGHTS = ("weight", "weights", "sample_weight")
CONFIDENCE = ("confidence", "conf", "max_prob", "top_prob", "p_max", "prob_max", "max_probability", "top1_prob")
CORRECT = ("correct", "is_correct", "hit", "is_hit", "right")
NO_LABELS = "no labels"  # in provenance: the file had none


def predictions_from(
    columns: Mapping[str, AnyArray],
    *,
    kind: Kind | None = None,
    labels: AnyArray | None = None,
    class_names: Sequence[str] | None = None,
    unlabelled: bool = False,
) -> Predictions:
    """Make Predictions of named columns, each ``(n,)``, or ``(n, k)`` for all classes at once.

    Scores are ``logit_0 … logit_{k−1}`` or ``prob_0 …`` (also ``prob_cat``, with names for numbers), one column of all,
    or one of two classes' P(y = 1); where their names do not say whether they are logits or probabilities, as
    ``predictions`` do not, ``kind`` must.  Without such names and with ``kind``, they are the columns called by
    ``class_names``, or as labels in words are, else every column that is neither label, weight nor id.  ``labels`` take
    the place of a label column; words become numbers by the classes' names; ``unlabelled`` makes them 0 where there are
    none, or not of all rows.  Probabilities of a few decimals whose rows do not sum to 1 are divided by their sums, and
    the provenance says so (`calib.files.rounded`).  Raises `InputError` naming row and column of what is wrong.

    >>> columns = {"prob_1": np.array([0.2, 0.6]), "prob_0": np.array([0.8, 0.4]), "label": np.array([0, 1])}
    >>> predictions_from(columns).probs.tolist()
    [[0.8, 0.2], [0.4, 0.6]]
    """
    _refuse_log(columns)
    given, weight = label_column(columns), weight_column(columns)
    if labels is None and given is None and not unlabelled:
        raise InputError(
            f"there is no column of labels among {listed(sorted(columns, key=lambda name: str(name)[-1:].isdigit()))}",
            help="call it `label`, or bring the labels in a file of their own: --labels FILE",
        )
    if labels is not None and given is not None:
        raise InputError(f"labels were given, and there is a column {given!r} too", help="leave one of them out")
    _refuse_repeated(columns)
    scores = score_columns(columns, kind, labels=labels, class_names=class_names)
    names = scores.class_names if class_names is None else class_names
    lacking = unlabelled and labels is None and (given is None or _lacks_labels(columns, given, names or ()))
    if given is not None and not lacking:
        labels = columns[given]
    values = _matrix(columns, scores.names)
    values, rounding = (scores.kind == "probs" and recognised(values)) or (values, None)
    make = Predictions.from_logits if scores.kind == "logits" else Predictions.from_probs
    n_classes = 2 if values.ndim == 1 else values.shape[1]
    found = np.zeros(len(values), np.int64)
    if labels is not None:
        found = np.asarray(numbers_of_labels(labels, names, n_classes, given or "labels"))
    return make(
        values,
        found,
        class_names=names,
        sample_weight=None if weight is None else _numeric(columns[weight], weight),
        provenance={**({NO_LABELS: True} if lacking else {}), **provenance_of(rounding)},
    )


def outcomes_from(columns: Mapping[str, AnyArray]) -> Outcomes | None:
    """Outcomes of logs that hold nothing but ``confidence`` and ``correct``; None where a table has not both.

    Raises `InputError` naming row and column of what is wrong.

    >>> outcomes_from({"confidence": np.array([0.9, 0.6]), "correct": np.array([1, 0])}).n
    2
    """
    roles = {role_of(name): name for name in columns}
    confidence = next((roles[name] for name in CONFIDENCE if name in roles), None)
    correct = next((roles[name] for name in CORRECT if name in roles), None)
    if confidence is None or correct is None:
        return None
    weight = weight_column(columns)
    _refuse_repeated(columns)
    return Outcomes.from_confidence(
        _numeric(columns[confidence], confidence),
        _truths(columns[correct], correct),
        sample_weight=None if weight is None else _numeric(columns[weight], weight),
    )


def _truths(values: AnyArray, name: str) -> AnyArray:
    """Whether each was right, as numbers or truth values, or as words for these."""
    array = np.asarray(values)
    if array.dtype.kind in "fiub":
        return array
    known = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    words = [str(value).strip().lower() for value in array.ravel()]
    for row in (row for row, word in enumerate(words) if word not in known):
        raise InputError(
            f"row {row} column {printable(name)!r} holds {printable(str(array.ravel()[row]))!r}, no truth value",
            help="write 1 or 0, true or false, yes or no",
        )
    return np.array([known[word] for word in words]).reshape(array.shape)


def _refuse_log(columns: Iterable[str]) -> None:
    """A log of confidences alone has no scores, and not every command can do without."""
    roles = {role_of(name): name for name in columns}
    pair = [next((roles[role] for role in wanted if role in roles), None) for wanted in (CONFIDENCE, CORRECT)]
    if None not in pair and not families({name: role for role, name in roles.items() if role not in LABELS}):
        raise InputError(
            f"{listed(pair)} are a log of confidences, this needs the scores of all classes",
            help="`calib evaluate`, `reliability-plot` and `info` take such a log; else bring prob_0, prob_1, …",
        )


def label_column(columns: Iterable[str]) -> str | None:
    """The name of the column of labels, if there is one.  Raises `InputError` where there are several."""
    return _only(columns, LABELS, "labels")


def weight_column(columns: Iterable[str]) -> str | None:
    """The name of the column of sample weights, likewise."""
    return _only(columns, WEIGHTS, "weights")


def _lacks_labels(columns: Mapping[str, AnyArray], name: str, class_names: Sequence[str]) -> bool:
    """Whether a column of labels has none in some row."""
    try:
        return any_missing(columns[name], class_names)
    except InputError:  # formats that know of missing values refuse them
        return True


def score_columns(
    columns: Mapping[str, AnyArray],
    kind: Kind | None,
    *,
    labels: AnyArray | None = None,
    class_names: Sequence[str] | None = None,
) -> Scores:
    """The columns of scores, told by the classes' names or the words of the labels where no name says what they are.

    Raises `InputError` where there are none, or more than one kind of them.
    """
    roles = {name: role for name in columns if (role := role_of(name)) not in (*LABELS, *WEIGHTS)}
    given = label_column(columns)
    try:
        words = words_of(columns[given] if labels is None and given is not None else labels)
    except InputError:  # labels that are not there are named elsewhere
        words = ()
    return scores_among(columns, roles, kind, classes=class_names or (), words=words)


def _only(columns: Iterable[str], wanted: Sequence[str], what: str) -> str | None:
    found = [name for name in columns if role_of(name) in wanted]
    if len(found) > 1:
        raise InputError(f"{listed(found)} may all be the {what}", help="keep one of them")
    return found[0] if found else None


def _refuse_repeated(columns: Mapping[str, AnyArray]) -> None:
    """An id that comes twice is an example that counts twice."""
    for name in columns:
        if role_of(name) in UNIQUE:
            ids = np.asarray(columns[name]).astype(str)
            values, first, counts = np.unique(ids, return_index=True, return_counts=True)
            if (counts > 1).any():
                twice = int(np.argmax(counts > 1))
                raise InputError(
                    f"{name} {printable(values[twice])!r} comes {counts[twice]} times, first in row {first[twice]}",
                    help="drop the duplicate rows, or the column if it is no id",
                )


def _matrix(columns: Mapping[str, AnyArray], names: Sequence[str]) -> AnyArray:
    parts = [_numeric(columns[name], name) for name in names]
    if len(parts) == 1:
        return parts[0]
    for name, part in zip(names, parts, strict=True):
        if part.shape != parts[0].shape:
            raise InputError(
                f"{printable(name)!r} has shape {part.shape}, {printable(names[0])!r} before it {parts[0].shape}",
                help="give every class a number in every row",
            )
    return np.stack(parts, axis=1) if parts[0].ndim == 1 else np.concatenate(parts, axis=1)


def _numeric(values: AnyArray, name: str) -> AnyArray:
    """The column as numbers.  Raises `InputError` naming the first row that holds none."""
    array = np.asarray(values)
    if array.ndim == 0 or array.dtype.kind not in "fiubOUS":
        what = "one value" if array.ndim == 0 else f"values of type {array.dtype}"
        raise InputError(f"{printable(name)!r} holds {what}, no column of numbers", help="give one number a row")
    if array.dtype.kind in "fiub":
        return array
    for place, value in enumerate(array.ravel()):
        try:
            float(value)
        except (TypeError, ValueError, OverflowError):
            comma = isinstance(value, str) and re.fullmatch(r"\s*-?\d+,\d+\s*", value)
            row = place // math.prod(array.shape[1:])
            raise InputError(
                f"row {row} column {printable(name)!r} holds {printable(str(value))!r}, which is no number",
                help="write decimals with a point" if comma else "fill it, or drop the row",
            ) from None
    return array.astype(np.float64)
