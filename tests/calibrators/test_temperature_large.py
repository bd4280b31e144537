"""Temperature scaling of data that are worth a sample first: few reads, no digit lost, no optimum missed."""

import dataclasses
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch  # noqa: F401  # loaded, it takes over
from scipy.special import softmax

import calib
from calib.calibrators.temperature import TemperatureScaling
from calib.predictions import Predictions

from ..references import sample
from .test_temperature import edge, fit


@pytest.fixture(autouse=True, params=["numpy", "torch"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test runs with the sums of numpy, and with those of torch."""
    monkeypatch.setattr("calib.calibrators._likelihood.torch_is_loaded", lambda: request.param == "torch")


@pytest.mark.parametrize("k", [4, 50])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("true_temperature", [1e-4, 0.3, 0.65, 1.0, 2.5, 1e4])
def test_large_data_take_few_reads_and_lose_no_digit(
    k: int, dtype: Any, true_temperature: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    logits, labels = sample(4000, k, seed=3)
    with np.errstate(over="ignore"):
        given = (logits * true_temperature).astype(dtype)
    if not np.isfinite(given).all():
        pytest.skip("float16 ends at 65504")
    kept = fit(given, labels)
    assert kept.reads == 1
    monkeypatch.setattr("calib.calibrators._likelihood.KEPT_ENTRIES", 10_000)
    read = fit(given, labels)
    assert read.reads <= 4
    assert read.temperature == pytest.approx(kept.temperature, rel=1e-10)
    assert read.standard_error == pytest.approx(kept.standard_error, rel=1e-5)
    assert read.robust_standard_error == pytest.approx(kept.robust_standard_error, rel=1e-4)
    assert read.nll_after == pytest.approx(kept.nll_after, rel=1e-11)
    assert read.nll_before == pytest.approx(kept.nll_before, rel=1e-6)


@pytest.mark.parametrize(
    "name", ["separable", "separable with ties", "anti-correlated", "constant", "impossible label"]
)
def test_large_data_without_an_optimum_are_told_apart_too(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    logits, labels = edge(name)
    for dtype in (np.float32, np.float64):
        kept = fit(logits.astype(dtype), labels)
        with monkeypatch.context() as patched:
            patched.setattr("calib.calibrators._likelihood.KEPT_ENTRIES", 100)
            read = fit(logits.astype(dtype), labels)
        assert (read.status, read.limit, read.temperature) == (kept.status, kept.limit, 1.0)


def test_large_data_whose_sample_misleads_find_their_optimum_too(monkeypatch: pytest.MonkeyPatch) -> None:
    logits, labels = sample(20_000, 4, true_temperature=1.0)
    every = slice(None, None, 40)  # the rows of the first guess
    assert len(labels[every]) == 500
    other = logits.copy()
    other[every] *= 1000
    separable = labels.copy()
    separable[every] = logits[every].argmax(axis=1)
    monkeypatch.setattr("calib.calibrators._likelihood.LEAST_ROWS", 500)
    monkeypatch.setattr("calib.calibrators._likelihood.SAMPLE_ENTRIES", 1)
    monkeypatch.setattr("calib.calibrators._likelihood.KEPT_ENTRIES", 10_000)
    for case in ((other, labels), (logits, separable)):
        got = fit(*case)
        with monkeypatch.context() as patched:
            patched.setattr("calib.calibrators._likelihood.KEPT_ENTRIES", 10**9)
            assert got.temperature == pytest.approx(fit(*case).temperature, rel=1e-9)


def kinds() -> dict[str, Predictions]:
    """Predictions of every kind, of 3,000 rows and 5 or 40 classes."""
    found: dict[str, Predictions] = {}
    for k in (5, 40):
        logits, labels = sample(3000, k, seed=1, true_temperature=1.6)
        rng = np.random.default_rng(2)
        zeros = logits.copy()
        zeros[np.arange(0, 3000, 7), (labels[::7] + 1) % k] = -np.inf
        weight = rng.integers(0, 4, 3000).astype(np.float64)
        plain = Predictions.from_logits(logits, labels)
        found |= {
            f"zeros, {k}": Predictions.from_logits(zeros, labels),
            f"huge, {k}": Predictions.from_logits(np.where(np.isinf(zeros), -1e308, zeros), labels),
            f"weights, {k}": Predictions.from_logits(zeros, labels, sample_weight=weight),
            f"tiny weights, {k}": Predictions.from_logits(zeros, labels, sample_weight=weight * 1e-290),
            f"a temperature, {k}": calib.TemperatureScaling(1.7).transform(plain),
            f"a temperature a row, {k}": dataclasses.replace(plain, beta=rng.uniform(0.5, 2, 3000)),
            f"columns first, {k}": Predictions.from_logits(np.asfortranarray(logits), labels),
            f"other bytes, {k}": Predictions.from_logits(logits.astype(">f4"), labels),
            f"backwards, {k}": Predictions.from_logits(logits[::-1], labels[::-1]),
            f"some columns, {k}": Predictions.from_logits(np.repeat(logits, 2, axis=1)[:, ::2], labels),
            f"probabilities, {k}": Predictions.from_probs(softmax(logits, axis=1), labels),
        }
    return found


KINDS = kinds()


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.filterwarnings("error")
def test_every_kind_of_predictions_is_read_as_it_is_kept(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    predictions, rng = KINDS[name], np.random.default_rng(3)
    soft = rng.dirichlet(np.full(predictions.n_classes, 0.2), predictions.n)
    soft += 3 * np.eye(predictions.n_classes)[predictions.labels]
    soft[np.asarray(predictions.values, np.float64) < -1e300] = 0
    for targets in (None, soft / soft.sum(axis=1, keepdims=True)):
        monkeypatch.setattr("calib.calibrators._likelihood.KEPT_ENTRIES", 10**9)
        kept = TemperatureScaling.fit(predictions, targets=targets)
        monkeypatch.setattr("calib.calibrators._likelihood.KEPT_ENTRIES", 100)
        read = TemperatureScaling.fit(predictions, targets=targets)
        assert kept.status == read.status == "ok"
        assert kept.reads == 1
        assert read.reads <= 4
        assert read.temperature == pytest.approx(kept.temperature, rel=1e-9)
        assert read.nll_after == pytest.approx(kept.nll_after, rel=1e-11)
        assert read.nll_before == pytest.approx(kept.nll_before, rel=1e-6)
        assert read.standard_error == pytest.approx(kept.standard_error, rel=1e-6)
        assert read.robust_standard_error == pytest.approx(kept.robust_standard_error, rel=1e-4)


MEMORY = """
import resource, sys
import numpy as np
import calib
if sys.argv[1] == "torch":
    import torch
labels, logits = np.zeros(3_000_000, np.int64), np.zeros((3_000_000, 2), np.float32)
labels[::3], logits[:, 1], logits[::5, 1] = 1, -2, 1
predictions = calib.Predictions.from_logits(logits, labels)
calib.TemperatureScaling.fit(predictions[:100_000])  # what is loaded at first use
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(calib.TemperatureScaling.fit(predictions).status, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows does not tell the peak of memory this way")
def test_memory_does_not_grow_with_the_rows_of_two_classes(request: pytest.FixtureRequest) -> None:
    engine = request.node.callspec.params["engine"]
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, engine],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "2"},
    )
    status, kibibytes = done.stdout.split()
    assert status == "ok"
    assert int(kibibytes) < 64 * 1024
