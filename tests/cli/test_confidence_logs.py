"""Logs of ``confidence`` and ``correct``: the commands that take them, and what the others say."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from calib.curve import calibration_curve
from calib.outcomes import Outcomes
from calib.plots.reliability import BeforeAfter, reliability_figure

from ..references import sample
from .conftest import Run, assert_refused


@pytest.fixture
def log(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.4, 1, 300)
    table = pd.DataFrame({"Confidence": confidence, "correct": (rng.uniform(size=300) < confidence - 0.1).astype(int)})
    table.to_csv(tmp_path / "log.csv", index=False)
    return tmp_path / "log.csv"


def test_info_counts_a_log(run: Run, log: Path) -> None:
    table = pd.read_csv(log)
    found = json.loads(run("info", log, "--json").out)
    assert (found["what"], found["n"], found["weighted"]) == ("a log of confidences", {"examples": 300}, False)
    assert found["accuracy"] == table["correct"].mean()
    assert found["mean_confidence"] == pytest.approx(table["Confidence"].mean())


@pytest.mark.parametrize("bars", ["none", "confidence", "consistency"])
def test_a_reliability_plot_of_a_log_has_a_left_side_alone(run: Run, log: Path, bars: str) -> None:
    pytest.importorskip("matplotlib")
    picture = log.with_name("p.svg")
    assert run("reliability-plot", log, "--bars", bars, "-o", picture).code == 0
    text = picture.read_text(encoding="utf-8")
    assert "no temperature" in text
    table = pd.read_csv(log)
    curve = calibration_curve(Outcomes.from_confidence(table["Confidence"], table["correct"]))
    assert text.count(f"ECE {curve.ece:.3f} · n 300") == 1
    assert len(reliability_figure([BeforeAfter("log", curve, None, "none")]).axes) == 1
    assert len(reliability_figure([BeforeAfter("log", curve, curve, "T = 1")]).axes) == 2


def test_scores_beside_a_log_are_what_is_drawn(run: Run, log: Path) -> None:
    logits, labels = sample(300, 3)
    table = pd.read_csv(log).assign(label=labels, **{f"logit_{c}": logits[:, c] for c in range(3)})
    table.to_csv(log, index=False)
    assert run("reliability-plot", log, "-o", log.with_name("p.svg")).code == 0
    assert "no temperature" not in log.with_name("p.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "command",
    [
        "calibrate {log} -o {out}.json",
        "compare {log}",
        "compare-calibrators {log}",
        "per-class {log}",
        "report {log} -o {out}.html",
        "predict {log} -o {out}.npz",
        "reliability-plot {log} --calibration {log} -o {out}.png",
    ],
)
def test_other_commands_name_the_columns_and_those_that_take_them(run: Run, log: Path, command: str) -> None:
    words = command.format(log=log, out=log.with_name("out")).split()
    takers = "`calib evaluate`, `reliability-plot` and `info` take such a log"
    assert_refused(run(*words), "'Confidence', 'correct' are a log of confidences", takers)
    assert list(log.parent.iterdir()) == [log]
