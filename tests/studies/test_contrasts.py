"""A contrast is paired by seed, judged by Student's t with Holm's correction, and refuses what does not pair."""

import math

import pandas as pd
import pytest
from scipy import stats

from calib.errors import InputError
from calib.studies._contrasts import Contrast, Score, contrast_notes, contrast_table, readable_contrasts

TABLE = pd.DataFrame(
    {
        "model": ["hard"] * 3 + ["α = 0.1"] * 3,
        "seed": [0, 1, 2, 2, 1, 0],  # in any order
        "accuracy": [0.80, 0.81, 0.82, 0.845, 0.82, 0.83],
        "nll": [0.5, 0.6, 0.7, 0.7, 0.6, 0.5],
    }
)
ASKED = [Contrast("α = 0.1 − hard", {"model": "α = 0.1"}, {"model": "hard"})]
SCORES = [Score("accuracy", "accuracy", 3, higher_is_better=True), Score("nll", "NLL")]


def test_differences_are_paired_by_seed() -> None:
    found = contrast_table(TABLE, ASKED, SCORES).set_index("score")
    accuracy = found.loc["accuracy"]
    differences = [0.03, 0.01, 0.025]
    expected = stats.ttest_1samp(differences, 0)
    low, high = expected.confidence_interval(0.95)
    assert accuracy["difference"] == pytest.approx(sum(differences) / 3)
    assert (accuracy["low"], accuracy["high"]) == (pytest.approx(low), pytest.approx(high))
    assert accuracy["p"] == pytest.approx(expected.pvalue)
    assert accuracy["p_holm"] == pytest.approx(2 * expected.pvalue)
    assert (accuracy["better"], accuracy["seeds"], accuracy["df"]) == (3, 3, 2)
    assert (found.loc["NLL", "difference"], found.loc["NLL", "better"]) == (0, 0)


def test_lower_is_better_where_it_is() -> None:
    lower = contrast_table(TABLE, ASKED, [Score("accuracy", "error")])
    assert lower["better"].tolist() == [0]


def test_text_has_a_star_where_it_tells_and_no_nan() -> None:
    found = contrast_table(TABLE, ASKED, SCORES)
    shown = readable_contrasts(found.assign(tells=[True, False]))
    assert shown["95 % (t, 2 df)"].iloc[0].endswith("*")
    assert shown["better"].tolist() == ["3 of 3", "0 of 3"]
    assert "Holm's correction for the 2 tests" in contrast_notes(found, shared=True)
    single = contrast_table(TABLE[TABLE["seed"] == 0], ASKED, SCORES)
    shown = readable_contrasts(single)
    assert shown["95 % (t, 0 df)"].tolist() == ["–", "–"]
    assert "of other seeds nothing is known" in contrast_notes(single, shared=True)
    assert not math.isnan(single["difference"].iloc[0])


def test_rows_that_do_not_pair_are_refused() -> None:
    with pytest.raises(InputError, match=r"model α = 0\.2: 0 rows"):
        contrast_table(TABLE, [Contrast("?", {"model": "α = 0.2"}, {"model": "hard"})], SCORES)
    with pytest.raises(InputError, match="6 rows where one a seed was expected"):
        contrast_table(pd.concat([TABLE, TABLE[:3]]), ASKED, SCORES)
    with pytest.raises(InputError, match="seed 2 is there for one"):
        contrast_table(TABLE[TABLE.index != 2], ASKED, SCORES)
