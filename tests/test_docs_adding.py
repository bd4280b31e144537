"""docs/adding-a-metric.md and adding-a-calibrator.md, followed to the letter in a copy of the project."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
STEP = re.compile(
    r"^(?:New file `(?P<new>\S+)`"
    r"|In `(?P<old>\S+)`, (?P<side>above|below) the line with (?P<ticks>`+)(?P<line>.+?)(?P=ticks)):"
    r"\n\n```\w+\n(?P<code>.*?)```$",
    re.MULTILINE | re.DOTALL,
)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", ["adding-a-metric", "adding-a-calibrator"])
def test_a_page_leads_to_tests_that_pass_and_to_code_without_complaints(page: str, tmp_path: Path) -> None:
    for name in ("calib", "tests", "docs"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "_build"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    steps = list(STEP.finditer(text))
    assert len(steps) == text.count("New file `") + len(re.findall("^In `", text, re.MULTILINE)) >= 6
    for step in steps:
        follow(step, tmp_path)
    changed = sorted({step["new"] or step["old"] for step in steps})
    surroundings = {**os.environ, "PYTHONPATH": str(tmp_path)}
    (command,) = re.findall(r"^python -m (pytest .+)$", text, re.MULTILINE)
    python = [path for path in changed if path.endswith((".py", ".pyi"))]
    for words in (shlex.split(command), ["ruff", "check", *python], ["ruff", "format", "--check", *python]):
        done = subprocess.run(
            [sys.executable, "-m", *words], cwd=tmp_path, env=surroundings, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{words}\n{done.stdout[-3000:]}{done.stderr[-1000:]}"


def follow(step: "re.Match[str]", copy: Path) -> None:
    """Do what one step of a page says."""
    if step["new"]:
        file = copy / step["new"]
        assert not file.exists()
        file.write_text(step["code"], encoding="utf-8")
        return
    file = copy / step["old"]
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    (found,) = [i for i, line in enumerate(lines) if step["line"] in line]
    lines.insert(found + (step["side"] == "below"), step["code"])
    file.write_text("".join(lines), encoding="utf-8")
