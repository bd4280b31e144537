from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from calib.datasets import cifar, load_dataset
from calib.errors import InputError

from .synthetic import N_TEST, N_TRAIN, python2_pickle, write_cifar_binary, write_cifar_pickles

pytestmark = pytest.mark.usefixtures("few_rows")

NAME = {10: "cifar10", 100: "cifar100"}
WRITERS: list[Callable[[Path, int], Path]] = [
    write_cifar_binary,
    write_cifar_pickles,
    partial(write_cifar_pickles, python2=False),
]


@pytest.mark.parametrize("k", [10, 100])
@pytest.mark.parametrize("write", WRITERS)
def test_every_layout_is_read_from_its_folder_or_the_one_above(
    tmp_path: Path, k: int, write: Callable[[Path, int], Path]
) -> None:
    folder = write(tmp_path, k)
    for data_dir in (tmp_path, folder):
        dataset = load_dataset(NAME[k], data_dir=data_dir)
        assert dataset.images.shape == (N_TRAIN + N_TEST, 3, 32, 32)
        assert (dataset.n_train, dataset.n_classes, dataset.pixel_max) == (N_TRAIN, k, 255)


@pytest.mark.parametrize("k", [10, 100])
def test_all_layouts_give_the_same_data(tmp_path: Path, k: int) -> None:
    datasets = []
    for i, write in enumerate(WRITERS):
        write(tmp_path / str(i), k)
        datasets.append(load_dataset(NAME[k], data_dir=tmp_path / str(i)))
    for dataset in datasets[1:]:
        assert np.array_equal(dataset.images, datasets[0].images)
        assert np.array_equal(dataset.labels, datasets[0].labels)


def test_the_official_names_serve_where_no_file_names_the_classes(tmp_path: Path) -> None:
    write_cifar_binary(tmp_path, 10)
    write_cifar_binary(tmp_path, 100)
    assert load_dataset("cifar10", data_dir=tmp_path).class_names[:3] == ("airplane", "automobile", "bird")
    names = load_dataset("cifar100", data_dir=tmp_path).class_names
    assert (len(names), names[0], names[99]) == (100, "apple", "worm")
    assert list(names) == sorted(set(names))  # the official order is alphabetical


def test_class_names_beside_the_data_are_used(tmp_path: Path) -> None:
    names = [f"class {i}" for i in range(10)]
    (write_cifar_binary(tmp_path / "a", 10) / "batches.meta.txt").write_text("\n".join(names) + "\n\n")
    pickled = write_cifar_pickles(tmp_path / "b", 10)
    (pickled / "batches.meta").write_bytes(python2_pickle({"label_names": names}))
    assert load_dataset("cifar10", data_dir=tmp_path / "a").class_names == tuple(names)
    assert load_dataset("cifar10", data_dir=tmp_path / "b").class_names == tuple(names)


def test_a_wrong_number_of_class_names_is_refused(tmp_path: Path) -> None:
    (write_cifar_binary(tmp_path, 100) / "fine_label_names.txt").write_text("only\ntwo\n")
    with pytest.raises(InputError, match=r"fine_label_names.txt names 2 classes, cifar100 has 100"):
        load_dataset("cifar100", data_dir=tmp_path)


def test_a_truncated_file_names_itself(tmp_path: Path) -> None:
    path = write_cifar_binary(tmp_path, 10) / "data_batch_4.bin"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"data_batch_4\.bin is cut short"):
        load_dataset("cifar10", data_dir=tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    (write_cifar_pickles(tmp_path, 10) / "data_batch_2").unlink()
    with pytest.raises(InputError, match="lacks the file data_batch_2") as caught:
        load_dataset("cifar10", data_dir=tmp_path)
    assert caught.value.help == f"calib data download cifar10 --data-dir {tmp_path}"


def test_the_binary_layout_is_preferred_unless_only_the_pickles_are_whole(tmp_path: Path) -> None:
    pickled, binary = write_cifar_pickles(tmp_path, 10), write_cifar_binary(tmp_path, 10)
    assert cifar.find(cifar.CIFAR10, tmp_path) == binary
    (binary / "test_batch.bin").unlink()
    assert cifar.find(cifar.CIFAR10, tmp_path) == pickled


def test_a_folder_of_the_name_train_is_no_cifar_file(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "test").mkdir()
    assert cifar.find(cifar.CIFAR100, tmp_path) is None


def test_the_arrays_may_be_written_to_as_torch_wants_them(tmp_path: Path) -> None:
    write_cifar_binary(tmp_path, 10)
    dataset = load_dataset("cifar10", data_dir=tmp_path)
    assert dataset.images.flags.writeable
    assert dataset.images.flags.c_contiguous
