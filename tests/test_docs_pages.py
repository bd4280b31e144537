"""What the tutorial prints is printed, and what the page on diagrams says of its pictures is so."""

import re
from pathlib import Path

import numpy as np
from typer.testing import CliRunner

import calib
from calib.cli import _errors, app

DOCS = Path(__file__).resolve().parent.parent / "docs"
TUTORIAL = (DOCS / "tutorial.md").read_text(encoding="utf-8")
READING = " ".join((DOCS / "reading-a-diagram.md").read_text(encoding="utf-8").split())
HARD, SMOOTHED = (calib.load_example(f"digits-resnet8-{name}") for name in ("hard", "smoothed"))


def test_the_tutorial_shows_what_evaluate_prints() -> None:
    (command,) = re.findall(r"```sh\ncalib (evaluate example:\S+)\n```", TUTORIAL)
    (shown,) = re.findall(r"```text\n(.*?)```", TUTORIAL, re.DOTALL)
    done = CliRunner().invoke(app, command.split(), env={"COLUMNS": "400", "TERM": "dumb"})
    assert done.exit_code == 0
    assert [line.rstrip() for line in done.stdout.splitlines()] == [line.rstrip() for line in shown.splitlines()]


def test_the_gate_of_the_tutorial_passes_and_chance_is_what_it_says() -> None:
    (command,) = re.findall(r"calib (evaluate \S+ --fail-above \S+)", TUTORIAL)
    assert CliRunner().invoke(app, command.split()).exit_code == 0
    chance = calib.diagnose(HARD.test, HARD.calibration).scaled.ece_null
    assert f"than chance allows, {chance:.3f}".replace("0.", ".") in TUTORIAL


def test_the_guide_lists_every_exit_code_of_the_command_line() -> None:
    table = (DOCS / "guide.md").read_text(encoding="utf-8").partition("| exit code |")[2].partition("\n\n")[0]
    listed = {int(code) for row in re.findall(r"^\| ([\d, ]+) \|", table, re.MULTILINE) for code in row.split(",")}
    ours = {_errors.USAGE, _errors.NUMERICAL, _errors.OURS, _errors.LOST_PROCESS, _errors.INTERRUPTED}
    assert listed == {0, 1, 141, 143} | ours


def test_two_models_taken_as_one_are_off_in_both_directions_by_what_the_page_says() -> None:
    values = np.concatenate([HARD.test.values, SMOOTHED.test.values])
    both = calib.Predictions.from_logits(values, np.concatenate([HARD.test.labels, SMOOTHED.test.labels]))
    report = calib.evaluate(both)
    assert f"the signed gap is {report.gap:.3f}, yet ECE is {report.ece:.3f}".replace("0.", ".") in READING


def test_no_choice_of_bins_changes_the_verdict_and_chance_climbs_as_the_page_says() -> None:
    before = calib.ece_sensitivity(HARD.test, resamples=200)
    after = calib.ece_sensitivity(calib.TemperatureScaling.fit(HARD.calibration).transform(HARD.test), resamples=200)
    assert (before["ece"] > before["ece_null_95"]).all()
    assert (after["ece"] < after["ece_null_95"]).all()
    chance = before[before["binning"] == "equal-width"].set_index("n_bins")["ece_null"]
    assert f"from {chance[5]:.2f} to {chance[100]:.2f} as 5 bins become 100".replace("0.", ".") in READING


def test_the_dogs_that_are_claimed_too_many_are_counted() -> None:
    example = calib.load_example("cifar10-resnet20-hard")
    dog = list(example.test.class_names or ()).index("dog")
    methods = calib.TemperatureScaling, calib.VectorScaling
    sides = [example.test, *(method.fit(example.calibration).transform(example.test) for method in methods)]
    dogs = int((example.test.labels == dog).sum())
    plain, scaled, vector = (float(side.probs[:, dog].sum()) - dogs for side in sides)
    assert f"P(dog) sums to {plain:.0f} more dogs than there are in {dogs:,}, and to {scaled:.0f} with" in READING
    assert abs(vector) < 1
