"""What is a numpy array and what a torch tensor, how one becomes the other; their rows in blocks, memory for blocks."""

import math
import os
import sys
import threading
from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from calib.errors import InputError

Float: TypeAlias = npt.NDArray[np.float64]
Int: TypeAlias = npt.NDArray[np.int64]
Bool: TypeAlias = npt.NDArray[np.bool_]
AnyArray: TypeAlias = npt.NDArray[Any]

BLOCK_ENTRIES = 524_288  # 2 MiB of float32: smaller ones spend their time between calls, larger ones leave the cache


def torch_is_ready() -> bool:
    """Whether torch is loaded, so that nobody waits for it, and its threads work: after a fork they would hang."""
    return not (_forked or _is_forked_worker()) and hasattr(sys.modules.get("torch"), "from_numpy")


def _is_forked_worker() -> bool:
    """Whether multiprocessing forked this process, also where that was before calib was imported."""
    processes = sys.modules.get("multiprocessing.process")
    return processes is not None and type(processes.current_process()).__name__ == "ForkProcess"


_forked: list[bool] = []  # not empty in a process that was forked since
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=lambda: _forked.append(True))


def is_tensor(values: object) -> bool:
    """Whether ``values`` is a torch tensor, found out without importing torch."""
    return isinstance(values, getattr(sys.modules.get("torch"), "Tensor", ()))


def to_numpy(values: Any) -> AnyArray:
    """Turn a numpy array, torch tensor (any device, also with gradient), pandas object or nested list into an array.

    Nothing is copied where the data can be shared; bfloat16, which numpy lacks, becomes float32.  Raises `InputError`
    for a list whose rows differ in length.

    >>> to_numpy([1, 2]).shape
    (2,)
    """
    if is_tensor(values):
        return _from_tensor(values)
    if np.ma.is_masked(values) or (isinstance(values, list | tuple) and any(map(np.ma.is_masked, values))):
        raise InputError("the array has masked entries", help="drop these rows, or fill them: array.filled(value)")
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise InputError(
            "the rows of a list differ in length", help="pass one row an example, one column a class"
        ) from error
    except RuntimeError as error:
        raise InputError(
            f"this {type(values).__name__} cannot become an array", help="pass one tensor: torch.stack(list).detach()"
        ) from error
    if array.dtype.name.startswith(("bfloat16", "float8")):  # of JAX and ml_dtypes; every one is a float32
        return array.astype(np.float32)
    return _numbers(array) if array.dtype == object else array


def is_text(array: AnyArray) -> bool:
    """Whether every character of an array of words exists; numpy reads others from a damaged file, Python cannot.

    Arrays of other kinds are as good.
    """
    if array.dtype.kind != "U" or array.dtype.itemsize == 0:
        return True
    codes = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("="))).reshape(-1).view(np.uint32)
    return not len(codes) or int(codes.max()) <= sys.maxunicode


def _from_tensor(tensor: Any) -> AnyArray:
    try:
        tensor = tensor.detach().cpu()
        if str(tensor.dtype) == "torch.bfloat16":
            tensor = tensor.float()
        return np.asarray(tensor.numpy())
    except (TypeError, RuntimeError, NotImplementedError) as error:
        raise InputError(
            f"a {tensor.layout} tensor of dtype {tensor.dtype} on {tensor.device} cannot become an array",
            help="pass a dense tensor of float16, bfloat16, float32 or float64 that holds data",
        ) from error


def _numbers(array: AnyArray) -> AnyArray:
    """Objects that are all numbers, or missing, as float64 with NaN; anything else as it is.

    Columns of pandas with missing entries come as objects.
    """
    missing = np.array([entry is None or type(entry).__name__ in ("NAType", "NaTType") for entry in array.flat], bool)
    plain = np.array([isinstance(entry, _REAL) for entry in array.flat], bool)
    if not (missing | plain).all():
        return array
    numbers = np.full(array.size, np.nan)
    try:
        numbers[~missing] = array.ravel()[~missing].astype(np.float64)
    except OverflowError as error:
        raise InputError("a whole number is too large for float64", help="find out where it comes from") from error
    return numbers.reshape(array.shape)


_REAL = (int, float, np.integer, np.floating, np.bool_)


class DeviceArray:
    """A tensor that stays on its accelerator; the rows that are asked for come over as numpy arrays."""

    def __init__(self, tensor: Any) -> None:
        self.tensor = tensor.detach()
        self.shape = tuple(tensor.shape)
        self.ndim = len(self.shape)
        self.dtype = to_numpy(tensor[:0]).dtype

    def __getitem__(self, rows: Any) -> AnyArray:
        return to_numpy(self.tensor[rows if isinstance(rows, slice) else sys.modules["torch"].as_tensor(rows)])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> AnyArray:
        return to_numpy(self.tensor).astype(dtype or self.dtype, copy=bool(copy))


def on_accelerator(values: object) -> bool:
    """Whether ``values`` is a torch tensor on a GPU that knows float64; from any other device rows are copied."""
    return is_tensor(values) and values.device.type == "cuda"  # type: ignore[attr-defined]  # a tensor has one


def like(array: AnyArray, reference: Any) -> Any:
    """Return ``array`` as a torch tensor on the device of ``reference`` if that is one, else as it is."""
    if is_tensor(reference):
        return sys.modules["torch"].as_tensor(array, device=reference.device)
    return array


def as_tensor(array: Any) -> Any:
    """A torch tensor for reading only, that shares the memory of the array where torch knows such arrays.

    torch must be loaded.  It knows no read-only memory and warns of such arrays, so that here it is not told.
    """
    torch: Any = sys.modules["torch"]
    if is_tensor(array):
        return array
    kind, size = array.dtype, array.dtype.itemsize
    if not kind.isnative or size > 8 or any(stride < 0 or stride % size for stride in array.strides):
        array = np.array(array, np.float64 if size > 8 else kind.newbyteorder("="), order="C")
    return torch.from_numpy(np.asarray(_Writeable(array)))


class _Writeable:
    """The memory of an array, said to be writeable."""

    def __init__(self, array: AnyArray) -> None:
        self.array = array  # must live as long as its memory
        self.__array_interface__ = array.__array_interface__ | {"data": (array.ctypes.data, False)}


def read_only(array: AnyArray) -> AnyArray:
    """A view of ``array`` that cannot be written through."""
    if isinstance(array, DeviceArray):
        return array
    view = array.view()
    view.flags.writeable = False
    return view


class Scratch(threading.local):
    """Arrays whose memory a thread uses again: allocating megabytes anew would cost more than their arithmetic."""

    def __init__(self) -> None:
        self._kept: dict[object, AnyArray] = {}

    def array(self, name: object, shape: tuple[int, ...], dtype: npt.DTypeLike = np.float64) -> AnyArray:
        """An array of this shape that holds anything, the same memory whenever this name is asked for."""
        size, kept = math.prod(shape), self._kept.get((name, dtype))
        if kept is None or kept.size < size:
            kept = self._kept[name, dtype] = np.empty(size, dtype)
        return kept[:size].reshape(shape)


def blocks(n_rows: int, n_columns: int) -> Iterator[slice]:
    """Slices that cover ``n_rows`` rows, each of about `BLOCK_ENTRIES` entries and at least one row.

    >>> [(rows.start, rows.stop) for rows in blocks(1_000_000, 1)]
    [(0, 524288), (524288, 1000000)]
    """
    step = max(1, BLOCK_ENTRIES // n_columns)
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))
