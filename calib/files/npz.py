"""Predictions as ``.npz``: the format whose checksums notice a flipped bit."""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from calib._arrays import AnyArray, is_text
from calib._text import printable
from calib.errors import InputError
from calib.files.archive import check_archive
from calib.files.atomic import atomic_file
from calib.files.columns import NO_LABELS
from calib.files.plain_file import check_file
from calib.files.rounded import provenance_of, recognised
from calib.files.sniff import describe, is_zip
from calib.predictions import Kind, Predictions

FORMAT = 1


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
    return predictions_of(path, read_arrays(path), unlabelled=unlabelled)


def predictions_of(
    path: Path | str, arrays: Mapping[str, Any], *, unlabelled: bool = False, rounded: bool = False
) -> Predictions:
    """What `load_predictions` makes of the arrays that `read_arrays` read from ``path``."""
    path, arrays = Path(path), dict(arrays)
    lacking = unlabelled and "labels" not in arrays
    if lacking:
        arrays["labels"] = np.zeros(
            len(next((arrays[kind] for kind in ("logits", "probs") if kind in arrays), ())), int
        )
    kinds: list[Kind] = [kind for kind in ("logits", "probs") if kind in arrays]
    if len(kinds) == 2:
        raise InputError(
            f"{path} holds both `logits` and `probs`, and they may differ",
            help="keep the logits: probabilities are rounded",
        )
    if not kinds or "labels" not in arrays:
        raise InputError(
            f"{path} must hold `labels` and either `logits` or `probs`, "
            f"it holds {', '.join(sorted(arrays)) or 'nothing'}",
            help='np.savez("predictions.npz", logits=logits, labels=labels) makes such a file',
        )
    meta = _read_meta(path, arrays)
    if rounded and kinds[0] == "probs" and (mended := recognised(arrays["probs"])) is not None:
        arrays["probs"] = mended.values
        meta["provenance"] = {**meta["provenance"], **provenance_of(mended)}
    make = Predictions.from_logits if kinds[0] == "logits" else Predictions.from_probs
    try:
        predictions = make(
            arrays[kinds[0]],
            arrays["labels"],
            class_names=meta["class_names"],
            provenance=meta["provenance"],
            sample_weight=arrays.get("sample_weight"),
        )
        if lacking:
            predictions = replace(predictions, provenance={**predictions.provenance, NO_LABELS: True})
        if "beta" in arrays:
            predictions = replace(predictions, beta=_beta(arrays["beta"], predictions.n))
        _ = predictions.outcomes  # find bad values now, while the file's name is known
    except InputError as error:
        raise InputError(f"{path}: {error}", help=error.help) from error
    return predictions


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


def _read_meta(path: Path, arrays: dict[str, Any]) -> dict[str, Any]:
    """Class names and provenance: from calib's own ``meta``, or a plain ``class_names`` array."""
    names = arrays.get("class_names")
    plain: dict[str, Any] = {
        "class_names": None if names is None else [str(name) for name in names.astype(str).ravel()],
        "provenance": {},
    }
    if "meta" not in arrays:
        return plain
    try:
        meta = json.loads(str(arrays["meta"]))
        version, names, provenance = int(meta["format"]), meta.get("class_names"), meta.get("provenance", {})
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return plain  # somebody else's `meta`
    if version > FORMAT:
        raise InputError(f"{path} was written by a newer calib (format {version})", help="upgrade calib")
    if not isinstance(names, list | None) or not isinstance(provenance, dict):
        raise InputError(f"{path}: `meta` holds no list of class names and no provenance", help="make the file again")
    return {"class_names": names, "provenance": provenance}


def _beta(beta: Any, n: int) -> Any:
    if beta.dtype.kind != "f" or beta.shape not in ((), (n,)) or not (np.isfinite(beta).all() and (beta > 0).all()):
        raise InputError("`beta` must be one positive number, or one a row", help="make the file again")
    return float(beta) if beta.ndim == 0 else beta
