import gzip
from pathlib import Path

import numpy as np
import pytest

from calib.datasets import fashion_mnist, load_dataset
from calib.errors import InputError

from .synthetic import N_TEST, N_TRAIN, idx_bytes, images, write_fashion

pytestmark = pytest.mark.usefixtures("few_rows")


@pytest.mark.parametrize("folder", [".", "fashion-mnist", "FashionMNIST/raw", "raw"])
@pytest.mark.parametrize("gzipped", [True, False])
def test_the_four_files_are_found_wherever_they_lie(tmp_path: Path, no_data: Path, folder: str, gzipped: bool) -> None:
    write_fashion(tmp_path / "data" / folder, gzipped=gzipped)
    dataset = load_dataset("fashion-mnist", data_dir=tmp_path / "data")
    assert dataset.images.shape == (N_TRAIN + N_TEST, 1, 28, 28)
    assert dataset.n_train == N_TRAIN
    assert np.array_equal(dataset.images[:N_TRAIN], images(N_TRAIN, 1, 28, 0))
    assert np.array_equal(dataset.images[N_TRAIN:], images(N_TEST, 1, 28, 1))
    assert dataset.class_names[9] == "Ankle boot"


def test_the_cache_the_environment_and_debian_are_searched_in_turn(
    tmp_path: Path, no_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fashion_mnist.find() is None
    write_fashion(tmp_path / "debian")
    assert fashion_mnist.find() == tmp_path / "debian"
    write_fashion(no_data / "fashion-mnist")
    assert fashion_mnist.find() == no_data / "fashion-mnist"
    monkeypatch.setenv("CALIB_DATA", str(tmp_path / "named"))
    assert fashion_mnist.find() == no_data / "fashion-mnist"
    write_fashion(tmp_path / "named")
    assert fashion_mnist.find() == tmp_path / "named"
    assert fashion_mnist.find(tmp_path / "elsewhere") is None  # --data-dir: there and nowhere else


def test_a_whole_folder_is_preferred_to_one_that_lacks_files(tmp_path: Path, no_data: Path) -> None:
    write_fashion(tmp_path / "raw")
    write_fashion(tmp_path / "fashion-mnist")
    (tmp_path / "fashion-mnist" / "t10k-labels-idx1-ubyte.gz").unlink()
    assert fashion_mnist.find(tmp_path) == tmp_path / "raw"


def test_missing_files_are_named_with_the_commands_that_mend_it(tmp_path: Path, no_data: Path) -> None:
    with pytest.raises(InputError, match=r"train-images-idx3-ubyte\[.gz\].*debian") as caught:
        load_dataset("fashion-mnist")
    assert caught.value.help.startswith("calib data download fashion-mnist; or")
    assert "apt install dataset-fashion-mnist" in caught.value.help
    with pytest.raises(InputError) as caught:
        load_dataset("fashion-mnist", data_dir=tmp_path / "a b")
    assert caught.value.help.startswith(f"calib data download fashion-mnist --data-dir '{tmp_path}/a b'; or")


def test_one_missing_file_is_named(tmp_path: Path, no_data: Path) -> None:
    write_fashion(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(InputError, match="lacks t10k-labels-idx1-ubyte"):
        load_dataset("fashion-mnist", data_dir=tmp_path)


def test_files_of_another_shape_are_refused(tmp_path: Path, no_data: Path) -> None:
    write_fashion(tmp_path)
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(idx_bytes(images(N_TRAIN - 1, 1, 28)[:, 0])))
    with pytest.raises(
        InputError, match=rf"train-images.*must hold an array \({N_TRAIN}, 28, 28\), got \(19, 28, 28\)"
    ):
        load_dataset("fashion-mnist", data_dir=tmp_path)


def test_labels_that_are_no_classes_are_refused(tmp_path: Path, no_data: Path) -> None:
    write_fashion(tmp_path)
    path = tmp_path / "train-labels-idx1-ubyte.gz"
    path.write_bytes(gzip.compress(idx_bytes(np.full(N_TRAIN, 10, dtype=np.uint8))))
    with pytest.raises(InputError, match="reach 10"):
        load_dataset("fashion-mnist", data_dir=tmp_path)
