"""fashion-mnist-14 and mnist-14 are pooled: same files, same labels, a quarter of the pixels."""

from pathlib import Path

import numpy as np
import pytest

from calib.datasets import dataset_entry, load_dataset, pooled
from calib.datasets.download import download
from calib.datasets.pooled import mean_of_2x2
from calib.errors import InputError

from .synthetic import N_TEST, N_TRAIN, write_mnist

pytestmark = pytest.mark.usefixtures("few_rows")


def test_each_pixel_is_the_rounded_mean_of_four(tmp_path: Path, no_data: Path) -> None:
    write_mnist(tmp_path)
    large, small = (load_dataset(name, data_dir=tmp_path) for name in ("fashion-mnist", "fashion-mnist-14"))
    assert small.images.shape == (N_TRAIN + N_TEST, 1, 14, 14)
    for row, y, x in ((0, 0, 0), (3, 13, 5), (N_TRAIN + N_TEST - 1, 7, 13)):
        four = [float(large.images[row, 0, 2 * y + i, 2 * x + j]) for i in (0, 1) for j in (0, 1)]
        assert small.images[row, 0, y, x] == round(sum(four) / 4)
    assert np.array_equal(small.labels, large.labels)
    assert small.n_train == N_TRAIN
    assert (small.name, small.class_names) == ("fashion-mnist-14", large.class_names)


def test_white_stays_white_and_a_column_does_not_leak_into_the_next() -> None:
    image = np.zeros((1, 1, 4, 4), dtype=np.uint8)
    image[..., 2:] = 255
    assert mean_of_2x2(image).tolist() == [[[[0, 255], [0, 255]]]]


def test_it_is_found_where_the_large_images_are_and_their_files_are_what_is_missing(
    tmp_path: Path, no_data: Path
) -> None:
    assert dataset_entry("fashion-mnist-14").find(tmp_path) is None
    with pytest.raises(InputError, match="fashion-mnist was not found"):
        load_dataset("fashion-mnist-14", data_dir=tmp_path)
    write_mnist(tmp_path)
    assert dataset_entry("fashion-mnist-14").find(tmp_path) == tmp_path
    assert download("fashion-mnist-14", data_dir=tmp_path) == tmp_path  # nothing is fetched


def test_its_usual_sizes_are_small() -> None:
    entry = dataset_entry("fashion-mnist-14")
    assert (entry.n_images, entry.shape, entry.n_classes) == (70_000, pooled.SHAPE, 10)
