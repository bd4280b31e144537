"""Predictions into a file of the format that its name ends in, beside the columns that came with them."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from calib._arrays import AnyArray, read_only
from calib._text import listed
from calib.errors import InputError
from calib.files.carried import Carried
from calib.files.columns import NO_LABELS, WEIGHTS
from calib.files.label_column import LABELS, are_numbers
from calib.files.npz import NO_COLUMNS, SCORES, save_predictions
from calib.files.score_columns import families, role_of
from calib.files.table_file import WRITERS, write_table
from calib.predictions import Predictions

ENDINGS = (".npz", *WRITERS)
WIDEST = 1000  # classes that get a column each where rows can be lists


def check_ending(path: Path) -> None:
    """Raise `InputError`, before any work, where a name does not end as files of predictions do."""
    if path.suffix.lower() not in ENDINGS:
        raise InputError(
            f"predictions are saved as {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}, got {path}",
            help="name a file that ends in one of them",
        )


def write_predictions(predictions: Predictions, path: Path, carried: Carried | None = None) -> list[str]:
    """Write ``predictions`` and the columns ``carried`` to ``path``, and say in sentences what its format cannot hold.

    A table gets ``prob_0 …`` or ``logit_0 …`` in the place of the old scores, with the classes' names for numbers
    where they can be read back, one column of lists for more than `WIDEST` classes without names.  Raises `InputError`
    where the file cannot be written.
    """
    check_ending(path)
    carried = carried or Carried()
    notes = [f"{listed(carried.dropped)} held scores too and were left out"] if carried.dropped else []
    if path.suffix.lower() == ".npz":
        arrays, lost = _arrays(carried, predictions)
        save_predictions(predictions, path, beside=arrays)
        return (
            [*notes, f"an .npz file cannot hold {listed(lost)}: name a .parquet file to keep them"] if lost else notes
        )
    if np.any(np.asarray(predictions.beta) != 1):
        predictions = as_probs(predictions)
    scores, named = _scores(predictions, lists=path.suffix.lower() != ".csv")
    lost_names = predictions.class_names is not None and not (named or are_numbers(predictions.class_names))
    if lost_names:
        notes.append("these names of classes cannot be read back from those of columns: classes are numbers instead")
    if unfit := [name for name, column in carried.columns.items() if _is_odd(column)]:
        notes.append(f"{listed(unfit)}: bytes and the like are no cells of a table, and were left out")
    if misread := _misread([name for name in carried.columns if name not in scores], scores):
        notes.append(f"{listed(misread)} would be read as scores beside these, and were left out")
    gone = {*scores, *unfit, *misread}
    columns = {**_without(carried.before, gone), **scores, **_without(carried.after, gone)}
    if not predictions.provenance.get(NO_LABELS) and (carried.label is None or lost_names):
        columns.pop(carried.label or "", None)
        columns[carried.label or "label"] = predictions.labels
    if carried.weight is None and predictions.sample_weight is not None:
        columns["weight"] = predictions.sample_weight
    write_table(columns, path)
    return notes


def as_probs(predictions: Predictions) -> Predictions:
    """The same distributions as probabilities in float64: what other programs can read, whatever was carried."""
    if predictions.kind == "probs" and np.all(np.asarray(predictions.beta) == 1):
        return predictions
    return replace(predictions, values=read_only(predictions.probs), kind="probs", beta=1.0)


def _scores(predictions: Predictions, *, lists: bool) -> tuple[dict[str, AnyArray], bool]:
    """The scores by column, and whether these are named by class."""
    stem, values, k = predictions.kind.removesuffix("s"), np.asarray(predictions.values), predictions.n_classes
    names = tuple(f"{stem}_{name}" for name in predictions.class_names or ())
    if names and [(one.names, one.class_names) for one in _read_as(names)] == [(names, predictions.class_names)]:
        return {name: values[:, i] for i, name in enumerate(names)}, True
    if lists and k > WIDEST:
        return {predictions.kind: values}, False
    return {f"{stem}_{i}": values[:, i] for i in range(k)}, False


def _read_as(names: tuple[str, ...]) -> Any:
    """The families of scores that calib's own reader finds among columns of these names."""
    try:
        return families({name: role_of(name) for name in names if role_of(name) not in (*LABELS, *WEIGHTS)})
    except InputError:
        return ()


def _misread(others: Sequence[str], scores: Iterable[str]) -> list[str]:
    """Which of the ``others`` calib's own reader would take for scores, or for theirs, in one table with them."""
    known = tuple(scores)
    wanted, kept = _known(known), list(others)
    if _known((*known, *kept)) == wanted:
        return []
    kept = []
    for name in others:
        if _known((*known, *kept, name)) == wanted:
            kept.append(name)
    return [name for name in others if name not in kept]


def _known(names: tuple[str, ...]) -> list[tuple[Any, ...]]:
    return [(one.kind, one.names, one.class_names) for one in _read_as(names) if one.kind is not None]


def _is_odd(column: Any) -> bool:
    """Whether an array holds what tables of text have no cells for."""
    return isinstance(column, np.ndarray) and column.dtype.kind not in "fiubUMO"


def _without(columns: Mapping[str, Any], gone: Collection[str]) -> dict[str, Any]:
    return {name: column for name, column in columns.items() if name not in gone}


def _arrays(carried: Carried, predictions: Predictions) -> tuple[dict[str, AnyArray], list[str]]:
    """Carried columns as arrays that need no pickle, and the names of those that are none; labels are calib's own."""
    arrays, lost = {}, []
    saved = {carried.weight, None if predictions.provenance.get(NO_LABELS) else carried.label}
    for name, column in carried.columns.items():
        if name in saved:
            continue
        array = np.asarray(column.to_numpy() if hasattr(column, "to_pylist") else column)
        if array.dtype.kind == "O" and all(isinstance(cell, str) for cell in array.ravel()):
            array = array.astype(str)
        of_calib = name in (*SCORES, *NO_COLUMNS) or role_of(name) in (*LABELS, "sample_weight")
        unfit = of_calib or getattr(column, "null_count", 0) > 0 or re.search(r"[/\\\0]", name) or not name
        if array.dtype.kind not in "fiubUM" or len(array) != predictions.n or unfit:
            lost.append(name)
        else:
            arrays[name] = array
    return arrays, lost
