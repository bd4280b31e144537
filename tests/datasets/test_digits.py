from pathlib import Path

import numpy as np
import pytest

from calib.datasets import digits, load_dataset


def test_digits_are_there_without_any_download(no_data: Path) -> None:
    dataset = load_dataset("digits", data_dir=no_data)
    assert dataset.images.shape == (1797, 1, 8, 8)
    assert dataset.images.dtype == np.uint8
    assert dataset.images.max() == dataset.pixel_max == 16
    assert dataset.labels.dtype == np.int64
    assert np.bincount(dataset.labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert dataset.n_train is None


def test_mean_and_std_are_those_of_the_scaled_pixels() -> None:
    dataset = load_dataset("digits")
    scaled = dataset.images / dataset.pixel_max
    assert (scaled.mean(), scaled.std()) == pytest.approx((dataset.mean[0], dataset.std[0]), abs=5e-5)


def test_the_licence_is_beside_the_file_and_names_authors_and_terms() -> None:
    text = (digits.find() / "digits.LICENSE.txt").read_text(encoding="utf-8")
    for needed in ("Alpaydin", "Kaynak", "10.24432/C50P49", "creativecommons.org/licenses/by/4.0", "Changes made"):
        assert needed in text


def test_images_are_bit_for_bit_those_of_scikit_learn() -> None:
    datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn is not installed: nothing to compare with")
    theirs, ours = datasets.load_digits(), load_dataset("digits")
    assert np.array_equal(theirs.images, ours.images[:, 0])
    assert np.array_equal(theirs.target, ours.labels)
