"""Read pickles that hold lists, dicts and numpy arrays of numbers, without letting the file run anything."""

import pickle
from collections.abc import Callable, Collection
from types import MappingProxyType
from typing import IO, Any, ClassVar

import numpy as np

_reconstruct: Any = np.empty(0).__reduce__()[0]  # numpy's own, whatever its module is called today


class UnexpectedNameError(ValueError):
    """A pickle names a function or class that plain data does not need; ``str(error)`` is that name."""


def load_plain(file: IO[bytes], *, dtypes: Collection[str]) -> Any:
    """Read one pickle from where ``file`` stands; what follows it is left.

    Of numpy's types only ``dtypes`` are taken, such as "u1" or "i8".  Text of Python 2 comes as bytes.  Nothing that a
    pickle names is ever called: four functions of our own stand for the four names that arrays need, and array data is
    only taken for numbers.  (Numpy's own reading of a dtype believes its flags, and could be told that numbers are
    addresses of objects.)

    Raises `UnexpectedNameError` for any other name and `ValueError` for a damaged file.

    >>> import io
    >>> load_plain(io.BytesIO(pickle.dumps({"labels": np.arange(3)}, protocol=2)), dtypes={"i8"})
    {'labels': array([0, 1, 2])}
    """
    try:
        return _Unpickler(file, dtypes).load()
    except (OSError, UnexpectedNameError):
        raise
    except Exception as error:  # a damaged pickle raises nearly anything: EOFError, KeyError, MemoryError, ...
        raise ValueError(f"{type(error).__name__}: {error}") from error


class _Kind:
    """Stands for a dtype: its byte order comes only after it is made, and dtypes cannot change."""

    def __init__(self, name: str) -> None:
        self.dtype = np.dtype(name)

    def state(self, state: Any) -> None:
        """Take the byte order; fields, shapes and flags are for types that are not read here."""
        order: Any = state[1].decode() if isinstance(state[1], bytes) else state[1]
        if order not in ("<", ">", "|", "=") or any(part is not None for part in state[2:5]):
            raise ValueError("a type of numbers is made in an unusual way")
        self.dtype = self.dtype.newbyteorder(order)


def _empty_array(kind: Any, shape: Any, typecode: Any) -> Any:
    """An array as pickle begins it, empty; anything else could ask for memory without end."""
    if kind is not _ndarray or tuple(shape) != (0,):
        raise ValueError("an array is begun in an unusual way")
    return _reconstruct(np.ndarray, (0,), b"b")


def _latin1(text: Any, encoding: Any) -> bytes:
    """How Python 3 writes bytes in pickles of protocol 2."""
    if encoding not in (b"latin1", "latin1"):
        raise ValueError(f"the encoding {encoding!r} is not expected")
    return str(text).encode("latin-1")


def _ndarray(*_arguments: Any) -> Any:
    """Stands for numpy.ndarray, which a pickle hands to `_empty_array` and never calls."""
    raise ValueError("an array is made in an unusual way")


def _kind(dtypes: Collection[str]) -> Callable[..., _Kind]:
    def make(name: Any, *_flags: Any) -> _Kind:
        """The flags 0 and 1 of old files make numpy 2.4 warn, so they are left out."""
        text = name.decode() if isinstance(name, bytes) else name
        if text not in dtypes:
            raise ValueError(f"values of type {name!r} were found, {' or '.join(sorted(dtypes))} was expected")
        return _Kind(text)

    return make


def _fill(array: Any, state: Any) -> None:
    """Give an array its content: shape, type and bytes, and nothing else."""
    _, shape, kind, fortran, content = state
    if not isinstance(kind, _Kind) or not isinstance(content, bytes) or any(type(size) is not int for size in shape):
        raise ValueError("an array is filled in an unusual way")
    array.__setstate__((1, shape, kind.dtype, bool(fortran), content))


class _Unpickler(pickle._Unpickler):
    """Finds the four names that an array needs and no others: the only way in which a pickle can reach code.

    Built on the unpickler in Python, not the one in C, whose memo is a list: there a single flipped bit in a memo
    number fills tens of gigabytes of memory.
    """

    stack: list[Any]

    def __init__(self, file: IO[bytes], dtypes: Collection[str]) -> None:
        super().__init__(file, encoding="bytes")
        self._allowed = {
            ("numpy.core.multiarray", "_reconstruct"): _empty_array,  # numpy 1
            ("numpy._core.multiarray", "_reconstruct"): _empty_array,  # numpy 2
            ("numpy", "ndarray"): _ndarray,
            ("numpy", "dtype"): _kind(dtypes),
            ("_codecs", "encode"): _latin1,
        }

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._allowed:
            raise UnexpectedNameError(f"{module}.{name}")
        return self._allowed[module, name]

    def _build(self) -> None:
        """Give an array or a type its content; on anything else pickle would set attributes, ours included."""
        state, target = self.stack.pop(), self.stack[-1]
        if isinstance(target, np.ndarray):
            _fill(target, state)
        elif isinstance(target, _Kind):
            target.state(state)
        else:
            raise ValueError("an object is made in an unusual way")

    dispatch: ClassVar[Any] = MappingProxyType({**pickle._Unpickler.dispatch, pickle.BUILD[0]: _build})
