"""Score tables: one row a run and calibrator; means and deviations over seeds."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from calib.diagnosis import Diagnosis, diagnose
from calib.errors import InputError
from calib.predictions import Predictions
from calib.tables import METRICS, compare, score_table, settings

from .references import sample


def diagnosis(config: dict[str, Any] | None, seed: int = 0, *, split: bool = False) -> Diagnosis:
    provenance = {} if config is None else {"config": config}
    test = Predictions.from_logits(*sample(60, 3, seed=seed), provenance=provenance)
    calibration = Predictions.from_logits(*sample(40, 3, seed=seed + 100)) if split else None
    return diagnose(test, calibration)


def config(smoothing: float, seed: int = 0, **others: Any) -> dict[str, Any]:
    return {"dataset": "digits", "smoothing": smoothing, "seed": seed, **others}


def study(smoothings: tuple[float, ...] = (0.1, 0.0), seeds: int = 3) -> pd.DataFrame:
    return score_table(
        {
            f"a{alpha}-s{seed}": diagnosis(config(alpha, seed), seed + int(1000 * alpha))
            for alpha in smoothings
            for seed in range(seeds)
        }
    )


@pytest.mark.parametrize("split", [False, True])
def test_a_run_has_a_row_without_and_a_row_with_a_temperature(split: bool) -> None:
    result = diagnosis(config(0.1, seed=7), split=split)
    table = score_table({"mine": result})
    assert table["calibrator"].tolist() == ["uncalibrated", "temperature"]
    assert table["run"].tolist() == ["mine", "mine"]
    assert table["cross_fitted"].tolist() == [False, not split]
    assert table["n_calibration"].tolist() == [40 if split else 60] * 2
    assert table["temperature"].tolist() == [1.0, result.fitted.temperature]
    assert table["temperature_se"].tolist() == [0.0, result.fitted.standard_error]
    for row, report in zip(table.to_dict("records"), (result.uncalibrated, result.scaled), strict=True):
        assert {name: row[name] for name in report.to_dict()} == report.to_dict()
        assert row["debiased_ce"] == max(report.debiased_squared_ce, 0) ** 0.5
        assert (row["dataset"], row["smoothing"], row["seed"]) == ("digits", 0.1, 7)


@pytest.mark.parametrize(
    ("settings_of_run", "model"), [(config(0.1), "α = 0.1"), (config(0.0), "hard"), (None, "mine"), ({}, "mine")]
)
def test_a_model_is_named_by_its_smoothing_or_else_by_its_run(settings_of_run: Any, model: str) -> None:
    assert set(score_table({"mine": diagnosis(settings_of_run)})["model"]) == {model}


def test_an_empty_table_is_refused() -> None:
    with pytest.raises(InputError, match="no runs"):
        score_table({})


def test_compare_gives_means_and_sample_deviations_over_seeds() -> None:
    scores = study()
    table = compare(scores)
    assert table["model"].tolist() == ["hard", "hard", "α = 0.1", "α = 0.1"]
    assert table["calibrator"].tolist() == ["uncalibrated", "temperature"] * 2
    assert table["seeds"].tolist() == [3] * 4
    assert table["n"].tolist() == [60] * 4
    for row in table.to_dict("records"):
        chosen = scores[(scores["model"] == row["model"]) & (scores["calibrator"] == row["calibrator"])]
        for metric in METRICS:
            values = chosen[metric].to_numpy()
            assert row[metric] == pytest.approx(values.mean(), rel=1e-12)
            assert row[f"{metric}_sd"] == pytest.approx(np.sqrt(((values - values.mean()) ** 2).sum() / 2), abs=1e-12)


def test_one_seed_has_no_deviation() -> None:
    table = compare(study(seeds=1))
    assert table["seeds"].tolist() == [1] * 4
    assert table[[f"{metric}_sd" for metric in METRICS]].isna().all(axis=None)


def test_columns_of_the_configuration_stay_only_where_settings_differ() -> None:
    runs = {
        f"{noise}": diagnosis(config(0.0, label_noise=noise, epochs=3), seed) for seed, noise in enumerate((0.0, 0.4))
    }
    table = compare(score_table(runs))
    assert table["label_noise"].tolist() == [0.0, 0.0, 0.4, 0.4]
    assert not {"dataset", "epochs", "seed"} & set(table.columns)


def test_the_settings_are_the_configuration_without_the_seed() -> None:
    assert settings(study()) == ["model", "dataset", "smoothing"]


def test_a_setting_and_seed_that_come_twice_are_refused_by_name() -> None:
    result = diagnosis(config(0.1))
    with pytest.raises(InputError, match="run again repeats the setting and seed"):
        compare(score_table({"once": result, "again": result}))


def test_runs_of_calib_and_files_of_others_share_a_table() -> None:
    table = compare(score_table({"trained": diagnosis(config(0.1)), "file": diagnosis(None), "other": diagnosis(None)}))
    assert table["model"].tolist() == ["α = 0.1"] * 2 + ["file"] * 2 + ["other"] * 2
    assert table["seeds"].tolist() == [1] * 6


def test_rows_are_sorted_by_smoothing_and_calibrators_stay_in_their_order() -> None:
    table = compare(study((0.2, 0.05, 0.0), seeds=1))
    assert table["model"].drop_duplicates().tolist() == ["hard", "α = 0.05", "α = 0.2"]
    assert table["calibrator"].tolist() == ["uncalibrated", "temperature"] * 3


def test_test_sets_of_one_setting_are_averaged_not_pooled() -> None:
    scores = study((0.0,), seeds=2)
    scores.loc[scores["seed"] == 1, "ece"] = 0.5
    scores.loc[scores["seed"] == 0, "ece"] = 0.1
    assert compare(scores)["ece"].tolist() == pytest.approx([0.3, 0.3])


def test_a_score_table_is_not_changed_by_comparing() -> None:
    scores = study()
    before = scores.copy()
    compare(scores)
    pd.testing.assert_frame_equal(scores, before)


def test_a_run_that_could_not_be_scaled_has_no_temperature() -> None:
    logits, _ = sample(30, 3)
    table = score_table({"easy": diagnose(Predictions.from_logits(logits, logits.argmax(axis=1)))})
    assert table["temperature"].tolist()[0] == 1.0
    assert np.isnan(table["temperature"].tolist()[1])
    assert np.isnan(table["temperature_se"].tolist()[1])


def test_the_reports_in_a_table_are_those_of_the_bins_asked_for() -> None:
    result = diagnosis(None)
    table = score_table({"mine": replace(result, uncalibrated=replace(result.uncalibrated, n_bins=3))})
    assert table["n_bins"].tolist() == [3, 15]


def test_further_calibrators_have_rows_of_their_own_after_the_temperature() -> None:
    runs = {f"s{seed}": diagnosis(config(0.0, seed), seed) for seed in range(2)}
    reports = {run: {"vector": one.uncalibrated} for run, one in runs.items()}
    scores = score_table(runs, reports)
    assert scores["calibrator"].tolist() == ["uncalibrated", "temperature", "vector"] * 2
    added = scores[scores["calibrator"] == "vector"]
    assert added["nll"].tolist() == [one.uncalibrated.nll for one in runs.values()]
    assert added[["temperature", "temperature_se"]].isna().all(axis=None)
    assert not added["cross_fitted"].any()
    assert compare(scores)["seeds"].tolist() == [2, 2, 2]


def test_runs_that_differ_in_seed_and_split_are_of_one_setting() -> None:
    runs = {f"{seed}": diagnosis(config(0.1, seed, split_seed=seed), seed) for seed in range(3)}
    table = compare(score_table(runs))
    assert table["seeds"].tolist() == [3, 3]
    assert "split_seed" not in table


def test_one_seed_on_two_splits_is_two_runs_and_twice_on_one_split_is_refused() -> None:
    runs = {f"{split}": diagnosis(config(0.1, 0, split_seed=split), split) for split in range(2)}
    assert compare(score_table(runs))["seeds"].tolist() == [2, 2]
    again = {**runs, "again": diagnosis(config(0.1, 0, split_seed=1), 1)}
    with pytest.raises(InputError, match="run again repeats"):
        compare(score_table(again))


def test_a_debiased_error_below_zero_is_zero_and_an_unknown_one_unknown() -> None:
    result = diagnosis(None)
    below, unknown = (replace(result.uncalibrated, debiased_squared_ce=value) for value in (-0.01, math.nan))
    table = score_table({"mine": result}, {"mine": {"below": below, "unknown": unknown}}).set_index("calibrator")
    assert table["debiased_ce"]["below"] == 0
    assert math.isnan(table["debiased_ce"]["unknown"])
