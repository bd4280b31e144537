"""Pickles of plain data: arrays come back as they were, and claims about them are not believed."""

import io
import pickle
import struct
from typing import Any

import numpy as np
import pytest

from calib.files.plain_pickle import UnexpectedNameError, load_plain

LABELS = np.arange(5, dtype="<i8")
FLAGS = b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq"  # fields, size, alignment and flags of a plain dtype


def load(content: bytes, *dtypes: str) -> Any:
    return load_plain(io.BytesIO(content), dtypes=dtypes or ("i8", "u1"))


@pytest.mark.parametrize("protocol", [2, 3, 4])
@pytest.mark.parametrize("dtype", ["<i8", ">i8", "u1"])
def test_arrays_in_lists_and_dicts_come_back_as_they_were(protocol: int, dtype: str) -> None:
    flat, fortran = np.arange(6).astype(dtype), np.asfortranarray(np.arange(6).reshape(2, 3).astype(dtype))
    # the second array shares the first one's dtype, byte order and all
    found = load(pickle.dumps({"a": [flat, fortran], "b": ("text", 1.5, None, True)}, protocol=protocol))
    assert found["b"] == ("text", 1.5, None, True)
    for array, given in zip(found["a"], (flat, fortran), strict=True):
        assert array.dtype == given.dtype.newbyteorder("=")  # numpy swaps bytes as it reads
        np.testing.assert_array_equal(array, given)


def test_one_pickle_is_read_and_what_follows_is_left() -> None:
    file = io.BytesIO(pickle.dumps(1, protocol=2) + pickle.dumps([2], protocol=2) + b"rest")
    assert [load_plain(file, dtypes=()), load_plain(file, dtypes=()), file.read()] == [1, [2], b"rest"]


def test_a_dtype_that_claims_its_numbers_are_objects_is_not_believed() -> None:
    content = pickle.dumps(LABELS, protocol=2)
    assert content.count(FLAGS) == 1
    claim = content.replace(FLAGS, FLAGS.replace(b"K\x00tq", b"K\x3ftq"))
    assert load(claim).tolist() == LABELS.tolist()
    # numpy takes these flags for true, and would then read the integers as addresses
    believed = np.dtype("i8", copy=True)
    believed.__setstate__((3, "<", None, None, None, -1, -1, 63))  # type: ignore[attr-defined]
    assert believed.hasobject


@pytest.mark.parametrize("state", [b"K\x01" + FLAGS[1:], b"N" * 2 + b"K\x01" + FLAGS[3:]])
def test_a_dtype_of_numbers_with_parts_is_refused(state: bytes) -> None:
    content = pickle.dumps(LABELS, protocol=2)
    with pytest.raises(ValueError, match="a type of numbers is made in an unusual way"):
        load(content.replace(FLAGS, state))


def test_a_dtype_that_was_not_asked_for_is_refused() -> None:
    for array in (LABELS.astype("f8"), LABELS.astype(object), LABELS.astype("S1"), np.zeros(1, [("a", "i8")])):
        with pytest.raises(ValueError, match="i8 or u1 was expected"):
            load(pickle.dumps(array, protocol=2))


@pytest.mark.parametrize(
    "claim", [struct.pack("<ci", b"J", 2**31 - 1) + b"\x85", b"K\x04\x85", b"N\x85", b"J\xff\xff\xff\xff\x85"]
)
def test_an_array_that_claims_another_size_than_it_has_is_refused(claim: bytes) -> None:
    content = pickle.dumps(LABELS, protocol=2)
    assert content.count(b"K\x05\x85") == 1
    with pytest.raises(ValueError, match=r"\w"):
        load(content.replace(b"K\x05\x85", claim))


def test_any_other_name_is_refused_and_told() -> None:
    with pytest.raises(UnexpectedNameError, match=r"^builtins\.eval$"):
        load(b"\x80\x02cbuiltins\neval\n.")
    with pytest.raises(UnexpectedNameError, match=r"scalar"):
        load(pickle.dumps(np.int64(3), protocol=2))


@pytest.mark.parametrize("length", range(0, 150, 5))
def test_a_pickle_cut_short_is_damaged(length: int) -> None:
    with pytest.raises(ValueError, match=r"."):
        load(pickle.dumps(LABELS, protocol=2)[:length])
