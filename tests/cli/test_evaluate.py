"""``calib evaluate`` reports, advises, gates, and refuses what it cannot trust."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calib
from calib.files.npz import load_predictions

from .conftest import Run, assert_refused


def save(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def sample(n: int = 400, k: int = 5, *, sharpness: float = 2.0, seed: int = 0) -> dict[str, Any]:
    """Logits of a model whose true temperature is ``sharpness``, and labels."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (n, k))
    probs = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = (probs.cumsum(1) > rng.random((n, 1))).argmax(1)
    return {"logits": logits * sharpness, "labels": labels}


def test_a_checkpoint_needs_no_other_flag(run: Run, trained: Path) -> None:
    result = run("evaluate", trained / "checkpoint.pt")
    assert result.code == 0
    assert "resnet8 on digits, test n = 797, T fitted on calibration n = 400" in result.out
    for word in (
        "accuracy",
        "NLL",
        "Brier",
        "ECE (15 bins)",
        "expected by chance",
        "MCE",
        "gap",
        "T ± standard error",
        "Ship:",
    ):
        assert word in result.out


def test_json_has_the_names_of_the_glossary_and_the_library_s_numbers(run: Run, trained: Path) -> None:
    result = run("evaluate", trained, "--json")
    found = json.loads(result.out)
    assert found["schema"] == 1
    assert found["n"] == {"test": 797, "calibration": 400, "cross_fitted": False}
    test, calibration = (load_predictions(trained / f"{name}.npz") for name in ("test", "calibration"))
    fitted = calib.TemperatureScaling.fit(calibration)
    for row, predictions in (("uncalibrated", test), ("temperature", fitted.transform(test))):
        for metric in ("accuracy", "nll", "brier", "ece", "mce"):
            assert found[row][metric] == pytest.approx(getattr(calib, metric)(predictions), abs=1e-15)
    assert found["temperature"]["temperature"] == fitted.temperature
    assert found["temperature"]["standard_error"] == fitted.standard_error
    assert found["paste"] == f"softmax(logits / {fitted.temperature:.4g})"


def test_without_a_calibration_split_the_row_says_cross_fitted(run: Run, tmp_path: Path) -> None:
    data = sample()
    result = run("evaluate", save(tmp_path / "p.npz", **data))
    assert "cross-fitted" in result.out
    found = json.loads(run("evaluate", tmp_path / "p.npz", "--json").out)
    fitted = calib.TemperatureScaling.fit(calib.Predictions.from_logits(**data))
    assert found["n"]["cross_fitted"] is True
    assert found["temperature"]["temperature"] == fitted.temperature  # the one to ship is fitted on all


def test_a_calibration_file_takes_the_place_of_cross_fitting(run: Run, tmp_path: Path) -> None:
    test, calibration = save(tmp_path / "t.npz", **sample()), save(tmp_path / "c.npz", **sample(seed=1))
    found = json.loads(run("evaluate", test, "--calibration", calibration, "--json").out)
    assert found["n"] == {"test": 400, "calibration": 400, "cross_fitted": False}
    assert found["temperature"]["temperature"] == pytest.approx(2.0, rel=0.2)


@pytest.mark.parametrize("format", ["table", "markdown", "latex", "csv", "json"])
def test_every_format_goes_to_stdout_or_a_file(run: Run, tmp_path: Path, trained: Path, format: str) -> None:
    shown = run("evaluate", trained, "--format", format)
    assert shown.code == 0
    written = run("evaluate", trained, "--format", format, "-o", tmp_path / "out")
    assert written.out == ""
    assert (tmp_path / "out").read_text(encoding="utf-8") == shown.out
    assert_refused(run("evaluate", trained, "--format", format, "-o", tmp_path / "out"), "exists already", "--force")


@pytest.mark.parametrize(
    ("gate", "code"),
    [("ece=0.03", 1), ("ece=0.99", 0), ("uncalibrated.ece=0.03", 1), ("temperature.nll=99", 0), ("gap=0.01", 1)],
)
def test_a_gate_decides_the_exit_code(run: Run, tmp_path: Path, gate: str, code: int) -> None:
    result = run("evaluate", save(tmp_path / "p.npz", **sample(sharpness=4)), "--fail-above", gate)
    assert result.code == code
    assert ("gate failed" in result.err) == (code == 1)
    assert "NLL" in result.out  # the report is printed all the same


@pytest.mark.parametrize("gate", ["ece", "ece=", "ece=x", "ece=nan", "accuracy=0.9", "isotonic.ece=0.1", "=0.3"])
def test_a_gate_that_cannot_be_read_is_refused(run: Run, trained: Path, gate: str) -> None:
    assert_refused(run("evaluate", trained, "--fail-above", gate), "--fail-above")


def test_a_separable_set_is_reported_without_a_temperature(run: Run, tmp_path: Path) -> None:
    labels = np.arange(50) % 5
    result = run("evaluate", save(tmp_path / "p.npz", logits=4.0 * np.eye(5)[labels], labels=labels))
    assert result.code == 0
    assert "no temperature was fitted (separable)" in result.err
    assert "the label has the highest score in every calibration" in " ".join(result.out.split())
    assert "Ship: no temperature\n" in result.out


GOOD = sample(40)
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "nan": ({**GOOD, "logits": np.where(np.arange(5) == 2, np.nan, GOOD["logits"])}, "row 0 column 2 holds nan"),
    "label out of range": ({**GOOD, "labels": np.full(40, 5)}, "0 … 4"),
    "negative label": ({**GOOD, "labels": np.full(40, -1)}, "holds -1"),
    "fractional label": ({**GOOD, "labels": np.full(40, 0.5)}, "whole numbers"),
    "lengths differ": ({**GOOD, "labels": GOOD["labels"][:39]}, "40 rows of scores came with 39 labels"),
    "rows do not sum to one": ({"probs": np.full((40, 5), 0.1), "labels": GOOD["labels"]}, "sums to 0.5"),
    "logits as probabilities": ({"probs": GOOD["logits"], "labels": GOOD["labels"]}, "if these are logits, say so"),
    "no rows": ({"logits": np.zeros((0, 5)), "labels": np.zeros(0, int)}, "no rows"),
    "one column": ({"logits": np.zeros((40, 1)), "labels": np.zeros(40, int)}, "at least 2 classes"),
    "one-hot labels": ({**GOOD, "labels": np.eye(5)[GOOD["labels"]]}, "argmax"),
    "no labels": ({"logits": GOOD["logits"]}, "no column of labels"),
    "neither logits nor probs": ({"scores": GOOD["logits"], "labels": GOOD["labels"]}, "'scores' does not say"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_predictions_get_one_clear_sentence(run: Run, tmp_path: Path, case: str) -> None:
    arrays, words = BAD[case]
    assert_refused(run("evaluate", save(tmp_path / "p.npz", **arrays)), words, "p.npz")


@pytest.mark.parametrize("decimals", [2, 8])
def test_every_command_asks_whether_logits_that_sum_to_one_are_probabilities(
    run: Run, tmp_path: Path, decimals: int
) -> None:
    rng = np.random.default_rng(0)
    probs = np.round(rng.dirichlet([0.5, 0.5, 0.5], 200), decimals)
    given, fitted = save(tmp_path / "p.npz", logits=probs, labels=rng.integers(0, 3, 200)), tmp_path / "c.json"
    for command in (
        ("evaluate", given),
        ("calibrate", given, "-o", fitted),
        ("apply", fitted, given, "-o", tmp_path / "q.npz"),
        ("reliability-plot", given, "-o", tmp_path / "r.png"),
    ):
        assert run(*command).err.count("every row of the logits sums to 1: are they probabilities?") == 1, command
    assert "are they probabilities?" in " ".join(json.loads(run("evaluate", given, "--json").out)["notes"])


def test_too_few_rows_to_cross_fit_say_so(run: Run, tmp_path: Path) -> None:
    assert_refused(run("evaluate", save(tmp_path / "p.npz", logits=[[2.0, 0.0]] * 3, labels=[0, 1, 0])), "5")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty file"),
        (b"<html></html>", "HTML page"),
        (b"version https://git-lfs.github.com/spec/v1", "Git LFS pointer"),
        (b"label,prob_0\n1,0.5\n", "'prob_0' is the only class"),
    ],
)
def test_files_of_another_kind_are_named(run: Run, tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "file").write_bytes(content)
    assert_refused(run("evaluate", tmp_path / "file"), words)


def test_a_truncated_and_a_flipped_checkpoint_are_refused(run: Run, trained: Path, tmp_path: Path) -> None:
    whole = (trained / "checkpoint.pt").read_bytes()
    (tmp_path / "short.pt").write_bytes(whole[:-200])
    assert_refused(run("evaluate", tmp_path / "short.pt"), "truncated")
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    (tmp_path / "flipped.pt").write_bytes(flipped)
    assert_refused(run("evaluate", tmp_path / "flipped.pt"), "checksum mismatch")


def test_saved_predictions_do_not_cover_for_a_damaged_checkpoint(run: Run, trained: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(trained, tmp_path / "copy"))
    damaged = bytearray((copy / "checkpoint.pt").read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (copy / "checkpoint.pt").write_bytes(damaged)
    assert_refused(run("evaluate", copy), "checksum mismatch")


def test_paths_with_markup_and_escapes_pass_through(run: Run, tmp_path: Path) -> None:
    path = save(tmp_path / "[red]$x^$ \x1b[31m\nNA.npz", **sample())
    result = run("evaluate", path)
    assert result.code == 0
    assert "[red]$x^$ \\x1b[31m\\nNA" in result.out
    assert "\x1b" not in result.out
    assert_refused(run("evaluate", tmp_path / "[/] \x1b[31m.npz"), "[/] \\x1b[31m")


def test_an_input_is_never_overwritten_even_by_force(run: Run, tmp_path: Path, trained: Path) -> None:
    path = save(tmp_path / "p.npz", **sample(40))
    before = path.read_bytes()
    for arguments in (("evaluate", path), ("compare", path), ("evaluate", trained, "--calibration", path)):
        assert_refused(run(*arguments, "--force", "-o", path), "is one of the inputs")
    assert_refused(run("evaluate", trained, "--force", "-o", trained / "checkpoint.pt"), "is one of the inputs")
    assert_refused(run("predict", trained, "--force", "-o", trained / "test.npz"), "is one of the inputs")
    assert path.read_bytes() == before


def test_probabilities_under_the_name_of_logits_are_noticed(run: Run, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    result = run("evaluate", save(tmp_path / "p.npz", logits=rng.dirichlet(np.ones(4), 50), labels=np.arange(50) % 4))
    assert result.code == 0
    assert "are they probabilities? Then save them under the name `probs`" in result.err
