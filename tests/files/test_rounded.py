"""Probabilities of few decimals are taken with a word about what was lost; what that does not explain is refused."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import calib
from calib.errors import InputError
from calib.files.calibrator_json import save_calibrator
from calib.files.read import read_predictions
from calib.files.rounded import notes_of, recognised
from calib.files.shards import Shards
from calib.outcomes import Outcomes
from calib.predictions import Predictions

from ..cli.conftest import Run, assert_refused, run  # noqa: F401  # a fixture
from ..references import sample


def distributions(n: int = 300, k: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    logits, labels = sample(n, k, seed=seed)
    odds = np.exp(logits)
    return odds / odds.sum(axis=1, keepdims=True), labels


def write(path: Path, probs: np.ndarray, labels: np.ndarray) -> Path:
    pd.DataFrame({f"prob_{c}": probs[:, c] for c in range(probs.shape[1])}).assign(label=labels).to_csv(
        path, index=False
    )
    return path


@pytest.mark.parametrize("decimals", [2, 3, 4])
@pytest.mark.parametrize("k", [3, 8])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_no_confidence_is_further_off_than_is_said(decimals: int, k: int, dtype: type) -> None:
    probs, _ = distributions(2000, k)
    recognition = recognised(probs.round(decimals).astype(dtype))
    assert recognition is not None
    divided, found = recognition
    assert found.decimals == decimals
    np.testing.assert_allclose(divided.sum(axis=1), 1, rtol=1e-12)
    off = np.abs(divided - probs).max()
    assert 0.5 * 10.0**-decimals < off <= found.within < 10 * off


def test_what_rounding_does_not_explain_is_left_as_it_is() -> None:
    probs, _ = distributions()
    for values in (
        probs,  # not rounded
        np.array([[0.25, 0.75], [0.5, 0.5]]),  # of few decimals, and exact
        probs.round(2) * 1.1,  # too far off
        np.array([[0.3, 0.3, 0.3]]),
        np.array([[0.333, 0.333, 0.331]]),  # 0.003 are missing, three halves of 0.001 may be
        np.array([[0.99, np.nan]]),
        np.array([[1.01, -0.02]]),
        np.array([[0.3333333, 0.3333333, 0.33]]),  # no four decimals
        np.full((1, 1000), 0.0).astype(float),
        probs.astype(np.float16),
        np.array([[1.04] + [0.0] * 19]),  # no probability
        np.array([[0.5, 0.52] + [0.0] * 18]),  # what became 0 adds nothing, and two entries cannot add 0.02
        np.tile([0.96] + [0.0] * 19, (50, 1)),  # the same from every row
        np.clip(probs.round(2) + np.array([0.01, 0, 0]), 0, 1),  # always too much
    ):
        assert recognised(values) is None


def test_a_file_says_what_was_lost_whoever_reads_it_and_an_array_is_refused(tmp_path: Path) -> None:
    probs, labels = distributions()
    for path in (write(tmp_path / "p.csv", probs.round(2), labels), tmp_path / "p.npz"):
        if path.suffix == ".npz":
            np.savez(path, probs=probs.round(2), labels=labels)
        found = read_predictions(path)
        np.testing.assert_allclose(found.probs.sum(axis=1), 1, rtol=1e-12)
        (note,) = notes_of(found)
        assert note.startswith("the probabilities were rounded to 2 decimals (rows sum to 0.99 … 1.01)")
        for other in (Predictions.load(path), Shards.of(path).whole(), *Shards.of(path)):
            assert (calib.ece(other), notes_of(other)) == (calib.ece(found), notes_of(found))
    assert calib.ece(Predictions.from_frame(pd.read_csv(tmp_path / "p.csv"))) == calib.ece(found)
    with pytest.raises(InputError, match="must sum to 1"):
        _ = Predictions.from_probs(probs.round(2), labels).outcomes


def test_tails_that_were_rounded_away_are_missing_from_every_row_and_that_is_rounding() -> None:
    probs, _ = distributions(2000, 60)
    found = recognised(probs.round(3))
    assert found is not None
    assert found[1].lowest < 0.995


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ([np.nan, 0.5, 0.5], "row 5 column 0 holds nan"),
        ([0.0, 0.0, 0.0], "row 5 sums to 0 "),
        ([1.04, 0.0, 0.0], "row 5 column 0 holds 1.04"),
        ([0.5, 0.3, 0.1], "row 5 sums to 0.9 "),
    ],
)
def test_a_bad_row_among_rounded_ones_is_the_one_that_is_named(tmp_path: Path, bad: list[float], words: str) -> None:
    probs, labels = distributions()
    probs = probs.round(2)
    probs[5] = bad
    np.savez(tmp_path / "p.npz", probs=probs, labels=labels)
    with pytest.raises(InputError, match=words) as error:
        read_predictions(tmp_path / "p.npz")
    assert "--from" not in error.value.help  # which names of columns would gainsay


def test_sums_are_shown_with_the_decimals_of_the_file() -> None:
    found = recognised(np.array([[0.3333, 0.3333, 0.3333], [0.3334, 0.3334, 0.3333]]))
    assert found is not None
    assert "rows sum to 0.9999 … 1.0001)" in found[1].note


def test_shards_are_judged_and_told_of_as_one_file_is(run: Run, tmp_path: Path) -> None:  # noqa: F811
    probs, labels = distributions()
    (tmp_path / "s").mkdir()
    whole = write(tmp_path / "p.csv", probs.round(2), labels)
    for i in range(2):
        rows = slice(150 * i, 150 * i + 150)
        write(tmp_path / "s" / f"{i}.csv", probs[rows].round(2), labels[rows])
    one, many = (run("evaluate", path, "--json") for path in (whole, tmp_path / "s"))
    assert "the probabilities were rounded to 2 decimals" in many.err
    one, many = json.loads(one.out), json.loads(many.out)
    assert one["uncalibrated"]["ece"] == pytest.approx(many["uncalibrated"]["ece"])
    for notes in (one["notes"], many["notes"]):
        assert "rounded to 2 decimals (rows sum to 0.99 … 1.01)" in notes[0]


def test_what_was_calibrated_is_no_longer_rounded(run: Run, tmp_path: Path) -> None:  # noqa: F811
    probs, labels = distributions()
    path = write(tmp_path / "p.csv", probs.round(2), labels)
    save_calibrator(calib.TemperatureScaling(2.0), tmp_path / "c.json")
    assert "rounded to 2 decimals" in run("apply", tmp_path / "c.json", path, "-o", tmp_path / "out.npz").err
    assert notes_of(read_predictions(tmp_path / "out.npz")) == []


def test_every_command_tells_of_it(run: Run, tmp_path: Path) -> None:  # noqa: F811
    probs, labels = distributions()
    path, said = write(tmp_path / "p.csv", probs.round(3), labels), "the probabilities were rounded to 3 decimals"
    other = write(tmp_path / "q.csv", *distributions(seed=1))
    made = run("calibrate", other, "-o", tmp_path / "c.json")
    assert made.code == 0
    for words in (
        ("evaluate", path),
        ("evaluate", path, "--group-by", "label"),
        ("evaluate", path, "--against", other),
        ("evaluate", path, "--calibrator", tmp_path / "c.json"),
        ("apply", tmp_path / "c.json", path, "-o", tmp_path / "out.csv"),
        ("compare", path),
    ):
        result = run(*words)
        assert result.code == 0, result.err
        assert said in result.err
    rounded = "the probabilities were rounded to 3 decimals"
    for words in (
        ("evaluate", other, "--calibration", path),
        ("evaluate", other, "--against", path),
        ("calibrate", path, "-o", tmp_path / "d.json"),
        ("predict", path, "-o", tmp_path / "out.npz"),
        ("compare-calibrators", path, "--methods", "temperature"),
    ):
        result = run(*words)
        assert result.code == 0, result.err
        assert rounded in result.err
    assert said in run("evaluate", tmp_path / "out.npz").err  # it travels with the file


def test_a_label_that_was_rounded_to_probability_0_is_explained(run: Run, tmp_path: Path) -> None:  # noqa: F811
    probs, labels = distributions()
    probs, labels = np.vstack([probs, [0.996, 0.002, 0.002]]).round(2), np.append(labels, 1)
    path = write(tmp_path / "p.csv", probs, labels)
    assert "rounding to 2 decimals makes 0 of what is below 0.005" in run("evaluate", path).err
    made = run("calibrate", path, "-o", tmp_path / "c.json")
    assert made.code == 3
    assert "rounding to 2 decimals makes 0" in made.err


def test_percentages_are_called_so(run: Run, tmp_path: Path) -> None:  # noqa: F811
    probs, labels = distributions()
    for decimals in (0, 1, 12):
        probs, labels = distributions(k=8) if decimals == 0 else (probs, labels)
        path = write(tmp_path / "p.csv", (100 * probs).round(decimals), labels)
        assert_refused(run("evaluate", path), "these rows sum to 100: percentages", "divide them by 100")
    pd.DataFrame({"prob": [12.0, 99.5], "label": [0, 1]}).to_csv(tmp_path / "two.csv", index=False)
    assert_refused(run("evaluate", tmp_path / "two.csv"), "row 0 holds 12", "divide percentages by 100")


def test_a_confidence_of_renormalised_rows_is_that_of_the_metric(tmp_path: Path) -> None:
    probs, labels = distributions()
    found = read_predictions(write(tmp_path / "p.csv", probs.round(2), labels))
    assert np.abs(Outcomes.of(found).confidence - probs.max(axis=1)).max() <= 0.0152
