"""The columns of a file beside its scores, as they are, so that they can be written again beside others."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from calib._arrays import AnyArray
from calib.files.arrow_table import ArrowColumns
from calib.files.columns import label_column, score_columns, weight_column
from calib.files.csv_table import read_cells
from calib.files.json_lines import read_json_values
from calib.files.npz import NO_COLUMNS
from calib.files.read import format_of, holds_arrays, read_columns
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


def carried_columns(path: Path, n: int, *, kind: Kind | None = None, as_text: bool = False) -> Carried:
    """What a file of ``n`` predictions holds beside their scores, of which ``kind`` says what they are.

    Cells of a CSV file become numbers where that loses nothing (007 is no number), or stay words ``as_text``.  Raises
    `InputError` as reading does.
    """
    columns = read_columns(path)
    raw = {name: column for name, column in _raw(path, columns, as_text=as_text).items() if len(column) == n}
    if holds_arrays(path):
        columns = {name: column for name, column in columns.items() if name not in NO_COLUMNS}
    scores = score_columns(columns, kind).names
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


def _raw(path: Path, columns: Mapping[str, Any], *, as_text: bool) -> Mapping[str, Any]:
    if isinstance(columns, ArrowColumns):
        return {name: columns.raw(name) for name in columns}
    looks_like = format_of(path)
    if looks_like == "JSON text":
        return read_json_values(path)
    if looks_like in ("a text file", "a gzip file"):
        cells = read_cells(path)
        return cells if as_text else {name: plain_values(column) for name, column in cells.items()}
    return {name: column for name, column in columns.items() if np.ndim(column) > 0}


def plain_values(cells: list[str]) -> list[Any]:
    """Cells as whole numbers, numbers or truth values, where all but empty ones are; empty ones are then None.

    >>> plain_values(["7", "", "12"]), plain_values(["007", "12"]), plain_values(["0.5", "1e-3"])
    ([7, None, 12], ['007', '12'], [0.5, 0.001])
    """
    given = [cell for cell in cells if cell]
    for pattern, make in _PLAIN:
        if given and all(pattern.fullmatch(cell) for cell in given):
            return [make(cell) if cell else None for cell in cells]
    return list(cells)


_PLAIN: tuple[tuple[re.Pattern[str], Any], ...] = (
    (re.compile(r"-?[1-9]\d{0,17}|0"), int),
    (re.compile(r"-?(?:[1-9]\d{0,14}|0)(?:\.\d+)?(?:[eE][+-]?\d{1,2})?"), float),
    (re.compile(r"True|False"), lambda cell: cell == "True"),
)
