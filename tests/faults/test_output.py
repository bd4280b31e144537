"""Cases 34 to 37: two runs in one folder, terminals and pipes of every kind, odd paths, and files that are there."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import Run, assert_refused, contents, sample, save

pytestmark = pytest.mark.timeout(120)
posix = pytest.mark.skipif(os.name == "nt", reason="does it as a POSIX shell does")


@posix
@pytest.mark.parametrize("case", ["34-locked"])
def test_a_folder_in_which_somebody_trains_is_left_alone(run: Run, trained: Path, tmp_path: Path, case: str) -> None:
    import fcntl

    folder = shutil.copytree(trained, tmp_path / "run")
    before = contents(folder)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        for how in ("--force", "--resume"):
            result = run("train", "--dataset", "digits", "--epochs", "9", how, "-o", folder)
            assert result.code == 2
            assert contents(folder) == before
        assert "another process is training" in run("train", "--epochs", "9", "--force", "-o", folder).err
    finally:
        os.close(handle)


@posix
@pytest.mark.parametrize("case", ["35-closed-pipe"])
def test_a_closed_pipe_is_no_error(trained: Path, case: str) -> None:
    command = f"{sys.executable} -m calib compare {trained} --json | head -c 5"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == '{\n  "'
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", pytest.param("cp1252", marks=pytest.mark.slow)])
@pytest.mark.parametrize("case", ["35-encoding"])
def test_a_terminal_that_cannot_show_alpha_still_gets_its_table(trained: Path, case: str, encoding: str) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    command = [sys.executable, "-m", "calib", "compare", str(trained)]
    done = subprocess.run(command, capture_output=True, env=environment, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert b"0.05 + T" in done.stdout


@posix
@pytest.mark.parametrize("case", ["35-without-stdout"])
def test_a_process_without_stdout_ends_well(trained: Path, case: str) -> None:
    command = f'exec "{sys.executable}" -m calib info "{trained}" >&-'
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stderr == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("case", ["35-full-stdout"])
def test_a_result_that_cannot_be_printed_is_no_success(case: str) -> None:
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "calib", "info", "example:digits-resnet8-hard", "--json"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=120)
    assert done.returncode == 2
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


SURROUNDINGS = {
    "35-twenty-columns": {"COLUMNS": "20"},
    "35-c-locale": {"LANG": "C", "LC_ALL": "C"},
    "35-no-colour": {"NO_COLOR": "1"},
    "35-dumb-terminal": {"TERM": "dumb", "FORCE_COLOR": "1"},
}


@pytest.mark.parametrize("case", SURROUNDINGS)
def test_results_for_other_programs_are_the_same_everywhere(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    path = save(tmp_path / "p.npz", **sample())
    commands = (("compare", path), ("info", path))
    expected = [run(*command).out for command in commands]
    for name, value in SURROUNDINGS[case].items():
        monkeypatch.setenv(name, value)
    assert [run(*command).out for command in commands] == expected
    assert run("--help").code == 0
    assert_refused(run("evaluate", tmp_path / "nothing"), "does not exist")


def _linked(folder: Path) -> Path:
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere" / "kept").write_text("kept")
    (folder / "out").mkdir()
    (folder / "out" / "link.npz").symlink_to(folder / "elsewhere" / "kept")
    return folder / "out" / "link.npz"


PATHS: dict[str, Callable[[Path], Path]] = {
    "36-dots": lambda folder: folder / "there" / ".." / "new.npz",
    "36-leading-dash": lambda folder: Path("-new.npz"),
    "36-newline": lambda folder: folder / "two\nlines.npz",
    "36-escapes": lambda folder: folder / "\x1b[31mred.npz",
    "36-long": lambda folder: folder / f"{'x' * 250}.npz",
    "36-symlink": _linked,
}


@pytest.mark.parametrize("case", PATHS)
def test_the_file_that_was_named_is_written_and_no_other(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    source = save(tmp_path / "p.npz", **sample())
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    output = PATHS[case](tmp_path / "here")
    before = contents(tmp_path)
    result = run("predict", source, "--force", "-o", output)
    assert result.code == 0, result.err
    assert "\x1b" not in result.err
    assert output.is_file()
    assert not output.is_symlink()
    named = str((tmp_path / "here" / output).resolve().relative_to(tmp_path.resolve()))
    changed = {name for name, content in contents(tmp_path).items() if before.get(name) != content}
    assert {name for name in changed if contents(tmp_path)[name] is not None} == {named}


WRITERS = {
    "37-predict": "predict {source} -o {output}.npz",
    "37-calibrate": "calibrate {source} -o {output}.json",
    "37-apply": "apply {calibrator} {source} -o {output}.npz",
    "37-evaluate": "evaluate {source} -o {output}.txt",
    "37-compare": "compare {source} -o {output}.txt",
    "37-compare-calibrators": "compare-calibrators {source} -o {output}.txt",
    "37-per-class": "per-class {source} -o {output}.txt",
    "37-reliability-plot": "reliability-plot {source} -o {output}.png",
    "37-projections": "study projections {run} -o {output}.png",
    "37-train": "train --epochs 1 -o {output}",
}


@pytest.mark.parametrize("kind", ["file", "folder"])
@pytest.mark.parametrize("case", WRITERS)
def test_what_is_there_stays_unless_force_is_given(
    run: Run, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str, kind: str
) -> None:
    source, calibrator = save(tmp_path / "p.npz", **sample()), tmp_path / "c.json"
    calibrator.write_text('{"format": 1, "method": "temperature", "parameters": {"temperature": 2.0}}')
    words = [
        word.format(source=source, calibrator=calibrator, run=trained, output=tmp_path / "old")
        for word in WRITERS[case].split()
    ]
    there = Path(words[-1])
    if kind == "file":
        there.write_bytes(b"old")
    else:
        there.mkdir()
        (there / "old.txt").write_text("old")
    monkeypatch.setattr("calib.runs.train", lambda *_, **__: pytest.fail("trained"))
    before = contents(tmp_path)
    result: Any = run(*words)
    assert result.code == 2, result.err
    assert str(there) in result.err
    assert result.out == ""
    assert contents(tmp_path) == before
