"""MNIST and Fashion-MNIST are found where they lie, and never taken for each other."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from calib.datasets import dataset_entry, load_dataset
from calib.datasets.download import download
from calib.errors import InputError

from .synthetic import N_TEST, N_TRAIN, idx_bytes, images, write_mnist

pytestmark = pytest.mark.usefixtures("few_rows")


FASHION, MNIST = dataset_entry("fashion-mnist"), dataset_entry("mnist")


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        *(("fashion-mnist", folder) for folder in (".", "fashion-mnist", "FashionMNIST/raw", "raw")),
        *(("mnist", folder) for folder in (".", "mnist", "MNIST/raw", "raw")),
    ],
)
@pytest.mark.parametrize("gzipped", [True, False])
def test_the_four_files_are_found_wherever_they_lie(
    tmp_path: Path, no_data: Path, name: str, folder: str, gzipped: bool
) -> None:
    write_mnist(tmp_path / "data" / folder, name, gzipped=gzipped)
    dataset = load_dataset(name, data_dir=tmp_path / "data")
    assert dataset.images.shape == (N_TRAIN + N_TEST, 1, 28, 28)
    assert dataset.n_train == N_TRAIN
    first = 0 if name == "fashion-mnist" else 10
    assert np.array_equal(dataset.images[:N_TRAIN], images(N_TRAIN, 1, 28, first))
    assert np.array_equal(dataset.images[N_TRAIN:], images(N_TEST, 1, 28, first + 1))
    assert dataset.class_names[9] == ("Ankle boot" if name == "fashion-mnist" else "9")
    assert (dataset.mean, dataset.std) == (((0.286,), (0.353,)) if name == "fashion-mnist" else ((0.1307,), (0.3081,)))


@pytest.mark.parametrize(("there", "asked"), [("fashion-mnist", "mnist"), ("mnist", "fashion-mnist")])
@pytest.mark.parametrize("folder", [".", "raw", "both"])
@pytest.mark.parametrize("gzipped", [True, False])
def test_clothes_are_never_taken_for_digits_nor_digits_for_clothes(
    tmp_path: Path, no_data: Path, there: str, asked: str, folder: str, gzipped: bool
) -> None:
    root = tmp_path / "data"
    write_mnist(root / (asked if folder == "both" else folder), there, gzipped=gzipped)  # "both": its name is no proof
    for name in (asked, f"{asked}-14"):
        assert dataset_entry(name).find(root) is None
        with pytest.raises(InputError, match=f"labels-idx1-ubyte.* is of {there}; the files of {asked} have the same"):
            load_dataset(name, data_dir=root)
    if folder == "both":
        with pytest.raises(InputError, match=f"is of {there}") as caught:
            download(asked, data_dir=root)  # and nothing of them is overwritten
        assert caught.value.help == f"move those of {there} into a folder {there}/"
    write_mnist(root / "raw", asked, gzipped=gzipped)
    assert load_dataset(asked, data_dir=root).name == asked  # a folder that holds it is found beside


def test_a_folder_that_mixes_the_two_is_refused(tmp_path: Path, no_data: Path) -> None:
    digits = write_mnist(tmp_path / "digits", "mnist")
    for name in ("t10k-labels-idx1-ubyte.gz", "train-images-idx3-ubyte.gz"):
        folder = tmp_path / name
        write_mnist(folder)
        (folder / name).write_bytes(digits[name])
        with pytest.raises(InputError, match=f"{name} is of mnist; the files of fashion-mnist"):
            load_dataset("fashion-mnist", data_dir=folder)


def test_files_of_no_known_md5_are_what_their_folder_is_called(tmp_path: Path, no_data: Path) -> None:
    for folder in ("mnist", "fashion-mnist", "raw"):
        write_mnist(tmp_path / folder / folder, gzipped=False)
        path = tmp_path / folder / folder / "train-labels-idx1-ubyte"
        path.write_bytes(path.read_bytes()[:-1] + b"\x03")
        (tmp_path / folder / folder / "t10k-labels-idx1-ubyte").write_bytes(idx_bytes(np.zeros(N_TEST, dtype=np.uint8)))
    assert FASHION.find(tmp_path / "fashion-mnist") == tmp_path / "fashion-mnist" / "fashion-mnist"
    assert MNIST.find(tmp_path / "mnist") == tmp_path / "mnist" / "mnist"
    assert load_dataset("fashion-mnist", data_dir=tmp_path / "fashion-mnist").labels[N_TRAIN - 1] == 3
    assert MNIST.find(tmp_path / "fashion-mnist") is None
    with pytest.raises(InputError, match="has not the md5 of mnist, nor a folder of its name") as caught:
        load_dataset("mnist", data_dir=tmp_path / "raw")
    assert "into a folder mnist/" in caught.value.help


def test_the_cache_the_environment_and_debian_are_searched_in_turn(
    tmp_path: Path, no_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert FASHION.find(None) is None
    write_mnist(tmp_path / "debian" / "fashion-mnist")
    assert FASHION.find(None) == tmp_path / "debian" / "fashion-mnist"
    write_mnist(tmp_path / "debian" / "mnist", "mnist")
    assert MNIST.find(None) is None  # Debian has no package of it
    write_mnist(no_data / "fashion-mnist")
    assert FASHION.find(None) == no_data / "fashion-mnist"
    monkeypatch.setenv("CALIB_DATA", str(tmp_path / "named"))
    assert FASHION.find(None) == no_data / "fashion-mnist"
    write_mnist(tmp_path / "named")
    assert FASHION.find(None) == tmp_path / "named"
    assert FASHION.find(tmp_path / "elsewhere") is None  # --data-dir: there and nowhere else


def test_a_whole_folder_is_preferred_to_one_that_lacks_files(tmp_path: Path, no_data: Path) -> None:
    write_mnist(tmp_path / "raw")
    write_mnist(tmp_path / "fashion-mnist")
    (tmp_path / "fashion-mnist" / "t10k-labels-idx1-ubyte.gz").unlink()
    assert FASHION.find(tmp_path) == tmp_path / "raw"


def test_missing_files_are_named_with_the_commands_that_mend_it(tmp_path: Path, no_data: Path) -> None:
    with pytest.raises(InputError, match=r"train-images-idx3-ubyte\[.gz\].*debian") as caught:
        load_dataset("fashion-mnist")
    assert caught.value.help.startswith("calib data download fashion-mnist; or")
    assert "apt install dataset-fashion-mnist" in caught.value.help
    with pytest.raises(InputError) as caught:
        load_dataset("fashion-mnist", data_dir=tmp_path / "a b")
    assert caught.value.help.startswith(f"calib data download fashion-mnist --data-dir '{tmp_path}/a b'; or")
    with pytest.raises(InputError, match="mnist was not found") as caught:
        load_dataset("mnist")
    assert caught.value.help == "calib data download mnist"


def test_one_missing_file_is_named(tmp_path: Path, no_data: Path) -> None:
    write_mnist(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(InputError, match="lacks t10k-labels-idx1-ubyte"):
        load_dataset("fashion-mnist", data_dir=tmp_path)


def test_files_of_another_shape_are_refused(tmp_path: Path, no_data: Path) -> None:
    write_mnist(tmp_path)
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(idx_bytes(images(N_TRAIN - 1, 1, 28)[:, 0])))
    with pytest.raises(
        InputError, match=rf"train-images.*must hold an array \({N_TRAIN}, 28, 28\), got \(19, 28, 28\)"
    ):
        load_dataset("fashion-mnist", data_dir=tmp_path)


def test_labels_that_are_no_classes_are_refused(tmp_path: Path, no_data: Path) -> None:
    write_mnist(tmp_path / "fashion-mnist")
    path = tmp_path / "fashion-mnist" / "train-labels-idx1-ubyte.gz"
    path.write_bytes(gzip.compress(idx_bytes(np.full(N_TRAIN, 10, dtype=np.uint8))))
    with pytest.raises(InputError, match="reach 10"):
        load_dataset("fashion-mnist", data_dir=tmp_path)
