"""The numbers beside a projection: worked by hand, equal to plain loops, and true to what they are meant to show."""

import math

import numpy as np
import pytest
import torch

import calib
from calib.errors import InputError
from calib.scatter import Scatters, scatter_statistics, scatters

# Two examples of class 0, one of class 1, none of class 2; the bias of class 2 is 3.
FEATURES = [[3.0, 0.0], [1.0, 0.0], [0.0, 4.0]]
LABELS = [0, 0, 1]
TEMPLATES = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 3.0]]


def test_three_examples_worked_by_hand() -> None:
    found = scatter_statistics(FEATURES, LABELS, TEMPLATES)
    assert found.n == 3
    # means (2, 0), (0, 4), of all (4/3, 4/3): squares 4/9 + 16/9 twice, 16/9 + 64/9 once
    assert found.within == pytest.approx(2 / 3, rel=1e-14)
    assert found.between == pytest.approx((2 * 20 / 9 + 80 / 9) / 3, rel=1e-14)
    assert found.within_between == pytest.approx(0.15, rel=1e-14)
    # [x, 1] - w: own (2,0,1) (0,0,1) (0,3,1)
    assert found.own_distance == pytest.approx((math.sqrt(5) + 1 + math.sqrt(10)) / 3, rel=1e-14)
    # others (3,-1,1), (3,0,-2) | (1,-1,1), (1,0,-2) | (-1,4,1), (0,4,-2)
    pairs = [(math.sqrt(11), math.sqrt(13)), (math.sqrt(3), math.sqrt(5)), (math.sqrt(18), math.sqrt(20))]
    assert found.other_distance == pytest.approx(sum(map(sum, pairs)) / 6, rel=1e-14)
    assert found.other_spread == pytest.approx(sum(b - a for a, b in pairs) / 6, rel=1e-13)
    assert found.relative_spread == pytest.approx(found.other_spread / found.other_distance, rel=1e-14)
    # logits (3,0,3), (1,0,3), (0,4,3): gaps 1.5, -0.5, 2.5; wrong logits (0,3), (0,3), (0,3); the second is wrong
    assert found.gap_mean == pytest.approx(3.5 / 3, rel=1e-14)
    assert found.gap_sd == pytest.approx(np.std([1.5, -0.5, 2.5]), rel=1e-14)
    assert found.wrong_logit_spread == pytest.approx(1.5, rel=1e-14)
    assert found.accuracy == pytest.approx(2 / 3)


def test_every_number_is_that_of_the_plain_loops() -> None:
    rng = np.random.default_rng(0)
    features, labels, templates = rng.normal(size=(40, 5)) + 1, rng.integers(1, 4, 40), rng.normal(size=(6, 6))
    found = calib.scatter_statistics(features, labels, templates)
    within = between = own = other = spread = wrong_spread = 0.0
    gaps = []
    for x, y in zip(features, labels, strict=True):
        mean = features[labels == y].mean(axis=0)
        within += np.sum((x - mean) ** 2) / 40
        between += np.sum((mean - features.mean(axis=0)) ** 2) / 40
        distances = [math.dist([*x, 1.0], w) for w in templates]
        logits = [float(np.dot([*x, 1.0], w)) for w in templates]
        own += distances.pop(y) / 40
        correct = logits.pop(y)
        other += float(np.mean(distances)) / 40
        spread += float(np.std(distances)) / 40
        wrong_spread += float(np.std(logits)) / 40
        gaps.append(correct - np.mean(logits))
    expected = (within, between, own, other, spread, np.mean(gaps), np.std(gaps), wrong_spread)
    names = ("within", "between", "own_distance", "other_distance", "other_spread", "gap_mean", "gap_sd")
    np.testing.assert_allclose([getattr(found, name) for name in (*names, "wrong_logit_spread")], expected, rtol=1e-12)


def test_within_and_between_add_up_to_the_whole_and_do_not_know_the_place() -> None:
    rng = np.random.default_rng(1)
    rows, labels = rng.normal(size=(30, 4)), rng.integers(0, 3, 30)
    found, moved = scatters(rows, labels), scatters(rows + 7, 9 - labels)
    assert sum(found) == pytest.approx(rows.var(axis=0).sum(), rel=1e-12)
    np.testing.assert_allclose(moved, found, rtol=1e-12)


def test_collapsed_classes_have_no_scatter_and_equidistant_templates_no_spread() -> None:
    simplex = np.eye(4)
    found = scatter_statistics(5 * simplex[[0, 1, 2, 2]], [0, 1, 2, 2], np.hstack([simplex, np.zeros((4, 1))]))
    assert found.within == found.within_between == 0
    assert found.other_spread == found.relative_spread == found.wrong_logit_spread == found.gap_sd == 0
    assert (found.gap_mean, found.accuracy) == (5, 1)
    assert found.own_distance == pytest.approx(math.sqrt(17), rel=1e-15)


def test_networks_at_the_optimum_of_smoothing_have_its_gap() -> None:
    smoothing, k = 0.1, 10
    gap = calib.smoothing_logit_gap(smoothing, k)
    assert gap == pytest.approx(4.510860, abs=1e-6)
    found = scatter_statistics(gap * np.eye(k), np.arange(k), np.hstack([np.eye(k), np.zeros((k, 1))]))
    assert found.gap_mean == pytest.approx(gap, rel=1e-15)


def test_one_class_has_no_between_and_one_place_no_ratio() -> None:
    alone = scatter_statistics([[1.0], [3.0]], [1, 1], [[1, 0], [-1, 0]])
    assert alone.within == 1
    assert math.isnan(alone.between)
    assert math.isnan(alone.within_between)
    assert Scatters(1.0, 0.0).ratio == math.inf
    assert math.isnan(Scatters(0.0, 0.0).ratio)
    assert math.isnan(scatter_statistics([[0.0]], [0], [[0, 1], [0, 1]]).relative_spread)


def test_tensors_are_as_good_as_arrays_and_float32_is_summed_in_float64() -> None:
    low = np.random.default_rng(2).normal(size=(200, 8)).astype(np.float32) + np.float32(1000)
    labels, templates = np.arange(200) % 3, np.random.default_rng(3).normal(size=(3, 9)).astype(np.float32)
    found = scatter_statistics(torch.tensor(low), torch.tensor(labels), torch.tensor(templates, requires_grad=True))
    assert found == scatter_statistics(low.astype(np.float64), labels, templates.astype(np.float64))


def test_a_row_of_a_table_has_the_ratios_too() -> None:
    found = scatter_statistics(FEATURES, LABELS, TEMPLATES)
    row = found.to_dict()
    assert row["within_between"] == found.within_between
    assert row["relative_spread"] == found.relative_spread
    assert row["n"] == 3


@pytest.mark.parametrize(
    ("features", "labels", "templates", "words"),
    [
        (np.zeros((0, 2)), [], TEMPLATES, "no rows"),
        ([[1.0]], [0], TEMPLATES, r"templates must have shape \(k, 2\)"),
        (FEATURES, LABELS, [[1.0, 0, 0]], r"got \(1, 3\)"),
        (FEATURES, [0, 0, 3], TEMPLATES, "0 … 2 for 3 classes, row 2 holds 3"),
        (FEATURES, [0, 0], TEMPLATES, "3 rows of scores came with 2 labels"),
        ([[np.inf, 0]], [0], TEMPLATES, "features must be finite, row 0"),
        (FEATURES, LABELS, np.full((3, 3), np.nan), "templates must be finite, row 0"),
        (FEATURES, LABELS, [[1.0]], r"got \(1, 1\)"),
    ],
)
def test_what_does_not_fit_is_refused(features: object, labels: object, templates: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        scatter_statistics(features, labels, templates)
