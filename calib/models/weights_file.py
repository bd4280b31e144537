"""Open files of weights without running anything that is in them: torch's own, old and new, and safetensors."""

import argparse
import pathlib
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from calib._text import printable
from calib.errors import InputError
from calib.files.archive import check_archive
from calib.files.plain_file import check_file
from calib.files.safetensors_file import read_safetensors
from calib.files.sniff import describe, is_zip

_LEGACY = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"  # begins files of torch before 1.6
_UNSAFE = re.compile(r"[Uu]nsupported (?:global: )?GLOBAL ([\w.]+)")  # in torch's words
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
_DTYPES = (
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64),
    *(torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8, torch.bool),
)


def read_tensors(path: Path | str) -> Any:
    """Open a file of weights after checking what can be checked, with ``weights_only=True``; everything on the CPU.

    torch itself opens files with flipped bits without a word, and would inflate a decompression bomb; hence the look at
    the archive first.  Command lines, paths and numpy's numbers beside the weights are taken, any other Python object
    is refused.  Raises `InputError`.
    """
    path = Path(path)
    check_file(path, "a checkpoint", help="name a checkpoint, a run directory or a predictions file")
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


def check_weights(weights: Mapping[str, torch.Tensor], path: Path | str) -> None:
    """Raise `InputError`, naming the first tensor that no network here can use: of odd kinds, or with NaN in it."""
    for name, value in weights.items():
        if value.layout != torch.strided or value.is_quantized or value.is_meta or value.dtype not in _DTYPES:
            raise InputError(
                f"{path}: {printable(str(name))} is no plain tensor of numbers", help="save the weights in float32"
            )
        if value.is_floating_point() and not torch.isfinite(value).all():
            raise InputError(
                f"{path}: {printable(str(name))} holds NaN or infinite weights", help="take an earlier checkpoint"
            )


def _check_archive(path: Path) -> None:
    if not is_zip(path):
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
    if not unsafe and (named := _UNSAFE.search(str(error))):
        unsafe = [named[1]]
    if unsafe:
        return InputError(
            f"{path} holds Python objects ({printable(', '.join(sorted(unsafe)))}); opening it could run code from the "
            "file, so calib did not open it",
            help=_RESAVE,
        )
    reason = printable(str(error).partition("\n")[0] or type(error).__name__)
    return InputError(f"{path} cannot be read as a checkpoint ({reason})", help="copy or download the file again")
