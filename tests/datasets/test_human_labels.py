"""Files of human labels: every format that is read, and everything that is refused, with what the message says."""

import io
import os
import pickle
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from calib.datasets import check_clean_labels, read_labels
from calib.errors import InputError

from .synthetic import python2_pickle

OFFICIAL = np.array([3, 0, 9, 1, 1])
WORSE = np.array([3, 7, 9, 2, 1])
CIFAR10N: dict[str, Any] = {
    "clean_label": OFFICIAL,
    "aggre_label": OFFICIAL,
    "worse_label": WORSE,
    "random_label1": WORSE,
}


def read(path: Path, key: str | None = None, *, n: int = 5, n_classes: int = 10) -> list[int]:
    labels = read_labels(path, n=n, n_classes=n_classes, key=key)
    assert labels.dtype == np.int64
    assert labels.shape == (n,)
    found: list[int] = labels.tolist()
    return found


def refused(path: Path, key: str | None = None, *, n: int = 5, n_classes: int = 10) -> str:
    """The message, which names the file and comes with help."""
    with pytest.raises(InputError) as caught:
        read_labels(path, n=n, n_classes=n_classes, key=key)
    assert str(path) in str(caught.value)
    assert caught.value.help
    assert "\n" not in str(caught.value)
    return str(caught.value)


def saved(tmp_path: Path, content: Any, *, legacy: bool = False) -> Path:
    path = tmp_path / "CIFAR-10_human.pt"
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    return path


def text(tmp_path: Path, content: str | bytes, name: str = "labels.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u4", "<i8", ">i8", "f4", "f8"])
def test_arrays_of_any_kind_of_number_are_read(tmp_path: Path, dtype: str) -> None:
    path = tmp_path / "labels.npy"
    np.save(path, WORSE.astype(dtype))
    assert read(path) == WORSE.tolist()
    assert read(saved(tmp_path, {"noisy": WORSE.astype(dtype)})) == WORSE.tolist()


def test_a_column_of_numbers_is_as_good(tmp_path: Path) -> None:
    path = tmp_path / "labels.npy"
    np.save(path, WORSE[:, None])
    assert read(path) == WORSE.tolist()


def test_npz_files_are_read_by_key_or_alone(tmp_path: Path) -> None:
    path = tmp_path / "labels.npz"
    np.savez(path, **CIFAR10N)
    assert read(path, "worse_label") == WORSE.tolist()
    assert "holds several things: clean_label, aggre_label, worse_label" in refused(path)
    np.savez_compressed(path, noisy=WORSE)
    assert read(path) == read(path, "noisy") == WORSE.tolist()


@pytest.mark.parametrize("legacy", [False, True])
def test_files_of_cifar_n_are_read_by_key(tmp_path: Path, legacy: bool) -> None:
    path = saved(tmp_path, CIFAR10N, legacy=legacy)
    assert read(path, "worse_label") == WORSE.tolist()
    assert read(path, "aggre_label") == OFFICIAL.tolist()
    assert "holds no 'worst_label', it holds clean_label, aggre_label, worse_label, random_label1" in refused(
        path, "worst_label"
    )


def test_the_only_labels_beside_the_clean_ones_need_no_key(tmp_path: Path) -> None:
    assert read(saved(tmp_path, {"clean_label": OFFICIAL, "noisy_label": WORSE})) == WORSE.tolist()


def test_a_torch_file_may_hold_one_array_or_lists(tmp_path: Path) -> None:
    assert read(saved(tmp_path, WORSE)) == WORSE.tolist()
    assert read(saved(tmp_path, {"noisy": WORSE.tolist()})) == WORSE.tolist()


def test_files_that_numpy_1_and_python_2_wrote_are_read(tmp_path: Path) -> None:
    path = tmp_path / "old.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", python2_pickle({"noisy": WORSE.astype(np.uint8)}))
    with zipfile.ZipFile(path) as archive, archive.open("archive/data.pkl") as file:
        assert b"numpy.core.multiarray" in file.read()
    assert "it holds b'noisy'" in refused(path, "noisy")  # text of Python 2 is bytes; alone it needs no name
    assert read(path) == WORSE.tolist()


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (WORSE[:4], "holds 4 labels, the training part has 5 examples"),
        (np.append(WORSE, 0), "holds 6 labels"),
        (np.array([3, 7, 10, 2, 1]), "must lie in 0 … 9 for 10 classes, row 2 holds 10"),
        (np.array([3, 7, 9, 2, -1]), "row 4 holds -1"),
        (np.array([3, 7, 9, 2.5, 1]), "must be whole numbers, row 3 holds 2.5"),
        (np.array([3, np.nan, 9, 2, 1]), "must be whole numbers, row 1 holds nan"),
        (np.array([3, np.inf, 9, 2, 1]), "row 1 holds inf"),
        (np.eye(10)[WORSE], r"must have shape \(n,\), got \(5, 10\)"),
        (np.array(3), r"must have shape \(n,\), got \(\)"),
        (np.array(["a"] * 5), "must be integers, got dtype <U1"),
        (np.zeros(0, int), "holds 0 labels"),
    ],
)
def test_labels_that_are_no_labels_of_this_data_set_are_refused(tmp_path: Path, array: Any, message: str) -> None:
    path = tmp_path / "labels.npy"
    np.save(path, array)
    assert re.search(message, refused(path))
    if array.size and array.dtype.kind in "if":
        assert re.search(message, refused(saved(tmp_path, {"noisy": array})))


@pytest.mark.parametrize("content", [{"noisy": [1, 2, [3], 4, 5]}, {"noisy": {"a": 1}}, {"noisy": None}, None, 3, {}])
def test_a_torch_file_with_other_plain_things_is_refused(tmp_path: Path, content: Any) -> None:
    refused(saved(tmp_path, content))


def test_one_array_has_no_key(tmp_path: Path) -> None:
    np.save(path := tmp_path / "labels.npy", WORSE)
    assert "holds one array without a name, 'noisy' was asked for" in refused(path, "noisy")


class Evil:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("legacy", [False, True])
def test_a_file_that_would_run_code_is_refused_and_runs_nothing(tmp_path: Path, legacy: bool) -> None:
    canary = tmp_path / "canary"
    path = saved(tmp_path, {"noisy": WORSE, "more": Evil(canary)}, legacy=legacy)
    assert f"holds Python objects ({os.name}.mkdir)" in refused(path, "noisy")
    assert not canary.exists()


def test_object_arrays_are_never_unpickled(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    array = np.array([Evil(canary)] * 5, dtype=object)
    np.save(tmp_path / "labels.npy", array)
    np.savez(tmp_path / "labels.npz", noisy=array)
    for path in (tmp_path / "labels.npy", tmp_path / "labels.npz", saved(tmp_path, {"noisy": array})):
        refused(path)
    assert not canary.exists()


def test_tensors_are_refused_with_the_way_to_save_arrays(tmp_path: Path) -> None:
    path = saved(tmp_path, {"noisy": torch.tensor(WORSE)})
    with pytest.raises(InputError, match=r"torch\._utils\._rebuild_tensor_v2") as caught:
        read_labels(path, n=5, n_classes=10)
    assert "numpy.savez" in caught.value.help


def test_a_plain_pickle_and_another_zip_archive_are_refused(tmp_path: Path) -> None:
    assert "not one that torch saved" in refused(text(tmp_path, pickle.dumps({"noisy": [1]}), "labels.pkl"))
    with zipfile.ZipFile(tmp_path / "labels.zip", "w") as archive:
        archive.writestr("labels.txt", "1\n")
    assert "neither of numpy nor of torch" in refused(tmp_path / "labels.zip")


@pytest.mark.parametrize("kind", ["npy", "npz", "pt", "legacy"])
def test_a_file_cut_at_any_of_many_bytes_is_refused(tmp_path: Path, kind: str) -> None:
    buffer = io.BytesIO()
    if kind == "npy":
        np.save(buffer, WORSE)
    elif kind == "npz":
        np.savez(buffer, noisy=WORSE)
    else:
        torch.save({"noisy": WORSE}, buffer, _use_new_zipfile_serialization=kind == "pt")
    whole = buffer.getvalue()
    # the last pickle of a file of old torch lists its tensors and is not read; nor is the point before it
    end = whole.index(b".", whole.rindex(b"latin1")) if kind == "legacy" else len(whole)
    for length in range(0, end, 7):
        refused(text(tmp_path, whole[:length], f"labels.{kind}"))


def test_one_flipped_bit_in_an_archive_is_noticed(tmp_path: Path) -> None:
    path = saved(tmp_path, {"noisy": np.zeros(5, np.uint8)})
    content = bytearray(path.read_bytes())
    content[content.index(b"latin1") - 8] ^= 1
    path.write_bytes(content)
    assert "checksum mismatch" in refused(path)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "an empty file"),
        (b"<!DOCTYPE html><title>404</title>", "an HTML page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
        (b'{"labels": [1]}', "JSON text"),
        ("3\n7\n".encode("utf-16"), "unknown binary data"),
        (b"3\n\x1f\n", "unknown binary data"),
    ],
)
def test_what_is_no_file_of_labels_is_described(tmp_path: Path, content: bytes, what: str) -> None:
    assert f"looks like {what}" in refused(text(tmp_path, content))


def test_a_file_that_is_not_there_and_a_folder_are_refused(tmp_path: Path) -> None:
    assert "does not exist" in refused(tmp_path / "nowhere.npy")
    assert "is a folder" in refused(tmp_path)


def test_clean_labels_in_the_official_order_are_confirmed(tmp_path: Path) -> None:
    path = saved(tmp_path, CIFAR10N)
    assert check_clean_labels(path, OFFICIAL, n_classes=10) is True
    assert check_clean_labels(path, WORSE, n_classes=10, key="worse_label") is True


def test_clean_labels_in_another_order_are_refused_with_the_first_difference(tmp_path: Path) -> None:
    path = saved(tmp_path, {**CIFAR10N, "clean_label": OFFICIAL[::-1].copy()})
    with pytest.raises(InputError, match=r"another order: 4 of 5 .* row 0 holds 1, the data set 3") as caught:
        check_clean_labels(path, OFFICIAL, n_classes=10)
    assert caught.value.help


def test_without_clean_labels_nothing_is_known_of_the_order(tmp_path: Path) -> None:
    assert check_clean_labels(saved(tmp_path, {"noisy": WORSE}), OFFICIAL, n_classes=10) is False
    np.save(path := tmp_path / "labels.npy", WORSE)
    assert check_clean_labels(path, OFFICIAL, n_classes=10) is False


def test_clean_labels_of_another_number_of_examples_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds 5 labels, the training part has 4"):
        check_clean_labels(saved(tmp_path, CIFAR10N), OFFICIAL[:4], n_classes=10)
