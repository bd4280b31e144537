from pathlib import Path

import pytest

from calib.datasets.cifar_binary import read_batch, read_names
from calib.errors import InputError


def records(labels: list[list[int]]) -> bytes:
    return b"".join(bytes(row) + bytes(range(256)) * 12 for row in labels)


def test_a_record_is_label_red_green_blue(tmp_path: Path) -> None:
    path = tmp_path / "batch.bin"
    path.write_bytes(bytes([3]) + b"\x01" * 1024 + b"\x02" * 1023 + b"\x09" + b"\x03" * 1024)
    images, labels = read_batch(path, n_rows=1, n_classes=10, label_bytes=1)
    assert labels.tolist() == [3]
    assert [images[0, channel, 0, 0] for channel in range(3)] == [1, 2, 3]
    assert images[0, 1, 31, 31] == 9


def test_of_two_label_bytes_the_second_is_the_fine_one(tmp_path: Path) -> None:
    path = tmp_path / "train.bin"
    path.write_bytes(records([[19, 99], [4, 0]]))
    images, labels = read_batch(path, n_rows=2, n_classes=100, label_bytes=2)
    assert labels.tolist() == [99, 0]
    assert images[0, 0, 0, :3].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("change", "state"), [(-1, "cut short"), (-3073, "cut short"), (1, "too long"), (-6146, "cut")]
)
def test_a_file_of_another_length_is_refused_by_name(tmp_path: Path, change: int, state: str) -> None:
    path = tmp_path / "data_batch_3.bin"
    content = records([[1], [2]]) + b"\0"
    path.write_bytes(content[: len(content) - 1 + change])
    with pytest.raises(InputError, match=rf"data_batch_3.bin is {state}.*: 2 records take 6,146 bytes"):
        read_batch(path, n_rows=2, n_classes=10, label_bytes=1)


def test_a_label_that_is_no_class_is_refused_with_its_record(tmp_path: Path) -> None:
    path = tmp_path / "batch.bin"
    path.write_bytes(records([[9], [10]]))
    with pytest.raises(InputError, match="record 1 has 10"):
        read_batch(path, n_rows=2, n_classes=10, label_bytes=1)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read"):
        read_batch(tmp_path / "none", n_rows=1, n_classes=10, label_bytes=1)


def test_class_names_are_lines_and_empty_ones_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "batches.meta.txt"
    path.write_bytes("airplane\r\nfähre\n\n".encode())
    assert read_names(path) == ("airplane", "fähre")


def test_class_names_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "batches.meta.txt"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="class names"):
        read_names(path)
