"""A calibrated module exported to ONNX gives onnxruntime the same numbers, whatever the number of rows."""

# mypy: disable-error-code="import-not-found,import-untyped"

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from calib.calibrators.vector import VectorScaling
from calib.integrations.torch_module import CalibratedModule
from calib.predictions import Predictions

from .test_torch_export import EXPORTED, ROWS, several
from .test_torch_module import data, expected, tensor

pytest.importorskip("onnxscript", reason="torch.onnx.export needs onnxscript")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime runs what was exported")

pytestmark = [  # from inside the exporter of torch 2.13
    pytest.mark.filterwarnings("ignore:.*isinstance.treespec, LeafSpec.:FutureWarning"),
]


def session(module: nn.Module, example: torch.Tensor, path: Path) -> Any:
    torch.onnx.export(module.eval(), (example,), path, dynamo=True, dynamic_shapes=ROWS, verbose=False)
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


FEW = [  # what these are made of makes up the others too
    ("logits", 2, ("beta", "histogram")),
    ("logits", 4, ("ensemble-temperature", "structured-matrix", "desmoothing", "pooled", "spline")),
    ("probs", 4, ("temperature", "histogram")),
]


@pytest.mark.parametrize(
    ("kind", "k", "names"), [*FEW, *(pytest.param(*case, marks=pytest.mark.slow) for case in EXPORTED)]
)
def test_onnxruntime_computes_what_the_modules_do(kind: Any, k: int, names: Sequence[str], tmp_path: Path) -> None:
    dtype: Any = np.float32 if kind == "probs" else np.float64
    test = tensor(data(k, 200, 1, kind=kind, dtype=dtype))
    modules = several(names, k, kind, test.dtype)
    running = session(modules, test[:3], tmp_path / "model.onnx")
    for rows in (1, 200):
        wanted = modules(test[:rows])
        found = running.run(None, {"inputs": test[:rows].numpy()})
        for name, one in zip(wanted, found, strict=True):
            assert one.dtype == dtype
            tolerance = 1e-6 if dtype == np.float32 else 1e-12
            np.testing.assert_allclose(one, wanted[name], rtol=0, atol=tolerance, err_msg=name)


def test_a_network_and_its_calibrator_are_one_file(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3)).eval()
    calibrator = VectorScaling(np.array([0.5, 1.0, 2.0]), np.array([0.1, 0.0, -0.1]))
    images = torch.randn(5, 1, 8, 8)
    running = session(CalibratedModule(model, calibrator, output="log_probs"), images[:2], tmp_path / "model.onnx")
    (found,) = running.run(None, {"inputs": images.numpy()})
    logits = model(images).detach().numpy()
    np.testing.assert_allclose(np.exp(found), expected(calibrator, Predictions.from_logits(logits, [0] * 5)), atol=1e-6)
