"""Accuracy: the share of predicted classes that are the labels."""

import numpy as np
import pytest

import calib

from ..references import sample


def test_accuracy_is_the_share_of_right_predictions() -> None:
    assert calib.accuracy([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]], [0, 0, 1]) == pytest.approx(2 / 3)


def test_ties_go_to_the_lowest_class() -> None:
    assert calib.accuracy([[0.4, 0.2, 0.4], [0.5, 0.5, 0.0]], [0, 0]) == 1
    assert calib.accuracy([[0.4, 0.2, 0.4], [0.5, 0.5, 0.0]], [2, 1]) == 0
    assert calib.accuracy([0.5], [0]) == 1


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_accuracy_of_logits_is_that_of_their_argmax(dtype: type) -> None:
    logits, labels = sample(300, 6)
    logits = logits.astype(dtype)
    predictions = calib.Predictions.from_logits(logits, labels)
    assert calib.accuracy(predictions) == (logits.argmax(axis=1) == labels).mean()


@pytest.mark.parametrize("temperature", [1e-6, 0.5, 3.0, 1e6])
def test_no_temperature_changes_accuracy(temperature: float) -> None:
    predictions = calib.Predictions.from_logits(*sample(300, 6))
    assert calib.accuracy(calib.TemperatureScaling(temperature).transform(predictions)) == calib.accuracy(predictions)
