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


def scores_among(columns: Mapping[str, AnyArray], roles: Mapping[str, str], kind: Kind | None) -> Scores:
    """The columns that hold the scores.  Raises `InputError` where there are none, or more than one kind of them."""
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
    if len(others) < 2:
        other = found[0].kind if found else None
        raise InputError(
            f"there are no columns of {kind or 'scores'} among {listed(columns)}",
            help=f"the file says {other}: --from {other}"
            if other
            else "call them logit_0, logit_1, … or prob_0, prob_1, …; or say --from logits or --from probs "
            "where columns are named by class, or one array holds all classes",
        )
    return Scores(kind, tuple(others), tuple(name.strip() for name in others))


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
