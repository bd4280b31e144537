"""The columns of a file beside its scores, as they are, so that they can be written again beside others."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from calib._arrays import AnyArray
from calib.files.as_written import as_written, is_csv
from calib.files.columns import label_column, score_columns, weight_column
from calib.files.npz import NO_COLUMNS
from calib.files.read import holds_arrays, read_columns
from calib.files.score_columns import families, role_of
from calib.predictions import Kind


@dataclass(frozen=True, eq=False)
class Carried:
    """Columns in the order of their file, those before its scores and those after them.

    Each is a list of plain values, an array ``(n, …)`` or a column of Arrow.  ``label`` and ``weight`` say which of
    them calib reads so; ``dropped`` are columns that held scores too, which are no longer true.
    """

    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    label: str | None = None
    weight: str | None = None
    dropped: tuple[str, ...] = ()

    @property
    def columns(self) -> dict[str, Any]:
        """All of them."""
        return {**self.before, **self.after}


def carried_columns(
    path: Path,
    n: int,
    *,
    kind: Kind | None = None,
    class_names: Sequence[str] | None = None,
    as_text: bool = False,
) -> Carried:
    """What a file of ``n`` predictions holds beside their scores, of which ``kind`` says what they are.

    Cells of a CSV file become numbers where that loses nothing (007 and 1.10 are none), or stay words ``as_text``.
    Raises `InputError` as reading does.
    """
    columns = read_columns(path)
    raw = {name: column for name, column in as_written(path, columns).items() if len(column) == n}
    if is_csv(path) and not as_text:
        raw = {name: plain_values(column) for name, column in raw.items()}
    if holds_arrays(path):
        columns = {name: column for name, column in columns.items() if name not in NO_COLUMNS}
    scores = score_columns(columns, kind, class_names=class_names).names
    others = _other_scores(columns, scores)
    names = list(columns)
    kept = [name for name in names if name in raw and name not in (*scores, *others)]
    first = min(names.index(name) for name in scores)
    return Carried(
        before={name: raw[name] for name in kept if names.index(name) < first},
        after={name: raw[name] for name in kept if names.index(name) > first},
        label=label_column(kept),
        weight=weight_column(kept),
        dropped=others,
    )


def _other_scores(columns: Mapping[str, AnyArray], scores: Sequence[str]) -> tuple[str, ...]:
    """Columns that calib would read as scores too, had others not been chosen."""
    known = [family for family in families({name: role_of(name) for name in columns}) if family.kind is not None]
    return tuple(name for family in known for name in family.names if name not in scores)


def plain_values(cells: list[str]) -> list[Any]:
    """Cells as whole numbers, numbers or truth values, where each is written as its value is; empty ones are then None.

    >>> plain_values(["7", "", "12"]), plain_values(["007", "12"]), plain_values(["0.5", "1.0"])
    ([7, None, 12], ['007', '12'], [0.5, 1.0])
    >>> plain_values(["1.10", "2.0"]), plain_values(["100E2"])
    (['1.10', '2.0'], ['100E2'])
    """
    given = [cell for cell in cells if cell]
    for pattern, make in _PLAIN:
        if given and all(pattern.fullmatch(cell) and str(make(cell)) == cell for cell in given):
            return [make(cell) if cell else None for cell in cells]
    return list(cells)


_PLAIN: tuple[tuple[re.Pattern[str], Any], ...] = (
    (re.compile(r"-?\d{1,18}"), int),
    (re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d{1,2})?"), float),
    (re.compile(r"True|False"), lambda cell: cell == "True"),
)
