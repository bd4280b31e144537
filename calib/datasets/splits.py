"""Split a data set into training, calibration and test rows, the same way every time; and prove it by a hash."""

import hashlib
import operator
from dataclasses import dataclass

import numpy as np

from calib._arrays import Int
from calib.datasets._types import Dataset
from calib.errors import InputError


@dataclass(frozen=True, eq=False)
class Split:
    """Which rows of a data set serve for what: three disjoint, ascending int64 index arrays."""

    train: Int
    calibration: Int
    test: Int


def split(dataset: Dataset, *, seed: int, train_size: int | None = None, calibration_size: int | None = None) -> Split:
    """Draw training and calibration rows at random; the test rows are the official ones where there are such.

    Without an official test part (digits) the test rows are drawn too, whatever the sizes.  Sizes default to the data
    set's usual ones.  The draw is not stratified.  With one seed, training sets of different sizes are nested,
    calibration sets too, and neither depends on the size of the other.

    Raises `InputError` where the sizes are below 1, or leave too few rows.

    >>> from calib.datasets import load_dataset
    >>> parts = split(load_dataset("digits"), seed=0)
    >>> len(parts.train), len(parts.calibration), len(parts.test)
    (600, 400, 797)
    """
    usual = dataset.usual_sizes
    n_train = _size("train_size", usual.train if train_size is None else train_size)
    n_calibration = _size("calibration_size", usual.calibration if calibration_size is None else calibration_size)
    n_pool = sum(usual) if dataset.n_train is None else dataset.n_train
    if n_train + n_calibration > n_pool:
        raise InputError(
            f"{dataset.name} has {n_pool} rows for training and calibration, "
            f"{n_train} + {n_calibration} were asked for",
            help="ask for fewer training or calibration examples",
        )
    generator = seeded(seed)
    rows = generator.permutation(dataset.n) if dataset.n_train is None else np.arange(dataset.n)
    pool, test = rows[:n_pool], rows[n_pool:]
    order = generator.permutation(pool)
    # Both ends of one permutation: changing one size leaves the other set as it was.
    first_calibration = n_pool - n_calibration
    return Split(train=_rows(order[:n_train]), calibration=_rows(order[first_calibration:]), test=_rows(test))


def fingerprint(dataset: Dataset, parts: Split) -> str:
    """SHA-256 in hex over images, labels and the three index arrays: equal only if the very same data came back.

    A checkpoint keeps it, so that predictions on the wrong data, or on training rows, are noticed.  It is the same on
    every platform.

    >>> from calib.datasets import load_dataset
    >>> digits = load_dataset("digits")
    >>> fingerprint(digits, split(digits, seed=0))[:12]
    '4ebf755cf96a'
    """
    digest = hashlib.sha256()
    for array in (dataset.images, dataset.labels, parts.train, parts.calibration, parts.test):
        little_endian = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        digest.update(f"{little_endian.dtype.str}{little_endian.shape}".encode())
        digest.update(little_endian.data)
    return digest.hexdigest()


def _size(name: str, value: int) -> int:
    try:
        size = operator.index(value)
    except TypeError:
        size = 0
    if size < 1 or isinstance(value, bool):
        raise InputError(
            f"{name} must be a whole number of at least 1, got {value!r}", help="give a number of examples"
        )
    return size


def seeded(seed: int) -> np.random.Generator:
    """The same stream for a seed on every platform.  Raises `InputError` for what is no seed, None included."""
    try:
        return np.random.Generator(np.random.PCG64(operator.index(seed)))
    except (TypeError, ValueError) as error:
        raise InputError(f"seed must be a whole number of at least 0, got {seed!r}", help="0 will do") from error


def _rows(indices: Int) -> Int:
    """Ascending: the order of training belongs to the training loop, and reading in order is fast."""
    return np.sort(indices).astype(np.int64)
