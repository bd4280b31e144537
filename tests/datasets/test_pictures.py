"""Pictures are those of the very examples, or none."""

from dataclasses import replace

import numpy as np
import pytest

import calib
from calib.datasets import load_dataset
from calib.datasets.pictures import pictures_of
from calib.datasets.splits import split
from calib.errors import InputError

EXAMPLE = calib.load_example("digits-resnet8-hard")


def test_pictures_are_the_images_of_the_split_in_its_order() -> None:
    digits = load_dataset("digits")
    rows = split(digits, seed=0)
    for predictions, chosen in ((EXAMPLE.test, rows.test), (EXAMPLE.calibration, rows.calibration)):
        found = pictures_of(predictions)
        assert found is not None
        assert np.array_equal(found, digits.images[chosen].astype(int) * 255 // 16)
        assert found.dtype == np.uint8


def test_predictions_that_do_not_say_what_they_are_of_have_none() -> None:
    assert pictures_of(calib.Predictions.from_probs([[0.5, 0.5]], [0])) is None


def test_other_data_or_labels_are_refused() -> None:
    test = EXAMPLE.test
    for wrong in (
        replace(test, provenance={**test.provenance, "fingerprint": "0" * 64}),
        replace(test, labels=np.roll(test.labels, 1)),
    ):
        with pytest.raises(InputError, match="not what these predictions are of"):
            pictures_of(wrong)
