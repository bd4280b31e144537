import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from calib.cli.data import app
from calib.datasets import digits, mnist_family
from calib.errors import InputError

RUN = CliRunner()


@pytest.fixture(autouse=True)
def no_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CALIB_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(mnist_family, "DEBIAN", tmp_path / "debian")


def test_list_names_every_data_set_and_where_it_lies() -> None:
    result = RUN.invoke(app, ["list"])
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == [
        *("cifar10", "cifar100", "digits", "fashion-mnist", "fashion-mnist-14", "mnist", "mnist-14"),
    ]
    assert "1,797" in lines[3]
    assert str(digits.find()) in lines[3]
    assert lines[1].split()[-1] == "-"


def test_list_as_json_is_for_machines() -> None:
    rows = json.loads(RUN.invoke(app, ["list", "--json"]).stdout)["rows"]
    assert rows[1] == {"name": "cifar100", "images": 60_000, "shape": [3, 32, 32], "classes": 100, "found": None}
    assert rows[2]["found"] == str(digits.find())


def test_list_prints_a_path_with_brackets_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "[red]x[/]"
    (folder / "cifar-100-binary").mkdir(parents=True)
    (folder / "cifar-100-binary" / "train.bin").touch()
    result = RUN.invoke(app, ["list", "--data-dir", str(folder)])
    assert "[red]x[/]" in result.stdout


def test_download_prints_the_folder_and_nothing_else_on_stdout() -> None:
    result = RUN.invoke(app, ["download", "digits"])
    assert result.exit_code == 0
    assert result.stdout == f"{digits.find()}\n"
    assert result.stderr == ""


def test_errors_are_left_to_the_main_command() -> None:
    result = RUN.invoke(app, ["download", "cifar11"])
    assert isinstance(result.exception, InputError)
    assert "did you mean" in result.exception.help


def test_download_goes_to_the_named_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALIB_DATA_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    result = RUN.invoke(app, ["download", "cifar10", "--data-dir", str(tmp_path / "here")])
    assert isinstance(result.exception, InputError)
    assert f"put it into {tmp_path / 'here'}" in result.exception.help
