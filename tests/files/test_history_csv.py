"""The history of a training comes back as numbers, or the file is refused with line and column."""

import math
from pathlib import Path

import pytest

from calib.errors import InputError
from calib.files.history_csv import load_history


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "history.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_rows_come_back_as_numbers_and_empty_cells_as_nan(tmp_path: Path) -> None:
    first, second = load_history(written(tmp_path, "epoch,loss,calibration_ece\n1,2.5,\n2,0.1234567890123456,nan\n"))
    assert (first["epoch"], first["loss"], second["loss"]) == (1, 2.5, 0.1234567890123456)
    assert math.isnan(first["calibration_ece"])
    assert math.isnan(second["calibration_ece"])


def test_windows_line_ends_and_a_header_alone_are_read(tmp_path: Path) -> None:
    assert load_history(written(tmp_path, "epoch,loss\r\n1,2\r\n")) == [{"epoch": 1.0, "loss": 2.0}]
    assert load_history(written(tmp_path, "epoch,loss\n")) == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "no column `epoch`"),
        ("loss\n1\n", "no column `epoch`"),
        ("epoch,loss,loss\n1,2,3\n", "one twice"),
        ("epoch,loss\n1,2\n2\n", "line 3 has 1 cells for 2 columns"),
        ("epoch,loss\n1,2,3\n", "line 2 has 3 cells for 2 columns"),
        ("epoch,loss\n1,low\n", "line 2, loss: 'low' is no number"),
        ("epoch,loss\n1,\x1b[31m\n", r"line 2, loss: '\\x1b\[31m' is no number"),
        (b"\x80\x04\x95\xff", "it looks like a pickle"),
        ('epoch,loss\n1,"2\n', "no table of numbers"),
    ],
)
def test_what_is_no_history_is_refused_by_line(tmp_path: Path, content: str | bytes, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        load_history(written(tmp_path, content))
    assert caught.value.help


def test_a_folder_or_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder, a history was expected"):
        load_history(tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        load_history(str(tmp_path / "none.csv"))
