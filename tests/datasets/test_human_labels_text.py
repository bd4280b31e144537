"""Human labels as text: one a line, or a column by its name; every entry that is none is named."""

from pathlib import Path

import pytest

from .test_human_labels import WORSE, read, refused, text


@pytest.mark.parametrize(
    "content",
    ["3\n7\n9\n2\n1\n", "3\r\n7\r\n9\r\n2\r\n1", " 3\n+7\n9.0\n2.\n1\n\n\n", "\ufeff3\n7\n9\n2\n1"],
)
def test_text_with_one_label_a_line_is_read(tmp_path: Path, content: str) -> None:
    assert read(text(tmp_path, content, "labels.txt")) == WORSE.tolist()


def test_a_column_of_a_csv_is_read_by_name_and_the_others_may_hold_anything(tmp_path: Path) -> None:
    path = text(tmp_path, 'file,label\n"a, b.png",3\nfähre,7\n,9\n"two\nlines",2\nx,1\n')
    assert read(path, "label") == WORSE.tolist()
    assert "row 0 holds 'a, b.png'" in refused(path, "file")
    assert "holds no 'labels', it holds file, label" in refused(path, "labels")
    assert "several things: file, label" in refused(path)
    assert "row 1 holds 'nothing'" in refused(text(tmp_path, "id,label\n0,3\n1\n2,9\n3,2\n4,1\n"), "label")


def test_a_csv_with_one_named_column_needs_no_key(tmp_path: Path) -> None:
    assert read(text(tmp_path, "label\n3\n7\n9\n2\n1\n")) == WORSE.tolist()


def test_columns_without_names_or_with_one_name_twice_are_refused(tmp_path: Path) -> None:
    assert "several columns without names: line 1 is 0,3" in refused(text(tmp_path, "0,3\n1,7\n"))
    assert "line 1 is label,label" in refused(text(tmp_path, "label,label\n1,7\n"), "label")


@pytest.mark.parametrize(
    ("entry", "shown"),
    [
        ("1.5", "'1.5'"),
        ("nan", "'nan'"),
        ("", "'nothing'"),
        ("cat", "'cat'"),
        ("1e0", "'1e0'"),
        ("1_0", "'1_0'"),
        ("١", "'١'"),
        ("9" * 40, "'9999"),
    ],
)
def test_an_entry_of_a_text_that_is_no_whole_number_is_named(tmp_path: Path, entry: str, shown: str) -> None:
    for content, key in ((f"3\n7\n{entry}\n2\n1\n", None), (f"id,label\n0,3\n0,7\n0,{entry}\n0,2\n0,1\n", "label")):
        assert f"labels must be whole numbers, row 2 holds {shown}" in refused(text(tmp_path, content), key)


@pytest.mark.parametrize("content", [b"caf\xe9\n1\n", b'label\n"1\n2\n'])
def test_text_in_another_encoding_or_with_an_open_quote_is_refused(tmp_path: Path, content: bytes) -> None:
    assert "is damaged, or no file of labels" in refused(text(tmp_path, content))


def test_blanks_around_names_are_no_part_of_them_and_blank_lines_hold_nothing(tmp_path: Path) -> None:
    assert read(text(tmp_path, "file, label \na,3\nb,7\nc,9\nd,2\ne,1\n"), "label") == WORSE.tolist()
    assert "labels.csv holds no labels" in refused(text(tmp_path, "\n\n"))
