"""An .npz that is hostile or damaged is refused by name, is closed, and runs nothing."""

import gc
import os
import pickle
import warnings
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calib.errors import InputError
from calib.files.npz import load_predictions, save_predictions
from calib.predictions import Predictions

from ..references import sample
from .test_npz import LABELS, LOGITS, same, save


class Canary:
    """A pickle that makes a folder when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("where", ["logits", "labels", "class_names", "meta"])
def test_no_pickle_in_a_file_is_ever_run(tmp_path: Path, where: str) -> None:
    canary = tmp_path / "sung"
    arrays: dict[str, Any] = {"logits": LOGITS, "labels": LABELS, where: np.array([Canary(canary)], dtype=object)}
    path = save(tmp_path / "x.npz", **arrays)
    with pytest.raises(InputError, match="does not hold plain arrays"):
        load_predictions(path)
    assert not canary.exists()
    with np.load(path, allow_pickle=True) as archive:
        _ = archive[where]
    assert canary.exists()  # so the trap was set


def test_a_pickle_under_the_name_of_an_array_is_not_run_either(tmp_path: Path) -> None:
    path, canary = tmp_path / "x.npz", tmp_path / "sung"
    save(path, labels=LABELS)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("logits.npy", pickle.dumps(Canary(canary)))
    with pytest.raises(InputError, match=r"hold plain arrays"):
        load_predictions(path)
    path.write_bytes(pickle.dumps(Canary(canary)))
    with pytest.raises(InputError, match="looks like a pickle"):
        load_predictions(path)
    assert not canary.exists()


def small_file(path: Path) -> bytes:
    predictions = Predictions.from_logits(LOGITS, LABELS, class_names=["a", "b", "c"], provenance={"seed": 1})
    save_predictions(replace(predictions, beta=0.5), path)
    return path.read_bytes()


def test_a_file_cut_short_anywhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    whole = small_file(path)
    for length in {*range(0, len(whole), 7), len(whole) - 1, len(whole) - 22}:
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"no \.npz file|damaged"):
            load_predictions(path)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # numpy leaves refused files open
@pytest.mark.parametrize(
    "part",
    [
        "members",
        pytest.param("directory"),
    ],
)
def test_every_flipped_bit_is_noticed_or_without_consequence(tmp_path: Path, part: str) -> None:
    path = tmp_path / "x.npz"
    whole = small_file(path)
    original = load_predictions(path)
    directory = whole.index(b"PK\x01\x02")
    refused = 0
    for byte in range(directory) if part == "members" else range(directory, len(whole)):
        for bit in range(8):
            flipped = bytearray(whole)
            flipped[byte] ^= 1 << bit
            path.write_bytes(flipped)
            try:
                back = load_predictions(path)
            except InputError:
                refused += 1
            else:
                assert same(back, original), f"bit {bit} of byte {byte} went unnoticed"
    assert refused > 500


def test_a_refused_file_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    damaged = bytearray(small_file(path))
    damaged[damaged.index(b"PK\x01\x02")] ^= 1
    path.write_bytes(damaged)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with pytest.raises(InputError, match="damaged"):
            load_predictions(path)
        gc.collect()
    assert not caught


def test_a_flipped_bit_in_the_shape_of_a_long_foreign_array_is_noticed(tmp_path: Path) -> None:
    logits, labels = sample(5000, 3)
    path = save(tmp_path / "x.npz", logits=logits, labels=labels % 2)
    whole = bytearray(path.read_bytes())
    whole[whole.index(b"(5000, 3)") + 7] ^= 1  # 3 columns become 2
    path.write_bytes(whole)
    with pytest.raises(InputError):
        load_predictions(path)


@pytest.mark.parametrize(
    ("content", "looks"),
    [
        (b"", "an empty file"),
        (b"<!DOCTYPE html><title>404</title>", "an HTML page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
        (b"\x93NUMPY\x01\x00v\x00{'descr': '<f8'}", r"a \.npy array"),
        (b"0.1,0.9,1\n", "a text file"),
    ],
)
def test_a_file_of_another_kind_is_named(tmp_path: Path, content: bytes, looks: str) -> None:
    path = tmp_path / "x.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"is no \.npz file: it looks like {looks}"):
        load_predictions(path)


def test_a_zip_of_something_else_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("data.pkl", b"\x80\x02")
    with pytest.raises(InputError, match=r"must hold `labels`|damaged"):
        load_predictions(tmp_path / "x.npz")


@pytest.mark.parametrize("name", ["", "missing.npz"])
def test_a_folder_or_a_missing_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="a predictions file was expected"):
        load_predictions(tmp_path / name)


def test_a_decompression_bomb_is_refused_before_it_is_inflated(tmp_path: Path) -> None:
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("logits.npy", "w") as member:
        for _ in range(1100):  # 1.1 GiB of zeros are 1 MiB here
            member.write(bytes(2**20))
    with pytest.raises(InputError, match="would inflate to 1 GiB"):
        load_predictions(path)
