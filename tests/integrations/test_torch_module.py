"""A module's numbers are those of the calibrator, before and after saving, moving and exporting."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from calib.calibrators._base import log_probs
from calib.calibrators._steps import class_log_odds
from calib.calibrators.bbq import BayesianBinning
from calib.calibrators.beta import BetaCalibration
from calib.calibrators.desmoothing import SmoothingInverse
from calib.calibrators.dirichlet import DirichletCalibration
from calib.calibrators.ensemble_temperature import EnsembleTemperatureScaling
from calib.calibrators.grouped import GroupedCalibrator
from calib.calibrators.histogram import HistogramBinning
from calib.calibrators.isotonic import IsotonicCalibration
from calib.calibrators.matrix import MatrixScaling
from calib.calibrators.p_norm import MaxLogitPNorm
from calib.calibrators.platt import PlattScaling
from calib.calibrators.registry import METHODS
from calib.calibrators.spline import SplineCalibration
from calib.calibrators.structured import StructuredMatrixScaling, StructuredVectorScaling
from calib.calibrators.temperature import TemperatureScaling
from calib.calibrators.vector import VectorScaling
from calib.errors import InputError
from calib.integrations.torch_module import CalibratedModule
from calib.predictions import Predictions

from ..references import sample

SMOOTH: dict[str, Callable[[Predictions], Any]] = {
    "temperature": TemperatureScaling.fit,
    "ensemble-temperature": lambda given: EnsembleTemperatureScaling(1.7, np.array([0.5, 0.3, 0.2])),
    "vector": lambda given: VectorScaling.fit(given, penalty=1e-3),
    "matrix": lambda given: MatrixScaling.fit(given, penalty=1e-4),
    "dirichlet": lambda given: DirichletCalibration.fit(given, off_diagonal_penalty=1e-2, intercept_penalty=1e-3),
    "structured-vector": StructuredVectorScaling.fit,
    "structured-matrix": StructuredMatrixScaling.fit,
    "desmoothing": lambda given: SmoothingInverse(0.02),
    "platt": PlattScaling.fit,
    "beta": BetaCalibration.fit,
}
STEPS: dict[str, Callable[[Predictions], Any]] = {
    "isotonic": IsotonicCalibration.fit,
    "pooled": lambda given: IsotonicCalibration.fit(given, method="pooled"),
    "histogram": HistogramBinning.fit,
    "equal-width": lambda given: HistogramBinning.fit(given, binning="equal-width"),
    "bbq": BayesianBinning.fit,
}
FITS = {**SMOOTH, **STEPS, "spline": SplineCalibration.fit}
CASES = [(name, 2 if name in ("platt", "beta") else k) for name in FITS for k in (2, 4)]
CASES = sorted(set(CASES))
ONE_EACH = [(name, 2 if name in ("platt", "beta") else 4) for name in FITS]


def data(k: int, n: int = 400, seed: int = 0, *, kind: str = "logits", dtype: Any = np.float64) -> Predictions:
    """Rows of which the first few have probabilities of exactly 0 and 1."""
    logits, labels = sample(n, k, true_temperature=2.0, seed=seed)
    logits[0, :-1] = logits[1, 1:] = -np.inf
    logits[2, 0] = logits[3, -1] = -np.inf
    labels[:4] = [k - 1, 0, 1, 0]
    if kind == "logits":
        return Predictions.from_logits(logits.astype(dtype), labels)
    probs = np.exp(log_probs(Predictions.from_logits(logits, labels)))
    return Predictions.from_probs(probs.astype(dtype), labels)


def expected(calibrator: Any, given: Predictions) -> Any:
    return np.exp(log_probs(calibrator.transform(given)))


def tensor(given: Predictions) -> torch.Tensor:
    return torch.tensor(given.values)


def same(found: torch.Tensor, wanted: Any, tolerance: float) -> None:
    np.testing.assert_allclose(found.detach().numpy(), wanted, rtol=0, atol=tolerance)


def test_every_method_of_the_registry_has_a_case() -> None:
    assert set(METHODS) <= set(FITS)


@pytest.mark.parametrize("kind", ["logits", "probs"])
@pytest.mark.parametrize(("name", "k"), CASES)
def test_in_float64_the_numbers_are_those_of_transform(name: str, k: int, kind: Any) -> None:
    calibrator, test = FITS[name](data(k, kind=kind)), data(k, 1000, 1, kind=kind)
    module = CalibratedModule(None, calibrator, scores=kind, dtype=torch.float64)
    found = module(tensor(test))
    assert found.dtype == torch.float64
    same(found, expected(calibrator, test), 1e-12)
    np.testing.assert_array_equal(found.argmax(1).numpy(), calibrator.transform(test).outcomes.predicted)
    logs = CalibratedModule(None, calibrator, scores=kind, output="log_probs", dtype=torch.float64)(tensor(test))
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(np.exp(logs.numpy()), found.numpy(), rtol=1e-12, atol=1e-300)


def near_an_edge(calibrator: Any, given: Predictions) -> Any:
    """Rows whose step or steep line is settled by the digits beyond float32."""
    if isinstance(calibrator, SplineCalibration):
        steepness = np.abs(np.diff(calibrator.recalibrated) / np.diff(calibrator.confidence))
        segment = np.searchsorted(calibrator.confidence, given.outcomes.confidence) - 1
        return steepness[np.clip(segment, 0, len(steepness) - 1)] > 5
    if not hasattr(calibrator, "edges"):
        return np.zeros(given.n, bool)
    log_odds = class_log_odds(given)
    found = np.zeros(given.n, bool)
    for c in range(given.n_classes):
        edges = calibrator.edges[c if len(calibrator.edges) == given.n_classes else 0]
        column = log_odds[:, c, None] if given.n_classes > 2 or len(calibrator.edges) > 1 else log_odds[:, 1, None]
        with np.errstate(invalid="ignore"):
            found |= (np.abs(column - edges) < 3e-6 * (1 + np.abs(edges))).any(axis=1)
    return found


@pytest.mark.parametrize("kind", ["logits", "probs"])
@pytest.mark.parametrize(("name", "k"), CASES)
def test_in_float32_the_numbers_are_those_of_transform_but_for_rows_on_an_edge(name: str, k: int, kind: Any) -> None:
    calibrator, test = FITS[name](data(k, kind=kind)), data(k, 1000, 1, kind=kind, dtype=np.float32)
    module = CalibratedModule(nn.Identity(), calibrator, scores=kind)
    found, wanted = module(tensor(test)), expected(calibrator, test)
    assert found.dtype == torch.float32
    settled = ~near_an_edge(calibrator, test)
    assert settled.mean() > 0.97
    same(found[torch.tensor(settled)], wanted[settled], 1e-6)


@pytest.mark.parametrize(("name", "k"), [(name, 2 if name in ("platt", "beta") else 4) for name in [*SMOOTH, "spline"]])
@pytest.mark.parametrize("output", ["probs", "log_probs"])
def test_gradients_reach_the_logits(name: str, k: int, output: Any) -> None:
    given = data(k)
    calibrator = FITS[name](given)
    if name == "desmoothing":  # away from its cuts
        calibrator = SmoothingInverse(1e-4)
    if name == "spline":  # and from its corners
        calibrator = SplineCalibration(np.array([0.2, 0.99]), np.array([0.1, 0.8]))
    module = CalibratedModule(None, calibrator, output=output, dtype=torch.float64)
    logits = tensor(given)[4:10].requires_grad_()
    assert torch.autograd.gradcheck(module, (logits,))


def test_gradients_stay_numbers_beside_a_probability_of_zero() -> None:
    given = data(4)
    for name in ("temperature", "vector", "matrix", "structured-matrix"):
        logits = tensor(given)[:6].float().requires_grad_()
        CalibratedModule(None, FITS[name](given))(logits)[:, 0].sum().backward()
        assert logits.grad is not None
        assert logits.grad.isfinite().all()
        assert logits.grad.abs().max() > 0


def test_buffers_follow_the_model_in_device_and_dtype_and_hold_no_parameters() -> None:
    calibrator = VectorScaling(np.array([1.0, 2.0, 3.0]), np.zeros(3))
    for dtype, wanted in ((torch.float64, torch.float64), (torch.bfloat16, torch.float32)):
        module = CalibratedModule(nn.Linear(5, 3).to(dtype), calibrator)
        assert module.get_buffer("scale").dtype == wanted
        assert module(torch.zeros(2, 5, dtype=dtype)).dtype == wanted
    assert [name for name, _ in module.named_parameters()] == ["model.weight", "model.bias"]
    assert CalibratedModule(nn.Linear(5, 3, device="meta"), calibrator).get_buffer("scale").is_meta
    assert CalibratedModule(None, calibrator).to(torch.float64).get_buffer("scale").dtype == torch.float64


def test_sixteen_bits_are_computed_in_float32_and_half_rounds_the_buffers_alone() -> None:
    calibrator, test = TemperatureScaling(1.2345), data(4, 50)
    logits = tensor(test).half()
    wanted = expected(calibrator, Predictions.from_logits(logits, test.labels))
    same(CalibratedModule(None, calibrator)(logits), wanted, 1e-6)
    rounded = CalibratedModule(None, calibrator).half()
    assert rounded.get_buffer("temperature").dtype == torch.float16
    same(rounded(logits), wanted, 1e-3)


def test_autocast_takes_no_digits() -> None:
    calibrator, test = FITS["matrix"](data(4)), data(4, 50)
    module = CalibratedModule(None, calibrator)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = module(tensor(test).float())
    assert torch.equal(found, module(tensor(test).float()))


def test_the_model_gets_everything_it_is_called_with() -> None:
    class Model(nn.Module):
        def forward(self, ids: torch.Tensor, scale: float = 1.0, *, mask: torch.Tensor) -> Any:
            return type("Output", (), {"logits": ids * scale * mask})()

    module = CalibratedModule(Model(), TemperatureScaling(2.0))
    ids, mask = torch.randn(3, 4), torch.ones(3, 4)
    for found in (module(ids, 3.0, mask=mask), module(ids=ids, scale=3.0, mask=mask)):
        assert torch.equal(found, torch.softmax(ids * 1.5, dim=-1))


@pytest.mark.parametrize("kind", ["logits", "probs"])
def test_one_score_an_example_is_that_of_class_one(kind: Any) -> None:
    calibrator, scores = PlattScaling(1.3, -0.2), torch.tensor([0.2, 0.9, 0.5], dtype=torch.float64)
    given = getattr(Predictions, f"from_{kind}")(scores, [0, 1, 1])
    same(
        CalibratedModule(None, calibrator, scores=kind, dtype=torch.float64)(scores), expected(calibrator, given), 1e-12
    )


@pytest.mark.parametrize(("name", "k"), ONE_EACH)
def test_a_bad_row_comes_out_as_nan_and_the_others_as_they_were(name: str, k: int) -> None:
    given = data(k)
    module = CalibratedModule(None, FITS[name](given))
    logits = tensor(given)[4:9].float()
    before = module(logits)
    logits[1, 0], logits[2], logits[3, 1] = torch.nan, -torch.inf, torch.inf
    after = module(logits)
    assert after[1:4].isnan().all()
    assert torch.equal(after[[0, 4]], before[[0, 4]])


@pytest.mark.parametrize("name", ["ensemble-temperature", "pooled", "spline", "desmoothing"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_predicted_class_stays_where_rounding_ties_it(name: str, dtype: torch.dtype) -> None:
    logits = torch.tensor([[0.0, 1e-7, -3.0, 0.0], [0.3, 0.2, 0.3000001, 0.0]], dtype=dtype)
    calibrators: dict[str, Any] = {
        "ensemble-temperature": EnsembleTemperatureScaling(1.0, np.array([0.0, 0.0, 1.0])),
        "pooled": IsotonicCalibration((np.array([5.0]),), (np.array([0.4, 0.9]),), 4, "pooled"),
        "spline": SplineCalibration(np.array([0.5]), np.array([0.1])),
        "desmoothing": SmoothingInverse(0.0),
    }
    found = CalibratedModule(None, calibrators[name], dtype=dtype)(logits)
    assert found.argmax(1).tolist() == logits.argmax(1).tolist()


def test_a_saturated_confidence_is_interpolated_in_float32_as_in_float64() -> None:
    doubts = np.array([1e-12, 1e-9, 1e-4, 0.3])
    calibrator = SplineCalibration(1 - doubts[::-1], np.array([0.6, 0.7, 0.8, 0.99]))
    logits = torch.tensor([[margin, 0.0] for margin in (1.0, 5.0, 12.0, 19.0, 22.0, 25.0, 40.0)])
    same(
        CalibratedModule(None, calibrator)(logits), expected(calibrator, Predictions.from_logits(logits, [0] * 7)), 1e-6
    )


def test_steps_beside_probabilities_of_zero_and_one_hold_in_float32() -> None:
    probs = [[1.0, 0.0], [0.3, 0.7], [0.0, 1.0]]
    calibrator = HistogramBinning.fit(Predictions.from_probs(probs * 4, [0, 1, 1, 0, 0, 1] * 2), n_bins=3)
    assert calibrator.values[0].tolist() == [0.0, 0.5, 1.0]
    for kind, rows in (("probs", probs), ("logits", np.log(np.maximum(probs, 1e-300)))):
        module = CalibratedModule(None, calibrator, scores=kind)  # type: ignore[arg-type]
        given = getattr(Predictions, f"from_{kind}")(rows, [0, 1, 1])
        same(module(torch.tensor(np.array(rows), dtype=torch.float32)), expected(calibrator, given), 1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_score_on_an_edge_is_below_it_and_a_row_without_a_score_stays(dtype: torch.dtype) -> None:
    calibrator = IsotonicCalibration((np.array([-1.0, 0.0, 1.0]),), (np.array([0.1, 0.2, 0.7, 0.8]),), 2)
    logits = torch.tensor([[0.0, 0.0], [0.0, 1e-6], [0.0, -3.0], [0.0, 5.0]], dtype=dtype)
    found = CalibratedModule(None, calibrator, dtype=dtype)(logits)
    same(found[:, 1], [0.2, 0.7, 0.1, 0.8], 1e-7)
    nothing = HistogramBinning((np.zeros(0),) * 3, (np.zeros(1),) * 3, 3)
    rows = torch.tensor([[0.0, 1.0, -2.0]], dtype=dtype)
    assert torch.equal(CalibratedModule(None, nothing, dtype=dtype)(rows), torch.softmax(rows, dim=-1))


@pytest.mark.parametrize("calibrator", [BetaCalibration(0.3, 2.0, 0.5), PlattScaling(0.02, 0.1)])
def test_log_odds_beyond_the_range_of_exp_are_held(calibrator: Any) -> None:
    logits = torch.tensor([[0.0, 100.0], [0.0, -100.0], [500.0, -400.0], [0.0, 3e4]])
    wanted = expected(calibrator, Predictions.from_logits(logits, [0] * 4))
    same(CalibratedModule(None, calibrator)(logits), wanted, 1e-6)


def test_what_has_no_form_is_refused_in_words() -> None:
    given = data(4)
    grouped: Any = GroupedCalibrator.fit(TemperatureScaling, given, ["a", "b"] * 200)
    with pytest.raises(InputError, match="a grouped calibrator must be told the group of each row"):
        CalibratedModule(None, grouped)
    with pytest.raises(InputError, match="MaxLogitPNorm is no calibrator"):
        CalibratedModule(None, MaxLogitPNorm(1.0))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="scores"):
        CalibratedModule(None, TemperatureScaling(2.0), scores="odds")  # type: ignore[arg-type]


def test_scores_of_a_wrong_shape_are_refused_in_words() -> None:
    module = CalibratedModule(None, VectorScaling(np.ones(3), np.zeros(3)))
    for bad, words in (
        (torch.zeros(2, 4), "fitted to 3 classes, these scores have 4"),
        (torch.zeros(2, 3, 5), r"shape \(n, k\) with k of at least 2, got \(2, 3, 5\)"),
        (torch.zeros(2, 1), r"got \(2, 1\)"),
        (torch.zeros(2, 3, dtype=torch.int64), "a tensor of torch.int64"),
        ([[0.0, 1.0, 2.0]], "it returned list"),
    ):
        with pytest.raises(InputError, match=words):
            module(bad)
