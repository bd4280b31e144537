"""Arrays of a safetensors file by name; needs the extra ``safetensors``."""

from pathlib import Path

from calib._arrays import AnyArray, to_numpy
from calib._extras import library
from calib._text import printable
from calib.errors import InputError


def read_safetensors(path: Path | str) -> dict[str, AnyArray]:
    """Read every tensor as a numpy array; bfloat16 and float8 become float32.

    Raises `InputError` for a file whose header does not fit its content.
    """
    path = Path(path)
    numpy_side = library("safetensors.numpy", extra="safetensors", what="a safetensors file")
    try:
        return {name: to_numpy(array) for name, array in numpy_side.load_file(path).items()}
    except (TypeError, KeyError, AttributeError):  # bfloat16 and float8, which numpy does not have
        torch_side = library("safetensors.torch", extra="safetensors", what="a safetensors file")
        return {name: tensor.float().numpy() for name, tensor in torch_side.load_file(path).items()}
    except MemoryError as error:
        raise InputError(f"{path} does not fit into memory", help="split it, or use a machine with more") from error
    except Exception as error:  # the library raises its own kind, and others, on a damaged header
        raise _damaged(path, error) from error


def names_in(path: Path | str) -> list[str]:
    """The names of its tensors, of which none is read.  Raises `InputError` likewise."""
    whole = library("safetensors", extra="safetensors", what="a safetensors file")
    try:
        with whole.safe_open(path, framework="numpy") as file:
            return list(file.keys())
    except Exception as error:  # as above
        raise _damaged(path, error) from error


def _damaged(path: Path | str, error: Exception) -> InputError:
    reason = printable(str(error) or type(error).__name__)
    return InputError(f"{path} is damaged ({reason})", help="copy or download it again")
