"""Faults that reviewers found, each once: they must not come back."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calib
from calib.calibrators._base import from_one_vs_rest
from calib.calibrators.comparison import compare_calibrators
from calib.calibrators.grouped import GroupedCalibrator
from calib.errors import InputError
from calib.predictions import Predictions

from .references import sample


def log(confidence: Any, correct: Any, weight: Any) -> calib.Outcomes:
    return calib.Outcomes.from_confidence(confidence, correct, sample_weight=weight)


def test_a_periodic_pattern_of_weights_does_not_stop_the_fit_of_large_data() -> None:
    logits, labels = sample(60_000, 10)
    weight = np.ones(60_000)
    weight[:: 60_000 // 10_000] = 0
    fitted = calib.TemperatureScaling.fit(Predictions.from_logits(logits, labels, sample_weight=weight))
    rest = calib.TemperatureScaling.fit(Predictions.from_logits(logits[weight > 0], labels[weight > 0]))
    assert fitted.temperature == pytest.approx(rest.temperature, rel=1e-9)


def test_a_report_survives_weights_of_any_range() -> None:
    probs = np.r_[[[0.5, 0.5]], np.full((99, 2), [0.9, 0.1])]
    report = calib.evaluate(Predictions.from_probs(probs, np.zeros(100, int), sample_weight=[1e-200, *[1.0] * 99]))
    assert 0 < report.ece_null < report.ece_null_95 < 0.1


def test_float32_noise_is_not_taken_for_the_shape_of_nll() -> None:
    for seed in (5, 6, 7):
        rng = np.random.default_rng(seed)
        logits, targets = np.round(rng.normal(size=(300, 1000)) * 4) / 4, rng.dirichlet(np.full(1000, 0.3), 300)
        labels = np.zeros(300, int)
        narrow, wide = (
            calib.TemperatureScaling.fit(Predictions.from_logits(logits.astype(dtype), labels), targets=targets)
            for dtype in (np.float32, np.float64)
        )
        assert narrow.temperature == pytest.approx(wide.temperature, rel=1e-9)


def test_the_interval_of_a_nearly_separable_temperature_has_ends() -> None:
    for light in (1e-10, 1e-100, 1e-300):
        weight = [1.0] * 30 + [light] * 10
        predictions = Predictions.from_logits([[2.0, 0.0]] * 40, [0] * 30 + [1] * 10, sample_weight=weight)
        interval = calib.temperature_interval(predictions)
        assert 0 <= interval.low < interval.estimate < interval.high == pytest.approx(0.736293143145)


def test_rows_of_weight_zero_change_no_platt_scaling() -> None:
    plain = calib.PlattScaling.fit(Predictions.from_probs([0.1, 0.4, 0.6, 0.9], [0, 1, 0, 1]))
    weight = [1.0] * 4 + [0.0] * 96
    more = Predictions.from_probs([0.1, 0.4, 0.6, 0.9] + [1.0] * 96, [0, 1, 0, 1] + [0] * 96, sample_weight=weight)
    assert calib.PlattScaling.fit(more) == plain


def test_counts_of_rows_are_those_of_the_last_transform_and_add_up_over_folds() -> None:
    predictions = Predictions.from_logits(*sample(40, 8, seed=261))
    once = calib.IsotonicCalibration.fit(predictions).transform(predictions)
    table = compare_calibrators(once, methods=["temperature", "isotonic"]).table
    assert table["fallback_rows"][1] == 0
    assert calib.cross_fit(Empty, once).provenance["fallback_rows"] == 40


class Empty:
    """A one-vs-rest method that leaves every row empty."""

    @classmethod
    def fit(cls, predictions: Predictions, *, targets: Any = None) -> "Empty":
        return cls()

    def transform(self, predictions: Predictions) -> Predictions:
        return from_one_vs_rest(predictions, np.zeros(predictions.values.shape))


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_the_scale_of_weights_means_nothing_to_rankings_and_corp(scale: float) -> None:
    columns = [0.9, 0.6, 0.3], [1, 0, 1]
    heavy, plain = log(*columns, [scale] * 3), log(*columns, None)
    assert calib.auroc(heavy) == calib.auroc(plain)
    assert calib.corp(heavy).uncertainty == pytest.approx(calib.corp(plain).uncertainty)
    assert calib.corp(heavy).count == pytest.approx(calib.corp(plain).count * scale)


def test_tiny_logits_have_a_temperature() -> None:
    logits = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    plain, tiny = (calib.TemperatureScaling.fit(Predictions.from_logits(logits * s, [0, 1, 1])) for s in (1.0, 1e-155))
    assert tiny.temperature == pytest.approx(plain.temperature * 1e-155)
    assert tiny.standard_error == pytest.approx(plain.standard_error * 1e-155)


def test_scores_that_say_nothing_are_worse_than_chance_whatever_rounding_leaves() -> None:
    for seed in range(20):
        logits = np.repeat(np.random.default_rng(seed).normal(size=(7, 5)), 5, axis=0)
        fitted = calib.TemperatureScaling.fit(Predictions.from_logits(logits, np.tile(np.arange(5), 7)))
        assert fitted.status == "worse than chance"


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("temperature", {"temperature": 10**400}),
        (
            "isotonic",
            {
                "edges": {"items": [{"array": [0.0], "shape": [1]}]},
                "values": {"items": [{"array": [0.9, 0.1], "shape": [2]}]},
                "n_classes": 2,
            },
        ),
        (
            "isotonic",
            {
                "edges": {"items": [{"array": [0.0], "shape": [1]}]},
                "values": {"items": [{"array": [0.1, 0.9], "shape": [2]}]},
                "n_classes": 2,
                "method": "xyz",
            },
        ),
        (
            "spline",
            {"confidence": {"array": [0.9, 0.1], "shape": [2]}, "recalibrated": {"array": [0.1, 0.9], "shape": [2]}},
        ),
    ],
)
def test_a_file_whose_numbers_make_no_map_is_refused(method: str, parameters: Any, tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_text(json.dumps({"format": 1, "method": method, "parameters": parameters}))
    with pytest.raises(InputError):
        calib.load_calibrator(path)


def test_groups_that_cannot_be_written_are_refused_in_words(tmp_path: Path) -> None:
    for name in (float("inf"), np.datetime64("2020-01-01").item()):
        grouped = GroupedCalibrator({name: calib.PlattScaling(1.0, 0.0)})
        with pytest.raises(InputError, match="numbers and words alone"):
            calib.save_calibrator(grouped, tmp_path / "c.json")
    assert not (tmp_path / "c.json").exists()


def test_groups_with_calibrators_of_different_kinds_keep_their_distributions() -> None:
    predictions = Predictions.from_logits(*sample(60, 2))
    groups = np.repeat(["a", "b"], 30)
    mixed = GroupedCalibrator({"a": calib.PlattScaling(1.0, 0.0), "b": calib.HistogramBinning.fit(predictions)})
    after = mixed.transform(predictions, groups)
    for name, rows in (("a", slice(0, 30)), ("b", slice(30, 60))):
        alone = mixed.calibrators[name].transform(predictions[rows])
        np.testing.assert_allclose(after[rows].outcomes.confidence, alone.outcomes.confidence, rtol=1e-12)


def test_an_infinite_loss_of_weight_zero_is_not_counted() -> None:
    logits, labels = sample(100, 3)
    logits[:20] = [0.0, -np.inf, -np.inf]
    labels[:20] = 1
    weighted = Predictions.from_logits(logits, labels, sample_weight=np.repeat([0.0, 1.0], [20, 80]))
    found = compare_calibrators(weighted, methods=["temperature"])
    assert found.table["infinite_nll"].tolist() == [0, 0]
    assert np.isfinite(found.table["nll_change"]).all()


def test_targets_count_as_distributions_though_rounding_spoilt_their_sums() -> None:
    logits, labels = sample(300, 4)
    targets = np.random.default_rng(0).dirichlet(np.ones(4), 300) / 2 + np.eye(4)[labels] / 2
    predictions = Predictions.from_logits(logits, labels)
    exact, off = (calib.TemperatureScaling.fit(predictions, targets=targets * s) for s in (1.0, 1.003))
    assert off.temperature == pytest.approx(exact.temperature, rel=1e-12)


def test_the_objective_is_told_and_targets_refused_whatever_the_data() -> None:
    separable = Predictions.from_logits(np.eye(3), [0, 1, 2])
    assert calib.TemperatureScaling.fit(separable, objective="brier").objective == "brier"
    with pytest.raises(InputError, match="takes no soft targets"):
        calib.TemperatureScaling.fit(separable, targets=np.eye(3), objective="brier")


@pytest.mark.parametrize(
    "work",
    [
        lambda: Predictions.from_probs(np.array([], dtype=object), []),
        lambda: Predictions.from_logits([[10**400, 0]], [0]),
        lambda: Predictions.from_logits(np.array([[1j, 0]], object), [0]),
        lambda: Predictions.from_logits([np.ma.masked_array([1.0, 2.0], mask=[True, False]), [1.0, 2.0]], [0, 1]),
        lambda: calib.cross_fit(calib.TemperatureScaling, np.eye(3)),  # type: ignore[arg-type]
        lambda: calib.cross_fit(calib.TemperatureScaling, Predictions.from_logits(np.eye(3), [0, 1, 2]), folds=2.5),  # type: ignore[arg-type]
        lambda: compare_calibrators(Predictions.from_logits([[1.0, 0.0]], [0])),
    ],
)
def test_what_cannot_be_is_refused_in_words(work: Callable[[], Any]) -> None:
    with pytest.raises(InputError):
        work()


def test_bayesian_binning_of_separable_data_stays_within_one() -> None:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 5, 2000)
    logits = rng.normal(0, 1, (2000, 5))
    logits[np.arange(2000), labels] += 40
    fitted = calib.BayesianBinning.fit(Predictions.from_logits(logits, labels))
    assert all(value.max() <= 1 for value in fitted.values)


def test_what_nothing_changes_has_no_change() -> None:
    logits, _ = sample(300, 3)
    unfit = Predictions.from_logits(logits, logits.argmax(axis=1))
    table = compare_calibrators(unfit, unfit[:200], methods=["temperature"]).table
    for loss in ("nll", "brier", "ece"):
        assert (
            table[[f"{loss}_change", f"{loss}_change_low", f"{loss}_change_high"]].to_numpy().tolist()
            == [[0.0] * 3] * 2
        )
    same = calib.ece_difference_interval(unfit, unfit)
    assert (same.estimate, same.low, same.high) == (0, 0, 0)


def test_a_change_from_infinity_to_infinity_is_unknown_and_zeros_are_warned_about() -> None:
    probs = np.array([[1.0, 0.0, 0.0], [0.2, 0.8, 0.0], [0.1, 0.2, 0.7]] * 40)
    labels = np.array([1, 1, 2] + [0, 1, 2] * 39)
    found = compare_calibrators(Predictions.from_probs(probs, labels), methods=["temperature", "vector"])
    assert found.table["nll"][1] == np.inf
    assert np.isnan(found.table["nll_change"][1])
    assert any("vector: 1 calibration labels have probability 0" in warning for warning in found.warnings)


def test_methods_go_by_name_and_what_is_none_is_refused() -> None:
    predictions = Predictions.from_logits(*sample(60, 3))
    by_name, by_class = (calib.cross_fit(m, predictions) for m in ("temperature", calib.TemperatureScaling))
    np.testing.assert_array_equal(by_name.beta, by_class.beta)
    groups = np.arange(60) % 2
    assert set(calib.GroupedCalibrator.fit("temperature", predictions, groups).calibrators) == {0, 1}
    for wrong in (calib.TemperatureScaling(2.0), predictions, calib.MaxLogitPNorm):
        with pytest.raises(InputError, match="a method is a class or its name"):
            calib.cross_fit(wrong, predictions)  # type: ignore[arg-type]


def test_predictions_say_their_probabilities_with_the_temperature_they_carry() -> None:
    predictions = Predictions.from_logits([[2.0, 0.0], [0.0, -np.inf]], [0, 0])
    scaled = calib.TemperatureScaling(2.0).transform(predictions)
    np.testing.assert_allclose(scaled.probs, [[1 / (1 + np.exp(-1)), 1 / (1 + np.exp(1))], [1.0, 0.0]])
    given = Predictions.from_probs([[0.25, 0.75]], [0])
    assert given.probs.tolist() == [[0.25, 0.75]]


def test_new_predictions_need_no_labels_to_be_calibrated(tmp_path: Path) -> None:
    from calib.files.npz import load_predictions

    path = tmp_path / "new.npz"
    np.savez(path, logits=np.array([[2.0, 0.0], [0.0, 1.0]]))
    with pytest.raises(InputError, match="must hold `labels`"):
        load_predictions(path)
    calib.TemperatureScaling(2.0).transform(load_predictions(path, unlabelled=True)).save(tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz") as saved:
        assert "labels" not in saved.files
        assert saved["beta"] == 0.5
