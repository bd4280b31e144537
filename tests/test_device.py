"""The pass for accelerators against the one for processors, run on the processor: no accelerator is needed."""

from typing import Any

import numpy as np
import pytest
import torch

import calib
from calib._arrays import DeviceArray
from calib.errors import InputError

from .references import sample

COLUMNS = ("predicted", "correct", "confidence", "log_odds", "nll", "brier")


@pytest.fixture(autouse=True)
def every_tensor_counts_as_on_an_accelerator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calib.predictions.on_accelerator", lambda values: isinstance(values, torch.Tensor))


def assert_same(tensor: Any, labels: Any, rtol: float, beta: Any = None) -> None:
    there = calib.Predictions.from_logits(tensor, labels)
    here = calib.Predictions.from_logits(tensor.double().numpy(), np.asarray(labels))
    assert isinstance(there.values, DeviceArray)
    if beta is not None:
        there, here = (calib.TemperatureScaling(beta).transform(p) for p in (there, here))
    for name in COLUMNS:
        got, want = getattr(there.outcomes, name), getattr(here.outcomes, name)
        np.testing.assert_allclose(got, want, rtol=rtol, atol=rtol, err_msg=name)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("beta", [None, 2.0])
def test_every_column_is_what_the_processor_finds(dtype: Any, beta: Any) -> None:
    logits, labels = sample(200, 7)
    assert_same(torch.from_numpy(logits).to(dtype), labels, 1e-12 if dtype == torch.float64 else 1e-6, beta)


def test_saturated_rows_ties_and_zeros_are_what_the_processor_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    logits = torch.tensor(
        [[900.0, 0.0, -3.0], [1.0, 1.0, 0.0], [0.0, -torch.inf, 1.0], [2.0, -torch.inf, -torch.inf], [90.0, 0, 0]]
    )
    for entries in (1, 6, 10**6):
        monkeypatch.setattr("calib._device.BLOCK_ENTRIES", entries)
        assert_same(logits, [1, 1, 0, 0, 0], 1e-6)


@pytest.mark.parametrize(("bad", "message"), [(np.nan, "row 3 column 1 holds nan"), (np.inf, "column 1 holds inf")])
@pytest.mark.parametrize("read", [calib.ece, calib.TemperatureScaling.fit])
def test_a_bad_row_is_named(read: Any, bad: float, message: str) -> None:
    logits = torch.zeros(5, 3)
    logits[3, 1] = bad
    with pytest.raises(InputError, match=message):
        read(calib.Predictions.from_logits(logits, [0] * 5))


def test_everything_else_reads_rows_as_they_are_needed(tmp_path: Any) -> None:
    logits, labels = sample(150, 4)
    there = calib.Predictions.from_logits(torch.from_numpy(logits), torch.from_numpy(labels))
    here = calib.Predictions.from_logits(logits, labels)
    assert calib.classwise_ece(there) == pytest.approx(calib.classwise_ece(here), abs=1e-12)
    assert calib.ece(there, of=2) == pytest.approx(calib.ece(here, of=2), abs=1e-12)
    fits = [calib.TemperatureScaling.fit(p).temperature for p in (there, here)]
    assert fits[0] == pytest.approx(fits[1], rel=1e-12)
    for rows in (slice(3, 9), labels == 1, np.array([5, 2])):
        assert calib.nll(there[rows]) == pytest.approx(calib.nll(here[rows]), rel=1e-12)
    assert calib.nll(calib.cross_fit(calib.TemperatureScaling, there)) == pytest.approx(
        calib.nll(calib.cross_fit(calib.TemperatureScaling, here)), rel=1e-9
    )
    there.save(tmp_path / "p.npz")
    assert calib.nll(calib.Predictions.load(tmp_path / "p.npz")) == pytest.approx(calib.nll(here), rel=1e-12)


@pytest.mark.parametrize("k", [3, 40])
def test_the_temperature_is_what_the_processor_finds(k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calib._device.BLOCK_ENTRIES", 500)
    logits, labels = sample(300, k, true_temperature=1.7)
    logits[5, (labels[5] + 1) % k] = -np.inf
    weight = np.random.default_rng(0).integers(0, 3, 300)
    targets = (np.eye(k)[labels] + np.random.default_rng(0).dirichlet(np.ones(k), 300)) / 2
    targets[5, (labels[5] + 1) % k] = 0
    targets[5] /= targets[5].sum()
    for soft in (None, targets):
        there, here = (
            calib.TemperatureScaling.fit(
                calib.TemperatureScaling(3.0).transform(
                    calib.Predictions.from_logits(given, labels, sample_weight=weight)
                ),
                targets=soft,
            )
            for given in (torch.from_numpy(logits), logits.copy())
        )
        assert there.temperature == pytest.approx(here.temperature, rel=1e-10)
        for name in ("standard_error", "robust_standard_error", "nll_before", "nll_after"):
            assert getattr(there, name) == pytest.approx(getattr(here, name), rel=1e-6), name
    assert calib.TemperatureScaling.fit(calib.Predictions.from_logits(torch.eye(3), [0, 1, 2])).status == "separable"
