import os
import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calib.datasets.cifar_pickle import read_batch, read_names
from calib.errors import InputError
from calib.files import plain_pickle

from .synthetic import images, python2_pickle

PIXELS = images(3, 3, 32).reshape(3, -1)


def write(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "data_batch_1"
    path.write_bytes(content)
    return path


def read(path: Path) -> tuple[Any, Any]:
    return read_batch(path, n_rows=3, n_classes=10, label_key="labels")


@pytest.mark.parametrize("dump", [python2_pickle, lambda batch: pickle.dumps(batch, protocol=2)])
def test_files_of_python_2_and_of_python_3_are_read(tmp_path: Path, dump: Any) -> None:
    path = write(tmp_path, dump({"data": PIXELS, "labels": [0, 9, 4], "batch_label": "training batch 1 of 5"}))
    pixels, labels = read(path)
    assert np.array_equal(pixels.reshape(3, -1), PIXELS)
    assert labels.tolist() == [0, 9, 4]
    assert labels.dtype == np.int64


def test_the_synthetic_python_2_file_is_what_numpy_itself_understands() -> None:
    batch = python2_pickle({"data": PIXELS, "labels": [1, 2, 3]})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy 2.4 dislikes the flags 0 and 1 that numpy 1 wrote
        loaded = pickle.loads(batch, encoding="bytes")
    assert np.array_equal(loaded[b"data"], PIXELS)


class Evil:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.target),)


def test_a_pickle_that_would_run_code_is_refused_and_runs_nothing(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    path = write(tmp_path, pickle.dumps({"data": PIXELS, "labels": [0, 1, 2], "more": Evil(canary)}, protocol=2))
    with pytest.raises(InputError, match=rf"names {os.name}.mkdir, .*nothing in it was run") as caught:
        read(path)
    assert "do not trust the file" in caught.value.help
    assert not canary.exists()


@pytest.mark.parametrize(
    "name", ["builtins\neval", "os\nsystem", "builtins\ngetattr", "numpy\nload", "numpy.core.multiarray\nfromfile"]
)
def test_every_other_global_is_refused_by_name(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, b"\x80\x02c" + name.encode() + b"\n(U\x01xtR.")
    with pytest.raises(InputError, match=name.replace("\n", ".")):
        read(path)


@pytest.mark.parametrize(
    "content",
    [
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(J\xff\xff\xff\x7ftU\x01btR.",  # a huge array
        b"cnumpy\nndarray\n((J\xff\xff\xff\x7fttR.",
        b"cnumpy\ndtype\n(U\x01OK\x00K\x01tR.",  # Python objects
        b"c_codecs\nencode\n(U\x01xU\x03bz2tR.",
        b"cnumpy\nndarray\nU\x01xb.",
        b"",
        b"\x80\x02",
        b"<html>",
        b"\x80\x02" + b"(" * 100_000,
        b"\x80\x02Nr\xff\xff\xff\x7f.",  # a memo number that makes the unpickler in C fill 32 GiB
    ],
)
def test_allowed_names_used_in_unusual_ways_and_damaged_files_are_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(InputError, match=r"data_batch_1 is not an official CIFAR file"):
        read(write(tmp_path, content))


def test_no_attribute_is_ever_set_on_a_function_of_ours(tmp_path: Path) -> None:
    path = write(tmp_path, b"cnumpy\nndarray\nN}U\x06leakedK\x01s\x86b0}.")
    with pytest.raises(InputError, match="made in an unusual way"):
        read(path)
    assert vars(plain_pickle._ndarray) == {}


def test_a_file_cut_at_any_of_many_bytes_is_refused(tmp_path: Path) -> None:
    content = python2_pickle({"data": PIXELS, "labels": [0, 9, 4]})
    for length in range(0, len(content), 37):
        with pytest.raises(InputError, match="data_batch_1"):
            read(write(tmp_path, content[:length]))


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ([1, 2], "a list, a dict was expected"),
        ({}, "got NoneType"),
        ({"data": PIXELS[:2], "labels": [0, 1, 2]}, r"got uint8 \(2, 3072\)"),
        ({"data": PIXELS[:, :-1], "labels": [0, 1, 2]}, "3071"),
        ({"data": [1], "labels": [0, 1, 2]}, "got list"),
        ({"data": PIXELS}, "'labels' must be a list of 3 integers"),
        ({"data": PIXELS, "labels": [0, 1]}, "list of 3"),
        ({"data": PIXELS, "labels": [0, 1, "2"]}, "list of 3"),
        ({"data": PIXELS, "labels": [0, 1, 10]}, "got 0 … 10"),
        ({"data": PIXELS, "labels": [0, 1, -1]}, "got -1 … 1"),
    ],
)
def test_what_is_no_whole_batch_is_refused(tmp_path: Path, batch: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(write(tmp_path, python2_pickle(batch)))


def test_arrays_of_another_type_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="u1 was expected"):
        read(write(tmp_path, pickle.dumps({"data": PIXELS.astype(float), "labels": [0, 1, 2]}, protocol=2)))


def test_class_names_are_read_as_bytes_or_text(tmp_path: Path) -> None:
    names = ["airplane", "fähre"]
    for content in (python2_pickle({"label_names": names}), pickle.dumps({"label_names": names}, protocol=2)):
        assert read_names(write(tmp_path, content), key="label_names") == ("airplane", "fähre")
    with pytest.raises(InputError, match="must be a list of names"):
        read_names(write(tmp_path, python2_pickle({"label_names": [1]})), key="label_names")
