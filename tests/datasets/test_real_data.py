"""The real files, where this machine has them; no test needs a download."""

import numpy as np
import pytest

from calib.datasets import dataset_entry, load_dataset


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "fashion-mnist"])
def test_real_data_have_the_published_shape_classes_and_pixel_moments(name: str) -> None:
    entry = dataset_entry(name)
    if entry.find(None) is None:
        pytest.skip(f"{name} is not on this machine; set CALIB_DATA to test it")
    dataset = load_dataset(name)
    assert dataset.images.shape == (entry.n_images, *entry.shape)
    assert dataset.n_train is not None
    for part in (slice(None, dataset.n_train), slice(dataset.n_train, None)):
        counts = np.bincount(dataset.labels[part], minlength=entry.n_classes)
        assert np.all(counts == counts.sum() // entry.n_classes)
    train = dataset.images[: dataset.n_train]
    for channel in range(entry.shape[0]):
        counts = np.bincount(train[:, channel].ravel(), minlength=256)
        values = np.arange(256) / 255
        mean = float((counts * values).sum() / counts.sum())
        std = float(np.sqrt((counts * values**2).sum() / counts.sum() - mean**2))
        assert (mean, std) == pytest.approx((dataset.mean[channel], dataset.std[channel]), abs=1e-4)
