"""Temperature scaling of data that are worth a sample first: few reads, no digit lost, no optimum missed."""

import dataclasses
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch  # noqa: F401  # loaded, it takes over
from scipy.optimize import brentq
from scipy.special import softmax

import calib
from calib._arrays import torch_is_ready
from calib.calibrators._likelihood import Likelihood
from calib.calibrators._moments import Asked
from calib.calibrators.temperature import TemperatureScaling
from calib.errors import InputError
from calib.predictions import Predictions

from ..references import sample
from .test_temperature import edge, fit


@pytest.fixture(autouse=True, params=["numpy", "torch"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test runs with the sums of numpy, and with those of torch in several blocks."""
    monkeypatch.setattr("calib.calibrators._likelihood.torch_is_ready", lambda: request.param == "torch")
    monkeypatch.setattr("calib.calibrators._torch_sums.ENTRIES", 20_000)


def reference(logits: Any, labels: Any) -> float:
    """The best T by scipy's bracketed root of the plain slope of NLL, in float64."""
    wide = np.asarray(logits, np.float64)
    wide -= wide.max(axis=1, keepdims=True)
    true = wide[np.arange(len(wide)), labels].mean()

    def slope(log_beta: float) -> float:
        return float((softmax(np.exp(log_beta) * wide, axis=1) * wide).sum(axis=1).mean() - true)

    return float(np.exp(-brentq(slope, -12, 12, xtol=1e-14, rtol=1e-14)))


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
    monkeypatch.setattr("calib.calibrators._likelihood.KEPT_ENTRIES", 10**9)
    kept = fit(given, labels)
    assert kept.reads == 1
    assert kept.temperature == pytest.approx(reference(given, labels), rel=1e-11)
    monkeypatch.setattr("calib.calibrators._likelihood.KEPT_ENTRIES", 10_000)
    read = fit(given, labels)
    assert read.reads <= 3
    assert read.temperature == pytest.approx(reference(given, labels), rel=1e-9)
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
    every = slice(None, None, 41)  # the rows of the first guess
    monkeypatch.setattr("calib.calibrators._likelihood.LEAST_ROWS", 488)
    monkeypatch.setattr("calib.calibrators._likelihood.SAMPLE_ENTRIES", 1)
    monkeypatch.setattr("calib.calibrators._likelihood.KEPT_ENTRIES", 10_000)
    assert Likelihood(Predictions.from_logits(logits, labels)).sample().predictions.n == len(labels[every])  # type: ignore[union-attr]
    for scale in (0.25, 3.0, 1000.0):
        other = logits.copy()
        other[every] *= scale
        near = other.copy()
        near[every] *= 1.03 / fit(other[every], labels[every]).temperature  # the guess is right to a few percent
        for case in (other, near):
            assert fit(case, labels).temperature == pytest.approx(reference(case, labels), rel=1e-9)
    separable = labels.copy()
    separable[every] = logits[every].argmax(axis=1)
    assert fit(logits, separable).temperature == pytest.approx(reference(logits, separable), rel=1e-9)


@pytest.mark.parametrize("k", [3, 40])
@pytest.mark.parametrize("right", [0.4, 0.5, 0.55])
def test_derivatives_that_are_zero_by_symmetry_do_not_end_the_search(
    k: int, right: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    n = 6000
    logits = np.zeros((n, k))
    logits[:, 0] = np.log(k - 1)  # both halves have the same chance at T = 1, where odd derivatives vanish
    labels = 1 + np.arange(n) % (k - 1)
    labels[np.random.default_rng(0).permutation(n)[: int(right * n) + 1]] = 0
    exact = np.log(k - 1) / (np.log(labels.tolist().count(0)) - np.log((n - labels.tolist().count(0)) / (k - 1)))
    for entries in (100, 10**9):
        monkeypatch.setattr("calib.calibrators._likelihood.KEPT_ENTRIES", entries)
        assert fit(logits, labels).temperature == pytest.approx(exact, rel=1e-9)


def test_a_start_from_many_rows_needs_one_derivative_less(monkeypatch: pytest.MonkeyPatch) -> None:
    logits, labels = sample(60_000, 4)
    monkeypatch.setattr("calib.calibrators._optimum.MANY", 1000)
    asked, gone_through = [], Likelihood._gone_through

    def noted(likelihood: Likelihood, what: Asked) -> Any:
        asked.append(what.order)
        return gone_through(likelihood, what)

    monkeypatch.setattr(Likelihood, "_gone_through", noted)
    fitted = fit(logits, labels)
    assert 4 in asked
    assert fitted.temperature == pytest.approx(reference(logits, labels), rel=1e-9)


@pytest.mark.parametrize("row", [0, 41, 19_998])
def test_a_bad_value_is_named_by_its_own_row(row: int) -> None:
    logits, labels = sample(20_000, 4)
    logits[row, 2] = np.nan
    with pytest.raises(InputError, match=f"row {row}\\b"):
        fit(logits, labels)


@pytest.mark.parametrize("gain", [0.0, 1e-9, 1e-7, 1e-4])
def test_what_little_a_temperature_gains_is_told_to_its_digits(gain: float) -> None:
    logits, labels = sample(20_000, 4)
    logits = (logits / fit(logits, labels).temperature * (1 + 3 * np.sqrt(gain))).astype(np.float32)
    fitted = fit(logits, labels)
    wide = Predictions.from_logits(logits.astype(np.float64), labels)
    exact = calib.nll(wide) - calib.nll(TemperatureScaling(reference(logits, labels)).transform(wide))
    assert fitted.nll_before - fitted.nll_after == pytest.approx(exact, rel=1e-5, abs=1e-12)
    assert fitted.nll_after <= fitted.nll_before


def test_saturated_float32_scores_that_gain_little_are_read_again() -> None:
    logits = np.zeros((20_000, 3), np.float32)
    logits[:, 0] = 30
    labels = np.zeros(20_000, np.int64)
    labels[0] = 1  # NLL is 30 / 20,000 on either side of a flat optimum at log-odds of about 10.6
    logits[1:5000, 0] = 11
    fitted = fit(logits, labels)
    wide = Predictions.from_logits(logits.astype(np.float64), labels)
    assert fitted.nll_before == pytest.approx(calib.nll(wide), rel=1e-6)
    assert fitted.nll_after == pytest.approx(
        calib.nll(TemperatureScaling(fitted.temperature).transform(wide)), rel=1e-10
    )
    assert fitted.temperature == pytest.approx(reference(logits, labels), rel=1e-9)


def test_what_a_far_temperature_gains_of_nearly_equal_scores_is_read_again() -> None:
    logits = np.zeros((20_000, 2), np.float32)
    logits[:, 0] = 0.004
    labels = (np.arange(20_000) >= 10_030).astype(np.int64)  # T is about 1 / 1.5, and the gain half a millionth
    guessed = np.arange(0, 20_000, 9)  # the rows of the sample
    labels[guessed] = np.arange(len(guessed)) >= 1115
    others = np.setdiff1d(np.arange(20_000), guessed)
    labels[others] = np.arange(len(others)) >= 10_030 - 1115
    fitted = fit(logits, labels)
    wide = Predictions.from_logits(logits.astype(np.float64), labels)
    exact = calib.nll(wide) - calib.nll(TemperatureScaling(reference(logits, labels)).transform(wide))
    assert 1e-7 < exact < 1e-6
    assert fitted.nll_before - fitted.nll_after == pytest.approx(exact, rel=1e-4)


def test_a_start_within_a_percent_is_not_near_enough_where_scores_are_far_apart() -> None:
    logits = np.tile([18.0, 0.0], (20_000, 1))
    guessed = np.arange(0, 20_000, 9)  # the rows of the sample, of which relatively more are wrong
    labels = np.zeros(20_000, np.int64)
    labels[guessed[:129]] = 1
    labels[np.setdiff1d(np.arange(20_000), guessed)[:871]] = 1
    weight = np.where(labels == 1, 4e-7, 1.0)
    fitted = TemperatureScaling.fit(Predictions.from_logits(logits, labels, sample_weight=weight))
    assert fitted.reads == 2
    assert fitted.temperature == pytest.approx(18 / np.log(19_000 / (1000 * 4e-7)), rel=1e-10)


def test_a_sample_is_of_rows_that_count() -> None:
    logits, labels = sample(40_000, 4)
    weight = (np.arange(40_000) < 2000).astype(np.float64)
    predictions = Predictions.from_logits(logits, labels, sample_weight=weight)
    found = Likelihood(predictions).sample()
    assert found is not None
    assert found.predictions.n == found.effective == 667


def test_derivatives_are_those_of_nll_and_of_the_squared_slopes(monkeypatch: pytest.MonkeyPatch) -> None:
    logits, labels = sample(500, 6)
    for entries in (100, 10**9):
        monkeypatch.setattr("calib.calibrators._likelihood.KEPT_ENTRIES", entries)
        likelihood = Likelihood(Predictions.from_logits(logits, labels))
        at = likelihood.at(0.8)
        step = 1e-4
        high, low = (likelihood.at(0.8 * (1 + s)) for s in (step, -step))
        for order, (above, below) in enumerate(zip(high.derivatives[:-1], low.derivatives[:-1], strict=True), 1):
            # the unit of each is the β it is read at
            slope = (above / (1 + step) ** order - below / (1 - step) ** order) / (2 * step)
            assert at.derivatives[order] == pytest.approx(slope, rel=1e-6)
        squares = [one.squares[0] / (1 + s) ** 2 for one, s in ((low, -step), (at, 0), (high, step))]
        assert at.squares[1] == pytest.approx((squares[2] - squares[0]) / (2 * step), rel=1e-6)
        assert at.squares[2] == pytest.approx((squares[2] - 2 * squares[1] + squares[0]) / step**2, rel=1e-5)
        moved = at.moved(0.01)
        assert moved.squares[0] == pytest.approx(likelihood.at(0.8 * 1.01).squares[0], rel=1e-5)


@pytest.mark.parametrize("n", [100, 20_000])
def test_rows_of_no_weight_may_hold_what_overflows(n: int) -> None:
    logits, labels = sample(n, 4)
    weight = np.ones(n)
    weight[::5] = 0
    counted = fit(logits[weight > 0], labels[weight > 0])
    logits[::5] = np.finfo(np.float64).min
    logits[::5, 0] = 0.0
    fitted = TemperatureScaling.fit(Predictions.from_logits(logits, labels, sample_weight=weight))
    assert fitted.temperature == pytest.approx(counted.temperature, rel=1e-9)


def kinds() -> dict[str, Predictions]:
    """Predictions of every kind, of 3,000 rows and 5 or 40 classes."""
    found: dict[str, Predictions] = {}
    records = np.zeros(3000, [("logits", np.float32, 5), ("flag", np.int8)])
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
            f"long doubles, {k}": Predictions.from_logits(logits.astype(np.longdouble), labels),
            f"probabilities, {k}": Predictions.from_probs(softmax(logits, axis=1), labels),
        }
    records["logits"] = sample(3000, 5, seed=1)[0]
    found["records"] = Predictions.from_logits(records["logits"], sample(3000, 5, seed=1)[1])
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
n, k = 6_000_000 // int(sys.argv[2]), int(sys.argv[2])
labels, logits = np.zeros(n, np.int64), np.zeros((n, k), np.float32)
labels[::3], logits[:, 1:], logits[::5, 1] = 1, -2, 1
predictions = calib.Predictions.from_logits(logits, labels)
calib.TemperatureScaling.fit(predictions[:100_000])  # what is loaded at first use
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
fitted = calib.TemperatureScaling.fit(predictions)
print(fitted.status, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, sep=":")
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows does not tell the peak of memory this way")
@pytest.mark.parametrize("k", [2, 10])
def test_memory_does_not_grow_with_the_rows(k: int, request: pytest.FixtureRequest) -> None:
    engine = request.node.callspec.params["engine"]
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, engine, str(k)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "8" if engine == "numpy" else "2"},
    )
    status, kibibytes = done.stdout.split(":")
    assert status == "ok"
    assert int(kibibytes) < 64 * 1024


FORKED = """
import multiprocessing, os, signal, sys
import numpy as np
import torch
def fit(logits, labels):
    import calib
    return calib.TemperatureScaling.fit(calib.Predictions.from_logits(logits, labels)).temperature
logits = np.random.default_rng(0).standard_normal((20_000, 4))
labels = (logits * 0.5).argmax(axis=1) * (np.arange(20_000) % 3 > 0)
torch.ones(2_000_000).exp().sum(), torch.ones(400, 400) @ torch.ones(400, 400)  # starts its threads
if sys.argv[1] == "by hand":
    there = fit(logits, labels)
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        os._exit(abs(fit(logits, labels) - there) > 1e-8)
    assert os.waitpid(child, 0)[1] == 0
else:
    with multiprocessing.get_context("fork").Pool(1) as pool:
        there = pool.apply_async(fit, (logits, labels)).get(60)
print(there, fit(logits, labels))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("way", ["by hand", "before calib is imported"])
def test_a_forked_process_does_not_wait_for_the_threads_of_its_parent(way: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKED, way],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "2"},
    )
    here, there = map(float, done.stdout.split())
    assert there == pytest.approx(here, rel=1e-9)


@pytest.mark.parametrize("module", [None, object()])
def test_a_torch_that_is_none_is_left_alone(module: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert torch_is_ready()
    monkeypatch.setitem(sys.modules, "torch", module)  # None where somebody forbids the import, bare while it goes on
    assert not torch_is_ready()
    assert calib.ece([[0.9, 0.1], [0.2, 0.8]], [0, 1]) == pytest.approx(0.15)
