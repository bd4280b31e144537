"""What the columns of somebody's table mean: scores by class, the label, a weight; and Predictions made of them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from calib._arrays import AnyArray
from calib._text import printable
from calib.errors import InputError
from calib.outcomes import Outcomes
from calib.predictions import Kind, Predictions

LABELS = ("label", "labels", "target", "targets", "y", "y_true", "ground_truth", "true_label")
WEIGHTS = ("weight", "weights", "sample_weight")
CONFIDENCE = ("confidence", "conf", "max_prob", "top_prob")
CORRECT = ("correct", "is_correct", "hit")
NO_LABELS = "no labels"  # in provenance: the file had none
IDS = ("id", "row_id", "example_id", "index", "")
_LOGITS = ("logit", "logits")
_PROBS = (
    *("prob", "probs", "proba", "probas", "probability", "probabilities", "p"),
    *("y_prob", "y_probs", "y_proba", "y_pred_proba"),
)
_UNSAID = (
    *(
        "y_score",
        "y_scores",
        "y_pred",
        "score",
        "scores",
        "pred",
        "preds",
        "prediction",
        "predictions",
        "output",
        "outputs",
    ),
)
_STEM = "|".join(sorted((*_LOGITS, *_PROBS, *_UNSAID), key=len, reverse=True))
_NUMBERED = re.compile(rf"({_STEM})[_\-. ]?(\d+)")
_NAMED = re.compile(rf"({_STEM})[_\-.](.+)")


@dataclass(frozen=True, eq=False)
class Scores:
    """Columns that belong together: their names in the order of the classes, and the classes' names if they say so."""

    kind: Kind | None
    names: tuple[str, ...]
    class_names: tuple[str, ...] | None = None


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
    ``predictions`` do not, ``kind`` must.  Without such names and with ``kind``, every column that is neither label,
    weight nor id is a class of that name.  ``labels`` take the place of a label column; words become numbers by the
    classes' names; ``unlabelled`` makes them 0 where there are none.  Raises `InputError` naming row and column of what
    is wrong.

    >>> columns = {"prob_1": np.array([0.2, 0.6]), "prob_0": np.array([0.8, 0.4]), "label": np.array([0, 1])}
    >>> predictions_from(columns).probs.tolist()
    [[0.8, 0.2], [0.4, 0.6]]
    """
    roles = {name: name.strip().lower() for name in columns}
    given = _only(columns, roles, LABELS, "labels")
    lacking = unlabelled and labels is None and given is None
    if labels is None:
        if given is None and not lacking:
            raise InputError(
                f"there is no column of labels among {_listed(columns)}",
                help="call it `label`, or bring the labels in a file of their own: --labels FILE",
            )
        labels = None if given is None else columns[given]
    elif given is not None:
        raise InputError(f"labels were given, and there is a column {given!r} too", help="leave one of them out")
    weight = _only(columns, roles, WEIGHTS, "weights")
    _refuse_repeated(columns, roles)
    scores = _scores(columns, {name: role for name, role in roles.items() if name not in (given, weight)}, kind)
    names = class_names if class_names is not None else scores.class_names
    values = _matrix(columns, scores.names)
    make = Predictions.from_logits if scores.kind == "logits" else Predictions.from_probs
    n_classes = 2 if values.ndim == 1 else values.shape[1]
    found = np.zeros(len(values), np.int64)
    if labels is not None:
        found = np.asarray(_numbers_of_labels(labels, names, n_classes, given or "labels"))
    return make(
        values,
        found,
        class_names=names,
        sample_weight=None if weight is None else _numeric(columns[weight], weight),
        provenance={NO_LABELS: True} if lacking else None,
    )


def outcomes_from(columns: Mapping[str, AnyArray]) -> Outcomes | None:
    """Outcomes of logs that hold nothing but ``confidence`` and ``correct``; None where a table has not both.

    Raises `InputError` naming row and column of what is wrong.

    >>> outcomes_from({"confidence": np.array([0.9, 0.6]), "correct": np.array([1, 0])}).n
    2
    """
    roles = {name.strip().lower(): name for name in columns}
    confidence = next((roles[name] for name in CONFIDENCE if name in roles), None)
    correct = next((roles[name] for name in CORRECT if name in roles), None)
    if confidence is None or correct is None:
        return None
    weight = _only(columns, {name: name.strip().lower() for name in columns}, WEIGHTS, "weights")
    _refuse_repeated(columns, {name: name.strip().lower() for name in columns})
    return Outcomes.from_confidence(
        _numeric(columns[confidence], confidence),
        _numeric(columns[correct], correct),
        sample_weight=None if weight is None else _numeric(columns[weight], weight),
    )


def _scores(columns: Mapping[str, AnyArray], roles: Mapping[str, str], kind: Kind | None) -> Scores:
    found = _families(roles)
    wanted: list[Kind] = ["logits", "probs"] if kind is None else [kind]
    said = [family for family in found if family.kind in wanted]
    if len(said) > 1:
        names = " and ".join(repr(printable(family.names[0])) for family in said)
        raise InputError(f"{names} both hold scores", help="say which by --from logits or --from probs, or drop one")
    if said:
        return said[0]
    unsaid = [family for family in found if family.kind is None]
    if unsaid:
        family = unsaid[0]
        if kind is None:
            raise InputError(
                f"{printable(family.names[0])!r} does not say whether it holds logits or probabilities",
                help="say it: --from logits or --from probs",
            )
        return Scores(kind, family.names, family.class_names)
    others = [name for name, role in roles.items() if role not in IDS] if kind and not found else []
    if len(others) < 2:
        other = found[0].kind if found else None
        raise InputError(
            f"there are no columns of {kind or 'scores'} among {_listed(columns)}",
            help=f"the file says {other}: --from {other}"
            if other
            else "call them logit_0, logit_1, … or prob_0, prob_1, …; or say --from where columns are named by class",
        )
    return Scores(kind, tuple(others), tuple(name.strip() for name in others))


def _families(roles: Mapping[str, str]) -> Sequence[Scores]:
    """Columns by what they are called before the number or name of the class."""
    numbered: dict[str, dict[int, str]] = {}
    named: dict[str, dict[str, str]] = {}
    whole: list[Scores] = []
    for name, role in roles.items():
        if role in (*_LOGITS, *_PROBS, *_UNSAID):
            whole.append(Scores(_kind(role), (name,)))
        elif match := _NUMBERED.fullmatch(role):
            members = numbered.setdefault(match[1], {})
            if int(match[2]) in members:
                raise InputError(
                    f"{printable(members[int(match[2])])!r} and {printable(name)!r} are the same class",
                    help="drop one of them",
                )
            members[int(match[2])] = name
        elif match := _NAMED.fullmatch(role):
            stem = match[1]
            named.setdefault(stem, {})[name.strip()[len(stem) + 1 :]] = name
    for stem, members in numbered.items():
        whole.append(Scores(_kind(stem), tuple(members[i] for i in _from_zero(members))))
    for stem, words in named.items():
        if len(words) > 1 and stem not in numbered:
            whole.append(Scores(_kind(stem), tuple(words.values()), tuple(words)))
    return whole


def _from_zero(members: Mapping[int, str]) -> Sequence[int]:
    if len(members) == 1:
        (name,) = members.values()
        raise InputError(
            f"{printable(name)!r} is the only class with scores, at least 2 are needed",
            help="bring a column a class; of two classes P(y = 1) alone is called `prob`",
        )
    expected = range(len(members))
    missing = sorted(set(expected) - set(members))
    if missing:
        last = members[max(members)]
        first = min(members)
        counted = f"they begin with {printable(members[first])!r}" if first else f"number {missing[0]} is missing"
        raise InputError(
            f"{len(members)} columns up to {printable(last)!r} are not classes 0 … {len(members) - 1}: {counted}",
            help="name one column a class, counted from 0",
        )
    return expected


def _kind(stem: str) -> Kind | None:
    return "logits" if stem in _LOGITS else "probs" if stem in _PROBS else None


def _only(columns: Mapping[str, AnyArray], roles: Mapping[str, str], wanted: Sequence[str], what: str) -> str | None:
    found = [name for name in columns if roles[name] in wanted]
    if len(found) > 1:
        raise InputError(f"{_listed(found)} may all be the {what}", help="keep one of them")
    return found[0] if found else None


def _refuse_repeated(columns: Mapping[str, AnyArray], roles: Mapping[str, str]) -> None:
    """An id that comes twice is an example that counts twice."""
    for name in columns:
        if roles[name] in ("id", "row_id", "example_id"):
            ids = np.asarray(columns[name]).astype(str)
            values, first, counts = np.unique(ids, return_index=True, return_counts=True)
            if (counts > 1).any():
                twice = int(np.argmax(counts > 1))
                raise InputError(
                    f"{name} {printable(values[twice])!r} comes {counts[twice]} times, first in row {first[twice]}",
                    help="drop the duplicate rows, or the column if it is no id",
                )


def _matrix(columns: Mapping[str, AnyArray], names: Sequence[str]) -> AnyArray:
    if len(names) == 1:
        return _numeric(columns[names[0]], names[0])
    parts = [_numeric(columns[name], name) for name in names]
    return np.stack(parts, axis=1) if all(part.ndim == 1 for part in parts) else np.concatenate(parts, axis=1)


def _numeric(values: AnyArray, name: str) -> AnyArray:
    """The column as numbers.  Raises `InputError` naming the first row that holds none."""
    array = np.asarray(values)
    if array.dtype.kind in "fiub":
        return array
    for row, value in enumerate(array.ravel()):
        try:
            float(value)
        except (TypeError, ValueError):
            comma = isinstance(value, str) and re.fullmatch(r"\s*-?\d+,\d+\s*", value)
            raise InputError(
                f"row {row} column {printable(name)!r} holds {printable(str(value))!r}, which is no number",
                help="write decimals with a point" if comma else "fill it, or drop the row",
            ) from None
    return array.astype(np.float64)


def _numbers_of_labels(values: AnyArray, names: Sequence[str] | None, n_classes: int, column: str) -> AnyArray:
    """Labels as class numbers; words are looked up among the classes' names."""
    array = np.asarray(values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.dtype.kind in "fiub":
        if array.dtype.kind == "f" and np.isnan(array).any():
            raise InputError(
                f"row {int(np.argmax(np.isnan(array)))} has no label in {printable(column)!r}", help="drop the row"
            )
        return array
    words = ["" if value is None or value != value else str(value) for value in array]
    if names is not None and not _are_numbers(names):
        index = {str(name).strip(): i for i, name in enumerate(names)}
        if len(index) < len(names):
            twice = next(name for i, name in enumerate(names) if index[str(name).strip()] != i)
            raise InputError(
                f"two classes are called {printable(str(twice))!r}, and the labels are words",
                help="give each class its own name, or labels as class numbers from 0",
            )
        for row, word in enumerate(words):
            if word.strip() not in index:
                raise InputError(
                    f"row {row} has the label {printable(word)!r}, which is no class: {_listed(names)}",
                    help="labels are class numbers, or names of the classes as the columns have them",
                )
        return np.array([index[word.strip()] for word in words], dtype=np.int64)
    for row, word in enumerate(words):
        if not re.fullmatch(r"\s*[+-]?\d{1,18}(\.0*)?\s*", word):
            raise InputError(
                f"row {row} has the label {printable(word)!r}, but the classes have no names",
                help="name them: columns prob_NAME, --class-names, or labels as class numbers from 0",
            )
    return np.array([int(float(word)) for word in words], dtype=np.int64)


def _are_numbers(names: Sequence[str]) -> bool:
    return all(re.fullmatch(r"\d+", str(name).strip()) for name in names) and [int(name) for name in names] == list(
        range(len(names))
    )


def _listed(names: Any) -> str:
    shown = [repr(printable(str(name))) for name in list(names)[:8]]
    return ", ".join(shown) + (" …" if len(list(names)) > 8 else "")
