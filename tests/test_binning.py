"""Which bin: against comparison with every edge, at the ends, on edges, and with ties."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import calib
from calib.binning import bin_index, bins_of, equal_width_edges
from calib.errors import InputError

from . import references

quiet = settings(deadline=None, derandomize=True, max_examples=150)
near_edges = st.builds(
    lambda i, b, ulps: float(np.clip(i / b + ulps * np.spacing(i / b), 0, 1)),
    st.integers(0, 60),
    st.integers(1, 60),
    st.integers(-3, 3),
)


@quiet
@given(
    st.lists(near_edges | st.floats(0, 1), min_size=1, max_size=40),
    st.integers(1, 60),
    st.sampled_from(["right", "left"]),
)
def test_every_value_is_where_comparing_it_with_every_edge_puts_it(values: Any, n_bins: int, closed: Any) -> None:
    got = bin_index(np.array(values), equal_width_edges(n_bins), closed=closed)
    assert got.tolist() == [references.equal_width_bin(value, n_bins, closed) for value in values]


@pytest.mark.parametrize(("closed", "bins"), [("right", [0, 0, 1, 2, 3, 9]), ("left", [0, 1, 2, 3, 4, 9])])
def test_an_edge_belongs_to_the_side_that_is_closed(closed: Any, bins: list[int]) -> None:
    values = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 1.0])
    assert bin_index(values, equal_width_edges(10), closed=closed).tolist() == bins


def test_a_million_values_on_edges_and_at_one_are_filed_right() -> None:
    values = np.tile([0.1, 0.3, 0.7, 1.0], 250_000)
    assert bin_index(values, equal_width_edges(10)).reshape(-1, 4).max(axis=0).tolist() == [0, 2, 6, 9]


@quiet
@given(st.lists(st.integers(0, 12), min_size=1, max_size=30), st.integers(1, 12))
def test_equal_mass_bins_are_those_of_middle_ranks(values: list[int], n_bins: int) -> None:
    confidence = np.array(values) / 12
    index, edges = bins_of(calib.Outcomes.from_confidence(confidence, np.ones(len(values))), n_bins, "equal-mass")
    assert index.tolist() == references.equal_mass_bins(values, n_bins)
    assert len(edges) == n_bins + 1
    assert (np.diff(edges) >= 0).all()
    assert (confidence >= edges[index]).all()
    assert (confidence <= edges[index + 1]).all()


def test_without_ties_equal_mass_bins_differ_by_one_example_at_most() -> None:
    rng = np.random.default_rng(0)
    for n, n_bins in ((100, 15), (7, 15), (1000, 7)):
        outcomes = calib.Outcomes.from_confidence(rng.random(n), np.ones(n))
        counts = np.bincount(bins_of(outcomes, n_bins, "equal-mass")[0], minlength=n_bins)
        assert counts.max() - counts.min() <= 1


def test_integer_weights_make_the_equal_mass_bins_of_repeated_rows() -> None:
    rng = np.random.default_rng(1)
    confidence, weight = rng.random(40).round(1), rng.integers(1, 4, 40)
    weighted, _ = bins_of(
        calib.Outcomes.from_confidence(confidence, np.ones(40), sample_weight=weight), 6, "equal-mass"
    )
    rows = np.repeat(np.arange(40), weight)
    repeated, _ = bins_of(calib.Outcomes.from_confidence(confidence[rows], np.ones(len(rows))), 6, "equal-mass")
    assert weighted[rows].tolist() == repeated.tolist()


def test_confidences_that_saturate_at_one_are_still_ranked_by_their_logits() -> None:
    logits = np.array([[40.0 + 5 * i, 0.0] for i in range(8)])
    outcomes = calib.Predictions.from_logits(logits, np.zeros(8, int)).outcomes
    assert (outcomes.confidence == 1).all()
    assert bins_of(outcomes, 4, "equal-mass")[0].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize("options", [{"binning": "equal"}, {"closed": "both"}, {"binning": None}])
def test_unknown_options_are_refused_by_their_choices(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"must be (equal-width or equal-mass|right or left), got"):
        calib.ece([[0.9, 0.1]], [0], **options)


@pytest.mark.parametrize(("n", "n_bins"), [(250, 100), (25, 50), (150, 100), (1100, 50)])
def test_bins_of_equal_mass_are_those_of_exact_fractions(n: int, n_bins: int) -> None:
    outcomes = calib.Outcomes.from_confidence(np.arange(1, n + 1) / (n + 1), np.ones(n))
    index, _ = bins_of(outcomes, n_bins, "equal-mass")
    assert index.tolist() == [(2 * rank + 1) * n_bins // (2 * n) for rank in range(n)]


def test_bins_of_uneven_width_hear_which_side_is_closed() -> None:
    edges = np.array([0.0, 0.25, 0.3, 1.0])
    values = np.array([0.0, 0.25, 0.3, 0.31, 1.0])
    assert bin_index(values, edges).tolist() == [0, 0, 1, 2, 2]
    assert bin_index(values, edges, closed="left").tolist() == [0, 1, 2, 2, 2]
