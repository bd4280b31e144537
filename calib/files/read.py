"""Predictions and labels from whatever file people keep them in, told apart by content."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from calib._arrays import AnyArray, is_text
from calib._text import printable
from calib.errors import InputError
from calib.files.arrow_table import read_arrow, read_parquet
from calib.files.columns import predictions_from
from calib.files.csv_table import read_csv
from calib.files.json_lines import read_json_lines
from calib.files.label_column import LABELS
from calib.files.naming import naming
from calib.files.npz import predictions_of, read_arrays
from calib.files.plain_file import check_file
from calib.files.safetensors_file import read_safetensors
from calib.files.sniff import describe, is_npz
from calib.predictions import Kind, Predictions

Columns = Mapping[str, AnyArray]

_READERS: Mapping[str, Callable[[Path], Columns]] = {
    "a Parquet file": read_parquet,
    "an Arrow file": read_arrow,
    "a safetensors file": read_safetensors,
    "JSON text": read_json_lines,
    "a text file": read_csv,
    "a gzip file": read_csv,
}
HELP = 'numpy.savez("predictions.npz", logits=logits, labels=labels) makes a file that is read'


def read_predictions(
    path: Path | str,
    *,
    kind: Kind | None = None,
    labels: Path | str | None = None,
    class_names: Sequence[str] | None = None,
    unlabelled: bool = False,
) -> Predictions:
    """Read predictions from ``.npz``, ``.npy``, CSV, JSON lines, Parquet, Arrow or safetensors.

    `calib.files.columns.predictions_from` says which names of columns are understood; calib's own ``.npz`` and any with
    ``logits`` or ``probs`` and ``labels`` are read by `calib.files.npz.load_predictions`.  An ``.npy`` goes by its own
    name (``logits.npy``).  ``labels`` is a file with nothing but labels, ``kind`` says what scores are where names do
    not; ``unlabelled`` takes a file without labels.  Probabilities of few decimals are for
    `calib.files.rounded`.  Raises `InputError` saying what is wrong with the file.
    """
    path = Path(path)
    columns = read_columns(path)
    given = None if labels is None else read_labels_file(labels)
    make = predictions_of if holds_arrays(path) else predictions_from
    with naming(path):
        predictions = make(columns, kind=kind, labels=given, class_names=class_names, unlabelled=unlabelled)
        _ = predictions.outcomes  # find bad values now, while the file's name is known
    return predictions


def holds_arrays(path: Path) -> bool:
    """Whether a file is of named arrays, of which some may say something of the others, and no table."""
    return is_npz(path) or describe(path) == "a safetensors file"


def read_columns(path: Path | str, *, expected: str = "a predictions file", help: str = "name a file") -> Columns:
    """The named columns of a file, whatever its format.  Raises `InputError` where it has none."""
    path = Path(path)
    check_file(path, expected, help=help)
    if is_npz(path):
        return read_arrays(path)
    looks_like = format_of(path)
    if looks_like == "a .npy array":
        return {path.stem: _read_npy(path)}
    if looks_like not in _READERS:
        raise InputError(f"{path} holds no predictions: it looks like {looks_like}", help=HELP)
    return _READERS[looks_like](path)


def format_of(path: Path) -> str:
    """What a file is by its first bytes; its name decides where these are of no kind."""
    looks_like = describe(path)
    if looks_like == "unknown binary data" and path.suffix.lower() in (".csv", ".tsv", ".txt"):
        return "a text file"  # with odd characters in it, or so its reader says
    return looks_like


def read_labels_file(path: Path | str) -> AnyArray:
    """The labels of a file that holds nothing else, or one column of that name."""
    help = f"name a file; a column of labels is found by its name: {', '.join(LABELS)}"
    columns = read_columns(path, expected="a file of labels", help=help)
    named = [name for name in columns if name.strip().lower() in LABELS]
    chosen = named if len(named) == 1 else list(columns)
    if len(chosen) != 1:
        raise InputError(
            f"{path} has the columns {', '.join(printable(name) for name in list(columns)[:8])}: which are the labels?",
            help="call one of them `label`, or keep that one alone",
        )
    return columns[chosen[0]]


def _read_npy(path: Path) -> AnyArray:
    try:
        array: AnyArray = np.load(path, mmap_mode="r", allow_pickle=False)
        if not is_text(array):
            raise ValueError("characters that there are not")
    except Exception as error:  # numpy raises a dozen kinds on a bad header; each means the same
        reason = printable(str(error) or type(error).__name__)
        raise InputError(f"{path} holds no plain numbers ({reason})", help="save it again by numpy.save") from error
    return array
