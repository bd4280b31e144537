"""Cases 16 to 24: odd scores, labels and class names are taken as they are meant, or refused by their row."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .conftest import Run, assert_refused, sample, save

pytestmark = pytest.mark.timeout(60)
GOOD = sample()
Z, Y = GOOD["logits"], GOOD["labels"]
P = np.exp(Z) / np.exp(Z).sum(1, keepdims=True)


def put(array: Any, row: int, *values: float) -> Any:
    """A copy with other values at the beginning of one row."""
    changed = np.array(array, dtype=np.float64)
    changed[row, : len(values)] = values
    return changed


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "16-three-dimensions": ({"logits": Z.reshape(4, 30, 3), "labels": Y}, "reshaping"),
    "16-one-column": ({"logits": Z[:, :1], "labels": Y}, "at least 2 classes"),
    "16-one-hot-labels": ({**GOOD, "labels": np.eye(3)[Y]}, "labels.argmax(1)"),
    "16-fractional-labels": ({**GOOD, "labels": np.where(np.arange(120) == 7, 1.5, Y)}, "row 7 holds 1.5"),
    "16-negative-label": ({**GOOD, "labels": np.where(np.arange(120) == 7, -1, Y)}, "row 7 holds -1"),
    "16-label-255": ({**GOOD, "labels": np.where(np.arange(120) == 7, 255, Y)}, "drop rows that are to be ignored"),
    "16-label-too-large": ({**GOOD, "labels": Y + 1}, "0 … 2 for 3 classes"),
    "16-words-without-class-names": ({**GOOD, "labels": np.array(["cat", "dog", "eel"])[Y]}, "have no names"),
    "17-other-lengths": ({**GOOD, "labels": Y[1:]}, "120 rows of scores came with 119 labels"),
    "17-no-rows": ({"logits": Z[:0], "labels": Y[:0]}, "no rows"),
    "17-one-class": ({"probs": np.ones((5, 1)), "labels": np.zeros(5, int)}, "at least 2 classes"),
    "18-nan": ({**GOOD, "logits": put(Z, 5, np.nan)}, "row 5 column 0 holds nan"),
    "18-many-nan": ({**GOOD, "logits": put(put(Z, 9, np.nan), 5, np.nan, np.nan)}, "(2 of rows 0 … 119 are like it)"),
    "18-infinite": ({**GOOD, "logits": put(Z, 5, 0, np.inf)}, "row 5 column 1 holds inf"),
    "18-nothing-possible": ({**GOOD, "logits": put(Z, 5, -np.inf, -np.inf, -np.inf)}, "row 5"),
    "20-sums": ({"probs": put(P, 5, 0.9, 0.9, 0.9), "labels": Y}, "row 5 sums to 2.7"),
    "20-negative": ({"probs": put(P, 5, -0.1, 0.5, 0.6), "labels": Y}, "row 5 column 0 holds -0.1"),
    "20-above-one": ({"probs": put(P, 5, 1.1, 0, 0), "labels": Y}, "row 5"),
    "20-nan": ({"probs": put(P, 5, np.nan), "labels": Y}, "row 5 column 0 holds nan"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_scores_and_labels_is_refused_by_its_row(run: Run, tmp_path: Path, case: str) -> None:
    arrays, words = REFUSED[case]
    assert_refused(run("evaluate", save(tmp_path / "p.npz", **arrays)), words, "p.npz")
    assert_refused(run("calibrate", tmp_path / "p.npz", "-o", tmp_path / "c.json"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p.npz"]


def _binary() -> dict[str, Any]:
    return {"probs": P[:, 1] / (P[:, 0] + P[:, 1]), "labels": (Y == 1).astype(int)}


TAKEN: dict[str, dict[str, Any]] = {
    "16-column-of-labels": {**GOOD, "labels": Y[:, None]},
    "16-whole-floats": {**GOOD, "labels": Y.astype(float)},
    "16-words-with-class-names": {**GOOD, "labels": np.array(["a", "b", "c"])[Y], "class_names": ["a", "b", "c"]},
    "18-one-impossible-class": {**GOOD, "logits": np.where(np.eye(3)[(Y + 1) % 3] == 1, -np.inf, Z)},
    "19-huge": {**GOOD, "logits": put(Z, 5, 1e38, -1e38, 0)},
    "19-float16": {**GOOD, "logits": (Z * 1000).astype(np.float16)},
    "19-largest": {**GOOD, "logits": put(Z, 5, 1.7e308, -1.7e308, 0)},
    "20-nearly-one": {"probs": P * (1 + 1e-6), "labels": Y},
    "22-constant": {**GOOD, "logits": np.zeros_like(Z)},
    "23-on-the-edges": {"probs": np.repeat([[0.0, 1.0], [0.4, 0.6], [0.3, 0.7]], 40, 0), "labels": Y % 2},
}


@pytest.mark.parametrize("case", TAKEN)
def test_what_is_unusual_but_meant_is_evaluated_with_finite_numbers(run: Run, tmp_path: Path, case: str) -> None:
    result = run("evaluate", save(tmp_path / "p.npz", **TAKEN[case]), "--json")
    assert result.code == 0, result.err
    found = json.loads(result.out)["uncalibrated"]
    usual = {name: found[name] for name in ("accuracy", "brier", "ece", "mce", "gap")}
    assert all(value is not None and abs(value) <= 2 for value in usual.values()), usual
    if case.startswith("16"):
        same = json.loads(run("evaluate", save(tmp_path / "same.npz", **GOOD), "--json").out)
        assert found == same["uncalibrated"]


@pytest.mark.parametrize("case", ["17-one-row"])
def test_one_row_is_too_few_to_fit_and_judge_a_temperature(run: Run, tmp_path: Path, case: str) -> None:
    path = save(tmp_path / "p.npz", logits=Z[:1], labels=Y[:1])
    assert_refused(run("evaluate", path), "at least 5 examples are needed", "got 1")
    assert run("info", path).code == 0


@pytest.mark.parametrize("case", ["17-single-column"])
def test_one_score_an_example_is_that_of_class_1_of_two(run: Run, tmp_path: Path, case: str) -> None:
    one = _binary()
    both = {**one, "probs": np.stack([1 - one["probs"], one["probs"]], 1)}
    found = [json.loads(run("evaluate", save(tmp_path / "p.npz", **arrays), "--json").out) for arrays in (one, both)]
    assert found[0] == found[1]


@pytest.mark.parametrize("case", ["20-impossible-label"])
def test_a_label_of_probability_0_makes_nll_infinite_and_says_how_many(run: Run, tmp_path: Path, case: str) -> None:
    probs = put(put(P, 5, 0.0, 1.0, 0.0), 6, 0.0, 1.0, 0.0)
    labels = np.where(np.isin(np.arange(120), (5, 6)), 0, Y)
    path = save(tmp_path / "p.npz", probs=probs, labels=labels)
    shown = run("evaluate", path)
    assert shown.code == 0
    assert " inf " in " ".join(shown.out.split())
    assert "2 labels have probability 0" in " ".join((shown.out + shown.err).split())
    assert_refused(run("calibrate", path, "-o", tmp_path / "c.json"), "2 labels have probability 0", code=3)


LIMITS = {
    "21-all-correct": (Z, Z.argmax(1), "separable"),
    "21-separable": (4 * np.eye(3)[Y], Y, "separable"),
    "21-all-wrong": (Z, Z.argmin(1), "worse than chance"),
    "22-constant": (np.zeros_like(Z), Y, ""),
}


@pytest.mark.parametrize("case", LIMITS)
def test_without_a_best_temperature_none_is_shipped(run: Run, tmp_path: Path, case: str) -> None:
    logits, labels, status = LIMITS[case]
    path = save(tmp_path / "p.npz", logits=logits, labels=labels)
    shown = run("evaluate", path)
    assert shown.code == 0
    assert f"no temperature was fitted ({status}" in shown.err
    assert "Ship: no temperature" in shown.out
    assert_refused(run("calibrate", path, "-o", tmp_path / "c.json"), code=3)
    assert not (tmp_path / "c.json").exists()


@pytest.mark.parametrize("case", ["22-ties"])
def test_the_first_of_equal_scores_is_predicted(run: Run, tmp_path: Path, case: str) -> None:
    path = save(tmp_path / "p.npz", logits=np.zeros((30, 3)), labels=np.repeat([0, 1, 2], [15, 10, 5]))
    assert json.loads(run("evaluate", path, "--json").out)["uncalibrated"]["accuracy"] == 0.5


@pytest.mark.parametrize("case", ["23-bins"])
def test_one_bin_and_more_bins_than_rows_are_taken_and_none_refused(run: Run, tmp_path: Path, case: str) -> None:
    path = save(tmp_path / "p.npz", **GOOD)
    one, many = (json.loads(run("evaluate", path, "--json", "--bins", bins).out)["uncalibrated"] for bins in (1, 1000))
    assert one["ece"] == pytest.approx(abs(one["gap"]))
    assert one["ece"] <= many["ece"] <= 1
    for wrong in ("0", "-1", "1.5", "many"):
        assert_refused(run("evaluate", path, "--bins", wrong), "--bins")


@pytest.mark.parametrize("case", ["23-edges"])
def test_a_confidence_on_an_edge_belongs_to_the_bin_below(run: Run, tmp_path: Path, case: str) -> None:
    top = np.array([0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
    path = save(tmp_path / "p.npz", probs=np.stack([top, 1 - top], 1), labels=np.zeros(6, int))
    found = json.loads(run("evaluate", path, "--json", "--bins", 10).out)["uncalibrated"]
    assert found["mce"] == pytest.approx(0.5)  # every value alone in its bin
    assert found["ece"] == pytest.approx(0.25)


COLUMNS = {
    "24-duplicate": ("label,prob_0,prob_0,prob_1\n0,.2,.3,.5\n", "two columns 'prob_0'"),
    "24-missing": ("label,logit_0,logit_1,logit_3\n0,1,2,3\n", "number 2 is missing"),
    "24-same-class": ("label,prob_1,prob_01,prob_0\n0,.2,.3,.5\n", "are the same class"),
    "24-from-one": ("label,prob_1,prob_2\n1,.5,.5\n", "begin with 'prob_1'"),
}


@pytest.mark.parametrize("case", COLUMNS)
def test_columns_that_are_not_the_classes_are_refused(run: Run, tmp_path: Path, case: str) -> None:
    text, words = COLUMNS[case]
    (tmp_path / "t.csv").write_text(text * 1)
    assert_refused(run("evaluate", tmp_path / "t.csv"), words, "t.csv")


@pytest.mark.parametrize("case", ["24-unsorted"])
def test_columns_are_ordered_by_their_numbers(run: Run, tmp_path: Path, case: str) -> None:
    k = 12
    given = sample(200, k)
    order = sorted(range(k), key=str)
    lines = [",".join(["label", *(f"logit_{i}" for i in order)])]
    lines += [
        ",".join(map(str, [y, *z[order].tolist()])) for z, y in zip(given["logits"], given["labels"], strict=True)
    ]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    found, expected = (
        json.loads(run("evaluate", path, "--json").out)["uncalibrated"]
        for path in (tmp_path / "t.csv", save(tmp_path / "p.npz", **given))
    )
    assert found == pytest.approx(expected)


NAMES = {
    "24-na": ["NA", "null", "NaN"],
    "24-empty-name": ["", " ", "x"],
    "24-long-name": ["x" * 10_000, "b", "c"],
    "24-right-to-left": ["\u202eevil", "\u05d0", "c"],
    "24-escapes": ["\x1b[31mred", "\x1b]0;title\x07", "c"],
    "24-newline": ["two\nlines", "tab\there", "c"],
}


@pytest.mark.parametrize("case", NAMES)
def test_class_names_come_through_and_are_shown_on_one_line(run: Run, tmp_path: Path, case: str) -> None:
    path = save(tmp_path / "p.npz", **GOOD, class_names=np.array(NAMES[case]))
    assert json.loads(run("info", path, "--json").out)["class_names"] == NAMES[case]
    for command in (("per-class", path), ("evaluate", path), ("info", path)):
        result = run(*command)
        assert result.code == 0, result.err
        assert not {"\x1b", "\x07", "\u202e"} & set(result.out + result.err)
        assert max(map(len, result.out.splitlines())) < 2100


@pytest.mark.parametrize("case", ["24-duplicate-name"])
def test_two_classes_of_one_name_are_refused_where_words_are_labels(run: Run, tmp_path: Path, case: str) -> None:
    names = np.array(["cat", "cat", "dog"])
    path = save(tmp_path / "p.npz", logits=Z, labels=names[Y], class_names=names)
    assert_refused(run("evaluate", path), "'cat'", "p.npz")
