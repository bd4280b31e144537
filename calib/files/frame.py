"""A pandas dataframe as columns of predictions."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from calib._arrays import AnyArray
from calib._text import printable
from calib.errors import InputError


class FrameColumns(Mapping[str, AnyArray]):
    """Columns of a pandas dataframe, each read when it is asked for: numbers, words, or lists of one length."""

    def __init__(self, frame: Any) -> None:
        self._frame = frame
        self._names = {str(name): name for name in frame.columns}
        if len(self._names) < len(frame.columns):
            raise InputError("the dataframe has two columns of one name", help="give each its own name")

    def __getitem__(self, name: str) -> AnyArray:
        column = self._frame[self._names[name]]
        if column.isna().any():
            row = int(np.argmax(column.isna().to_numpy()))
            raise InputError(f"row {row} column {printable(name)!r} has no value", help="fill it, or drop the row")
        plain: AnyArray = column.to_numpy()
        if plain.dtype.kind in "fiub":
            return plain
        values = plain.tolist()
        if all(isinstance(value, str) for value in values):
            return np.array(values, dtype=object)
        try:
            return np.array([np.asarray(value, np.float64) for value in values])
        except (TypeError, ValueError) as error:
            raise InputError(
                f"column {printable(name)!r} holds neither numbers nor words nor lists of one length",
                help="give every row as many numbers",
            ) from error

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
