"""``calib apply`` and ``predict`` write every format, and what came with the scores goes along."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import calib
from calib.files.carried import plain_values
from calib.files.read import read_columns, read_predictions
from calib.predictions import Predictions

from ..references import sample
from .conftest import HOSTILE, Run, assert_refused

TEXT = ("csv", "jsonl")
NAMES = np.array(["cat", "dog, big", "emu"])


@pytest.fixture
def table(run: Run, tmp_path: Path) -> pd.DataFrame:
    """200 logits with words for labels and columns that a careless reader would spoil, and a calibrator of them."""
    logits, labels = sample(200, 3, true_temperature=2)
    table = pd.DataFrame({"id": [f"{i:05d}" for i in range(200)]})
    table = table.assign(**{f"logit_{name}": logits[:, i] for i, name in enumerate(NAMES)}, label=NAMES[labels])
    table = table.assign(price=["1.50", ""] * 100, weight=1.0 + np.arange(200) % 3, file=[*HOSTILE] * 20)
    table.to_csv(tmp_path / "p.csv", index=False)
    assert run("calibrate", tmp_path / "p.csv", "-o", tmp_path / "c.json").code == 0
    return table


def wanted(folder: Path) -> Predictions:
    return calib.TemperatureScaling.fit(read_predictions(folder / "p.csv")).transform(
        read_predictions(folder / "p.csv")
    )


def assert_same(found: Predictions, want: Predictions) -> None:
    np.testing.assert_array_equal(found.probs, want.probs)
    np.testing.assert_array_equal(found.labels, want.labels)
    assert found.sample_weight is not None
    np.testing.assert_array_equal(found.sample_weight, want.sample_weight)
    assert found.class_names == want.class_names == tuple(NAMES)


@pytest.mark.parametrize("ending", ["npz", "csv", "jsonl", "parquet", "feather", "arrow"])
def test_every_ending_is_read_back_to_the_last_bit(run: Run, tmp_path: Path, table: pd.DataFrame, ending: str) -> None:
    if ending not in ("npz", *TEXT):
        pytest.importorskip("pyarrow")
    out = tmp_path / f"out.{ending}"
    assert run("apply", tmp_path / "c.json", tmp_path / "p.csv", "-o", out).code == 0
    assert_same(read_predictions(out), wanted(tmp_path))
    assert run("evaluate", out).code == 0
    assert read_columns(out)["id"].tolist()[:2] == ["00000", "00001"]
    if ending != "csv":
        assert read_columns(out)["file"].tolist() == table["file"].tolist()


def test_cells_of_a_csv_file_stay_letter_by_letter_and_in_order(run: Run, tmp_path: Path, table: pd.DataFrame) -> None:
    assert run("apply", tmp_path / "c.json", tmp_path / "p.csv", "-o", tmp_path / "out.csv").code == 0
    old, new = (pd.read_csv(tmp_path / name, dtype=str, keep_default_na=False) for name in ("p.csv", "out.csv"))
    assert list(new) == [str(name).replace("logit_", "prob_") for name in old]
    for name in ("id", "label", "price", "weight", "file"):
        assert new[name].tolist() == old[name].tolist()


def test_columns_of_parquet_keep_their_types(run: Run, tmp_path: Path, table: pd.DataFrame) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    odd = table.assign(when=pd.Timestamp("2026-01-02"), maybe=pd.array([1, None] * 100, dtype="Int64"))
    odd = odd.assign(box=pd.Series([[1, 2]] * 200, dtype=object))
    odd.to_parquet(tmp_path / "p.parquet", index=False)
    assert run("apply", tmp_path / "c.json", tmp_path / "p.parquet", "-o", tmp_path / "out.parquet").code == 0
    old, new = (parquet.read_table(tmp_path / name) for name in ("p.parquet", "out.parquet"))
    kept = [name for name in old.column_names if not name.startswith("logit")]
    assert new.select(kept).equals(old.select(kept))
    assert_same(read_predictions(tmp_path / "out.parquet"), wanted(tmp_path))
    refused = run("apply", tmp_path / "c.json", tmp_path / "p.parquet", "-o", tmp_path / "out.csv")
    assert "error: a CSV file holds no lists, and the column 'box' does" in refused.err
    assert not (tmp_path / "out.csv").exists()
    noted = run("apply", tmp_path / "c.json", tmp_path / "p.parquet", "-o", tmp_path / "out.npz")
    assert "note: an .npz file cannot hold 'maybe', 'box'" in noted.err
    assert run("apply", tmp_path / "c.json", tmp_path / "p.parquet", "-o", tmp_path / "out.jsonl").code == 0
    row = json.loads((tmp_path / "out.jsonl").read_text().splitlines()[1])
    assert (row["when"], row["maybe"], row["box"], row["file"]) == ("2026-01-02 00:00:00", None, [1, 2], HOSTILE[1])


def test_examples_without_labels_stay_without(run: Run, tmp_path: Path, table: pd.DataFrame) -> None:
    table.drop(columns=["label", "weight"]).to_csv(tmp_path / "new.csv", index=False)
    assert run("apply", tmp_path / "c.json", tmp_path / "new.csv", "-o", tmp_path / "out.csv").code == 0
    assert "label" not in pd.read_csv(tmp_path / "out.csv")
    assert_refused(run("evaluate", tmp_path / "out.csv"), "no column of labels")


def test_labels_of_a_file_of_their_own_come_along(run: Run, tmp_path: Path, table: pd.DataFrame) -> None:
    table.drop(columns="label").to_csv(tmp_path / "scores.csv", index=False)
    table[["label"]].to_csv(tmp_path / "labels.csv", index=False)
    words = ("apply", tmp_path / "c.json", tmp_path / "scores.csv", "--labels", tmp_path / "labels.csv")
    assert run(*words, "-o", tmp_path / "out.csv").code == 0
    assert_same(read_predictions(tmp_path / "out.csv"), wanted(tmp_path))


def test_of_shards_the_predictions_alone_are_written_and_that_is_said(
    run: Run, tmp_path: Path, table: pd.DataFrame
) -> None:
    (tmp_path / "shards").mkdir()
    for i in range(2):
        table[100 * i : 100 * i + 100].to_csv(tmp_path / "shards" / f"{i}.csv", index=False)
    made = run("apply", tmp_path / "c.json", tmp_path / "shards", "-o", tmp_path / "out.csv")
    assert "note: of shards the predictions alone are written" in made.err
    assert_same(read_predictions(tmp_path / "out.csv"), wanted(tmp_path))


def test_other_scores_are_no_longer_true_and_left_out(run: Run, tmp_path: Path, table: pd.DataFrame) -> None:
    table.assign(**{f"prob_{i}": 1 / 3 for i in range(3)}).to_csv(tmp_path / "both.csv", index=False)
    words = ("apply", tmp_path / "c.json", tmp_path / "both.csv", "--from", "logits", "-o", tmp_path / "out.csv")
    assert "note: 'prob_0', 'prob_1', 'prob_2' held scores too and were left out" in run(*words).err
    assert_same(read_predictions(tmp_path / "out.csv"), wanted(tmp_path))


@pytest.mark.parametrize("names", [("3", "5", "7"), ("a", "a", "b"), ("a ", "b", "c"), ("a", "", "c")])
def test_names_that_no_column_can_have_become_numbers_and_are_told_of(
    run: Run, tmp_path: Path, names: tuple[str, ...]
) -> None:
    logits, labels = sample(50, 3)
    Predictions.from_logits(logits, labels, class_names=names).save(tmp_path / "p.npz")
    result = run("predict", tmp_path / "p.npz", "-o", tmp_path / "out.csv")
    assert "classes are numbers instead" in result.err
    found = read_predictions(tmp_path / "out.csv")
    np.testing.assert_array_equal(found.values, logits)
    assert found.labels.tolist() == labels.tolist()


def test_labels_in_words_become_numbers_where_their_classes_do(run: Run, tmp_path: Path) -> None:
    logits, labels = sample(50, 3)
    rows = [{"label": "357"[label], "logits": row} for label, row in zip(labels, logits.tolist(), strict=True)]
    (tmp_path / "p.jsonl").write_text("\n".join(map(json.dumps, rows)))
    out = tmp_path / "out.csv"
    assert run("predict", tmp_path / "p.jsonl", "--class-names", "3,5,7", "-o", out).code == 0
    assert read_predictions(out).labels.tolist() == labels.tolist()


def test_a_temperature_that_is_carried_is_applied_in_tables(run: Run, tmp_path: Path) -> None:
    given = Predictions.from_logits(*sample(50, 3))
    scaled = calib.TemperatureScaling(2.0).transform(given)
    scaled.save(tmp_path / "p.npz")
    assert run("predict", tmp_path / "p.npz", "-o", tmp_path / "out.csv").code == 0
    np.testing.assert_array_equal(read_predictions(tmp_path / "out.csv").probs, scaled.probs)


def test_float32_is_read_back_to_the_last_bit_and_many_classes_are_lists(run: Run, tmp_path: Path) -> None:
    wide = np.random.default_rng(0).normal(size=(20, 1001)).astype(np.float32)
    np.savez(tmp_path / "p.npz", logits=wide, labels=np.arange(20), image=np.arange(20), short=np.arange(3))
    for ending in TEXT:
        assert run("predict", tmp_path / "p.npz", "-o", tmp_path / f"out.{ending}").code == 0
        np.testing.assert_array_equal(read_predictions(tmp_path / f"out.{ending}").values, wide.astype(np.float64))
    assert sorted(json.loads((tmp_path / "out.jsonl").read_text().splitlines()[0])) == ["image", "labels", "logits"]
    assert run("predict", tmp_path / "p.npz", "-o", tmp_path / "again.npz").code == 0
    with np.load(tmp_path / "again.npz") as arrays:
        assert arrays["image"].tolist() == list(range(20))
    assert_refused(run("predict", tmp_path / "p.npz", "-o", tmp_path / "out.txt"), ".npz, .csv, .jsonl", "out.txt")


def test_numbers_are_numbers_only_where_nothing_is_lost() -> None:
    assert plain_values(["1", "-2", "0"]) == [1, -2, 0]
    assert plain_values(["True", ""]) == [True, None]
    for cells in (
        ["007"],
        ["12345678901234567890"],
        ["nan"],
        ["1", "x"],
        ["", ""],
        ["-0", "1 "],
        ["1.10"],
        ["100E2"],
        ["1", "2.5"],
    ):
        assert plain_values(cells) == cells
