"""What a table is saved as follows from the name of the file, or from what was said."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from calib.files.npz import save_predictions
from calib.predictions import Predictions

from ..references import sample
from .conftest import Run, assert_refused
from .json_page import assert_documented

HARD, SMOOTHED = "example:digits-resnet8-hard", "example:digits-resnet8-smoothed"
COMMANDS = {
    "calib evaluate SOURCE": ("evaluate", HARD),
    "calib compare SOURCE...": ("compare", HARD, SMOOTHED),
    "calib per-class SOURCE": ("per-class", HARD),
    "calib compare-calibrators SOURCE": ("compare-calibrators", HARD, "--methods", "temperature,histogram"),
}
STARTS = {".txt": "", ".md": "| ", ".tex": r"\begin{tabular}", ".csv": '"', ".json": "{"}


@pytest.mark.parametrize("title", COMMANDS)
def test_the_ending_chooses_the_format(run: Run, tmp_path: Path, title: str) -> None:
    texts = {}
    for ending, start in STARTS.items():
        path = tmp_path / f"t{ending.upper() if ending == '.md' else ending}"
        result = run(*COMMANDS[title], "-o", path)
        assert result.code == 0, result.err
        assert result.out == ""
        texts[ending] = path.read_text(encoding="utf-8")
        assert texts[ending].startswith(start)
    assert len(set(texts.values())) == 5
    assert_documented(title, json.loads(texts[".json"]))
    assert len(pd.read_csv(tmp_path / "t.csv")) >= 2
    if title != "calib compare-calibrators SOURCE":  # which says how many seconds it took
        assert texts[".txt"] == run(*COMMANDS[title]).out
        assert texts[".json"] == run(*COMMANDS[title], "--json").out


@pytest.mark.parametrize("title", COMMANDS)
def test_an_unknown_ending_is_refused_with_the_list_before_any_work(run: Run, tmp_path: Path, title: str) -> None:
    for name in ("t.xyz", "t"):
        refused = run(*COMMANDS[title], "-o", tmp_path / name)
        assert_refused(refused, ".txt (table), .md (markdown), .tex (latex), .csv (csv), .json (json)", "--format")
        assert not (tmp_path / name).exists()
    assert_refused(run(*COMMANDS[title], "--format", "latex", "-o", tmp_path / "t.json"), "ending says json", ".tex")
    assert_refused(run(*COMMANDS[title], "--json", "-o", tmp_path / "t.csv"), "ending says csv", ".json")


def test_a_format_that_is_said_may_go_into_any_other_name(run: Run, tmp_path: Path) -> None:
    for options, name in ((("--json",), "t"), (("--format", "json"), "t.out"), (("--json",), "t.txt")):
        assert run("per-class", HARD, *options, "-o", tmp_path / name).code == 0
        assert json.loads((tmp_path / name).read_text(encoding="utf-8"))["schema"] == 1


def test_every_form_of_evaluate_follows_the_ending(run: Run, tmp_path: Path) -> None:
    logits, labels = sample(200, 3)
    table = pd.DataFrame({f"logit_{c}": logits[:, c] for c in range(3)}).assign(label=labels, site=labels % 2)
    table.to_csv(tmp_path / "p.csv", index=False)
    save_predictions(Predictions.from_logits(logits, labels), tmp_path / "p.npz")
    (tmp_path / "log.csv").write_text("confidence,correct\n0.9,1\n0.6,0\n0.8,1\n", encoding="utf-8")
    (tmp_path / "shards").mkdir()
    table.to_csv(tmp_path / "shards" / "0.csv", index=False)
    assert run("calibrate", tmp_path / "p.npz", "-o", tmp_path / "c.json").code == 0
    forms = {
        "calib evaluate FILE --group-by COLUMN": (tmp_path / "p.csv", "--group-by", "site"),
        "calib evaluate SOURCE --against SECOND": (HARD, "--against", SMOOTHED),
        "calib evaluate SOURCE --calibrator FILE": (tmp_path / "p.npz", "--calibrator", tmp_path / "c.json"),
        "calib evaluate SHARDS": (tmp_path / "shards",),
        "calib evaluate LOG": (tmp_path / "log.csv",),
    }
    for title, words in forms.items():
        result = run("evaluate", *words, "-o", tmp_path / "t.json", "--force")
        assert result.code == 0, result.err
        assert_documented(title, json.loads((tmp_path / "t.json").read_text(encoding="utf-8")))
        assert_refused(run("evaluate", *words, "-o", tmp_path / "t.xyz"), "cannot be saved as")


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="needs a device")
def test_a_device_is_written_to_and_never_replaced(run: Run, tmp_path: Path) -> None:
    for words in (("evaluate", HARD), ("per-class", HARD, "--json")):
        assert run(*words, "-o", "/dev/null").code == 0
    assert Path("/dev/null").is_char_device()
    link = tmp_path / "out.json"
    link.symlink_to("/dev/null")
    assert run("calibrate", HARD, "-o", link).code == 0
    assert link.is_symlink()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs the links of open files")
def test_the_way_to_stdout_writes_there_whatever_it_is(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "calib", "evaluate", HARD, "--json", "-o", "/dev/stdout"]
    piped = subprocess.run(words, capture_output=True, text=True, check=True, timeout=300)
    with (tmp_path / "saved.json").open("w", encoding="utf-8") as file:
        subprocess.run(words, stdout=file, check=True, timeout=300)
    for text in (piped.stdout, (tmp_path / "saved.json").read_text(encoding="utf-8")):
        assert json.loads(text)["schema"] == 1
    assert Path("/dev/stdout").is_symlink()


def test_contradicting_formats_are_told_by_the_option_that_was_given(run: Run, tmp_path: Path) -> None:
    assert_refused(run("per-class", HARD, "--json", "-o", tmp_path / "t.csv"), "end it in .json, or leave --json out")
    said = run("per-class", HARD, "--format", "latex", "-o", tmp_path / "t.csv")
    assert_refused(said, "end it in .tex, or leave --format latex out")
