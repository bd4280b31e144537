"""Whoever waits at a terminal sees a bar; nobody else does."""

import io
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from rich.progress import Progress

from calib.cli import _progress
from calib.cli._progress import counting_bar, working
from calib.files.npz import save_predictions
from calib.predictions import Predictions

from ..references import sample
from .conftest import Run

COLOUR = r"\x1b\[(3|9)[0-9]m"


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def terminal(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """A terminal in the place of stderr, watched by somebody impatient; no fixture, for pytest would take it back."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys, "stderr", Screen())
    monkeypatch.setattr(_progress, "PATIENCE", 0.05)
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(sys.stderr, Screen)
    return sys.stderr


def test_what_takes_long_moves_a_bar_and_what_is_quick_draws_none(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    with working("thinking"):
        pass
    assert "thinking" not in screen.getvalue()
    with working("thinking [b] of <b>\x1b[31m"):
        time.sleep(0.4)
    assert "thinking [b] of <b>\\x1b[31m" in screen.getvalue()
    assert re.search(COLOUR, screen.getvalue())
    assert "/?" not in screen.getvalue()  # nothing is counted, so no numbers are shown


def test_a_bar_that_waits_becomes_the_one_that_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    with counting_bar("images", before="reading") as tell:
        time.sleep(0.3)
        tell(3, 7)
        time.sleep(0.3)
    drawn = screen.getvalue()
    assert drawn.index("reading") < drawn.index("images")
    assert "3/7" in drawn


def test_no_colour_is_drawn_where_none_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    monkeypatch.setenv("NO_COLOR", "1")
    with working("thinking"):
        time.sleep(0.3)
    assert "thinking" in screen.getvalue()
    assert not re.search(COLOUR, screen.getvalue())


def test_pipes_get_no_bar_even_where_colour_is_forced(tmp_path: Path) -> None:
    save_predictions(Predictions.from_logits(*sample(50, 3)), tmp_path / "p.npz")
    program = "import sys; from calib.cli import _progress, main; _progress.PATIENCE = 0; main()"
    result = subprocess.run(
        [sys.executable, "-c", program, "per-class", str(tmp_path / "p.npz")],
        capture_output=True,
        text=True,
        env={**os.environ, "FORCE_COLOR": "1"},
        check=True,
    )
    assert result.stderr == ""
    assert "\x1b" not in result.stdout


COMMANDS = {
    "per-class {p}": {"reading", "judging every class"},
    "evaluate {p}": {"reading", "evaluating"},
    "calibrate {p} --method matrix -o {here}/m.json": {"reading", "fitting matrix"},
    "calibrate {p} --method dirichlet -o {here}/d.json": {"reading", "fitting dirichlet"},
    "apply {c} {p} -o {here}/a.npz": {"reading", "applying", "writing"},
    "report {p} -o {here}/r.html": {"reading", "judging p", "sections"},
    "reliability-plot {p} -o {here}/f.png": {"reading", "judging p"},
    "compare {p}": {"comparing"},
    "info {csv}": {"reading"},
    "predict {csv} -o {here}/q.npz": {"reading"},
}


@pytest.mark.parametrize("command", COMMANDS)
def test_all_that_may_take_long_is_under_a_bar(
    run: Run, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logits, labels = sample(60, 3)
    save_predictions(Predictions.from_logits(logits, labels), tmp_path / "p.npz")
    rows = [",".join(map(str, [y, *row])) for y, row in zip(labels, logits, strict=True)]
    (tmp_path / "p.csv").write_text("\n".join(["label,logit_0,logit_1,logit_2", *rows]), encoding="utf-8")
    assert run("calibrate", tmp_path / "p.npz", "-o", tmp_path / "c.json").code == 0
    shown: set[str] = set()
    add, update = Progress.add_task, Progress.update

    class AtOnce:
        daemon = False

        def __init__(self, _: float, tell: Any, arguments: Any, options: Any) -> None:
            self.start = lambda: tell(*arguments, **options)

        def cancel(self) -> None:
            pass

    def noted_add(self: Progress, description: str, **options: Any) -> Any:
        shown.add(description)
        return add(self, description, **options)

    def noted_update(self: Progress, *given: Any, **options: Any) -> None:
        shown.add(options.get("description", ""))
        update(self, *given, **options)

    monkeypatch.setattr(_progress, "Timer", AtOnce)
    monkeypatch.setattr(Progress, "add_task", noted_add)
    monkeypatch.setattr(Progress, "update", noted_update)
    monkeypatch.setattr(Progress, "start", lambda _: None)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    names = {"p": tmp_path / "p.npz", "c": tmp_path / "c.json", "csv": tmp_path / "p.csv", "here": tmp_path}
    result = run(*command.format(**names).split())
    assert result.code == 0, result.err
    assert COMMANDS[command] <= shown
