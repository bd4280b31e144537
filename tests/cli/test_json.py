"""docs/json.md and the commands' ``--json`` say the same: every key, and the type of its value."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ..references import sample
from .conftest import Run
from .json_page import assert_documented, expected, is_of, sections

HARD = "example:digits-resnet8-hard"
OWN_TEST = {  # the tests that run these, beside what else they prove
    "calib study smoothing-versus-temperature",
    "calib study wrong-labels",
    "calib study selective-prediction",
    "calib study distillation",
    "calib study two-routes",
}


@pytest.fixture
def files(run: Run, tmp_path: Path) -> Path:
    """Predictions in a table with groups, a shifted one, shards, a log of confidences, and a calibrator."""
    logits, labels = sample(300, 3, true_temperature=2)
    table = pd.DataFrame({f"logit_{c}": logits[:, c] for c in range(3)}).assign(label=labels)
    table.assign(site=np.arange(300) % 2).to_csv(tmp_path / "p.csv", index=False)
    table[:200].to_csv(tmp_path / "shifted.csv", index=False)
    (tmp_path / "shards").mkdir()
    for i in range(2):
        table[150 * i : 150 * i + 150].to_csv(tmp_path / "shards" / f"{i}.csv", index=False)
    log = pd.DataFrame({"confidence": [0.9, 0.6, 0.8, 0.7], "correct": [1, 0, 1, 1]})
    log.to_csv(tmp_path / "log.csv", index=False)
    assert run("calibrate", HARD, "-o", tmp_path / "c.json").code == 0
    return tmp_path


COMMANDS = {
    "calib evaluate SOURCE": f"evaluate {HARD}",
    "calib evaluate SOURCE --calibrator FILE": f"evaluate {HARD} --calibrator {{here}}/c.json",
    "calib evaluate FILE --group-by COLUMN": "evaluate {here}/p.csv --group-by site",
    "calib evaluate SOURCE --against SECOND": "evaluate {here}/p.csv --against {here}/shifted.csv",
    "calib evaluate SHARDS": "evaluate {here}/shards",
    "calib evaluate LOG": "evaluate {here}/log.csv",
    "calib compare SOURCE...": f"compare {HARD} example:digits-resnet8-smoothed",
    "calib compare-calibrators SOURCE": "compare-calibrators {here}/p.csv --methods temperature,platt,histogram",
    "calib per-class SOURCE": f"per-class {HARD}",
    "calib info PREDICTIONS": "info {here}/p.csv",
    "calib info LOG": "info {here}/log.csv",
    "calib info RUN": "info {trained}",
    "calib env": "env",
    "calib data list": "data list",
    "calib study projections": "study projections {trained}",
}


@pytest.mark.parametrize("title", COMMANDS)
def test_the_keys_of_a_command_are_those_of_the_page(run: Run, files: Path, trained: Path, title: str) -> None:
    words = COMMANDS[title].format(here=files, trained=trained).split()
    made = run(*words, "--json")
    assert made.code == 0, made.err
    assert_documented(title, json.loads(made.out))


def test_every_command_of_the_page_is_run() -> None:
    titles = {title for title in sections() if title.startswith("calib ")}
    assert titles == set(COMMANDS) | OWN_TEST


def test_forms_that_put_other_keys_in_the_place_of_some(run: Run, trained: Path) -> None:
    found: Any = json.loads(run("info", HARD, "--json").out)
    assert_documented("calib info PREDICTIONS", found, instead={"n.examples": "n.calibration n.test"})
    found = json.loads(run("per-class", HARD, "--split", "calibration", "--json").out)
    assert_documented("calib per-class SOURCE", found, instead={"n.test": "n.calibration"})
    found = json.loads(run("study", "selective-prediction", trained, "--json").out)
    assert_documented("calib study selective-prediction", found, instead={"verdicts": "", "questions": ""})


def test_every_answer_has_a_schema() -> None:
    for title in sections():
        if title.startswith("calib "):
            assert expected(title)["schema"] == "integer"


def test_a_key_too_many_one_too_few_and_a_wrong_type_are_seen() -> None:
    row: dict[str, Any] = {"name": "a", "images": 1, "classes": 2, "shape": [1], "found": None}
    assert_documented("calib data list", {"schema": 1, "rows": [row]})
    for wrong in ({**row, "more": 1}, {**row, "name": 1}, {"name": "a"}, {**row, "shape": ["x"]}):
        with pytest.raises(AssertionError):
            assert_documented("calib data list", {"schema": 1, "rows": [wrong]})
    assert not is_of(True, "integer")
