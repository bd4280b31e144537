"""The table of differences holds both inferences, corrects the one, and the verdict says what it holds."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import calib
from calib.errors import InputError
from calib.seed_inference import METRICS, holm, over_examples, over_seeds
from calib.studies.smoothing_differences import differences, readable_differences
from calib.studies.smoothing_verdict import differences_verdict

from .arms import comparison

RESULT = comparison((0.0, 0.05, 0.1), calibrators=("vector",))
TABLE = differences(RESULT)


def row(table: pd.DataFrame, alpha: float, calibrator: str, metric: str) -> dict[str, Any]:
    chosen = (table["smoothing"] == alpha) & (table["calibrator"] == calibrator) & (table["metric"] == metric)
    (found,) = table[chosen].to_dict("records")
    return {str(name): value for name, value in found.items()}


def test_every_arm_but_the_reference_has_a_row_a_metric() -> None:
    assert len(TABLE) == (3 * 3 - 1) * len(METRICS)
    assert not ((TABLE["smoothing"] == 0) & (TABLE["calibrator"] == "temperature")).any()
    assert TABLE["metric"].tolist()[: len(METRICS)] == list(METRICS)
    assert TABLE["smoothing"].is_monotonic_increasing


@pytest.mark.parametrize(
    ("alpha", "calibrator", "metric"),
    [
        (0.1, "uncalibrated", "nll"),
        (0.05, "temperature", "ece"),
        (0.0, "vector", "accuracy"),
        (0.0, "uncalibrated", "aurc"),
    ],
)
def test_a_row_is_the_two_inferences_on_the_runs_of_that_arm(alpha: float, calibrator: str, metric: Any) -> None:
    found = row(TABLE, alpha, calibrator, metric)
    arm = {seed: RESULT.predictions(f"a{alpha:g}-s{seed}", calibrator) for seed in range(3)}
    base = {seed: RESULT.diagnoses[f"a0-s{seed}"].after for seed in range(3)}
    measure = getattr(calib, metric)
    seeds = over_seeds({s: measure(arm[s]) for s in arm}, {s: measure(base[s]) for s in base})
    examples = over_examples(arm, base, metric)
    assert found["difference"] == pytest.approx(seeds.estimate)
    assert found["difference"] == pytest.approx(examples.estimate)
    assert (found["seeds_low"], found["seeds_high"]) == pytest.approx((seeds.low, seeds.high), nan_ok=True)
    assert (found["df"], found["seeds"], found["n"]) == (2, 3, 400)
    assert found["p"] == pytest.approx(seeds.p_value, nan_ok=True)
    assert (found["examples_low"], found["examples_high"]) == pytest.approx((examples.low, examples.high))
    assert found["examples_shared"]
    assert found["examples_tell"] == (examples.low > 0 or examples.high < 0)


def test_holm_corrects_every_alpha_and_metric_of_one_calibrator() -> None:
    for calibrator, size in (("uncalibrated", 15), ("temperature", 10), ("vector", 15)):
        family = TABLE[TABLE["calibrator"] == calibrator]
        assert len(family) == size
        assert family["family"].tolist() == [int(family["p"].notna().sum())] * size
        expected = holm(family["p"].to_numpy())
        assert family["p_holm"].tolist() == pytest.approx(expected.adjusted.tolist(), nan_ok=True)
        assert family["seeds_tell"].tolist() == expected.rejected.tolist()
    assert (TABLE["p_holm"].dropna() >= TABLE["p"].dropna() - 1e-15).all()


def test_worse_counts_the_seeds_in_which_the_arm_loses() -> None:
    assert row(TABLE, 0.1, "uncalibrated", "nll")["worse"] == 3
    accuracy = row(TABLE, 0.1, "uncalibrated", "accuracy")
    assert accuracy["difference"] < 0
    assert accuracy["worse"] == 3  # lower is worse here
    assert row(TABLE, 0.0, "uncalibrated", "accuracy")["worse"] == 0  # a temperature changes no prediction


def test_intervals_on_either_side_of_zero_tell() -> None:
    below, above = row(TABLE, 0.1, "uncalibrated", "accuracy"), row(TABLE, 0.1, "uncalibrated", "nll")
    assert below["examples_high"] < 0 < above["examples_low"]
    assert below["examples_tell"]
    assert above["examples_tell"]


def test_seeds_with_test_examples_of_their_own_are_known_as_such() -> None:
    table = differences(comparison(own_rows=True))
    assert not table["examples_shared"].any()
    assert np.isfinite(table["examples_low"]).all()


def test_one_seed_has_examples_to_go_by_and_nothing_else() -> None:
    table = differences(comparison(seeds=(5,)))
    assert table["p"].isna().all()
    assert not table["seeds_tell"].any()
    assert table["family"].tolist() == [0] * len(table)
    assert row(table, 0.1, "uncalibrated", "nll")["examples_tell"]
    text = differences_verdict(table, "toy")
    assert text.startswith("On toy there is one seed only, which tells nothing of other seeds. Over test examples")
    shown = readable_differences(table)
    assert set(shown["over seeds (t, 0 df)"]) == {"–"}
    assert set(shown["p (Holm)"]) == {"–"}


def test_without_hard_targets_or_with_mixed_settings_there_is_nothing_to_say() -> None:
    with pytest.raises(InputError, match="no run with hard targets"):
        differences(comparison((0.05, 0.1)))
    mixed = comparison(seeds=(0,))
    scores = pd.concat([mixed.scores, mixed.scores.assign(dataset="other", seed=1)])
    with pytest.raises(InputError, match="the runs differ in dataset"):
        differences(replace(mixed, scores=scores))
    with pytest.raises(InputError, match="no run with hard targets"):
        differences(replace(mixed, scores=mixed.scores.drop(columns="smoothing")))


def test_seeds_that_hard_targets_lack_are_left_out() -> None:
    full = comparison()
    scores = full.scores[~((full.scores["smoothing"] == 0) & (full.scores["seed"] == 2))]
    table = differences(replace(full, scores=scores))
    assert set(table["seeds"]) == {2}
    assert set(table["df"]) == {1}


def test_infinite_losses_are_shown_as_such() -> None:
    full = comparison()
    scores = full.scores.copy()
    scores.loc[scores["calibrator"] == "uncalibrated", "nll"] = math.inf
    table = differences(replace(full, scores=scores))
    found = row(table, 0.1, "uncalibrated", "nll")
    assert found["difference"] == math.inf
    assert math.isnan(found["p_holm"])
    assert "+inf" in readable_differences(table)["difference"].tolist()


# the words


def rows(*changes: dict[str, Any]) -> pd.DataFrame:
    """A table of one arm, three metrics, nothing told apart but by ``changes``."""
    base = {
        "model": "α = 0.1",
        "smoothing": 0.1,
        "calibrator": "uncalibrated",
        "n": 10_000,
        "seeds": 4,
        "df": 3,
        "worse": 2,
        "difference": 0.001,
        "seeds_low": -0.01,
        "seeds_high": 0.012,
        "seeds_tell": False,
        "examples_low": -0.01,
        "examples_high": 0.012,
        "examples_tell": False,
        "examples_shared": True,
        "p_holm": 0.4,
    }
    metrics = ("nll", "ece", "accuracy")
    given = [{**base, "metric": metric} for metric in metrics]
    for change in changes:
        given[metrics.index(change["metric"])] |= change
    return pd.DataFrame(given)


NLL = {
    "metric": "nll",
    "difference": 0.0586,
    "seeds_low": 0.0431,
    "seeds_high": 0.0741,
    "seeds_tell": True,
    "examples_low": 0.05,
    "examples_high": 0.067,
    "examples_tell": True,
}


def test_the_verdict_names_its_evidence() -> None:
    assert differences_verdict(rows(NLL), "toy") == (
        "On toy, over 4 seeds (t, 3 df, 95 %; told apart after Holm): hard + T beats α = 0.1 by 0.059 NLL "
        "[0.043, 0.074], ECE and accuracy not distinguishable. Over test examples, given these networks (n = 10,000; "
        "95 %, without correction): hard + T beats α = 0.1 by 0.059 NLL [0.050, 0.067], ECE and accuracy not "
        "distinguishable."
    )


def test_smoothing_may_win() -> None:
    better = {"seeds_low": -0.03, "seeds_high": -0.01, "difference": -0.02, "seeds_tell": True, "metric": "ece"}
    more_right = {
        "seeds_low": 0.001,
        "seeds_high": 0.009,
        "difference": 0.005,
        "seeds_tell": True,
        "metric": "accuracy",
    }
    text = differences_verdict(rows(NLL, better, more_right), "toy").split(" Over test")[0]
    assert text.endswith(
        "hard + T beats α = 0.1 by 0.059 NLL [0.043, 0.074], α = 0.1 beats hard + T by 0.020 ECE [0.010, 0.030] and "
        "0.005 accuracy [0.001, 0.009]."
    )


def test_arms_that_nothing_tells_apart_are_named_once() -> None:
    table = pd.concat([rows(), rows().assign(calibrator="temperature"), rows(NLL).assign(model="α = 0.2")])
    text = differences_verdict(table, "toy").split(" Over test")[0]
    assert "hard + T beats α = 0.2 by 0.059 NLL" in text
    assert text.endswith("; nothing of NLL, ECE and accuracy tells α = 0.1 and α = 0.1 + T from hard + T.")


def test_hard_targets_and_further_calibrators_are_not_judged() -> None:
    assert differences_verdict(rows(NLL).assign(smoothing=0.0), "toy") == ""
    assert differences_verdict(rows(NLL).assign(calibrator="vector"), "toy") == ""


def test_examples_of_each_seed_s_own_are_counted_a_seed() -> None:
    assert "(n = 10,000 a seed; 95 %" in differences_verdict(rows().assign(examples_shared=False), "toy")


def test_the_readable_table_marks_what_tells() -> None:
    shown = readable_differences(rows(NLL))
    assert shown.iloc[0].tolist() == [
        "α = 0.1", "NLL", "+0.059", "+0.043 … +0.074*", "0.4", "2 of 4", "+0.050 … +0.067*",
    ]  # fmt: skip
    assert list(shown.columns) == [
        "model", "metric", "difference", "over seeds (t, 3 df)", "p (Holm)", "worse", "over examples",
    ]  # fmt: skip
    assert shown["over examples"].tolist()[1:] == ["-0.010 … +0.012"] * 2
