"""Parquet and Arrow (Feather) files into named columns; needs the extra ``parquet``."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from calib._arrays import AnyArray
from calib._extras import library
from calib._text import printable
from calib.errors import InputError


class ArrowColumns(Mapping[str, AnyArray]):
    """The columns of an Arrow table; each becomes an array when it is asked for, so that others may be of any kind."""

    def __init__(self, table: Any) -> None:
        self._table = table

    def __getitem__(self, name: str) -> AnyArray:
        if name not in self._table.column_names:
            raise KeyError(name)
        try:
            return column_array(self._table.column(name), name)
        except InputError:
            raise
        except Exception as error:  # pyarrow raises several kinds on damaged buffers
            raise InputError(
                f"column {printable(name)!r} is damaged ({_reason(error)})", help="write it again"
            ) from error

    def raw(self, name: str) -> Any:
        """The column as Arrow has it, of whatever type."""
        return self._table.column(name)

    def __contains__(self, name: object) -> bool:
        """By its name alone: whether it can be read is another question."""
        return name in self._table.column_names

    def __iter__(self) -> Iterator[str]:
        return iter(self._table.column_names)

    def __len__(self) -> int:
        return int(self._table.num_columns)


def read_parquet(path: Path | str) -> Mapping[str, AnyArray]:
    """Read a Parquet file whole, page checksums compared where it has them.

    Raises `InputError` for a damaged file; its columns do, once asked for, for missing values and kinds that are
    neither numbers nor words.
    """
    parquet = library("pyarrow.parquet", extra="parquet", what="a Parquet file")
    return _columns(Path(path), lambda: parquet.read_table(path, page_checksum_verification=True, partitioning=None))


def read_arrow(path: Path | str) -> Mapping[str, AnyArray]:
    """Read an Arrow or Feather file whole.  Raises `InputError` as `read_parquet` does."""
    feather = library("pyarrow.feather", extra="parquet", what="an Arrow file")
    return _columns(Path(path), lambda: feather.read_table(path, memory_map=False))


def column_array(column: Any, name: str) -> AnyArray:
    """One column of an Arrow table: numbers or words ``(n,)``, lists of equal length ``(n, k)``.

    Raises `InputError` for missing values and other kinds of columns.
    """
    import pyarrow as pa

    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):  # combine_chunks leaves none, or many that are too large together
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], type=array.type)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if array.null_count:
        row = int(np.argmax(array.is_null().to_numpy(zero_copy_only=False)))
        raise InputError(f"row {row} column {printable(name)!r} has no value", help="fill it, or drop the row")
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        lengths = array.value_lengths().to_numpy(zero_copy_only=False)
        if len(lengths) and (lengths != lengths[0]).any():
            row = int(np.argmax(lengths != lengths[0]))
            raise InputError(
                f"row {row} of {printable(name)!r} has {lengths[row]} numbers, the first has {lengths[0]}",
                help="give every class a number in every row",
            )
        return column_array(array.flatten(), name).reshape(len(array), -1 if len(array) else 0)
    if pa.types.is_fixed_size_list(array.type):
        return column_array(array.flatten(), name).reshape(len(array), array.type.list_size)
    if pa.types.is_decimal(array.type):
        array = array.cast(pa.float64())
    words = pa.types.is_string(array.type) or pa.types.is_large_string(array.type)
    numbers = pa.types.is_integer(array.type) or pa.types.is_floating(array.type) or pa.types.is_boolean(array.type)
    if not (words or numbers):
        raise InputError(f"column {printable(name)!r} is of type {array.type}", help="give numbers, words or lists")
    plain: AnyArray = array.to_numpy(zero_copy_only=False)
    return plain


def _columns(path: Path, read: Callable[[], Any]) -> Mapping[str, AnyArray]:
    try:
        table = read()
        table.validate(full=True)
        names = table.column_names
    except MemoryError as error:
        raise InputError(f"{path} does not fit into memory", help="give a quoted glob: it is streamed") from error
    except Exception as error:  # pyarrow raises several kinds on a damaged file; each means the same
        raise InputError(f"{path} is damaged, or no such file ({_reason(error)})", help="write it again") from error
    if repeated := [name for name in names if names.count(name) > 1]:
        raise InputError(f"{path} has two columns {printable(repeated[0])!r}", help="give each its own name")
    return ArrowColumns(table)


def _reason(error: Exception) -> str:
    return printable(str(error).splitlines()[0] if str(error) else type(error).__name__)
