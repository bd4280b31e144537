"""ECE against the number of bins is ECE of those bins, and chance's part is drawn on the same bins."""

from typing import Any

import numpy as np
import pytest

import calib
from calib.binning import bins_of
from calib.errors import InputError
from calib.sensitivity import BINS, ece_sensitivity

from .references import sample

PREDICTIONS = calib.Predictions.from_logits(*sample(400, 4, scale=2.0))


def test_every_row_is_the_ece_of_its_bins_and_its_chance() -> None:
    table = ece_sensitivity(PREDICTIONS, bins=(7, 15), resamples=200, seed=5)
    assert table[["binning", "n_bins"]].to_numpy().tolist() == [
        ["equal-width", 7],
        ["equal-width", 15],
        ["equal-mass", 7],
        ["equal-mass", 15],
    ]
    for row in table.to_dict("records"):
        options: Any = {"n_bins": row["n_bins"], "binning": row["binning"]}
        assert row["ece"] == calib.ece(PREDICTIONS, **options)
        null = calib.ece_null(PREDICTIONS, resamples=200, seed=5, **options)
        assert (row["ece_null"], row["ece_null_95"]) == (null.mean(), np.quantile(null, 0.95))


def test_at_fifteen_bins_it_agrees_with_evaluate() -> None:
    report = calib.evaluate(PREDICTIONS)
    table = ece_sensitivity(PREDICTIONS)
    (row,) = table[(table["binning"] == "equal-width") & (table["n_bins"] == 15)].to_dict("records")
    assert (row["ece"], row["ece_null"], row["ece_null_95"]) == (report.ece, report.ece_null, report.ece_null_95)
    assert 15 in BINS


@pytest.mark.parametrize("n_bins", [1, 10, 40])
@pytest.mark.parametrize("scale", [0.5, 4.0, 40.0])
def test_chance_on_bins_of_equal_mass_is_one_coin_a_row(n_bins: int, scale: float) -> None:
    outcomes = calib.Predictions.from_logits(*sample(300, 4, scale=scale)).outcomes
    index = bins_of(outcomes, n_bins, "equal-mass")[0]
    rng = np.random.default_rng(1)
    coins = (rng.random((4000, outcomes.n)) < outcomes.confidence) - outcomes.confidence
    sums = np.stack([coins[:, index == b].sum(axis=1) for b in range(n_bins)])
    expected = np.abs(sums).sum(axis=0) / outcomes.n
    got = calib.ece_null(outcomes, n_bins=n_bins, binning="equal-mass", resamples=4000)
    error = (expected.std() + got.std()) / np.sqrt(4000)
    assert got.mean() == pytest.approx(expected.mean(), abs=4 * error + 1e-12)
    assert got.std() == pytest.approx(expected.std(), rel=0.1, abs=1e-12)


def test_bad_bins_are_refused() -> None:
    with pytest.raises(InputError, match="no numbers of bins"):
        ece_sensitivity(PREDICTIONS, bins=())
    with pytest.raises(InputError, match="n_bins must be"):
        ece_sensitivity(PREDICTIONS, bins=(0,))
    with pytest.raises(InputError, match="binning must be"):
        calib.ece_null(PREDICTIONS, binning="adaptive")  # type: ignore[arg-type]
