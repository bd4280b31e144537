"""The real files, where this machine has them; no test needs a download."""

import numpy as np
import pytest

from calib.datasets import dataset_entry, load_dataset, split
from calib.errors import InputError

MNIST_COUNTS = {  # images of each digit, of the training and of the test part
    60_000: [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
    10_000: [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
}


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "fashion-mnist", "mnist"])
def test_real_data_have_the_published_shape_classes_and_pixel_moments(name: str) -> None:
    entry = dataset_entry(name)
    if entry.find(None) is None:
        pytest.skip(f"{name} is not on this machine; set CALIB_DATA to test it")
    dataset = load_dataset(name)
    assert dataset.images.shape == (entry.n_images, *entry.shape)
    assert dataset.n_train is not None
    for part in (slice(None, dataset.n_train), slice(dataset.n_train, None)):
        counts = np.bincount(dataset.labels[part], minlength=entry.n_classes)
        balanced = [counts.sum() // entry.n_classes] * entry.n_classes
        assert counts.tolist() == (MNIST_COUNTS[int(counts.sum())] if name == "mnist" else balanced)
    train = dataset.images[: dataset.n_train]
    for channel in range(entry.shape[0]):
        counts = np.bincount(train[:, channel].ravel(), minlength=256)
        values = np.arange(256) / 255
        mean = float((counts * values).sum() / counts.sum())
        std = float(np.sqrt((counts * values**2).sum() / counts.sum() - mean**2))
        assert (mean, std) == pytest.approx((dataset.mean[channel], dataset.std[channel]), abs=1e-4)


@pytest.mark.parametrize(("there", "asked"), [("fashion-mnist", "mnist"), ("mnist", "fashion-mnist")])
def test_the_real_files_of_one_mnist_are_known_not_to_be_the_other(there: str, asked: str) -> None:
    folder = dataset_entry(there).find(None)
    if folder is None:
        pytest.skip(f"{there} is not on this machine; set CALIB_DATA to test it")
    with pytest.raises(InputError, match=f"is of {there}"):
        load_dataset(asked, data_dir=folder)


def test_pooled_fashion_mnist_has_the_mean_of_the_large_images_and_a_smaller_spread() -> None:
    if dataset_entry("fashion-mnist").find(None) is None:
        pytest.skip("fashion-mnist is not on this machine; set CALIB_DATA to test it")
    large, small = load_dataset("fashion-mnist"), load_dataset("fashion-mnist-14")
    assert small.shape == dataset_entry("fashion-mnist-14").shape == (1, 14, 14)
    assert np.array_equal(small.labels, large.labels)
    train = small.images[: small.n_train] / 255
    assert (train.mean(), train.std()) == pytest.approx((0.2860, 0.3301), abs=1e-4)  # as the docstring says
    assert (small.mean, small.std) == ((0.286,), (0.353,))
    top_left = large.images[:, :, :2, :2].mean(axis=(2, 3))
    assert np.abs(small.images[:, :, 0, 0] - top_left).max() <= 0.5
    parts = split(small, seed=3)
    assert (len(parts.train), len(parts.calibration), len(parts.test)) == (2_000, 5_000, 10_000)
