"""The comparison in sentences: each lead, the evidence in it, and when there is none."""

import pandas as pd
import pytest

from calib.verdict import comparison_verdict

NONE = "No verdict: comparing needs a hard-target run (smoothing 0) and a smoothed one with the same seed."


def scores(
    hard: list[float],
    tuned: list[float],
    smoothed: dict[float, list[float]],
    *,
    gap: float = 0.1,
    nll: tuple[float, float, float] = (0.9, 0.5, 0.7),
    dataset: str = "digits",
    first_seed: int = 0,
) -> pd.DataFrame:
    """A score table with the given ECE by seed: of hard targets, with a temperature, and of each α without one."""
    arms = [(0.0, "uncalibrated", hard, nll[0], gap), (0.0, "temperature", tuned, nll[1], 0.0)]
    for alpha, values in smoothed.items():
        arms += [(alpha, "uncalibrated", values, nll[2], -gap), (alpha, "temperature", values, nll[2], 0.0)]
    rows = [
        {
            "run": f"{alpha}-{seed}",
            "model": f"{alpha}",
            "dataset": dataset,
            "smoothing": alpha,
            "seed": first_seed + seed,
            "calibrator": calibrator,
            "nll": loss,
            "ece": ece,
            "ece_null": 0.01,
            "ece_null_95": 0.02,
            "gap": arm_gap,
            "temperature": 1.0 if calibrator == "uncalibrated" else 2.0,
        }
        for alpha, calibrator, values, loss, arm_gap in arms
        for seed, ece in enumerate(values)
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("hard", "tuned", "smoothed", "lead"),
    [
        ([0.1, 0.1], [0.01, 0.02], {0.1: [0.03, 0.05]}, "A temperature works here, smoothing works at α = 0.1."),
        (
            [0.1, 0.1],
            [0.01, 0.02],
            {0.05: [0.03, 0.05], 0.2: [0.3, 0.3]},
            "A temperature works here, smoothing works at α = 0.05, smoothing harms at α = 0.2.",
        ),
        ([0.1, 0.1], [0.01, 0.02], {0.1: [0.15, 0.2]}, "A temperature works here, smoothing harms at α = 0.1."),
        ([0.1, 0.1], [0.01, 0.02], {0.1: [0.01, 0.2]}, "A temperature works here, smoothing is not shown to work."),
        ([0.1, 0.1], [0.01, 0.02], {0.1: [0.08, 0.09]}, "A temperature works here, smoothing is not shown to work."),
        ([0.1, 0.1], [0.01, 0.2], {0.1: [0.15, 0.2]}, "A temperature is not shown to work here, smoothing harms"),
        ([0.1, 0.1], [0.09, 0.09], {0.1: [0.01, 0.01]}, "A temperature is not shown to work here, smoothing works"),
        ([0.01, 0.02], [0.005, 0.005], {0.1: [0.1, 0.1]}, "Hard targets need no cure here, and smoothing harms at"),
        ([0.01, 0.02], [0.005, 0.005], {0.1: [0.015, 0.021]}, "Hard targets need no cure here."),
    ],
)
def test_each_cure_is_judged_on_its_own_in_every_seed_and_against_chance(
    hard: list[float], tuned: list[float], smoothed: dict[float, list[float]], lead: str
) -> None:
    assert comparison_verdict(scores(hard, tuned, smoothed)).startswith(lead)


def test_the_verdict_names_its_evidence() -> None:
    text = comparison_verdict(scores([0.1, 0.2], [0.01, 0.03], {0.05: [0.05, 0.3], 0.1: [0.06, 0.07]}))
    assert text == (
        "A temperature works here, smoothing works at α = 0.1. Hard targets alone have ECE 0.150 (overconfident by "
        "0.100; 0.010 by chance), a temperature of 2.00 makes it 0.020 (better in 2 of 2 seeds), smoothing without one "
        "0.175 at α = 0.05 (underconfident by 0.100; better in 1 of 2 seeds) and 0.065 at α = 0.1 (underconfident by "
        "0.100; better in 2 of 2 seeds). "
        "By NLL hard targets with a temperature (0.500) beat smoothing alone (0.700, 0.700) in 4 of 4 pairs of runs."
    )


def test_one_seed_is_named_as_one_seed() -> None:
    text = comparison_verdict(scores([0.1], [0.01], {0.1: [0.2]}, gap=-0.1, nll=(0.9, 0.8, 0.7)))
    assert text.startswith("One seed only: A temperature works here")
    assert "better in 1 of 1 seed)" in text
    assert "better in 0 of 1 seed)" in text
    assert "Hard targets alone have ECE 0.100 (underconfident by 0.100" in text
    assert text.endswith("in 0 of 1 pair of runs.")


def test_only_seeds_that_every_setting_has_are_compared() -> None:
    table = scores([0.1, 0.9], [0.01, 0.9], {0.1: [0.03, 0.9]})
    one = table[(table["seed"] == 0) | (table["smoothing"] == 0)]
    assert comparison_verdict(one) == comparison_verdict(table[table["seed"] == 0])


def test_the_temperature_of_smoothed_runs_plays_no_part() -> None:
    table = scores([0.1], [0.01], {0.1: [0.2]})
    changed = table.copy()
    changed.loc[(changed["smoothing"] > 0) & (changed["calibrator"] == "temperature"), ["ece", "nll"]] = 0.0
    assert comparison_verdict(changed) == comparison_verdict(table)


def test_runs_are_compared_within_one_setting_only() -> None:
    digits = scores([0.1], [0.01], {0.1: [0.05]})
    fashion = scores([0.1], [0.2], {0.1: [0.3]}, dataset="fashion")
    text = comparison_verdict(pd.concat([digits, fashion], ignore_index=True))
    assert text == f"{comparison_verdict(digits)} {comparison_verdict(fashion)}"
    assert "A temperature works here" in text
    assert "smoothing harms" in text


def test_seeds_are_paired_by_their_number_not_by_their_place() -> None:
    table = scores([0.1, 0.2], [0.01, 0.02], {0.1: [0.15, 0.05]})
    shuffled = table.sample(frac=1, random_state=1).reset_index(drop=True)
    assert comparison_verdict(shuffled).split(", smoothing")[1] == comparison_verdict(table).split(", smoothing")[1]
    assert "better in 1 of 2 seeds" in comparison_verdict(shuffled)


@pytest.mark.parametrize("missing", ["hard", "smoothed", "column", "seed"])
def test_without_a_pair_of_runs_there_is_no_verdict(missing: str) -> None:
    table = scores([0.1], [0.01], {0.1: [0.2]})
    if missing == "column":
        table = table.drop(columns="smoothing")
    elif missing == "seed":
        table.loc[table["smoothing"] > 0, "seed"] = 9
    else:
        table = table[(table["smoothing"] == 0) == (missing == "smoothed")]
    assert comparison_verdict(table) == NONE


def test_runs_whose_configuration_is_smoothing_and_seed_alone_can_be_compared() -> None:
    table = scores([0.1], [0.01], {0.1: [0.05]})
    assert comparison_verdict(table.drop(columns="dataset")) == comparison_verdict(table)


def test_one_seed_on_several_splits_is_paired_by_split() -> None:
    table = scores([0.1, 0.2], [0.01, 0.02], {0.1: [0.15, 0.05]})
    splits = table.assign(split_seed=table["seed"], seed=0)
    assert comparison_verdict(splits) == comparison_verdict(table)
