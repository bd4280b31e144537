"""Temperature scaling of data that are worth a sample first: few reads, no digit lost, no optimum missed."""

from typing import Any

import numpy as np
import pytest
import torch  # noqa: F401  # loaded, it takes over

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
    assert read.robust_standard_error == pytest.approx(kept.robust_standard_error, rel=1e-5)
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
    monkeypatch.setattr("calib.calibrators._likelihood.SAMPLE_ROWS", 500)
    monkeypatch.setattr("calib.calibrators._likelihood.SAMPLE_ENTRIES", 1)
    monkeypatch.setattr("calib.calibrators._likelihood.KEPT_ENTRIES", 10_000)
    for case in ((other, labels), (logits, separable)):
        got = fit(*case)
        with monkeypatch.context() as patched:
            patched.setattr("calib.calibrators._likelihood.KEPT_ENTRIES", 10**9)
            assert got.temperature == pytest.approx(fit(*case).temperature, rel=1e-9)
