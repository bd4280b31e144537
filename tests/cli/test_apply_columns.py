"""What `calib apply` carries beside the scores is read back as it was, or said to be left out."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import calib
from calib.files.calibrator_json import save_calibrator
from calib.files.read import read_columns, read_predictions
from calib.files.table_file import write_table
from calib.predictions import Predictions

from ..references import sample
from .conftest import Run, assert_refused

NAMES = ("cat", "dog", "emu")


@pytest.fixture
def table(tmp_path: Path) -> pd.DataFrame:
    logits, labels = sample(60, 3)
    save_calibrator(calib.TemperatureScaling(2.0), tmp_path / "c.json")
    frame = pd.DataFrame({f"logit_{name}": logits[:, i] for i, name in enumerate(NAMES)})
    return frame.assign(label=np.array(NAMES)[labels])


def applied(run: Run, folder: Path, table: pd.DataFrame, *, ending: str = "csv") -> tuple[Path, str]:
    table.to_csv(folder / "p.csv", index=False)
    made = run("apply", folder / "c.json", folder / "p.csv", "-o", folder / f"out.{ending}", "--force")
    assert made.code == 0, made.err
    return folder / f"out.{ending}", made.err


@pytest.mark.parametrize("text", ["a\rb", "a\nb", "a\r\nb", 'a"b', "a,b", "\r"])
def test_any_cell_and_any_name_of_a_column_is_read_back(tmp_path: Path, text: str) -> None:
    columns = {"prob": np.array([0.2, 0.7]), "label": np.array([0, 1]), text: [text, "plain"]}
    write_table(columns, tmp_path / "t.csv")
    found = read_columns(tmp_path / "t.csv")
    assert list(found) == list(columns)
    assert found[text].tolist() == [text, "plain"]


@pytest.mark.parametrize("name", ["a;b;c;d;e;f", "a\tb\tc\td\te", "n\nl"])
def test_a_name_with_other_separators_in_it_stays_one_column(run: Run, tmp_path: Path, name: str) -> None:
    write_table({"prob": np.array([0.2, 0.7]), "label": np.array([0, 1]), name: [1, 2]}, tmp_path / "t.csv")
    assert list(read_columns(tmp_path / "t.csv")) == ["prob", "label", name]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_separator_is_told_from_one_in_quotes(tmp_path: Path, separator: str) -> None:
    other = ";" if separator == "," else ","
    lines = [separator.join([f'"a{other}b{other}c{other}d"', "prob", "label"]), separator.join(["1", "0.2", "0"])]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    assert list(read_columns(tmp_path / "t.csv")) == [f"a{other}b{other}c{other}d", "prob", "label"]


def test_a_column_that_would_be_read_as_a_class_is_left_out_and_told_of(
    run: Run, tmp_path: Path, table: pd.DataFrame
) -> None:
    out, said = applied(run, tmp_path, table.assign(prob_max=0.5, kept=1))
    assert "note: 'prob_max' would be read as scores beside these, and were left out" in said
    assert read_predictions(out).class_names == NAMES
    assert "kept" in read_columns(out)
    numbered = table.rename(columns={f"logit_{name}": f"logit_{i}" for i, name in enumerate(NAMES)})
    numbered["label"] = [NAMES.index(name) for name in table["label"]]
    out, said = applied(run, tmp_path, numbered.assign(prob_max=0.5))
    assert "left out" not in said
    assert read_predictions(out).n_classes == 3
    assert "prob_max" in read_columns(out)


def test_numbers_keep_their_spelling_in_every_format(run: Run, tmp_path: Path, table: pd.DataFrame) -> None:
    cells = {"version": "1.10", "code": "100E2", "share": "0.5", "count": "7"}
    out, _ = applied(run, tmp_path, table.assign(**cells), ending="jsonl")
    row = json.loads(out.read_text().splitlines()[0])
    assert {name: row[name] for name in cells} == {"version": "1.10", "code": "100E2", "share": 0.5, "count": 7}


def test_ids_are_compared_as_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,prob,label\n1000.1,0.2,0\n1000.10,0.7,1\n")
    assert read_predictions(tmp_path / "t.csv").n == 2
    (tmp_path / "t.csv").write_text("id,prob,label\n01,0.2,0\n01,0.7,1\n")
    with pytest.raises(ValueError, match="id '01' comes 2 times"):
        read_predictions(tmp_path / "t.csv")


@pytest.mark.parametrize("label", ["", "?", "null"])
@pytest.mark.parametrize("rows", [slice(None), slice(3, 5)])
def test_labels_that_are_not_there_are_carried_on(
    run: Run, tmp_path: Path, table: pd.DataFrame, label: str, rows: slice
) -> None:
    table.loc[table.index[rows], "label"] = label
    out, _ = applied(run, tmp_path, table)
    again = pd.read_csv(out, keep_default_na=False)
    assert again["label"].tolist() == table["label"].tolist()
    for ending in ("jsonl", "npz"):
        out, said = applied(run, tmp_path, table, ending=ending)
    assert "an .npz file cannot hold 'label'" in said
    with pytest.raises(ValueError, match="no column of labels"):
        read_predictions(out)


def test_null_labels_of_typed_formats_are_carried_on(run: Run, tmp_path: Path, table: pd.DataFrame) -> None:
    rows = [{**row, "label": None} for row in table.to_dict("records")]
    (tmp_path / "p.jsonl").write_text("\n".join(map(json.dumps, rows)))
    files = [tmp_path / "p.jsonl"]
    try:
        table.assign(label=pd.Series([None] * 60, dtype=object)).to_parquet(tmp_path / "p.parquet")
        files.append(tmp_path / "p.parquet")
    except ImportError:
        pass
    for file in files:
        out = tmp_path / f"out{file.suffix}"
        made = run("apply", tmp_path / "c.json", file, "-o", out)
        assert made.code == 0, made.err
        assert run("evaluate", out).code == 2


def test_a_class_may_be_called_as_missing_values_are(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("prob_na,prob_b,label\n0.2,0.8,NA\n0.7,0.3,b\n".replace("prob_na", "prob_NA"))
    assert read_predictions(tmp_path / "t.csv", unlabelled=True).labels.tolist() == [0, 1]


def test_times_are_written_as_iso_and_bytes_are_left_out(run: Run, tmp_path: Path) -> None:
    logits, labels = sample(4, 3)
    when = np.array(["2026-01-02T03:04:05", "NaT"] * 2, "datetime64[ns]")
    np.savez(tmp_path / "p.npz", logits=logits, labels=labels, when=when, raw=np.array([b"x"] * 4), x=[1.5, np.nan] * 2)
    for ending in ("csv", "jsonl"):
        out = tmp_path / f"out.{ending}"
        made = run("predict", tmp_path / "p.npz", "-o", out)
        assert "note: 'raw': bytes and the like" in made.err
        assert "2026-01-02T03:04:05.000000000" in out.read_text()
    assert "NaN" not in out.read_text()
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(row["when"], row["x"]) for row in rows[1::2]] == [(None, None)] * 2
    assert "raw" not in rows[0]
    assert np.array_equal(read_predictions(out).values, Predictions.from_logits(logits, labels).values)
    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra `parquet` is not installed")
    assert run("predict", tmp_path / "p.npz", "-o", tmp_path / "out.parquet").code == 0
    assert str(parquet.read_table(tmp_path / "out.parquet").schema.field("when").type) == "timestamp[ns]"


def test_a_device_for_networks_is_refused_where_none_is_run(run: Run, tmp_path: Path, table: pd.DataFrame) -> None:
    table.to_csv(tmp_path / "p.csv", index=False)
    for option in (("--device", "cuda"), ("--batch-size", "7")):
        made = run("apply", tmp_path / "c.json", tmp_path / "p.csv", "-o", tmp_path / "out.csv", *option)
        assert_refused(made, f"{option[0]} was given, but", "holds predictions, no weights")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_a_pipe_is_refused_as_what_it_is(run: Run, tmp_path: Path, table: pd.DataFrame) -> None:
    os.mkfifo(tmp_path / "pipe")
    for words in (
        ("apply", tmp_path / "c.json", tmp_path / "pipe", "-o", tmp_path / "x.csv"),
        ("evaluate", "/dev/zero"),
    ):
        refused = run(*words)
        assert_refused(refused, "is a pipe or a device, a file of predictions or weights was expected")


@pytest.mark.parametrize(("names", "words"), [("cat,cat,dog", "has 'cat' twice"), ("cat,,dog", "with commas between")])
def test_names_of_classes_are_each_its_own_in_every_command(
    run: Run, tmp_path: Path, table: pd.DataFrame, names: str, words: str
) -> None:
    table.to_csv(tmp_path / "p.csv", index=False)
    for command in (
        ("evaluate", tmp_path / "p.csv"),
        ("per-class", tmp_path / "p.csv"),
        ("apply", tmp_path / "c.json", tmp_path / "p.csv", "-o", tmp_path / "x.csv"),
    ):
        assert_refused(run(*command, "--class-names", names), words)
