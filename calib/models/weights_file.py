"""Open files of weights without running anything that is in them: torch's own, old and new, and safetensors."""

import argparse
import pathlib
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from calib._text import printable
from calib.errors import InputError
from calib.files.archive import check_archive
from calib.files.safetensors_file import read_safetensors
from calib.files.sniff import describe

_LEGACY = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"  # begins files of torch before 1.6
_RESAVE = 'where it was trained, save the weights alone: torch.save(model.state_dict(), "weights.pt")'
_scalar: Any = np.float64(0).__reduce__()[0]
# what trainers put beside weights: command lines, paths and numpy's numbers; none of these runs anything
_PLAIN: list[Any] = [
    argparse.Namespace,
    pathlib.PosixPath,
    pathlib.PurePosixPath,
    np.dtype,
    (_scalar, "numpy.core.multiarray.scalar"),
    (_scalar, "numpy._core.multiarray.scalar"),
    *(type(np.dtype(code)) for code in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?")),
]


def read_tensors(path: Path | str) -> Any:
    """Open a file of weights after checking what can be checked, with ``weights_only=True``; everything on the CPU.

    torch itself opens files with flipped bits without a word, and would inflate a decompression bomb; hence the look at
    the archive first.  Command lines, paths and numpy's numbers beside the weights are taken, any other Python object
    is refused.  Raises `InputError`.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path} is not a file", help="name a checkpoint, a run directory or a predictions file")
    with path.open("rb") as file:
        old = file.read(len(_LEGACY)) == _LEGACY
    if not old:
        if describe(path) == "a safetensors file":
            return {name: torch.from_numpy(array.copy()) for name, array in read_safetensors(path).items()}
        _check_archive(path)
    try:
        with torch.serialization.safe_globals(_PLAIN):
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise _refusal(path, error) from error


def _check_archive(path: Path) -> None:
    if not zipfile.is_zipfile(path):
        looks_like = describe(path)
        if looks_like.startswith("a pickle"):
            raise InputError(f"{path} is {looks_like}; opening it could run code from the file", help=_RESAVE)
        raise InputError(
            f"{path} is no torch checkpoint: it looks like {looks_like}", help="copy or download the file again"
        )
    names = _names(path)
    for mark, what in (("constants.pkl", "a TorchScript module"), ("archive_format", "a program of torch.export")):
        if any(name.rpartition("/")[2] == mark for name in names):
            raise InputError(f"{path} is {what}; opening it could run code from the file", help=_RESAVE)
    if any(name.rpartition("/")[2] == ".data" or "/.data/" in name for name in names) and not any(
        name.endswith("data.pkl") for name in names
    ):
        raise InputError(f"{path} is a torch.package; opening it could run code from the file", help=_RESAVE)
    if not any(name.endswith("data.pkl") for name in check_archive(path, stored_only=True)):
        raise InputError(f"{path} is a zip archive but no torch checkpoint", help="is it a predictions .npz?")


def _names(path: Path) -> list[str]:
    """The members' names; none where the archive is damaged, which `check_archive` then says."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except Exception:  # zipfile raises a dozen kinds on a damaged file
        return []


def _refusal(path: Path, error: Exception) -> InputError:
    """Tell a file that would run code from one that is merely broken."""
    try:
        with torch.serialization.safe_globals(_PLAIN):
            unsafe = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    except Exception:  # a pickle so broken that its names cannot be listed, or one of before torch 1.6
        unsafe = []
    if not unsafe and "Unsupported global: GLOBAL " in str(error):
        unsafe = [str(error).partition("Unsupported global: GLOBAL ")[2].split()[0]]
    if unsafe:
        return InputError(
            f"{path} holds Python objects ({printable(', '.join(sorted(unsafe)))}); opening it could run code from the "
            "file, so calib did not open it",
            help=_RESAVE,
        )
    reason = printable(str(error).partition("\n")[0] or type(error).__name__)
    return InputError(f"{path} cannot be read as a checkpoint ({reason})", help="copy or download the file again")
