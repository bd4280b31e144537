"""Predictions as ``.npz``: the format whose checksums notice a flipped bit."""

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from calib._arrays import AnyArray, is_text
from calib._text import printable
from calib.errors import InputError
from calib.files.archive import check_archive
from calib.files.atomic import atomic_file
from calib.files.columns import NO_LABELS, predictions_from
from calib.files.naming import naming
from calib.files.plain_file import check_file
from calib.files.sniff import describe, is_zip
from calib.predictions import Kind, Predictions

FORMAT = 1
SCORES: tuple[Kind, ...] = ("logits", "probs")
NO_COLUMNS = ("beta", "class_names", "meta")  # arrays that say something of the others


def save_predictions(
    predictions: Predictions, path: Path | str, *, half: bool = False, beside: Mapping[str, AnyArray] | None = None
) -> None:
    """Write ``predictions`` to ``path``: ``logits`` or ``probs``, ``labels``, ``sample_weight``, ``meta`` (JSON).

    ``half`` rounds logits to float16, which keeps 3 digits of each in half the room or less.  Arrays ``beside`` these
    are written under their names, and left alone by `load_predictions`.  Raises `InputError` where
    the file cannot be written, provenance is not plain data, or ``half`` would lose a logit or the small ones of
    probabilities; what was there stays until the new file is complete.
    """
    meta = {
        "format": FORMAT,
        "class_names": None if predictions.class_names is None else list(predictions.class_names),
        "provenance": dict(predictions.provenance),
    }
    arrays: dict[str, Any] = {
        predictions.kind: _rounded(predictions) if half else predictions.values,
        **({} if predictions.provenance.get(NO_LABELS) else {"labels": predictions.labels}),
        "beta": np.asarray(predictions.beta, np.float64),
        "meta": np.array(_json(meta)),
    }
    if predictions.sample_weight is not None:
        arrays["sample_weight"] = predictions.sample_weight
    with atomic_file(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in (arrays | dict(beside or {})).items():  # numpy.savez has a name or two of its own
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)


def _rounded(predictions: Predictions) -> Any:
    if predictions.kind == "probs":
        raise InputError("float16 would lose the small probabilities", help="save logits, or without `half`")
    with np.errstate(over="ignore"):
        rounded = np.asarray(predictions.values).astype(np.float16)
    lost = np.isinf(rounded) & np.isfinite(np.asarray(predictions.values))
    if lost.any():
        row, column = (int(i) for i in np.argwhere(lost)[0])
        raise InputError(
            f"row {row} column {column} holds {predictions.values[row, column]:g}, beyond the 65504 of float16",
            help="save without `half`",
        )
    return rounded


def _json(meta: dict[str, Any]) -> str:
    try:
        return json.dumps(meta)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"provenance must be plain numbers, words, lists and dicts ({error})", help="convert it before you save"
        ) from error


def load_predictions(path: Path | str, *, unlabelled: bool = False) -> Predictions:
    """Read predictions from an ``.npz`` that holds ``logits`` or ``probs`` ``(n, k)`` and ``labels`` ``(n,)``.

    Files made by ``numpy.savez("file.npz", logits=..., labels=...)`` are as welcome as calib's own.  Nothing is
    unpickled.  With ``unlabelled`` a file may lack ``labels``: they are then 0, nothing but a transform makes sense of
    the result, and saving it leaves them out again.  Raises `InputError` saying what is wrong with the file.
    """
    path, arrays = Path(path), read_arrays(path)
    kinds = [kind for kind in SCORES if kind in arrays]
    if len(kinds) == 2:
        raise InputError(
            f"{path} holds both `logits` and `probs`, and they may differ",
            help="keep the logits: probabilities are rounded",
        )
    if not kinds or not (unlabelled or "labels" in arrays):
        raise InputError(
            f"{path} must hold `labels` and either `logits` or `probs`, "
            f"it holds {', '.join(sorted(arrays)) or 'nothing'}",
            help='np.savez("predictions.npz", logits=logits, labels=labels) makes such a file',
        )
    with naming(path):
        predictions = predictions_of(_own(arrays), unlabelled=unlabelled)
        _ = predictions.outcomes  # find bad values now, while the file's name is known
    return predictions


def predictions_of(
    arrays: Mapping[str, AnyArray],
    *,
    kind: Kind | None = None,
    labels: AnyArray | None = None,
    class_names: Sequence[str] | None = None,
    unlabelled: bool = False,
) -> Predictions:
    """Predictions of the named arrays of a file, and what `NO_COLUMNS` among them say of the others.

    The rest is as `calib.files.columns.predictions_from` has it.  A file of calib's own says what it holds: what
    ``kind``, ``labels`` or ``class_names`` say otherwise is not passed over.  Raises `InputError` saying what is wrong.
    """
    meta = _meta(arrays)
    if meta.ours:
        if labels is not None and "labels" in arrays:
            raise InputError("the file says itself what its labels are", help="leave --labels out")
        if kind is not None and kind not in arrays:
            raise InputError(f"the file holds no {kind}, by its own word", help="leave --from out")
        arrays = _own(arrays)
    names = meta.class_names if meta.class_names is not None else class_names
    if class_names is not None and names is not None and list(names) != list(class_names):
        raise InputError("the file says itself what its classes are called", help="leave --class-names out")
    found = predictions_from(
        {name: array for name, array in arrays.items() if name not in NO_COLUMNS},
        kind=kind,
        labels=labels,
        class_names=names,
        unlabelled=unlabelled,
    )
    before = {name: value for name, value in meta.provenance.items() if name != NO_LABELS}
    beta = _beta(arrays["beta"], found.n) if "beta" in arrays else 1.0
    return replace(found, beta=beta, provenance={**before, **found.provenance})


def _own(arrays: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
    """The arrays that calib's format knows; columns that were carried beside them are others."""
    return {name: arrays[name] for name in (*SCORES, "labels", "sample_weight", *NO_COLUMNS) if name in arrays}


def read_arrays(path: Path | str) -> dict[str, Any]:
    """Every array of an ``.npz`` by its name; nothing is unpickled.  Raises `InputError` for a damaged file."""
    path = Path(path)
    check_file(path, "a predictions file", help="name an .npz file")
    if not is_zip(path):
        raise InputError(
            f"{path} is no .npz file: it looks like {describe(path)}",
            help='np.savez("predictions.npz", logits=logits, labels=labels) makes one',
        )
    members = check_archive(path)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        found = {name: array for name, array in arrays.items() if isinstance(array, np.ndarray)}
        if raw := [name for name in arrays if name not in found and f"{name}.npy" in members]:
            raise ValueError(f"{raw[0]} is no array")  # numpy hands over as bytes what does not begin as one
        if broken := [name for name, array in found.items() if not is_text(array)]:
            raise ValueError(f"{broken[0]} holds characters that there are not")
        return found
    except MemoryError as error:
        raise InputError(f"{path} does not fit into memory", help="split it, or use a machine with more") from error
    except Exception as error:  # numpy raises a dozen kinds on a bad header; each means the same
        reason = printable(str(error) or type(error).__name__)
        raise InputError(
            f"{path} does not hold plain arrays ({reason})", help="object arrays must become numbers first"
        ) from error


class _Meta(NamedTuple):
    """Class names and provenance, and whether calib said them; a plain ``class_names`` array says names too."""

    class_names: Sequence[str] | None
    provenance: Mapping[str, Any]
    ours: bool


def _meta(arrays: Mapping[str, AnyArray]) -> _Meta:
    names = arrays.get("class_names")
    plain = _Meta(None if names is None else [str(name) for name in names.astype(str).ravel()], {}, ours=False)
    try:
        meta = json.loads(str(arrays["meta"]))
        version, names, provenance = int(meta["format"]), meta.get("class_names"), meta.get("provenance", {})
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return plain  # there is none, or somebody else's
    if version > FORMAT:
        raise InputError(f"it was written by a newer calib (format {version})", help="upgrade calib")
    if not isinstance(names, list | None) or not isinstance(provenance, dict):
        raise InputError("`meta` holds no list of class names and no provenance", help="make the file again")
    return _Meta(names, provenance, ours=True)


def _beta(beta: Any, n: int) -> Any:
    if beta.dtype.kind != "f" or beta.shape not in ((), (n,)) or not (np.isfinite(beta).all() and (beta > 0).all()):
        raise InputError("`beta` must be one positive number, or one a row", help="make the file again")
    return float(beta) if beta.ndim == 0 else beta
