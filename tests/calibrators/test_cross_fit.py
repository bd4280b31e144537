"""Cross-fitting: every row calibrated by a fit that never saw it."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

import calib
from calib.calibrators.cross_fit import cross_fit
from calib.calibrators.temperature import TemperatureScaling
from calib.errors import InputError
from calib.predictions import Predictions

from ..references import sample


@dataclass
class Spy:
    """A calibrator that remembers the rows it was fitted on and applied to, and multiplies by its number."""

    seen: set[int]
    calls: ClassVar[list[tuple[set[int], set[int]]]] = []

    @classmethod
    def fit(cls, predictions: Predictions, *, targets: object = None) -> "Spy":
        return cls(set(predictions.values[:, 0].astype(int).tolist()))

    def transform(self, predictions: Predictions) -> Predictions:
        self.calls.append((self.seen, set(predictions.values[:, 0].astype(int).tolist())))
        return TemperatureScaling(len(self.calls)).transform(predictions)


@pytest.mark.parametrize("folds", [2, 5, 7, 23])
def test_no_row_is_calibrated_by_a_fit_that_saw_it_and_every_row_is_calibrated_once(folds: int) -> None:
    Spy.calls.clear()
    n = 23
    logits = np.stack([np.arange(n), np.zeros(n)], axis=1)
    cross_fit(Spy, Predictions.from_logits(logits, np.zeros(n, int)), folds=folds)
    assert len(Spy.calls) == folds
    for fitted, applied in Spy.calls:
        assert not fitted & applied
        assert fitted | applied == set(range(n))
    assert sorted(row for _, applied in Spy.calls for row in applied) == list(range(n))
    sizes = [len(applied) for _, applied in Spy.calls]
    assert max(sizes) - min(sizes) <= 1


def test_rows_come_back_in_their_order_with_the_temperature_of_their_own_fold() -> None:
    logits, labels = sample(60, 4)
    predictions = Predictions.from_logits(logits, labels, class_names=list("abcd"), provenance={"run": "x"})
    crossed = cross_fit(TemperatureScaling, predictions, folds=3)
    np.testing.assert_array_equal(crossed.values, logits)
    np.testing.assert_array_equal(crossed.labels, labels)
    assert (crossed.kind, crossed.class_names, crossed.provenance) == ("logits", ("a", "b", "c", "d"), {"run": "x"})
    beta = np.asarray(crossed.beta)
    assert beta.shape == (60,)
    assert len(np.unique(beta)) == 3
    for value in np.unique(beta):
        others = TemperatureScaling.fit(predictions[beta != value])
        assert 1 / others.temperature == pytest.approx(value, rel=1e-12)


def test_a_rows_own_label_has_no_say_in_its_temperature() -> None:
    logits, labels = sample(50, 3)
    before = np.asarray(cross_fit(TemperatureScaling, Predictions.from_logits(logits, labels)).beta)
    for row in (0, 17, 49):
        changed = labels.copy()
        changed[row] = (labels[row] + 1) % 3
        after = np.asarray(cross_fit(TemperatureScaling, Predictions.from_logits(logits, changed)).beta)
        assert after[row] == before[row]
        assert not np.array_equal(after, before)


def test_the_seed_decides_the_folds() -> None:
    predictions = Predictions.from_logits(*sample(50, 3))
    once, again = (np.asarray(cross_fit(TemperatureScaling, predictions, seed=4).beta) for _ in range(2))
    np.testing.assert_array_equal(once, again)
    assert not np.array_equal(once, cross_fit(TemperatureScaling, predictions, seed=5).beta)


def test_cross_fitted_predictions_have_the_same_argmax_and_can_be_cross_fitted_again() -> None:
    predictions = Predictions.from_logits(*sample(400, 5, true_temperature=3.0))
    crossed = cross_fit(TemperatureScaling, predictions)
    np.testing.assert_array_equal(crossed.outcomes.predicted, predictions.outcomes.predicted)
    assert calib.nll(crossed) < calib.nll(predictions)
    assert TemperatureScaling.fit(crossed).temperature == pytest.approx(1, abs=0.05)
    assert TemperatureScaling.fit(cross_fit(TemperatureScaling, crossed)).temperature == pytest.approx(1, abs=0.05)


def test_probabilities_are_cross_fitted_as_well() -> None:
    logits, labels = sample(80, 3)
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    probs = weights / weights.sum(axis=1, keepdims=True)
    crossed = cross_fit(TemperatureScaling, Predictions.from_probs(probs, labels))
    assert crossed.kind == "probs"
    from_logits = cross_fit(TemperatureScaling, Predictions.from_logits(logits, labels))
    np.testing.assert_allclose(np.asarray(crossed.beta), np.asarray(from_logits.beta), rtol=1e-9)
    np.testing.assert_allclose(crossed.outcomes.nll, from_logits.outcomes.nll, rtol=1e-8)


@pytest.mark.parametrize("folds", [1, 0, -1, 11])
def test_a_number_of_folds_that_cannot_be_is_refused(folds: int) -> None:
    with pytest.raises(InputError, match=f"between 2 and n = 10 folds, got {folds}"):
        cross_fit(TemperatureScaling, Predictions.from_logits(*sample(10, 2)), folds=folds)


def test_cross_fitted_predictions_are_read_only_like_any_others() -> None:
    assert not cross_fit(TemperatureScaling, Predictions.from_logits(*sample(10, 2))).values.flags.writeable
