"""The table of conventions: what it counts and drops, how it takes two classes, and what it refuses."""

import math

import numpy as np
import pytest

import calib
from calib.metrics.conventions import conventions

from .. import references
from .test_conventions import CASES, GUO_32, TENSORFLOW, TOP_LABEL, ece, near_calibrated


def test_the_table_says_how_many_examples_are_special_and_how_many_are_dropped() -> None:
    p, y = [0.0, 0.0, 0.1, 0.3, 0.3, 0.35, 1.0, 0.7, float(np.float32(0.9)), 0.99999999], [0, 1, 0, 1, 0, 0, 1, 1, 1, 1]
    table = conventions(calib.Outcomes.from_confidence(p, y), n_bins=10)
    assert (table["on_edge"] == 4).all()
    assert (table["near_edge"] == 9).all()
    assert (table["at_zero"] == 2).all()
    assert (table["at_one"] == 1).all()
    dropping = table[(table["dropped"] > 0) & (table["convention"] != "netcal")]
    assert dropping[["convention", "dropped"]].to_numpy().tolist() == [[GUO_32[0], 2]] * 3
    assert set(table["what"]) == {"as given"}
    assert table["difference"].to_numpy() == pytest.approx(table["ece"] - table["ece"].iloc[0], abs=0)
    assert table["ece"].iloc[0] == pytest.approx(references.ece_and_mce(p, [bool(hit) for hit in y], 10)[0], abs=1e-15)


def test_mapie_with_one_bin_has_none_and_says_that_it_drops_all() -> None:
    table = conventions(calib.Outcomes.from_confidence([0.5, 0.7], [1, 0]), n_bins=1).set_index("convention")
    assert math.isnan(table["ece"]["MAPIE"])
    assert table["dropped"]["MAPIE"] == 2
    assert table["interval"]["MAPIE"].startswith("(a, b], 0 bins")


def test_netcal_in_float32_loses_examples_that_it_counts_in_a_bin_without_a_mean() -> None:
    p, y, _ = CASES["D"]
    table = conventions(calib.Outcomes.from_confidence(p, y), n_bins=100).set_index(["convention", "dtype"]).to_dict()
    assert table["ece"]["netcal", "float32"] == pytest.approx(0.265833, abs=1e-6)  # what netcal 1.4.0 gave
    assert table["dropped"]["netcal", "float32"] == 6  # 0.9, five times, and 0.01 are less in float32
    assert table["dropped"]["netcal", "float64"] == 0


def test_netcal_keeps_confidences_off_the_ends() -> None:
    assert ece(("netcal", "float32"), [1.0], [0], 5) == 1 - 2**-23
    assert ece(("netcal", "float32"), [0.0], [0], 5) == 2**-23


def test_off_the_edges_all_agree_but_mapie() -> None:
    logits, labels = references.sample(2000, 5, true_temperature=1.0)
    table = conventions(calib.Predictions.from_logits(logits, labels)).set_index("convention")
    assert (table["near_edge"] == 0).all()
    agreeing = [name for name in table.index if not name.startswith("MAPIE")]
    assert table.loc[agreeing, "difference"].abs().max() < 1e-6
    assert table.loc["MAPIE", "difference"] != pytest.approx(0, abs=1e-6)
    ours = calib.ece(calib.Predictions.from_logits(logits, labels))
    assert table["ece"]["calib"] == pytest.approx(ours, abs=1e-15)


def test_two_classes_are_asked_about_as_each_package_does() -> None:
    p, y = near_calibrated(500, 17, seed=1)
    table = conventions(p, y)
    asked = {what: set(group["convention"]) for what, group in table.groupby("what")}
    assert asked["predicted class"] == {"calib", GUO_32[0], "torchmetrics", TENSORFLOW[0], TOP_LABEL[0]}
    assert asked["P(y = 1)"] == {"calib", "torchmetrics", "torchmetrics (binary)", "netcal", "scikit-learn", "MAPIE"}
    both = table.set_index(["convention", "what"])["ece"].to_dict()
    assert both["calib", "P(y = 1)"] == pytest.approx(references.ece_and_mce(list(p), list(y), 15)[0], abs=1e-14)
    assert both["calib", "predicted class"] == pytest.approx(calib.ece(p, y), abs=1e-15)
    assert both["calib", "P(y = 1)"] != pytest.approx(both["calib", "predicted class"], abs=1e-4)
    assert (table.loc[table["convention"] == "calib", "difference"] == 0).all()


def test_outcomes_are_taken_as_given_and_by_predicted_class_only_where_that_is_known() -> None:
    logits, labels = references.sample(50, 4)
    predictions = calib.Predictions.from_logits(logits, labels)
    whole = conventions(predictions.outcomes)
    assert TOP_LABEL[0] in set(whole["convention"])
    assert whole["ece"].tolist() == conventions(predictions)["ece"].tolist()
    pairs = calib.Outcomes.from_confidence(predictions.outcomes.confidence, predictions.outcomes.correct)
    assert set(whole["convention"]) - set(conventions(pairs)["convention"]) == {TOP_LABEL[0]}


def test_the_order_of_the_rows_does_not_matter() -> None:
    p, y = near_calibrated(400, 2)
    order = np.random.default_rng(1).permutation(400)
    table = conventions(calib.Outcomes.from_confidence(p, y), n_bins=10)
    again = conventions(calib.Outcomes.from_confidence(p[order], y[order]), n_bins=10)
    assert again["ece"].to_numpy() == pytest.approx(table["ece"].to_numpy(), abs=3e-7)


@pytest.mark.parametrize("right", [True, False])
def test_certainty_scores_0_where_right_and_1_where_wrong_everywhere(right: bool) -> None:
    table = conventions(calib.Outcomes.from_confidence([1.0] * 7, [right] * 7))
    assert table["ece"].to_numpy() == pytest.approx(float(not right), abs=2e-7)  # netcal clips to 1 − 1.2e-7
    assert (table.loc[table["convention"] != "netcal", "ece"] == float(not right)).all()
    assert (table["dropped"] == 0).all()


def test_weights_and_bad_input_are_refused_in_words() -> None:
    with pytest.raises(calib.InputError, match="conventions takes no sample weights"):
        conventions(calib.Predictions.from_probs([0.2, 0.7], [0, 1], sample_weight=[1.0, 2.0]))
    with pytest.raises(calib.InputError, match="conventions takes no sample weights"):
        conventions(calib.Outcomes.from_confidence([0.2, 0.7], [0, 1], sample_weight=[1.0, 2.0]))
    with pytest.raises(calib.InputError, match="n_bins must be a whole number"):
        conventions([0.2, 0.7], [0, 1], n_bins=0)
    with pytest.raises(calib.InputError, match="without labels"):
        conventions([0.2, 0.7])
    with pytest.raises(calib.InputError, match="confidence and correctness of one event"):
        conventions(calib.Outcomes.from_confidence([0.2, 0.7], [0, 1]), [0, 1])
