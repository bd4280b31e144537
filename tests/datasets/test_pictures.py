"""Pictures are those of the very examples, or none."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import calib
from calib.datasets import load_dataset
from calib.datasets.pictures import pictures_of
from calib.datasets.splits import split
from calib.errors import InputError
from calib.predictions import Predictions

EXAMPLE = calib.load_example("digits-resnet8-hard")


def test_pictures_are_the_images_of_the_split_in_its_order() -> None:
    digits = load_dataset("digits")
    rows = split(digits, seed=0)
    for predictions, chosen in ((EXAMPLE.test, rows.test), (EXAMPLE.calibration, rows.calibration)):
        found = pictures_of(predictions)
        assert isinstance(found, np.ndarray)
        assert np.array_equal(found, digits.images[chosen].astype(int) * 255 // 16)
        assert found.dtype == np.uint8


def test_predictions_that_do_not_say_what_they_are_of_have_none() -> None:
    assert pictures_of(calib.Predictions.from_probs([[0.5, 0.5]], [0])) is None


def test_weights_of_others_have_the_images_of_the_test_part_they_were_run_on() -> None:
    digits = load_dataset("digits")
    probs = np.full((digits.n, 10), 0.1)
    other = Predictions.from_probs(probs, digits.labels, provenance={"data": "digits", "split": "test"})
    found = pictures_of(other)
    assert isinstance(found, np.ndarray)
    assert np.array_equal(found, digits.images.astype(int) * 255 // 16)
    turned = tuple(reversed(digits.class_names))
    assert pictures_of(replace(other, labels=9 - digits.labels, class_names=turned)) is not None
    with pytest.raises(InputError, match="not what these predictions are of"):
        pictures_of(replace(other, labels=np.roll(digits.labels, 1)))


def test_images_of_a_folder_are_read_one_by_one_and_only_where_that_folder_is_named_again(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    for shade, name in ((10, "cat"), (200, "dog")):
        (tmp_path / name).mkdir()
        image.fromarray(np.full((40, 30, 3), shade, np.uint8)).save(tmp_path / name / "a.png")
    (tmp_path / "dog" / "b.png").write_bytes(b"no image")
    said = {"data": str(tmp_path), "split": "test"}
    other = Predictions.from_probs(np.full((3, 2), 0.5), [0, 1, 1], provenance=said)
    assert pictures_of(other) is None
    assert pictures_of(other, data_dir=tmp_path.parent) is None
    found = pictures_of(other, data_dir=tmp_path)
    assert found is not None
    assert found.shape[0] == 3
    assert found[1].shape == found.shape[1:]
    assert (found[1] == 200).all()
    with pytest.raises(InputError, match="not what these predictions are of"):
        pictures_of(replace(other, labels=np.array([1, 0, 0])), data_dir=tmp_path)


def test_other_data_or_labels_are_refused() -> None:
    test = EXAMPLE.test
    for wrong in (
        replace(test, provenance={**test.provenance, "fingerprint": "0" * 64}),
        replace(test, labels=np.roll(test.labels, 1)),
    ):
        with pytest.raises(InputError, match="not what these predictions are of"):
            pictures_of(wrong)
