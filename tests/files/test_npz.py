"""Predictions on disk: they come back as they were, or the file is refused in words."""

import contextlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calib
from calib.errors import InputError
from calib.files.npz import FORMAT, load_predictions, save_predictions
from calib.predictions import Predictions

from ..references import sample

HOSTILE = [
    "$x^$",
    "[/]",
    "<script>",
    "\x1b[31mred",
    "NA",
    "two\nlines",
    "=1+1",
    "a|b",
    "a & b",
    "",
    "\x00",
    "\ud800",
    "猫",
]
LOGITS = np.array([[1.0, 0.0, -2.5], [0.5, 3.0, 0.25]])
LABELS = np.array([0, 2])


def save(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def same(a: Predictions, b: Predictions) -> bool:
    return (
        a.kind == b.kind
        and a.values.dtype == b.values.dtype
        and np.array_equal(a.values, b.values)
        and np.array_equal(a.labels, b.labels)
        and np.array_equal(a.beta, b.beta)
        and a.class_names == b.class_names
        and a.provenance == b.provenance
    )


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4"])
@pytest.mark.parametrize("kind", ["logits", "probs"])
def test_predictions_come_back_to_the_last_bit(tmp_path: Path, kind: str, dtype: Any) -> None:
    logits, labels = sample(50, 4)
    logits[3, (labels[3] + 1) % 4] = -np.inf
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    make, values = (
        (Predictions.from_logits, logits)
        if kind == "logits"
        else (Predictions.from_probs, weights / weights.sum(axis=1, keepdims=True))
    )
    provenance = {"config": {"smoothing": 0.1, "seed": 3, "train_size": None}, "sha256": "é\x1b", "n": [1, 2]}
    predictions = make(values.astype(dtype), labels, class_names=["a", "b", "c", "d"], provenance=provenance)
    save_predictions(predictions, tmp_path / "predictions.npz")
    back = load_predictions(tmp_path / "predictions.npz")
    assert same(back, predictions)
    np.testing.assert_array_equal(back.outcomes.nll, predictions.outcomes.nll)


def test_class_names_of_any_kind_come_back(tmp_path: Path) -> None:
    k = len(HOSTILE)
    predictions = Predictions.from_logits(np.eye(k), np.arange(k), class_names=HOSTILE, provenance={"run": HOSTILE})
    save_predictions(predictions, str(tmp_path / "predictions.npz"))
    assert same(load_predictions(str(tmp_path / "predictions.npz")), predictions)


@pytest.mark.parametrize("beta", [2.5, 1 / 3, np.array([0.25, 4.0])])
def test_a_temperature_is_saved_with_the_predictions(tmp_path: Path, beta: Any) -> None:
    predictions = replace(Predictions.from_logits(LOGITS, LABELS), beta=beta)
    save_predictions(predictions, tmp_path / "x.npz")
    back = load_predictions(tmp_path / "x.npz")
    assert same(back, predictions)
    assert calib.nll(back) == calib.nll(predictions)


def test_cross_fitted_predictions_come_back(tmp_path: Path) -> None:
    predictions = calib.cross_fit(calib.TemperatureScaling, Predictions.from_logits(*sample(40, 3)))
    save_predictions(predictions, tmp_path / "x.npz")
    assert same(load_predictions(tmp_path / "x.npz"), predictions)


@pytest.mark.parametrize("writer", [np.savez, np.savez_compressed])
def test_a_minimal_foreign_file_is_welcome_whatever_its_name(tmp_path: Path, writer: Any) -> None:
    with (tmp_path / "theirs.dat").open("wb") as file:
        writer(file, logits=LOGITS, labels=LABELS)
    assert same(load_predictions(tmp_path / "theirs.dat"), Predictions.from_logits(LOGITS, LABELS))


def test_a_foreign_file_may_hold_class_names_other_arrays_and_its_own_meta(tmp_path: Path) -> None:
    for meta in ("not json", "[1]", '"text"', "{}", '{"format": "theirs"}', '{"format": null}', np.arange(3)):
        path = save(tmp_path / "x.npz", logits=LOGITS, labels=LABELS, class_names=list("abc"), ids=[7, 8], meta=meta)
        assert load_predictions(path).class_names == ("a", "b", "c")


def test_one_dimensional_probabilities_are_those_of_class_1(tmp_path: Path) -> None:
    back = load_predictions(save(tmp_path / "x.npz", probs=[0.9, 0.2], labels=[1, 0]))
    assert back.outcomes.confidence.tolist() == [0.9, 0.8]


def test_saving_replaces_a_file_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    path.write_bytes(b"old")
    save_predictions(Predictions.from_logits(LOGITS, LABELS), path)
    assert load_predictions(path).n == 2
    assert [p.name for p in tmp_path.iterdir()] == ["x.npz"]


def test_what_cannot_be_saved_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    path.write_bytes(b"old")
    with pytest.raises(InputError, match="provenance must be plain numbers"):
        save_predictions(Predictions.from_logits(LOGITS, LABELS, provenance={"model": object()}), path)
    assert path.read_bytes() == b"old"


SPOILT: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({}, "it holds nothing"),
    "no labels": ({"logits": LOGITS}, "must hold `labels` and either `logits` or `probs`, it holds logits"),
    "no scores": ({"labels": LABELS}, "it holds labels"),
    "other names": ({"z": LOGITS, "y": LABELS}, "it holds y, z"),
    "both kinds": ({"logits": LOGITS, "probs": LOGITS, "labels": LABELS}, "holds both `logits` and `probs`"),
    "nan": ({"logits": [[0.0, np.nan]], "labels": [0]}, "row 0 column 1 holds nan"),
    "inf": ({"logits": [[0.0, np.inf]], "labels": [0]}, "row 0 column 1 holds inf"),
    "label too large": ({"logits": LOGITS, "labels": [0, 3]}, "labels must lie in 0 … 2 .* row 1 holds 3"),
    "label negative": ({"logits": LOGITS, "labels": [-1, 0]}, "row 0 holds -1"),
    "label fractional": ({"logits": LOGITS, "labels": [0, 0.5]}, "whole numbers, row 1 holds 0.5"),
    "label nan": ({"logits": LOGITS, "labels": [0, np.nan]}, "row 1 has no label"),
    "too many labels": ({"logits": LOGITS, "labels": [0, 1, 2]}, "2 rows of scores came with 3 labels"),
    "one-hot labels": ({"logits": LOGITS, "labels": np.eye(3)[:2]}, "labels must have shape"),
    "text labels": ({"logits": LOGITS, "labels": ["a", "b"]}, "row 0 has the label 'a'"),
    "sum below 1": ({"probs": [[0.5, 0.4]], "labels": [0]}, "must sum to 1, row 0 sums to 0.9"),
    "logits as probs": ({"probs": LOGITS, "labels": LABELS}, r"must lie in \[0, 1\]"),
    "no rows": ({"logits": np.zeros((0, 3)), "labels": []}, "logits have no rows"),
    "one column": ({"logits": np.zeros((2, 1)), "labels": [0, 0]}, r"1 column\(s\)"),
    "flat logits": ({"logits": np.zeros((2, 2, 2)), "labels": [0, 0]}, "must have shape"),
    "text": ({"logits": [["a", "b"]], "labels": [0]}, "which is no number"),
    "complex": ({"logits": np.zeros((1, 2), complex), "labels": [0]}, "no column of numbers"),
    "too few names": ({"logits": LOGITS, "labels": LABELS, "class_names": ["a"]}, "1 class names were given for 3"),
    "beta zero": ({"logits": LOGITS, "labels": LABELS, "beta": 0.0}, "`beta` must be one positive number"),
    "beta negative": ({"logits": LOGITS, "labels": LABELS, "beta": [1.0, -1.0]}, "`beta` must be one positive"),
    "beta nan": ({"logits": LOGITS, "labels": LABELS, "beta": np.nan}, "`beta` must be one positive number"),
    "beta too long": ({"logits": LOGITS, "labels": LABELS, "beta": [1.0, 1, 1]}, "`beta` must be one positive"),
    "newer": ({"logits": LOGITS, "labels": LABELS, "meta": json.dumps({"format": FORMAT + 1})}, "by a newer calib"),
}


@pytest.mark.parametrize(("arrays", "message"), SPOILT.values(), ids=SPOILT.keys())
def test_a_spoilt_file_is_refused_by_name_with_what_to_do(tmp_path: Path, arrays: Any, message: str) -> None:
    path = save(tmp_path / "spoilt.npz", **arrays)
    with pytest.raises(InputError, match=message) as caught:
        calib.evaluate(load_predictions(path))
    assert "spoilt.npz" in str(caught.value)
    assert caught.value.help


ODD_META = ['{"format": 1, "class_names": 5}', '{"format": 1, "provenance": "x"}', '{"format": 1e999}', "[" * 100_000]


@pytest.mark.parametrize("extra", [{"beta": "x"}, {"beta": 1j}, *({"meta": meta} for meta in ODD_META)], ids=range(6))
def test_an_odd_beta_or_meta_is_refused_or_ignored(tmp_path: Path, extra: dict[str, Any]) -> None:
    path = save(tmp_path / "x.npz", logits=LOGITS, labels=LABELS, **extra)
    with contextlib.suppress(InputError):
        load_predictions(path)


def test_predictions_save_and_load_themselves(tmp_path: Path) -> None:
    predictions = Predictions.from_logits(LOGITS, LABELS, class_names=["a", "b", "c"])
    predictions.save(tmp_path / "p.npz")
    assert same(Predictions.load(tmp_path / "p.npz"), predictions)


def test_one_logit_an_example_is_read_as_that_of_class_one(tmp_path: Path) -> None:
    path = tmp_path / "p.npz"
    np.savez(path, logits=np.array([2.0, -1.0]), labels=[1, 0])
    assert load_predictions(path).values.tolist() == [[0.0, 2.0], [0.0, -1.0]]


def test_half_precision_rounds_logits_to_float16_and_nothing_else(tmp_path: Path) -> None:
    logits, labels = sample(500, 10)
    logits[0, (labels[0] + 1) % 10] = -np.inf
    predictions = Predictions.from_logits(logits, labels, provenance={"split": "test"})
    save_predictions(predictions, tmp_path / "half.npz", half=True)
    save_predictions(predictions, tmp_path / "whole.npz")
    back = load_predictions(tmp_path / "half.npz")
    assert back.values.dtype == np.float16
    np.testing.assert_array_equal(back.values, logits.astype(np.float16))
    assert np.array_equal(back.labels, labels)
    assert back.provenance == {"split": "test"}
    assert (tmp_path / "half.npz").stat().st_size < (tmp_path / "whole.npz").stat().st_size / 2


def test_half_precision_is_refused_where_it_would_lose_a_number(tmp_path: Path) -> None:
    large = Predictions.from_logits([[0.0, 1.0], [0.0, -7e4]], [0, 1])
    with pytest.raises(InputError, match="row 1 column 1 holds -70000, beyond the 65504 of float16"):
        save_predictions(large, tmp_path / "x.npz", half=True)
    with pytest.raises(InputError, match="would lose the small probabilities"):
        save_predictions(Predictions.from_probs([[0.5, 0.5]], [0]), tmp_path / "x.npz", half=True)
    assert list(tmp_path.iterdir()) == []
