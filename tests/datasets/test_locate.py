import os
import sys
from pathlib import Path

import pytest

from calib.datasets.locate import default_root, first_complete, search_roots


def test_a_named_folder_is_searched_alone(no_data: Path) -> None:
    assert search_roots(Path("here")) == (Path("here"),)


def test_the_environment_comes_before_the_cache(no_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert search_roots() == (no_data,)
    monkeypatch.setenv("CALIB_DATA", "named")
    assert search_roots() == (Path("named"), no_data)
    assert default_root() == Path("named")


def test_the_cache_lies_in_the_home_folder_by_default(no_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/ada")
    assert default_root() == Path("/home/ada/.cache/calib/data")


def test_the_cache_on_windows_is_local_app_data(no_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("LOCALAPPDATA", "local")
    monkeypatch.setattr(sys, "platform", "win32")
    assert default_root() == Path("local/calib/data")


def test_a_complete_folder_comes_before_a_partial_one(tmp_path: Path) -> None:
    for name in ("some/a", "all/a", "all/b"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    folders = [tmp_path / "none", tmp_path / "some", tmp_path / "all"]
    assert first_complete(folders, ["a", "b"]) == tmp_path / "all"
    assert first_complete(folders[:2], ["a", "b"]) == tmp_path / "some"
    assert first_complete(folders[:1], ["a", "b"]) is None


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may enter any folder")
def test_a_folder_that_may_not_be_entered_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o000)
    assert first_complete([tmp_path / "closed"], ["a"]) is None
