"""Fitted calibrators as JSON: plain numbers and words, nothing that could run, the same bits when read back."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from calib._text import printable
from calib.calibrators._base import Calibrator
from calib.calibrators.grouped import GroupedCalibrator
from calib.calibrators.registry import method_class, method_name
from calib.content_hash import content_hash
from calib.environment import commit, versions
from calib.errors import InputError
from calib.files.atomic import atomic_file
from calib.files.naming import naming
from calib.files.plain_file import check_file
from calib.predictions import Predictions

FORMAT = 1
GROUPED = "grouped"
LARGEST = 1 << 30  # bytes: a matrix for ten thousand classes
Saved = Calibrator | GroupedCalibrator


def save_calibrator(
    calibrator: Saved,
    path: Path | str,
    *,
    fitted_on: Predictions | Mapping[str, Any] | None = None,
    group_by: str | None = None,
) -> None:
    """Write ``calibrator`` to ``path`` with where it came from: versions, commit, and a hash of ``fitted_on``.

    Of examples that are not kept ``fitted_on`` is what is known of them: ``n``, ``n_classes``, ``kind``.  ``group_by``
    is the column of files that holds the groups of a `GroupedCalibrator`.
    The file appears whole or not at all.  Raises `InputError` where it cannot be written.
    """
    provenance: dict[str, Any] = {"versions": versions(), "commit": commit()}
    if isinstance(fitted_on, Mapping):
        provenance |= fitted_on
    elif fitted_on is not None:
        provenance |= {
            "data_sha256": content_hash(fitted_on),
            "n": fitted_on.n,
            "n_classes": fitted_on.n_classes,
            "kind": fitted_on.kind,
            "class_names": None if fitted_on.class_names is None else list(fitted_on.class_names),
        }
        provenance |= {
            name: fitted_on.provenance[name] for name in ("checkpoint_sha256", "split") if name in fitted_on.provenance
        }
    if group_by is not None:
        provenance["group_by"] = group_by
    content = {"format": FORMAT, **_encoded(calibrator), "provenance": provenance}
    try:
        text = json.dumps(content, allow_nan=False, indent=1, default=_plain_scalar)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"a saved calibrator holds numbers and words alone ({printable(str(error))})",
            help="name groups by words, whole numbers or truth values",
        ) from error
    with atomic_file(path) as file:
        file.write(f"{text}\n".encode())


def load_calibrator(path: Path | str) -> Saved:
    """Read what `save_calibrator` wrote, bit by bit.  Raises `InputError` saying what is wrong with the file."""
    return load_with_provenance(path)[0]


def load_with_provenance(path: Path | str) -> tuple[Saved, Mapping[str, Any]]:
    """The calibrator and what its file says about where it came from."""
    path = Path(path)
    check_file(path, "a calibrator", help="`calib calibrate` makes one", largest=LARGEST)
    try:
        with naming(path):
            content = json.loads(path.read_text(encoding="utf-8"))
            version = content["format"]
            if isinstance(version, int) and version > FORMAT:
                raise InputError(f"it was written by a newer calib (format {version})", help="upgrade calib")
            provenance = content.get("provenance", {})
            if version != FORMAT or not isinstance(provenance, dict):
                raise ValueError("its format is unknown")
            return _decoded(content), provenance
    except InputError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        reason = printable(f"it has no {error}" if isinstance(error, KeyError) else str(error) or type(error).__name__)
        raise InputError(f"{path} is no saved calibrator ({reason})", help="`calib calibrate` makes one") from error


def _encoded(calibrator: Saved) -> dict[str, Any]:
    if isinstance(calibrator, GroupedCalibrator):
        return {"method": GROUPED, "groups": [[name, _encoded(each)] for name, each in calibrator.calibrators.items()]}
    parameters = {name: _plain(value) for name, value in vars(calibrator).items()}
    return {"method": method_name(calibrator), "parameters": parameters}


def _decoded(content: dict[str, Any]) -> Saved:
    if content["method"] == GROUPED:
        pairs = content["groups"]
        if not all(isinstance(name, str | int | float | bool) for name, _ in pairs):
            raise ValueError("a group has no name")
        calibrators = {name: _decoded(each) for name, each in pairs}
        if len(calibrators) != len(pairs) or any(isinstance(each, GroupedCalibrator) for each in calibrators.values()):
            raise ValueError("its groups are not one calibrator each")
        return GroupedCalibrator(calibrators)  # type: ignore[arg-type]  # none of them is grouped itself
    method: Any = method_class(content["method"])
    hints = get_type_hints(method)
    parameters = {name: _restored(value) for name, value in content["parameters"].items()}
    for name, value in parameters.items():
        if name not in hints or not _fits(value, hints[name]):
            raise ValueError(f"its {printable(str(name))} is not what {content['method']} has")
        if hints[name] is float:
            parameters[name] = float(value)
    calibrator: Calibrator = method(**parameters)
    return calibrator


def _plain(value: Any) -> Any:
    """Numbers, words and None as they are; what JSON lacks as an object with one telling key."""
    if isinstance(value, np.ndarray):
        entries = [_plain(entry) for entry in value.astype(np.float64).ravel().tolist()]
        return {"array": entries, "shape": list(value.shape)}
    if isinstance(value, tuple):
        return {"items": [_plain(entry) for entry in value]}
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    return value


def _plain_scalar(value: Any) -> Any:
    """What `json` calls for an object it does not know: numpy's numbers, and nothing else."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} is neither")


def _restored(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if "float" in value:
        return float(value["float"])
    if "items" in value:
        return tuple(_restored(entry) for entry in value["items"])
    entries = [_restored(entry) for entry in value["array"]]
    return np.array(entries, np.float64).reshape(value["shape"])


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value read from a file is of the type that a field declares."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(_fits(value, one) for one in arguments)
    if origin is Literal:
        return value in arguments
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(entry, arguments[0]) for entry in value)
    if origin is np.ndarray:
        return isinstance(value, np.ndarray)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is hint
