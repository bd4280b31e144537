"""Class-wise, thresholded and top-label errors against loops over classes and cells."""

from typing import Any

import numpy as np
import pytest

import calib
from calib.errors import InputError

from .. import references
from ..references import sample


def ece_loop(confidence: Any, correct: Any, bins: Any) -> float:
    found = references.gaps(confidence, correct, bins).values()
    return sum(mass * abs(gap) for mass, gap in found) / len(bins)


def class_errors(probs: Any, labels: Any, n_bins: int, binning: str) -> list[float]:
    errors = []
    for c in range(len(probs[0])):
        claimed = [row[c] for row in probs]
        if binning == "equal-mass":
            bins = references.equal_mass_bins(claimed, n_bins)
        else:
            bins = [references.equal_width_bin(value, n_bins) for value in claimed]
        errors.append(ece_loop(claimed, [y == c for y in labels], bins))
    return errors


@pytest.mark.parametrize("binning", ["equal-width", "equal-mass"])
@pytest.mark.parametrize("n_bins", [1, 2, 15])
@pytest.mark.parametrize("k", [2, 7])
def test_it_is_the_mean_over_classes_of_what_the_loop_says(binning: Any, n_bins: int, k: int) -> None:
    logits, labels = sample(120, k, seed=k)
    probs = references.softmax_rows(logits)
    errors = class_errors(probs, labels.tolist(), n_bins, binning)
    share = np.bincount(labels, minlength=k) / 120
    for predictions in (calib.Predictions.from_logits(logits, labels), calib.Predictions.from_probs(probs, labels)):
        got = calib.classwise_ece(predictions, n_bins=n_bins, binning=binning)
        assert got == pytest.approx(np.mean(errors), abs=1e-13)
        got = calib.classwise_ece(predictions, n_bins=n_bins, binning=binning, average="weighted")
        assert got == pytest.approx(share @ errors, abs=1e-13)


def test_for_float32_logits_it_is_right_to_six_digits_and_in_any_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    logits, labels = sample(3000, 40, true_temperature=1.0)
    wide = calib.classwise_ece(calib.Predictions.from_logits(logits.astype(np.float32).astype(float), labels))
    for entries in (1, 4096, 262_144):
        monkeypatch.setattr("calib._arrays.BLOCK_ENTRIES", entries)
        narrow = calib.Predictions.from_logits(logits.astype(np.float32), labels)
        assert calib.classwise_ece(narrow) == pytest.approx(wide, abs=1e-6)


def test_a_temperature_that_is_carried_is_used() -> None:
    logits, labels = sample(100, 5)
    carried = calib.TemperatureScaling(2.0).transform(calib.Predictions.from_logits(logits, labels))
    divided = calib.Predictions.from_logits(logits / 2, labels)
    for metric in (calib.classwise_ece, calib.thresholded_ace, calib.top_label_ece):
        assert metric(carried) == pytest.approx(metric(divided), abs=1e-13)


def test_probabilities_on_edges_are_filed_as_decimals() -> None:
    # class 0: 0.3 in (0.2, 0.3] and 0.35 in (0.3, 0.4]; class 1: 0.7 and 0.65 both in (0.6, 0.7]
    got = calib.classwise_ece([[0.3, 0.7], [0.35, 0.65]], [0, 1], n_bins=10)
    assert got == pytest.approx(((0.7 + 0.35) / 2 + abs(0.7 + 0.65 - 1) / 2) / 2)


@pytest.mark.parametrize("threshold", [0.0, 0.01, 0.3])
def test_the_threshold_leaves_out_small_claims_class_by_class(threshold: float) -> None:
    logits, labels = sample(90, 4)
    probs = np.array(references.softmax_rows(logits))
    errors = []
    for c in range(4):
        claimed = probs[:, c] > threshold
        bins = references.equal_mass_bins(probs[claimed, c].tolist(), 10)
        errors.append(ece_loop(probs[claimed, c].tolist(), (labels[claimed] == c).tolist(), bins))
    got = calib.thresholded_ace(probs, labels, threshold=threshold, n_bins=10)
    assert got == pytest.approx(np.mean(errors), abs=1e-13)


def test_where_nothing_passes_the_threshold_the_error_is_0() -> None:
    assert calib.thresholded_ace(np.full((3, 4), 0.25), [0, 1, 2], threshold=0.5) == 0
    for threshold in (-0.1, 1.0, float("nan")):
        with pytest.raises(InputError, match=r"threshold must lie in \[0, 1\)"):
            calib.thresholded_ace([[0.5, 0.5]], [0], threshold=threshold)


@pytest.mark.parametrize("binning", ["equal-width", "equal-mass"])
def test_top_label_errors_are_those_within_each_predicted_class(binning: Any) -> None:
    logits, labels = sample(200, 3, true_temperature=1.0)
    predictions = calib.Predictions.from_logits(logits, labels)
    total = 0.0
    for c in range(3):
        members = predictions[logits.argmax(axis=1) == c]
        total += members.n * calib.ece(members, n_bins=6, binning=binning)
    got = calib.top_label_ece(predictions, n_bins=6, binning=binning)
    assert got == pytest.approx(total / 200, abs=1e-13)
    if binning == "equal-width":
        assert got >= calib.ece(predictions, n_bins=6)


def test_errors_of_two_classes_that_cancel_in_ece_do_not_cancel_here() -> None:
    probs, labels = [[0.75, 0.25]] * 4 + [[0.25, 0.75]] * 4, [0] * 4 + [1, 1, 0, 0]
    assert calib.ece(probs, labels) == 0
    assert calib.top_label_ece(probs, labels) == pytest.approx(0.25)


def test_sample_weights_unknown_averages_and_outcomes_are_refused() -> None:
    weighted = calib.Predictions.from_probs([[0.9, 0.1]], [0], sample_weight=[2.0])
    for metric in (calib.classwise_ece, calib.thresholded_ace, calib.top_label_ece):
        with pytest.raises(InputError, match=f"{metric.__name__} takes no sample weights"):
            metric(weighted)
    with pytest.raises(InputError, match="average must be mean or weighted"):
        calib.classwise_ece([[0.9, 0.1]], [0], average="max")  # type: ignore[arg-type]


def test_a_bad_row_is_named() -> None:
    logits = np.zeros((5, 3))
    logits[3, 1] = np.nan
    with pytest.raises(InputError, match="row 3 column 1 holds nan"):
        calib.classwise_ece(calib.Predictions.from_logits(logits, [0] * 5))


def test_many_equal_rows_do_not_add_up_their_rounding() -> None:
    logits = np.tile(np.array([[3.4761, 0.0]], np.float32), (262_144, 1))
    labels = (np.arange(262_144) % 100 >= 97).astype(int)
    narrow, wide = (calib.Predictions.from_logits(values, labels) for values in (logits, logits.astype(float)))
    assert calib.classwise_ece(narrow) == pytest.approx(calib.classwise_ece(wide), abs=1e-6)


def test_outcomes_are_refused_in_words() -> None:
    outcomes = calib.Outcomes.from_confidence([0.9], [1])
    for metric in (calib.classwise_ece, calib.skce, calib.top_label_ece):
        with pytest.raises(InputError, match="whole distributions are needed"):
            metric(outcomes)


def test_how_many_classes_are_read_at_a_time_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    logits, labels = sample(90, 7)
    probs = np.array(references.softmax_rows(logits))
    for predictions in (calib.Predictions.from_logits(logits, labels), calib.Predictions.from_probs(probs, labels)):
        whole = calib.classwise_ece(predictions, binning="equal-mass"), calib.thresholded_ace(predictions)
        with monkeypatch.context() as patched:
            patched.setattr("calib.per_class.CHUNK_ENTRIES", 200)
            assert (calib.classwise_ece(predictions, binning="equal-mass"), calib.thresholded_ace(predictions)) == whole
        one_by_one = [calib.ece(predictions, binning="equal-mass", of=c) for c in range(7)]
        assert np.mean(one_by_one) == pytest.approx(whole[0], abs=1e-15)
