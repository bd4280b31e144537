"""Which columns of somebody's table are scores, of which class, and of what kind."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from calib._arrays import AnyArray
from calib._text import listed, printable
from calib.errors import InputError
from calib.predictions import Kind

UNIQUE = ("id", "row_id", "example_id")  # no two examples have one
IDS = (*UNIQUE, "index", "")
_LOGITS = ("logit", "logits")
_PROBS = (
    *("prob", "probs", "proba", "probas", "probability", "probabilities", "p"),
    *("y_prob", "y_probs", "y_proba", "y_pred_proba"),
)
_UNSAID = (
    *("y_score", "y_scores", "y_pred", "score", "scores", "output", "outputs"),
    *("pred", "preds", "predict", "predicted", "prediction", "predictions"),
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


def scores_among(
    columns: Mapping[str, AnyArray],
    roles: Mapping[str, str],
    kind: Kind | None,
    *,
    classes: Sequence[str] = (),
    words: Sequence[str] = (),
) -> Scores:
    """The columns that hold the scores.

    Where no name says so and ``kind`` does, they are those called by the ``classes``, or by the ``words`` that labels
    are; where neither is known, all that are no id.  Raises `InputError` where there are none, or more than one kind
    of them.
    """
    found = families(roles)
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
        _refuse_decisions(columns, family, kind)
        if kind is None:
            raise InputError(
                f"{printable(family.names[0])!r} does not say whether it holds logits or probabilities",
                help="say it: --from logits or --from probs",
            )
        return Scores(kind, family.names, family.class_names)
    others = [name for name, role in roles.items() if role not in IDS] if kind and not found else []
    if len(others) == 1 and np.ndim(columns[others[0]]) == 2:
        return Scores(kind, tuple(others))
    if kind is None or len(others) < 2:
        other = found[0].kind if found else None
        raise InputError(
            f"there are no columns of {kind or 'scores'} among {listed(columns)}",
            help=f"the file calls them {other}: leave --from out; if they are {kind}, call them so in the file"
            if other
            else "call them logit_0, logit_1, … or prob_0, prob_1, …; or say --from logits or --from probs "
            "where columns are named by class, or one array holds all classes",
        )
    chosen = _called(columns, others, kind, classes, words)
    return Scores(kind, chosen, tuple(name.strip() for name in chosen))


def _called(
    columns: Mapping[str, AnyArray], others: Sequence[str], kind: Kind, classes: Sequence[str], words: Sequence[str]
) -> tuple[str, ...]:
    """Those of the ``others`` that are scores of classes called so.  Raises `InputError` where that is not clear."""
    by_name = {name.strip(): name for name in others}
    if classes and all(name in by_name for name in classes):
        return tuple(by_name[name] for name in classes)
    if len(classes) == len(others):
        return tuple(others)
    numbers = [name for name in others if _holds_numbers(columns, name)]
    named = tuple(name for name in others if name.strip() in words)
    whole = len(named) > 1 and len(named) == len(words)
    if whole and (len(named) == len(numbers) or (kind == "probs" and _sum_to_one(columns, named))):
        return named
    if len(numbers) == len(others) and not (whole and kind == "logits"):
        return tuple(others)
    shown = [name.strip() for name in (named if whole else numbers)]
    raise InputError(
        f"nothing says which of the columns {listed(others)} are scores of classes",
        help=f"name the classes: --class-names {','.join(shown[:3]) or 'cat,dog'}{',…' if len(shown) > 3 else ''} (in "
        "Python class_names); or call their columns logit_NAME or prob_NAME",
    )


def _sum_to_one(columns: Mapping[str, AnyArray], names: Sequence[str]) -> bool:
    """Whether the first rows of columns are distributions, but for what rounding takes: there is no other class."""
    if not all(_holds_numbers(columns, name) for name in names):
        return False
    sums = np.sum([np.asarray(columns[name])[:1000].astype(np.float64) for name in names], axis=0)
    return bool(np.all(np.abs(sums - 1) <= 0.05))


def _holds_numbers(columns: Mapping[str, AnyArray], name: str) -> bool:
    try:
        values = np.asarray(columns[name])
    except InputError:  # a type that formats know and nobody reads scores from
        return False
    if values.dtype.kind not in "OUS":
        return values.dtype.kind in "fiub"
    try:
        values.astype(np.float64)
    except (TypeError, ValueError):
        return False
    return True


def _refuse_decisions(columns: Mapping[str, AnyArray], family: Scores, kind: Kind | None) -> None:
    """A column of 0 and 1, or of class numbers by its name, is what was predicted and not how surely."""
    (name, *more), values = family.names, np.asarray(columns[family.names[0]])
    if more or values.ndim > 1 or values.dtype.kind not in "fiub" or not (values == np.floor(values)).all():
        return
    if np.isin(values, (0, 1)).all() or (kind != "logits" and role_of(name).startswith(("pred", "y_pred"))):
        raise InputError(
            f"{printable(name)!r} holds whole numbers: classes that were predicted, not how probable they were",
            help="bring `prob_0`, `prob_1`, …, or `prob` = P(y = 1) of two classes, or `confidence` and `correct`",
        )


def families(roles: Mapping[str, str]) -> Sequence[Scores]:
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


def role_of(name: str) -> str:
    """A name as it is compared: without blanks around it, in small letters."""
    return name.strip().lower()
