"""Every convention against a plain loop of its rule, and against numbers that the packages themselves gave."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch

import calib
from calib.metrics.conventions import CONVENTIONS, EDGES, Convention, conventions

from .. import references

GUO_32, GUO_64 = ("Guo et al. (gpleiss)", "float32"), ("Guo et al. (gpleiss)", "float64")
TORCHMETRICS_32, TORCHMETRICS_64 = ("torchmetrics", "float32"), ("torchmetrics (binary)", "float64")
NETCAL, SKLEARN, MAPIE = (("netcal", "float64"), ("scikit-learn", "float64"), ("MAPIE", "float64"))
TENSORFLOW, TOP_LABEL = ("TensorFlow Probability", "float32"), ("MAPIE (top_label_ece)", "float64")

CASES = {
    "A": ([0.95, 1.0], [1, 0], 10),
    "B": ([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9], [1, 0, 1, 0, 1, 0, 1, 1, 0], 10),
    "B2": (
        [0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.6, 0.65, 0.7, 0.75, 0.9, 0.95],
        [1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 1, 1],
        10,
    ),
    "C": ([1.0, 1.0, 1.0, 1.0, 0.0], [0, 0, 1, 1, 1], 2),
    "C2": ([0.0], [1], 10),
    "D": ([0.9] * 5 + [0.8, 0.8, 0.01, 0.33, 0.34, 0.99, 0.61], [1, 1, 1, 0, 0, 1, 0, 1, 0, 1, 0, 0], 100),
    "E": ([0.25, 0.25, 0.55, 0.75, 0.75], [0, 0, 1, 1, 1], 2),
}
# What the packages gave on these pairs; the second row of gpleiss is its code under a default dtype of float64.
MEASURED = {
    GUO_32: {"A": 0.475, "B": 0.5222, "B2": 0.4333, "C": 0.4, "C2": 0, "D": 0.4183, "E": 0.29},
    (*GUO_64, "torch.linspace in float64"): {"B": 0.5222, "B2": 0.4333, "C": 0.4, "C2": 0, "D": 0.4733, "E": 0.29},
    NETCAL: {"A": 0.475, "B": 0.3667, "B2": 0.375, "C": 0.6, "C2": 1, "D": 0.4733, "E": 0.29},
    TORCHMETRICS_64: {"A": 0.525, "B": 0.4778, "B2": 0.2667, "C": 0.6, "C2": 1, "D": 0.4733, "E": 0.29},
    TORCHMETRICS_32: {"A": 0.525, "B": 0.5222, "B2": 0.2083, "C": 0.6, "C2": 1, "D": 0.4733, "E": 0.29},
    SKLEARN: {"A": 0.475, "B": 0.5222, "B2": 0.4333, "C": 0.6, "C2": 1, "D": 0.4733, "E": 0.29},
    MAPIE: {"A": 0.475, "B": 0.5222, "B2": 0.325, "C": 0.6, "C2": 1, "D": 0.4733, "E": 0.09},
    TENSORFLOW: {"A": 0.475, "B": 0.5222, "B2": 0.2083, "C": 0.6, "C2": 1},  # [a, b) in exact arithmetic
}


# The rules as plain loops: numbers of a bin for each value, None where the value is left out.


def loop(values: Sequence[Any], correct: Sequence[bool], bins: Sequence[int | None], n: int) -> float:
    total = 0.0
    for bin_ in set(bins) - {None}:
        inside = [i for i, other in enumerate(bins) if other == bin_]
        total += abs(sum(float(values[i]) - bool(correct[i]) for i in inside)) / n
    return total


def above(edges: Sequence[float], value: float) -> int | None:
    """(a, b]: the bin whose limits hold the value, None where there is none."""
    return next((i for i in range(len(edges) - 1) if edges[i] < value <= edges[i + 1]), None)


def from_(edges: Sequence[float], value: float) -> int | None:
    """[a, b)"""
    return next((i for i in range(len(edges) - 1) if edges[i] <= value < edges[i + 1]), None)


def gpleiss(p: Any, y: Any, n: int, dtype: type = np.float32, edge_dtype: Any = torch.float32) -> float:
    edges = torch.linspace(0, 1, n + 1, dtype=edge_dtype).tolist()
    p = [float(dtype(value)) for value in p]
    return loop(p, y, [above(edges, value) for value in p], len(p))


def netcal(p: Any, y: Any, n: int) -> float:
    p = np.clip(p, np.finfo(float).eps, 1 - np.finfo(float).eps)
    return loop(p, y, [from_(np.linspace(0, 1, n + 1).tolist(), value) for value in p], len(p))


def netcal_float32(p: Any, y: Any, n: int) -> float:
    """Means by edges rounded to float32, counts by those of float64."""
    edges = np.linspace(0, 1, n + 1)
    p = np.clip(np.asarray(p, np.float32), np.finfo(np.float32).eps, 1 - np.finfo(np.float32).eps).astype(float)
    total = 0.0
    for i in range(n):
        inside = [j for j, value in enumerate(p) if from_(edges.astype(np.float32).tolist(), value) == i]
        count = sum(from_(edges.tolist(), value) == i for value in p)
        if inside:
            total += abs(sum(p[j] - bool(y[j]) for j in inside) / len(inside)) * count / len(p)
    return total


def torchmetrics(p: Any, y: Any, n: int, dtype: type, torch_dtype: Any) -> float:
    edges = [*torch.linspace(0, 1, n + 1, dtype=torch_dtype).tolist(), math.inf]
    bins = [from_(edges, float(dtype(value))) for value in p]
    total = dtype(0)
    for bin_ in sorted(set(bins), key=str):
        count = confidence = right = dtype(0)
        for value, hit, other in zip(p, y, bins, strict=True):
            if other == bin_:
                count, confidence, right = dtype(count + 1), dtype(confidence + dtype(value)), dtype(right + dtype(hit))
        total += abs(right / count - confidence / count) * (count / dtype(len(p)))
    return float(total)


def sklearn(p: Any, y: Any, n: int) -> float:
    inner = np.linspace(0, 1, n + 1)[1:-1].tolist()
    return loop(p, y, [sum(edge < value for edge in inner) for value in p], len(p))


def tensorflow(p: Any, y: Any, n: int) -> float:
    p = np.asarray(p, np.float32)
    return loop(p, y, [min(int(np.floor(np.float32(n) * value)), n - 1) for value in p], len(p))


def mapie(p: Any, y: Any, n: int) -> float:
    edges = np.linspace(0, 1, n).tolist()
    return loop(p, y, [sum(edge < value for edge in edges) for value in p], len(p))


LOOPS: dict[tuple[str, ...], Callable[[Any, Any, int], float]] = {
    GUO_32: gpleiss,
    (*GUO_64, "torch.linspace in float32"): lambda p, y, n: gpleiss(p, y, n, np.float64),
    (*GUO_64, "torch.linspace in float64"): lambda p, y, n: gpleiss(p, y, n, np.float64, torch.float64),
    NETCAL: netcal,
    ("netcal", "float32"): netcal_float32,
    TORCHMETRICS_32: lambda p, y, n: torchmetrics(p, y, n, np.float32, torch.float32),
    TORCHMETRICS_64: lambda p, y, n: torchmetrics(p, y, n, np.float64, torch.float64),
    SKLEARN: sklearn,
    TENSORFLOW: tensorflow,
    MAPIE: mapie,
    ("calib", "float64"): lambda p, y, n: references.ece_and_mce(list(p), list(y), n)[0],
}


def convention(name: str, dtype: str, edges: str = "") -> Convention:
    (found,) = [c for c in CONVENTIONS if (c.name, c.dtype) == (name, dtype) and edges in ("", c.edges)]
    return found


def ece(key: tuple[str, ...], p: Any, y: Any, n: int) -> float:
    return convention(*key).ece(calib.Outcomes.from_confidence(p, y), n)[0]


def near_calibrated(n: int, decimals: int, seed: int = 0) -> tuple[Any, Any]:
    """Confidences of a calibrated model, rounded so that many lie on edges, with some at exactly 0 and 1."""
    rng = np.random.default_rng(seed)
    p = rng.beta(2, 1, n)
    y = rng.random(n) < p
    p = p.round(decimals)
    p[:5], p[5:15] = 0.0, 1.0
    return p, y


needs_fma = pytest.mark.skipif(
    not torch.backends.cpu.get_cpu_capability().startswith("AVX"), reason="torch.linspace rounds twice without FMA"
)


@pytest.mark.parametrize(("key", "case"), [(key, case) for key, row in MEASURED.items() for case in row])
def test_the_numbers_that_the_packages_gave_are_reproduced(key: tuple[str, ...], case: str) -> None:
    assert ece(key, *CASES[case]) == pytest.approx(MEASURED[key][case], abs=5e-5)


@needs_fma
@pytest.mark.parametrize("key", LOOPS, ids=" ".join)
@pytest.mark.parametrize(("n_bins", "decimals"), [(1, 2), (5, 2), (10, 1), (10, 2), (15, 3), (100, 2), (15, 17)])
def test_a_convention_is_what_the_loop_of_its_rule_says(key: tuple[str, ...], n_bins: int, decimals: int) -> None:
    p, y = near_calibrated(300, decimals)
    if key == MAPIE and n_bins == 1:
        p, y = np.zeros(4), np.array([True, True, False, True])  # what lies above 0 has no bin
    assert ece(key, p, y, n_bins) == pytest.approx(LOOPS[key](p, y, n_bins), abs=3e-7 if "float32" in key else 1e-13)


def test_on_rounded_confidences_the_conventions_disagree_so_the_loops_prove_something() -> None:
    p, y = near_calibrated(300, 1)
    assert len({round(ece(key, p, y, 10), 6) for key in LOOPS}) == 7


def test_top_label_ece_is_the_plain_mean_over_predicted_classes() -> None:
    logits, labels = references.sample(400, 3, true_temperature=1.0)
    probs = np.array(references.softmax_rows(logits))
    confidence, correct = references.top_label(probs.tolist(), labels.tolist())
    predicted = probs.argmax(axis=1)
    groups = [np.flatnonzero(predicted == label) for label in range(3)]
    parts = [mapie([confidence[i] for i in group], [correct[i] for i in group], 15) for group in groups]
    table = conventions(probs, labels).set_index("convention")["ece"]
    assert table["MAPIE (top_label_ece)"] == pytest.approx(sum(parts) / 3, abs=1e-13)
    assert table["MAPIE (top_label_ece)"] != pytest.approx(table["MAPIE"], abs=1e-4)


@needs_fma
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_edges_are_those_of_torch_linspace(dtype: str) -> None:
    for n_bins in [*range(1, 120), 1000, 9999]:
        expected = torch.linspace(0, 1, n_bins + 1, dtype=getattr(torch, dtype)).numpy()
        edges = EDGES[f"torch.linspace in {dtype}"](n_bins)
        assert edges.dtype == expected.dtype
        assert np.array_equal(edges, expected), n_bins


def test_floor_edges_are_where_the_floor_of_n_times_p_steps_up() -> None:
    for n_bins in [*range(1, 120), 1000, 9999]:
        near = np.arange(n_bins + 1, dtype=np.float64) / n_bins
        p = np.concatenate([near.astype(np.float32)] * 7).reshape(7, -1)
        for shift, row in enumerate(p):
            for _ in range(abs(shift - 3)):
                row[:] = np.nextafter(row, np.float32(2 if shift > 3 else -1))
        p = p[(p >= 0) & (p <= 1)]
        index = np.searchsorted(EDGES["floor(n · p) in float32"](n_bins), p, side="right") - 1
        assert np.array_equal(index, np.floor(np.float32(n_bins) * p).astype(np.int64)), n_bins


def test_sums_in_float32_are_wrong_at_a_million_examples_where_the_package_takes_them_so() -> None:
    outcomes = calib.Outcomes.from_confidence(np.full(1_000_000, 0.1), np.arange(1_000_000) % 10 == 0)
    table = conventions(outcomes, n_bins=15).set_index(["convention", "dtype"])["ece"].to_dict()
    assert table[TORCHMETRICS_32] == pytest.approx(0.000958, abs=1e-6)  # 0.1 added 1e6 times in float32 is 100958.34
    assert table[TENSORFLOW] == pytest.approx(0.000958, abs=1e-6)
    assert max(value for key, value in table.items() if key not in (TORCHMETRICS_32, TENSORFLOW)) < 1e-8
