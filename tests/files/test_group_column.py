"""A group's name is its text as it stands in the file, whatever the format and whatever else is in the column."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import calib
from calib.calibrators.grouped import GroupedCalibrator
from calib.errors import InputError
from calib.files.calibrator_json import load_calibrator, save_calibrator
from calib.files.group_column import column_of_groups
from calib.files.read import read_predictions

from ..cli.conftest import Run, assert_refused, run  # noqa: F401  # a fixture
from ..references import sample


def write(path: Path, groups: list[str], seed: int = 0) -> Path:
    logits, labels = sample(60, 3, seed=seed)
    frame = pd.DataFrame({f"logit_{c}": logits[:, c] for c in range(3)}).assign(label=labels)
    frame.assign(s=(groups * 60)[:60]).to_csv(path, index=False)
    return path


def test_cells_of_a_table_are_named_letter_by_letter(tmp_path: Path) -> None:
    found = column_of_groups(write(tmp_path / "a.csv", ["01", "1", "1.0", "A"]), "s")
    assert found[:4].tolist() == ["01", "1", "1.0", "A"]
    (tmp_path / "gap.csv").write_text("prob,label,s\n0.2,0,a\n0.7,1,\n")
    with pytest.raises(InputError, match="row 1 has no group"):
        calib.by_group(calib.ece, read_predictions(tmp_path / "gap.csv"), column_of_groups(tmp_path / "gap.csv", "s"))


def test_typed_formats_name_a_group_as_a_table_does(tmp_path: Path) -> None:
    rows = [{"label": 0, "logits": [1.0, 0.0], "s": value} for value in (1, 1.0, "01", True)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert column_of_groups(tmp_path / "a.jsonl", "s").tolist() == ["1", "1", "01", "True"]
    np.savez(tmp_path / "a.npz", logits=np.eye(2), labels=[0, 1], s=np.array([1.0, 2.5], np.float32))
    assert column_of_groups(tmp_path / "a.npz", "s").tolist() == ["1", "2.5"]
    pytest.importorskip("pyarrow", reason="the extra `parquet` is not installed")
    frame = pd.DataFrame({"prob": [0.2, 0.7], "label": [0, 1], "s": ["01", "1"], "when": pd.Timestamp("2026-01-02")})
    frame.to_parquet(tmp_path / "a.parquet")
    assert column_of_groups(tmp_path / "a.parquet", "s").tolist() == ["01", "1"]
    assert column_of_groups(tmp_path / "a.parquet", "when").tolist() == ["2026-01-02 00:00:00"] * 2
    boxed = [{"label": 0, "logits": [1.0, 0.0], "s": [1]}] * 2
    (tmp_path / "b.jsonl").write_text("\n".join(map(json.dumps, boxed)))
    with pytest.raises(InputError, match="has shape"):
        column_of_groups(tmp_path / "b.jsonl", "s")


def test_shards_with_other_groups_beside_numbers_name_these_alike(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", ["1", "2"])
    write(tmp_path / "b.csv", ["1", "2", "A"], seed=1)
    assert sorted(set(column_of_groups(tmp_path, "s"))) == ["1", "2", "A"]


def test_a_calibrator_of_groups_knows_them_in_whatever_file_they_come(run: Run, tmp_path: Path) -> None:  # noqa: F811
    mixed, numbers = write(tmp_path / "a.csv", ["1", "2", "A"]), write(tmp_path / "b.csv", ["1", "2"], seed=1)
    saved = tmp_path / "c.json"
    assert run("calibrate", mixed, "--group-by", "s", "-o", saved).code == 0
    judged = run("evaluate", numbers, "--calibrator", saved, "--group-by", "s", "--json")
    assert [row["group"] for row in json.loads(judged.out)["rows"]] == ["1", "1", "2", "2"]
    fitted = load_calibrator(saved)
    assert isinstance(fitted, GroupedCalibrator)
    by_number = GroupedCalibrator({1: fitted.calibrators["1"], 2.0: fitted.calibrators["2"]})
    save_calibrator(by_number, saved, group_by="s")  # as fitted in Python
    assert run("apply", saved, numbers, "-o", tmp_path / "out.csv").code == 0
    assert_refused(run("apply", saved, mixed, "-o", tmp_path / "out2.csv"), "group 'A' was not there")


def test_groups_that_are_numbers_stand_by_their_value() -> None:
    outcomes = calib.Outcomes.from_confidence([0.9, 0.6, 0.8, 0.7], [1, 0, 1, 1])
    assert list(calib.by_group(calib.ece, outcomes, ["10", "9", "b", "a"])) == ["9", "10", "a", "b"]


def test_the_label_is_no_group_to_calibrate_by(run: Run, tmp_path: Path) -> None:  # noqa: F811
    refused = run("calibrate", write(tmp_path / "a.csv", ["1"]), "--group-by", "label", "-o", tmp_path / "c.json")
    assert_refused(refused, "'label' is the label", "known of new examples")
    assert not (tmp_path / "c.json").exists()


def test_a_warning_about_many_groups_names_eight(run: Run, tmp_path: Path) -> None:  # noqa: F811
    path = write(tmp_path / "a.csv", [f"g{i}" for i in range(20)])
    said = run("calibrate", path, "--group-by", "s", "--method", "bbq", "-o", tmp_path / "c.json").err
    (warning,) = [line for line in said.splitlines() if line.startswith("warning: 'g0'")]
    assert "'g15' …: few examples for this method" in warning
