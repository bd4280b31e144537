"""Arrays by name: what some say of the others holds whatever lies beside them; columns of a table say no such thing."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calib
from calib.errors import InputError
from calib.files.carried import carried_columns
from calib.files.columns import NO_LABELS
from calib.files.group_column import column_of_groups
from calib.files.read import read_predictions
from calib.files.write import write_predictions
from calib.predictions import Predictions

RNG = np.random.default_rng(0)
Z, Y = RNG.normal(0, 2, (40, 3)), RNG.integers(3, size=40)
HOT = replace(Predictions.from_logits(Z, Y), beta=0.25)


def save(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def test_a_temperature_counts_whatever_lies_beside_it(tmp_path: Path) -> None:
    for more in ({}, {"id": np.arange(40)}, {"meta": "theirs"}):
        path = save(tmp_path / "x.npz", logits=Z, labels=Y, beta=0.25, **more)
        assert calib.nll(read_predictions(path)) == calib.nll(HOT)
    np.save(tmp_path / "y.npy", Y)
    bare = save(tmp_path / "x.npz", logits=Z, beta=0.25)
    assert calib.nll(read_predictions(bare, labels=tmp_path / "y.npy")) == calib.nll(HOT)


def test_columns_of_a_table_are_columns_whatever_they_are_called(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("probs,labels,beta,meta,class_names\n0.2,0,3.0,a,x\n0.7,1,0.5,b,y\n")
    found = read_predictions(tmp_path / "a.csv")
    assert found.beta == 1
    assert found.class_names is None


def test_a_meta_of_others_stands_in_nobody_s_way(tmp_path: Path) -> None:
    path = save(tmp_path / "x.npz", meta="made on a Monday", y_prob=np.full((3, 3), 1 / 3), label=[0, 1, 2])
    assert read_predictions(path).n == 3


def test_names_of_classes_in_a_file_are_its_own_whatever_scores_are_called(tmp_path: Path) -> None:
    for name in ("logits", "scores"):
        path = save(tmp_path / "x.npz", **{name: Z}, labels=np.array(list("abc"))[Y], class_names=list("abc"))
        found = read_predictions(path, kind="logits")
        assert found.class_names == ("a", "b", "c")
        assert np.array_equal(found.labels, Y)
        with pytest.raises(InputError, match="says itself what its classes are called"):
            read_predictions(path, kind="logits", class_names=["x", "y", "z"])


def test_a_file_of_calib_s_own_is_not_contradicted_but_takes_labels_that_it_lacks(tmp_path: Path) -> None:
    HOT.save(tmp_path / "own.npz")
    np.save(tmp_path / "y.npy", Y)
    with pytest.raises(InputError, match=r"own\.npz: the file says itself what its labels are"):
        read_predictions(tmp_path / "own.npz", labels=tmp_path / "y.npy")
    with pytest.raises(InputError, match="holds no probs, by its own word"):
        read_predictions(tmp_path / "own.npz", kind="probs")
    replace(HOT, provenance={NO_LABELS: True, "run": "a"}).save(tmp_path / "bare.npz")
    with pytest.raises(InputError, match="no column of labels"):
        read_predictions(tmp_path / "bare.npz")
    found = read_predictions(tmp_path / "bare.npz", labels=tmp_path / "y.npy")
    assert np.array_equal(found.labels, Y)
    assert found.provenance == {"run": "a"}


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"scores": 3.0, "labels": Y}, "'scores' holds one value, no column of numbers"),
        ({"scores": Z.astype(complex), "labels": Y}, "'scores' holds values of type complex128"),
        ({"scores": Z, "labels": "a"}, r"labels in 'labels' must have shape \(n,\), got \(\)"),
        ({"logit_0": np.ones(40), "logit_1": np.ones(39), "labels": Y}, r"'logit_1' has shape \(39,\), 'logit_0' .*40"),
        ({"scores": np.array([["1", "2"], ["3", "x"]]), "labels": Y[:2]}, "row 1 column 'scores' holds 'x'"),
    ],
)
def test_arrays_that_are_no_columns_of_numbers_are_named(tmp_path: Path, arrays: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_predictions(save(tmp_path / "x.npz", **arrays), kind="logits")


def test_one_array_of_all_classes_needs_no_name_once_its_kind_is_said(tmp_path: Path) -> None:
    np.save(tmp_path / "out.npy", Z)
    np.save(tmp_path / "y.npy", Y)
    with pytest.raises(InputError, match="no columns of scores") as error:
        read_predictions(tmp_path / "out.npy", labels=tmp_path / "y.npy")
    assert "--from logits or --from probs" in error.value.help
    found = read_predictions(tmp_path / "out.npy", labels=tmp_path / "y.npy", kind="logits")
    assert np.array_equal(found.values, Z)
    assert not carried_columns(tmp_path / "out.npy", 40, kind="logits").columns
    np.save(tmp_path / "out.npy", Z[:, 0])
    with pytest.raises(InputError, match="no columns of logits"):
        read_predictions(tmp_path / "out.npy", labels=tmp_path / "y.npy", kind="logits")


def test_the_scores_that_were_not_asked_for_are_left_out_with_a_word(tmp_path: Path) -> None:
    both = save(tmp_path / "x.npz", logits=Z, probs=HOT.probs, labels=Y, id=np.arange(40), class_names=list("abc"))
    with pytest.raises(InputError, match="both hold scores") as error:
        read_predictions(both)
    assert "--from logits or --from probs" in error.value.help
    found = read_predictions(both, kind="probs")
    carried = carried_columns(both, 40, kind="probs")
    assert carried.dropped == ("logits",)
    assert [*carried.before, *carried.after] == ["labels", "id"]
    assert write_predictions(found, tmp_path / "out.csv", carried) == ["'logits' held scores too and were left out"]


def test_groups_are_one_value_a_row(tmp_path: Path) -> None:
    HOT.save(tmp_path / "x.npz")
    for column, shape in (("meta", r"\(\)"), ("logits", r"\(40, 3\)")):
        with pytest.raises(InputError, match=f"'{column}' of .*x.npz has shape {shape}"):
            column_of_groups(tmp_path / "x.npz", column)
    assert column_of_groups(tmp_path / "x.npz", "labels").tolist() == Y.astype(str).tolist()


def test_a_number_too_large_for_any_float_is_named_with_its_row(tmp_path: Path) -> None:
    def read(zeros: int) -> Predictions:
        rows = ({"label": 0, "logits": [1, 10**n]} for n in (0, zeros))
        (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
        return read_predictions(tmp_path / "a.jsonl")

    with pytest.raises(InputError, match=r"row 1 column 'logits' holds '1000.*, which is no number"):
        read(400)
    assert read(30).values[1, 1] == 1e30
