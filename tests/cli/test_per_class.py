"""``calib per-class``, and examples by name on every command."""

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import calib
from calib.files.npz import load_predictions, save_predictions

from ..references import sample
from .conftest import HOSTILE, Run, assert_refused

HARD, SMOOTHED = "example:digits-resnet8-hard", "example:digits-resnet8-smoothed"


def test_the_table_has_a_row_a_class_and_the_means(run: Run, trained: Path) -> None:
    shown = run("per-class", trained)
    assert shown.code == 0, shown.err
    lines = shown.out.splitlines()
    assert lines[0] == "ls05: test n = 797, 10 classes"
    assert [line.split()[0] for line in lines[4:]] == [*"0123456789", "accuracy", "macro", "weighted"]
    report = calib.classification_report(load_predictions(trained / "test.npz"))
    for line, row in zip(lines[4:], report.to_dict("records"), strict=True):
        assert f"{row['precision']:.3f}" in line
        assert f"{row['f1']:.3f}" in line
    assert shown.err == ""


def test_numbers_are_to_the_right_even_where_one_is_unknown(run: Run) -> None:
    lines = run("per-class", HARD).out.splitlines()[2:]
    assert {len(line) for line in lines if not line.startswith("─")} == {len(lines[0])}
    assert lines[-1].endswith("–")


def test_the_worst_classes_alone_are_shown_worst_first(run: Run) -> None:
    shown = run("per-class", HARD, "--worst", "2").out
    assert "the 2 worst of 10 classes by f1" in shown
    example = calib.load_example("digits-resnet8-hard")
    report = calib.classification_report(example.test, worst=2)
    assert [line.split()[0] for line in shown.splitlines()[4:6]] == report["name"].tolist()[:2]
    by_gap = run("per-class", HARD, "--worst", "2", "--by", "gap", "--json")
    gaps = calib.classification_report(example.test)["gap"][:10]
    assert json.loads(by_gap.out)["rows"][1]["class"] == int(gaps.abs().argsort().iloc[-2])
    by_f1, by_gap_too = (calib.classification_report(example.test, worst=10, by=by)["class"] for by in ("f1", "gap"))
    assert by_f1.tolist() != by_gap_too.tolist()


def test_the_calibration_split_can_be_asked_for_where_there_is_one(run: Run, trained: Path) -> None:
    shown = run("per-class", trained, "--split", "calibration")
    assert "calibration n = 400" in shown.out
    assert_refused(run("per-class", trained / "test.npz", "--split", "calibration"), "has no calibration split")


@pytest.mark.parametrize("k", [100, 1000])
def test_many_classes_stay_usable(run: Run, tmp_path: Path, k: int) -> None:
    logits, labels = sample(4 * k, k)
    save_predictions(calib.Predictions.from_logits(logits, labels), tmp_path / "p.npz")
    whole = run("per-class", tmp_path / "p.npz")
    assert len(whole.out.splitlines()) == 4 + k + 3
    assert whole.err == f"{k:,} classes; --worst 20 shows the worst alone\n"
    few = run("per-class", tmp_path / "p.npz", "--worst", "20")
    assert len(few.out.splitlines()) == 4 + 20 + 3
    assert few.err == ""
    assert max(map(len, few.out.splitlines())) <= 100


def test_the_formats_for_machines_hold_every_column(run: Run, tmp_path: Path) -> None:
    found = json.loads(run("per-class", HARD, "--json").out)
    assert (found["schema"], found["source"], found["split"]) == (1, "digits-resnet8-hard", "test")
    assert (found["n"]["test"], found["n_classes"], len(found["rows"])) == (797, 10, 13)
    assert found["rows"][-1]["class"] is None
    assert found["rows"][-1]["gap"] is None
    text = run("per-class", HARD, "--format", "csv").out
    table = pd.read_csv(io.StringIO(text))
    assert list(table.columns) == list(found["rows"][0])
    assert '"class",9,"9",' in text  # a whole number, although the last rows have none
    assert run("per-class", HARD, "--format", "latex").out.startswith("\\begin{tabular}{lrrrrrrr}")
    written = run("per-class", HARD, "--format", "markdown", "-o", tmp_path / "t.md")
    assert written.code == 0
    assert (tmp_path / "t.md").read_text(encoding="utf-8").startswith("| class ")
    assert_refused(run("per-class", HARD, "-o", tmp_path / "t.md"), "exists already", "--force")


def test_hostile_class_names_are_escaped_everywhere(run: Run, tmp_path: Path) -> None:
    names = (*HOSTILE, "x" * 5000)
    logits, labels = sample(200, len(names))
    path = tmp_path / "names.npz"
    save_predictions(calib.Predictions.from_logits(logits, labels, class_names=names), path)
    for format in ("table", "markdown", "latex", "csv", "json"):
        shown = run("per-class", path, "--format", format)
        assert shown.code == 0, shown.err
        assert format == "csv" or "\x1b" not in shown.out  # CSV keeps names as they are, for machines
    table = run("per-class", path).out
    assert len(table.splitlines()) == 4 + len(names) + 3
    assert max(map(len, table.splitlines())) < 120
    assert "\\x1b[31mred" in table
    assert "<script>" not in run("per-class", path, "--format", "markdown").out
    assert '"\'=1+1"' in run("per-class", path, "--format", "csv").out


def test_a_bad_number_of_classes_or_column_is_refused(run: Run) -> None:
    assert_refused(run("per-class", HARD, "--worst", "0"), "--worst")
    assert_refused(run("per-class", HARD, "--by", "support"), "support")
    assert_refused(run("per-class", "example:none"), "there is no example 'none'", "digits-resnet8-hard")


def test_every_command_that_takes_a_source_takes_an_example(run: Run, tmp_path: Path) -> None:
    calibrator, figure, predictions = tmp_path / "c.json", tmp_path / "f.png", tmp_path / "p.npz"
    for arguments in (
        ("evaluate", HARD),
        ("evaluate", SMOOTHED, "--calibration", SMOOTHED),
        ("per-class", HARD),
        ("compare", HARD, SMOOTHED),
        ("compare-calibrators", HARD, "--methods", "temperature"),
        ("reliability-plot", HARD, SMOOTHED, "-o", figure),
        ("calibrate", HARD, "-o", calibrator),
        ("apply", calibrator, HARD, "-o", tmp_path / "applied.npz"),
        ("predict", HARD, "--split", "calibration", "-o", predictions),
        ("info", HARD),
    ):
        result = run(*arguments)
        assert result.code == 0, result.err
    saved, example = load_predictions(predictions), calib.load_example("digits-resnet8-hard")
    assert np.array_equal(saved.values, example.calibration.values)
    assert saved.provenance == example.calibration.provenance


def test_evaluate_takes_an_example_as_an_option(run: Run) -> None:
    by_option, by_source = run("evaluate", "--example", "digits-resnet8-hard"), run("evaluate", HARD)
    assert by_option.code == 0
    assert by_option.out == by_source.out
    assert by_option.out.startswith("digits-resnet8-hard: resnet8 on digits, test n = 797")
    assert_refused(run("evaluate", "--example", "digit-resnet8-hard"), "did you mean digits-resnet8-hard")
    assert_refused(run("evaluate", HARD, "--example", "digits-resnet8-hard"), "one SOURCE or --example", "both")
    assert_refused(run("evaluate"), "one SOURCE or --example", "neither")


def test_an_example_has_no_training_split(run: Run, tmp_path: Path) -> None:
    result = run("predict", HARD, "--split", "train", "-o", tmp_path / "p.npz")
    assert_refused(result, "an example holds no train split", "calibration or test")


def test_info_says_what_an_example_is(run: Run) -> None:
    found = json.loads(run("info", HARD, "--json").out)
    assert found["what"] == "an example that comes with calib"
    assert found["n"] == {"calibration": 400, "test": 797}
    assert found["provenance"]["config"]["label_noise"] == 0.4
