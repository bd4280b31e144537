"""Means over seeds keep settings apart, know no sd of one seed, and refuse a seed that comes twice."""

import math

import pandas as pd
import pytest

from calib.errors import InputError
from calib.studies._means import mean_over_seeds, mean_sd, readable_means

TABLE = pd.DataFrame(
    {
        "run": ["a", "b", "c", "d"],
        "model": ["hard", "hard", "α = 0.1", "α = 0.1"],
        "noise": [None, None, None, None],
        "seed": [0, 1, 0, 1],
        "ece": [0.1, 0.3, 0.2, 0.2],
        "optimum": [math.inf, math.inf, 4.5, math.nan],
    }
)


def test_means_and_sample_deviations_are_of_one_setting_in_the_order_of_the_table() -> None:
    means = mean_over_seeds(TABLE, ["model", "noise"])
    assert means["model"].tolist() == ["hard", "α = 0.1"]
    assert means["seeds"].tolist() == [2, 2]
    assert means["ece"].tolist() == pytest.approx([0.2, 0.2])
    assert means["ece_sd"].tolist() == pytest.approx([math.sqrt(0.02), 0.0])
    assert math.isinf(means["optimum"].iloc[0])
    assert "seed" not in means
    assert mean_over_seeds(TABLE[:1], ["model"])["ece_sd"].isna().all()


def test_a_setting_and_seed_that_come_twice_are_refused() -> None:
    with pytest.raises(InputError, match="a repeats the setting and seed"):
        mean_over_seeds(pd.concat([TABLE, TABLE[:1]]), ["model"])


def test_cells_have_no_nan() -> None:
    shown = {"ece": ("ECE", 2), "optimum": ("best", 1)}
    table = readable_means(mean_over_seeds(TABLE, ["model"]), {"name": ["a", "b"]}, shown, counted="pairs")
    assert table.to_dict("list") == {
        "name": ["a", "b"],
        "pairs": ["2", "2"],
        "ECE": ["0.20 ± 0.14", "0.20 ± 0.00"],
        "best": ["∞", "4.5 (1 of 2)"],
    }
    assert mean_sd(math.nan, 0.1, 2) == "–"
