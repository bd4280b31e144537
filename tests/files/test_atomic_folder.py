"""A folder is there when it is complete, or the old one is."""

# ruff: noqa: PT012 - a with statement whose body fails is what is tested

import contextlib
from pathlib import Path

import pytest

from calib.errors import InputError
from calib.files.atomic import atomic_folder, made_folder

from .test_atomic import FULL, StopError, content, fail_on_call, old_file, old_folder


def test_a_folder_is_there_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "a"
    with atomic_folder(path) as folder:
        (folder / "new.txt").write_text("new")
        assert not path.exists()
        assert folder.parent == path.parent
    assert content(tmp_path) == {"runs/a/new.txt": b"new"}
    assert [p.name for p in path.parent.iterdir()] == ["a"]


def test_a_folder_that_exists_is_refused_unless_forced(tmp_path: Path) -> None:
    path = old_folder(tmp_path)
    with pytest.raises(InputError, match="exists already") as caught, atomic_folder(path):
        pytest.fail("the body must not run")
    assert "--force" in caught.value.help
    with atomic_folder(path, force=True) as folder:
        (folder / "new.txt").write_text("new")
        assert content(path) == {"old.txt": b"old"}
    assert content(tmp_path) == {"run/new.txt": b"new"}
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_a_file_in_the_place_of_a_folder_is_refused_even_if_forced(tmp_path: Path) -> None:
    path = old_file(tmp_path)
    with pytest.raises(InputError, match="is a file, a folder was expected"), atomic_folder(path, force=True):
        pytest.fail("the body must not run")
    assert content(tmp_path) == {"result.npz": b"old"}


@pytest.mark.parametrize("error", [StopError, KeyboardInterrupt, FULL])
def test_a_failing_body_leaves_the_old_folder_and_no_temporary_one(
    tmp_path: Path, error: type[BaseException] | BaseException
) -> None:
    path = old_folder(tmp_path)
    kind = OSError if error is FULL else error
    with pytest.raises(kind), atomic_folder(path, force=True) as folder:  # type: ignore[arg-type]
        (folder / "half.txt").write_text("half")
        raise error
    assert content(tmp_path) == {"run/old.txt": b"old"}
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize(
    ("function", "number"),
    [
        ("chmod", 1),
        pytest.param("replace", 1),
        pytest.param("replace", 2),
    ],
)
def test_a_failing_step_leaves_the_old_folder_and_no_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str, number: int
) -> None:
    path = old_folder(tmp_path)
    with monkeypatch.context() as patch:
        fail_on_call(patch, function, number)
        with pytest.raises(InputError, match="No space"), atomic_folder(path, force=True) as folder:
            (folder / "new.txt").write_text("new")
    assert content(tmp_path) == {"run/old.txt": b"old"}
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_a_failing_rename_of_a_first_folder_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        fail_on_call(patch, "replace", 1)
        with pytest.raises(InputError, match="No space"), atomic_folder(tmp_path / "run") as folder:
            (folder / "new.txt").write_text("new")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_made_for_nothing_goes_again_with_its_empty_parents(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    for failing in (True, False):
        with contextlib.suppress(KeyboardInterrupt), made_folder(tmp_path / "there" / "a" / "b"):
            if failing:
                raise KeyboardInterrupt
    assert {path.name for path in tmp_path.rglob("*")} == {"there", "a", "b"}
    with contextlib.suppress(KeyboardInterrupt), made_folder(tmp_path / "other" / "c"):
        (tmp_path / "other" / "c" / "kept").write_text("")
        raise KeyboardInterrupt
    assert (tmp_path / "other" / "c" / "kept").exists()
    with pytest.raises(InputError, match="cannot write"), made_folder(tmp_path / "other" / "c" / "kept" / "d"):
        pytest.fail("went in")
