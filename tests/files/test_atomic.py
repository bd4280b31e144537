"""A killed or failing writer leaves the old content or the new, never half of either."""

# ruff: noqa: PT012 - a with statement whose body fails is what is tested

import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import calib
from calib.errors import InputError
from calib.files.atomic import atomic_file, atomic_folder, leftovers

FULL = OSError(28, "No space left on device")
DESCRIPTORS = Path("/proc/self/fd")


class StopError(Exception):
    """What the body of a with statement raises in these tests."""


def fail_on_call(monkeypatch: pytest.MonkeyPatch, name: str, number: int) -> list[int]:
    """Let the ``number``-th call of ``os.<name>`` fail for a full disk; the list counts calls."""
    real: Callable[..., Any] = getattr(os, name)
    calls: list[int] = []

    def failing(*args: Any, **kwargs: Any) -> Any:
        calls.append(len(calls) + 1)
        if len(calls) == number:
            raise FULL
        return real(*args, **kwargs)

    monkeypatch.setattr(os, name, failing)
    return calls


def old_file(tmp_path: Path) -> Path:
    path = tmp_path / "result.npz"
    path.write_bytes(b"old")
    return path


def old_folder(tmp_path: Path) -> Path:
    path = tmp_path / "run"
    path.mkdir()
    (path / "old.txt").write_text("old")
    return path


def content(tmp_path: Path) -> dict[str, bytes]:
    return {str(p.relative_to(tmp_path)): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}


@pytest.mark.parametrize("as_text", [False, True])
def test_what_is_written_is_there_afterwards_and_nothing_else(tmp_path: Path, as_text: bool) -> None:
    path = tmp_path / "new" / "deep" / "result.npz"
    with atomic_file(str(path) if as_text else path) as file:
        file.write(b"new")
        assert not path.exists()
    assert content(tmp_path) == {"new/deep/result.npz": b"new"}


def test_the_old_file_stays_until_the_new_one_is_complete(tmp_path: Path) -> None:
    path = old_file(tmp_path)
    with atomic_file(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert content(tmp_path) == {"result.npz": b"new"}


@pytest.mark.parametrize("error", [StopError, KeyboardInterrupt, SystemExit, MemoryError])
def test_a_failing_body_leaves_the_old_file_and_no_temporary_one(tmp_path: Path, error: type[BaseException]) -> None:
    path = old_file(tmp_path)
    with pytest.raises(error), atomic_file(path) as file:
        file.write(b"half")
        raise error
    assert content(tmp_path) == {"result.npz": b"old"}


@pytest.mark.parametrize("function", ["fdopen", "fsync", "chmod", "replace"])
@pytest.mark.parametrize("existed", [False, True])
def test_a_failing_step_leaves_the_old_file_and_no_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str, existed: bool
) -> None:
    path = old_file(tmp_path) if existed else tmp_path / "result.npz"
    before = content(tmp_path)
    descriptors = set(os.listdir(DESCRIPTORS)) if DESCRIPTORS.exists() else set()
    with monkeypatch.context() as patch:
        fail_on_call(patch, function, 1)
        with (
            pytest.raises(InputError, match=r"cannot write .*result\.npz: No space left on device"),
            atomic_file(path) as f,
        ):
            f.write(b"new")
    assert content(tmp_path) == before
    for leaked in (set(os.listdir(DESCRIPTORS)) if DESCRIPTORS.exists() else set()) - descriptors:
        if function == "fdopen" and (DESCRIPTORS / leaked).exists():
            os.close(int(leaked))  # the test's doing: a real fdopen does not fail


@pytest.mark.parametrize("write", [1, 2, 3])
def test_a_disk_that_fills_up_at_any_write_leaves_the_old_file(tmp_path: Path, write: int) -> None:
    path = old_file(tmp_path)
    with pytest.raises(InputError, match="No space left on device") as caught, atomic_file(path) as file:
        for i in range(1, 4):
            if i == write:
                raise FULL
            file.write(b"new")
    assert "room" in caught.value.help
    assert content(tmp_path) == {"result.npz": b"old"}


@pytest.mark.skipif(not hasattr(os, "O_DIRECTORY"), reason="the platform does not open folders")
def test_a_folder_that_cannot_be_synced_holds_the_old_file_or_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = old_file(tmp_path)
    calls = fail_on_call(monkeypatch, "fsync", 2)
    try:
        with atomic_file(path) as file:
            file.write(b"new")
    except InputError:
        pass
    assert calls == [1, 2]
    assert content(tmp_path) in ({"result.npz": b"old"}, {"result.npz": b"new"})


@pytest.mark.skipif(not hasattr(os, "O_DIRECTORY"), reason="the platform does not open folders")
def test_an_error_means_that_the_old_file_is_untouched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = old_file(tmp_path)
    fail_on_call(monkeypatch, "fsync", 2)
    failed = False
    try:
        with atomic_file(path) as file:
            file.write(b"new")
    except InputError:
        failed = True
    assert path.read_bytes() == (b"old" if failed else b"new")


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o000])
def test_permissions_are_those_of_a_plain_open(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        with atomic_file(tmp_path / "file") as file:
            file.write(b"")
        with atomic_folder(tmp_path / "folder"):
            pass
        (tmp_path / "plain").write_bytes(b"")
        (tmp_path / "plain folder").mkdir()
    finally:
        assert os.umask(before) == mask
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in tmp_path.iterdir()}
    assert modes["file"] == modes["plain"]
    assert modes["folder"] == modes["plain folder"]


@pytest.mark.parametrize("writer", [atomic_file, atomic_folder])
def test_a_place_below_a_file_is_refused_before_the_body_runs(tmp_path: Path, writer: Any) -> None:
    path = old_file(tmp_path)
    with pytest.raises(InputError, match="cannot write") as caught, writer(path / "below" / "x"):
        pytest.fail("the body must not run")
    assert "folder that can be written to" in caught.value.help
    assert content(tmp_path) == {"result.npz": b"old"}


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder in which nobody can make files")
@pytest.mark.parametrize("writer", [atomic_file, atomic_folder])
def test_an_unwritable_folder_is_refused_before_the_body_runs(writer: Any) -> None:
    with pytest.raises(InputError, match=r"cannot write /proc/.*/x: "), writer("/proc/self/x"):
        pytest.fail("the body must not run")


def test_a_file_where_a_folder_stands_is_refused(tmp_path: Path) -> None:
    path = old_folder(tmp_path)
    with pytest.raises(InputError, match="is a folder, a file was expected"), atomic_file(path) as file:
        file.write(b"new")
    assert content(tmp_path) == {"run/old.txt": b"old"}


KILLED = """
import sys
from calib.files.atomic import atomic_file, atomic_folder
path, kind = sys.argv[1:]
if kind == "file":
    with atomic_file(path) as file:
        file.write(b"new" * 100_000)
        file.flush()
        print("half", flush=True)
        sys.stdin.read()
else:
    with atomic_folder(path, force=True) as folder:
        (folder / "half.txt").write_text("half")
        print("half", flush=True)
        sys.stdin.read()
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_process_killed_half_way_leaves_the_old_content_and_the_next_one_succeeds(tmp_path: Path, kind: str) -> None:
    path = old_file(tmp_path) if kind == "file" else old_folder(tmp_path)
    root = str(Path(calib.__file__).parents[1])
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path), kind],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": root},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdin, process.stdout:
        assert process.stdout.readline() == b"half\n"
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    if kind == "file":
        assert path.read_bytes() == b"old"
        with atomic_file(path) as file:
            file.write(b"new")
        assert path.read_bytes() == b"new"
    else:
        assert content(path) == {"old.txt": b"old"}
        with atomic_folder(path, force=True) as folder:
            (folder / "new.txt").write_text("new")
        assert content(path) == {"new.txt": b"new"}
    shutil.rmtree(tmp_path)


def test_leftovers_are_the_temporary_files_and_nothing_else(tmp_path: Path) -> None:
    for name in ("run.npz", ".hidden", ".notes.tmp", ".a.b.tmp"):
        (tmp_path / name).write_text("mine")
    with atomic_file(tmp_path / "run.npz"):
        found = leftovers(tmp_path)
        assert len(found) == 1
        assert found[0].name.startswith(".run.npz.")
    assert leftovers(tmp_path) == []
