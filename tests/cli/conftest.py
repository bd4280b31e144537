"""Run the command line in this process, and one small trained run to point it at."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from calib.cli import main
from calib.runs import train_run
from calib.training.config import TrainConfig


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["calib", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        captured = capsys.readouterr()
        return Result(stop.value.code if isinstance(stop.value.code, int) else 0, captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two epochs on noisy digits: a run directory."""
    folder = tmp_path_factory.mktemp("runs") / "ls05"
    train_run(SMALL, folder)
    return folder


HOSTILE = ("$x^$", "[/]", "<script>alert(1)</script>", "\x1b[31mred", "NA", "two\nlines", "=1+1", "a|b", "", "_hidden")
SMALL = TrainConfig(dataset="digits", width=4, smoothing=0.05, label_noise=0.4, epochs=2)


def assert_refused(result: Result, *words: str, code: int = 2) -> None:
    """Two lines on stderr, nothing on stdout, no traceback."""
    assert result.code == code, result.err
    assert result.out == ""
    lines = result.err.strip().splitlines()
    assert len(lines) == 2, result.err
    assert lines[0].startswith("error: ")
    assert lines[1].startswith("help: ")
    for word in words:
        assert word in result.err
