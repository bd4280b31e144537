"""Temperature scaling with weights, soft targets, other objectives; robust errors and held-out folds."""

import math
from typing import Any

import numpy as np
import pytest

import calib
from calib.calibrators.cross_fit import cross_fit_with_fits
from calib.calibrators.temperature import TemperatureScaling
from calib.errors import InputError
from calib.predictions import Predictions

from ..references import sample
from .test_temperature import fit


@pytest.mark.parametrize("kept", [0, 10**9])
def test_weights_are_repetitions_for_t_and_their_scale_is_nothing(kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calib.calibrators._likelihood.KEPT_ENTRIES", kept)
    logits, labels = sample(300, 4)
    times = np.random.default_rng(0).integers(0, 4, 300)
    repeated = fit(np.repeat(logits, times, axis=0), np.repeat(labels, times))
    for scale in (1.0, 1e-9, 1e290):
        weighted = Predictions.from_logits(logits, labels, sample_weight=times * scale)
        got = TemperatureScaling.fit(weighted)
        assert got.temperature == pytest.approx(repeated.temperature, rel=1e-9)
        assert got.nll_before == pytest.approx(repeated.nll_before, rel=1e-9)
        assert got.nll_after == pytest.approx(calib.nll(got.transform(weighted)), rel=1e-9)
        effective = times.sum() ** 2 / (times**2).sum()
        assert got.standard_error == pytest.approx(repeated.standard_error * math.sqrt(times.sum() / effective))


def test_an_impossible_label_of_weight_zero_does_no_harm() -> None:
    logits, labels = sample(100, 3)
    logits[4, labels[4]] = -np.inf
    weight = np.ones(100)
    weight[4] = 0
    got = TemperatureScaling.fit(Predictions.from_logits(logits, labels, sample_weight=weight))
    assert got.temperature == pytest.approx(fit(np.delete(logits, 4, 0), np.delete(labels, 4)).temperature, rel=1e-10)


@pytest.mark.parametrize("k", [3, 40])
def test_soft_targets_are_labels_in_parts(k: int) -> None:
    logits, labels = sample(200, k)
    targets = np.random.default_rng(0).dirichlet(np.ones(k), 200)
    targets[:50] = np.eye(k)[labels[:50]]
    logits[60, 1], targets[60, 1] = -np.inf, 0.0
    targets /= targets.sum(axis=1, keepdims=True)
    parts = Predictions.from_logits(
        np.repeat(logits, k, axis=0), np.tile(np.arange(k), 200), sample_weight=targets.ravel()
    )
    fitted = TemperatureScaling.fit(Predictions.from_logits(logits, labels), targets=targets)
    assert fitted.status == "ok"
    assert fitted.temperature == pytest.approx(TemperatureScaling.fit(parts).temperature, rel=1e-9)
    assert fitted.nll_after == pytest.approx(TemperatureScaling.fit(parts).nll_after, rel=1e-9)
    one_hot = TemperatureScaling.fit(Predictions.from_logits(logits, labels), targets=np.eye(k)[labels])
    assert one_hot.temperature == pytest.approx(fit(logits, labels).temperature, rel=1e-10)


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (np.ones((5, 3)), "row 0 sums to 3"),
        (np.ones((5, 2)) / 2, r"shape \(5, 3\)"),
        (np.full((5, 3), np.nan), "row 0 sums to nan"),
        ([["a"] * 3] * 5, "must be numbers"),
    ],
)
def test_targets_that_are_no_distributions_are_refused(targets: Any, message: str) -> None:
    predictions = Predictions.from_logits(*sample(5, 3))
    with pytest.raises(InputError, match=message):
        TemperatureScaling.fit(predictions, targets=targets)


@pytest.mark.parametrize("noise", [0.1, 0.3])
def test_the_robust_standard_error_holds_where_the_model_is_wrong(noise: float) -> None:
    fits = []
    for seed in range(300):
        logits, labels = sample(400, 4, true_temperature=0.6, seed=seed)
        noisy = np.random.default_rng(seed).random(400) < noise
        labels = np.where(noisy, logits.argmin(axis=1), labels)  # no temperature explains these
        fits.append(fit(logits, labels))
    spread = np.std([each.temperature for each in fits], ddof=1)
    robust, informed = (np.mean([getattr(f, n) for f in fits]) for n in ("robust_standard_error", "standard_error"))
    assert robust == pytest.approx(spread, rel=0.16)
    assert abs(informed / spread - 1) > abs(robust / spread - 1)


@pytest.mark.parametrize("objective", ["brier", "ece"])
def test_other_objectives_are_minimised_and_say_so(objective: Any) -> None:
    predictions = Predictions.from_logits(*sample(2000, 4, true_temperature=2.0))
    fitted = TemperatureScaling.fit(predictions, objective=objective)
    metric = {"brier": calib.brier, "ece": calib.ece}[objective]
    assert fitted.objective == objective
    assert math.isnan(fitted.standard_error)
    lowest = metric(fitted.transform(predictions))
    assert all(
        lowest <= metric(TemperatureScaling(t).transform(predictions)) + 1e-9 for t in np.geomspace(0.1, 30, 200)
    )
    assert fitted.nll_after == calib.nll(fitted.transform(predictions))
    assert fitted.nll_after >= TemperatureScaling.fit(predictions).nll_after


def test_objectives_that_are_none_are_refused() -> None:
    predictions = Predictions.from_logits(*sample(50, 3))
    with pytest.raises(InputError, match="objective must be"):
        TemperatureScaling.fit(predictions, objective="mse")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="takes no soft targets"):
        TemperatureScaling.fit(predictions, objective="ece", targets=np.eye(3)[predictions.labels])


def test_an_objective_that_falls_without_end_gives_no_temperature() -> None:
    # The scores rank within rows but their size misleads: the Brier score is best where nothing is claimed.
    rng = np.random.default_rng(0)
    logits = np.zeros((400, 2))
    logits[:, 0] = np.where(np.arange(400) < 20, 40.0, -0.01)
    labels = np.where(np.arange(400) < 20, 0, rng.integers(0, 2, 400))
    fitted = TemperatureScaling.fit(Predictions.from_logits(logits, labels), objective="ece")
    assert fitted.status in ("ok", "no lowest point")
    assert fitted.temperature == 1.0 or fitted.status == "ok"


def test_each_folds_held_out_nll_is_at_least_its_own_optimum() -> None:
    predictions = Predictions.from_logits(*sample(500, 5, true_temperature=1.8))
    scaled, fits = cross_fit_with_fits(TemperatureScaling, predictions)
    for part in {float(beta) for beta in np.asarray(scaled.beta)}:
        rows = np.asarray(scaled.beta) == part
        assert calib.nll(scaled[rows]) >= TemperatureScaling.fit(predictions[rows]).nll_after - 1e-12
    assert len({f.temperature for f in fits}) == 5
