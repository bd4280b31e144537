"""One set of predictions in every format is the same predictions; damaged files get one clear sentence."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from calib.calibrators.temperature import TemperatureScaling
from calib.errors import InputError
from calib.files.calibrator_json import save_calibrator
from calib.files.read import read_columns, read_labels_file, read_predictions

RNG = np.random.default_rng(0)
Z, Y = RNG.normal(0, 2, (40, 3)), RNG.integers(3, size=40)
FRAME = pd.DataFrame({"id": range(40), **{f"logit_{i}": Z[:, i] for i in range(3)}, "label": Y})


def pyarrow() -> Any:
    return pytest.importorskip("pyarrow", reason="the extra `parquet` is not installed")


def write(folder: Path, name: str) -> Path:
    path = folder / name
    if name.endswith(".csv.gz"):
        path.write_bytes(gzip.compress(FRAME.to_csv(index=False, sep="\t").encode()))
    elif name == "excel.csv":
        path.write_bytes(b"\xef\xbb\xbf" + FRAME.to_csv(index=False, sep=";", lineterminator="\r\n").encode())
    elif name.endswith(".csv"):
        FRAME.to_csv(path, index=False)
    elif name == "lists.jsonl":
        rows = [{"label": int(y), "logits": z.tolist()} for z, y in zip(Z, Y, strict=True)]
        path.write_text("\n".join(json.dumps(row) for row in rows) + "\n\n")
    elif name.endswith(".jsonl"):
        path.write_text("".join(json.dumps(row) + "\n" for row in FRAME.to_dict("records")))
    elif name == "lists.parquet":
        pd.DataFrame({"label": Y, "logits": list(Z), "when": pd.Timestamp("2026-01-01")}).to_parquet(path)
    elif name.endswith(".parquet"):
        FRAME.to_parquet(path)
    elif name.endswith(".feather"):
        FRAME.to_feather(path)
    elif name.endswith(".npz"):
        np.savez(path, scores=Z, ground_truth=Y)
    elif name.endswith(".safetensors"):
        pytest.importorskip("safetensors.numpy", reason="the extra `safetensors` is not installed").save_file(
            {"logits": Z, "labels": Y}, path
        )
    return path


@pytest.mark.parametrize(
    "name",
    ["a.csv", "excel.csv", "a.csv.gz", "a.jsonl", "lists.jsonl", "a.parquet", "lists.parquet", "a.feather", "a.npz"],
)
def test_every_format_gives_the_same_predictions(tmp_path: Path, name: str) -> None:
    if name.endswith(("parquet", "feather")):
        pyarrow()
    found = read_predictions(write(tmp_path, name), kind="logits")
    assert found.kind == "logits"
    np.testing.assert_array_equal(found.values, Z)
    np.testing.assert_array_equal(found.labels, Y)


def test_safetensors_hold_predictions_too_also_in_bfloat16(tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.torch", reason="the extra `safetensors` is not installed")
    import torch

    z = torch.tensor(Z).bfloat16()
    safetensors.save_file({"logits": z, "labels": torch.tensor(Y)}, tmp_path / "a.safetensors")
    np.testing.assert_array_equal(read_predictions(tmp_path / "a.safetensors").values, z.float().numpy())
    whole = (tmp_path / "a.safetensors").read_bytes()
    for damaged in (whole[:-1], whole[:100], b"\xff" * 7 + b"\x0f" + whole[8:]):
        (tmp_path / "bad.safetensors").write_bytes(damaged)
        with pytest.raises(InputError):
            read_predictions(tmp_path / "bad.safetensors")


def test_an_array_goes_by_its_file_s_name_and_labels_come_from_another(tmp_path: Path) -> None:
    np.save(tmp_path / "logits.npy", Z)
    np.save(tmp_path / "y.npy", Y)
    found = read_predictions(tmp_path / "logits.npy", labels=tmp_path / "y.npy")
    np.testing.assert_array_equal(found.values, Z)
    (tmp_path / "y.csv").write_text("name,label\n" + "".join(f"a,{y}\n" for y in Y))
    np.testing.assert_array_equal(read_labels_file(tmp_path / "y.csv"), Y)
    (tmp_path / "two.csv").write_text("one,two\n1,2\n")
    with pytest.raises(InputError, match="which are the labels"):
        read_labels_file(tmp_path / "two.csv")
    np.save(tmp_path / "scores.npy", Z)
    with pytest.raises(InputError, match="does not say whether"):
        read_predictions(tmp_path / "scores.npy", labels=tmp_path / "y.npy")
    np.save(tmp_path / "objects.npy", np.array([{}, 1], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="no plain numbers"):
        read_columns(tmp_path / "objects.npy")


def test_words_such_as_na_and_null_are_labels_not_gaps(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("label,prob_NA,prob_null\nNA,0.9,0.1\nnull,0.2,0.8\n")
    found = read_predictions(tmp_path / "a.csv")
    assert found.class_names == ("NA", "null")
    assert found.labels.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "empty file"),
        ("\n1,2\n", "begins with an empty line"),
        ("1,0.5,0.5\n0,0.5,0.5\n", "begins with numbers"),
        ("label,prob_0,prob_0\n0,.5,.5\n", "two columns 'prob_0'"),
        ("label,prob_0,prob_1\n0,.5,.5,.7\n", "no table of columns"),
        ("label,prob_0,prob_1\n0,.5,.5\n1,.5\n", "row 1"),
        ("label,prob_0,prob_1\n0,.5,.5\n,.5,.5\n", "row 1 has no label"),
        ("label,prob_0,prob_1\n0,.5,.5\n1,nan,.5\n", "row 1 column 0 holds nan"),
        ("label;prob_0;prob_1\n0;0,5;0,5\n", "holds '0,5'"),
        ("label,prob_0,prob_1\n0,.7,.7\n", "sum"),
        ("label,prob_0,prob_1\n2,.5,.5\n", "0 … 1"),
        ("label,prob_0,prob_1\n", "no rows"),
        ('{"label": 0, "probs": [0.5, 0.5]}\n{"label": 1}\n', "line 2 lacks 'probs'"),
        ('{"label": 0, "probs": [0.5, 0.5]}\n{"label": 1, "probs": [1]}\n', "row 1 has another number of 'probs'"),
        ('{"label": 0, "probs": [0.5, 0.5]}\n{"label": 1, "probs": [null, 1]}\n', "row 1 column 'probs' holds 'None'"),
        ('{"label": 0, "probs": [0.5, 0.5]}\n[1]\n', "line 2 is no object"),
        ('{"label": 0, "probs": [0.5, 0.5]}\n{"label": \n', "line 2 is no JSON"),
    ],
)
def test_bad_text_gets_one_clear_sentence(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "file").write_text(content)
    with pytest.raises(InputError) as error:
        read_predictions(tmp_path / "file")
    assert words in str(error.value), error.value
    assert str(tmp_path / "file") in str(error.value)


def test_missing_values_and_odd_columns_of_parquet_are_named(tmp_path: Path) -> None:
    pa = pyarrow()
    parquet = pytest.importorskip("pyarrow.parquet")

    def write(**columns: Any) -> Path:
        parquet.write_table(pa.table(columns), tmp_path / "a.parquet")
        return tmp_path / "a.parquet"

    good = {"label": [0, 1], "prob_0": [0.5, 0.4], "prob_1": [0.5, 0.6]}
    assert read_predictions(write(**good)).n == 2
    for change, words in (
        ({"prob_1": [0.5, None]}, "row 1 column 'prob_1' has no value"),
        ({"label": [None, 1]}, "row 0 column 'label' has no value"),
        ({"prob_1": pa.array([{"a": 1}, {"a": 2}])}, "column 'prob_1' is of type struct"),
    ):
        with pytest.raises(InputError, match=words):
            read_predictions(write(**{**good, **change}))
    ragged = {"label": [0, 1], "probs": [[0.5, 0.5], [1.0]]}
    with pytest.raises(InputError, match="row 1 of 'probs' has 1 numbers, the first has 2"):
        read_predictions(write(**ragged))
    words = pa.array(["a", "b"]).dictionary_encode()
    named = read_predictions(write(label=words, prob_a=[0.5, 0.4], prob_b=[0.5, 0.6]))
    assert named.labels.tolist() == [0, 1]
    assert read_predictions(write(**{**good, "prob_0": pa.array([0.5, 0.4], pa.float32())})).n == 2


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet", "a.feather", "a.npz", "a.safetensors"])
def test_a_file_cut_off_anywhere_is_refused_or_is_whole(tmp_path: Path, name: str) -> None:
    if name.endswith(("parquet", "feather")):
        pyarrow()
    whole = write(tmp_path, name).read_bytes()
    text = name.endswith((".csv", ".jsonl"))
    for size in range(0, len(whole), max(1, len(whole) // 60)):
        (tmp_path / f"cut-{name}").write_bytes(whole[:size])
        try:
            found = read_predictions(tmp_path / f"cut-{name}", kind="logits")
        except InputError:
            continue
        assert text  # a text that ends after a whole line is a shorter table
        assert found.n < 40


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet", "a.feather", "a.npz", "a.safetensors"])
def test_mutated_files_raise_nothing_but_input_errors(tmp_path: Path, name: str) -> None:
    if name.endswith(("parquet", "feather")):
        pyarrow()
    whole = np.frombuffer(write(tmp_path, name).read_bytes(), np.uint8)
    rng = np.random.default_rng(7)
    for _ in range(60):
        changed = whole.copy()
        places = rng.integers(len(changed), size=rng.integers(1, 5))
        changed[places] = rng.integers(256, size=len(places))
        (tmp_path / "mutant").write_bytes(changed.tobytes())
        try:
            read_predictions(tmp_path / "mutant", kind="logits")
        except InputError:
            continue


def test_a_missing_library_is_named_with_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    pyarrow()
    path = write(tmp_path, "a.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError) as error:
        read_predictions(path)
    assert "pyarrow" in str(error.value)


def test_names_of_classes_that_somebody_gives_are_taken_unless_the_file_has_its_own(tmp_path: Path) -> None:
    bare, named = tmp_path / "bare.npz", tmp_path / "named.npz"
    np.savez(bare, logits=Z, labels=Y)
    read_predictions(bare, class_names=["a", "b", "c"]).save(named)
    assert read_predictions(named).class_names == ("a", "b", "c")
    assert read_predictions(named, class_names=["a", "b", "c"]).class_names == ("a", "b", "c")
    with pytest.raises(InputError, match="2 class names were given for 3 classes"):
        read_predictions(bare, class_names=["a", "b"])
    with pytest.raises(InputError, match="says itself what its classes are called"):
        read_predictions(named, class_names=["c", "b", "a"])


def test_a_calibrator_in_the_place_of_predictions_is_called_one(tmp_path: Path) -> None:
    saved = tmp_path / "calibrator.json"
    save_calibrator(TemperatureScaling(2.0), saved)
    with pytest.raises(InputError, match="looks like a calibrator that calib saved"):
        read_predictions(saved)
