"""One calibrator a group: each sees its own rows, and every row comes back in its place."""

import numpy as np
import pytest

import calib
from calib.calibrators.grouped import GroupedCalibrator
from calib.calibrators.temperature import TemperatureScaling
from calib.errors import InputError
from calib.predictions import Predictions

from ..references import sample


def two_sites() -> tuple[Predictions, np.ndarray]:
    logits, labels = sample(1000, 4, true_temperature=1.0)
    site = np.random.default_rng(0).choice(["hot", "cold"], 1000)
    return Predictions.from_logits(logits * np.where(site == "hot", 3.0, 0.5)[:, None], labels), site


def test_each_group_gets_the_temperature_of_its_own_rows() -> None:
    predictions, site = two_sites()
    fitted = GroupedCalibrator.fit(TemperatureScaling, predictions, site)
    for name in ("hot", "cold"):
        assert fitted.calibrators[name] == TemperatureScaling.fit(predictions[site == name])
    scaled = fitted.transform(predictions, site)
    temperatures = {name: each.temperature for name, each in fitted.calibrators.items()}  # type: ignore[attr-defined]
    np.testing.assert_array_equal(scaled.beta, [1 / temperatures[name] for name in site])
    np.testing.assert_array_equal(scaled.values, predictions.values)
    np.testing.assert_array_equal(scaled.labels, predictions.labels)
    pooled = TemperatureScaling.fit(predictions).transform(predictions)
    assert calib.nll(scaled) < calib.nll(pooled) - 0.02


def test_the_order_of_the_rows_does_not_matter() -> None:
    predictions, site = two_sites()
    fitted = GroupedCalibrator.fit(TemperatureScaling, predictions, site)
    order = np.random.default_rng(1).permutation(1000)
    shuffled = fitted.transform(predictions[order], site[order])
    np.testing.assert_array_equal(shuffled.beta, np.asarray(fitted.transform(predictions, site).beta)[order])


def test_groups_that_are_new_or_missing_are_named() -> None:
    predictions, site = two_sites()
    fitted = GroupedCalibrator.fit(TemperatureScaling, predictions, site)
    with pytest.raises(InputError, match="group 'warm' was not there"):
        fitted.transform(predictions[:2], ["hot", "warm"])
    with pytest.raises(InputError, match="row 1 has no group"):
        fitted.transform(predictions[:2], ["hot", None])
    with pytest.raises(InputError, match=r"groups must have shape \(1000,\)"):
        GroupedCalibrator.fit(TemperatureScaling, predictions, site[:5])
