"""A calibrator that leaves: as a program for any number of rows, as a state dict, and as one line of code."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from calib.calibrators.grouped import GroupedCalibrator
from calib.calibrators.isotonic import IsotonicCalibration
from calib.calibrators.spline import SplineCalibration
from calib.calibrators.temperature import TemperatureScaling
from calib.calibrators.vector import VectorScaling
from calib.errors import InputError
from calib.integrations.torch_module import CalibratedModule, one_line

from .test_torch_module import FITS, ONE_EACH, STEPS, data, expected, tensor

ROWS = {"inputs": {0: torch.export.Dim("n")}}
BINARY = ("platt", "beta", "histogram")
MAPS = [name for name in FITS if name not in ("platt", "beta", "dirichlet", "isotonic", "equal-width", "bbq")]
EXPORTED = [("logits", 2, BINARY), ("logits", 4, MAPS), ("probs", 4, ("temperature", "pooled", "histogram", "spline"))]


def test_one_logit_an_example_exports_too() -> None:
    module = CalibratedModule(None, TemperatureScaling(2.0))
    program = torch.export.export(module, (torch.zeros(4),), dynamic_shapes=ROWS).module()
    np.testing.assert_allclose(program(torch.tensor([0.0, 2.0, -2.0]))[:, 1], 1 / (1 + np.exp([0.0, -1.0, 1.0])))


class Several(nn.Module):
    """Modules side by side: exporting them together takes a fraction of the time."""

    def __init__(self, modules: dict[str, nn.Module]) -> None:
        super().__init__()
        self.parts = nn.ModuleDict(modules)

    def forward(self, inputs: torch.Tensor) -> dict[str, torch.Tensor]:
        return {name: part(inputs) for name, part in self.parts.items()}


def several(names: Sequence[str], k: int, kind: Any, dtype: torch.dtype) -> Several:
    """Modules of every distinct map; the other methods share one of these."""
    given = data(k, kind=kind)
    return Several({name: CalibratedModule(None, FITS[name](given), scores=kind, dtype=dtype) for name in names})


@pytest.mark.parametrize(
    ("kind", "k", "names", "strict"), [(*case, strict) for case in EXPORTED for strict in {False, case[0] == "logits"}]
)
def test_an_exported_program_takes_any_number_of_rows(kind: Any, k: int, names: Sequence[str], strict: bool) -> None:
    modules, test = several(names, k, kind, torch.float64), tensor(data(k, 100, 1, kind=kind))
    program = torch.export.export(modules, (test[:7],), dynamic_shapes=ROWS, strict=strict).module()
    for rows in (1, 100):
        wanted = modules(test[:rows])
        for name, found in program(test[:rows]).items():
            np.testing.assert_allclose(found, wanted[name], rtol=0, atol=1e-15, err_msg=name)


@pytest.mark.parametrize(("name", "k"), ONE_EACH)
def test_a_state_dict_carries_the_calibrator_to_another_module(name: str, k: int) -> None:
    test = data(k, 300, 1)
    fits = [FITS[name](data(k, seed=seed)) for seed in (0, 7)]
    if name == "spline":
        fits[1] = SplineCalibration(fits[0].confidence, fits[0].recalibrated / 2)
    elif name in STEPS:
        edges, values, *rest = vars(fits[0]).values()
        fits[1] = type(fits[0])(tuple(each + 0.1 for each in edges), tuple(each / 2 for each in values), *rest)
    one, other = (CalibratedModule(nn.Linear(k, k).double(), fit) for fit in fits)
    file = BytesIO()
    torch.save(one.state_dict(), file)
    file.seek(0)
    state = torch.load(file, weights_only=True)
    other.load_state_dict(state)
    finite = tensor(test)[4:]
    assert torch.equal(one(finite), other(finite))


def test_the_tables_of_nearly_as_many_steps_have_one_shape() -> None:
    for steps, rows in ((1, 0), (2, 1), (5, 7), (8, 7), (9, 15)):
        calibrator = IsotonicCalibration((np.arange(steps - 1.0),), (np.linspace(0, 1, steps),), 2)
        assert CalibratedModule(None, calibrator).get_buffer("edges").shape == (rows, 1)


@pytest.mark.parametrize("flavour", ["torch", "numpy"])
@pytest.mark.parametrize(("name", "k"), [("temperature", 4), ("platt", 2), ("vector", 4), ("vector", 20)])
def test_the_line_computes_what_transform_does(name: str, k: int, flavour: Any) -> None:
    calibrator, test = FITS[name](data(k)), data(k, 50, 1)
    line = one_line(calibrator, flavour=flavour)
    assert "\n" not in line
    names: dict[str, Any] = {"torch": torch, "np": np}
    names["logits"] = tensor(test) if flavour == "torch" else test.values
    exec(line, names)
    np.testing.assert_allclose(np.asarray(names["probs"]), expected(calibrator, test), rtol=0, atol=1e-12)


def test_what_is_no_one_line_is_refused_in_words() -> None:
    given = data(4)
    grouped: Any = GroupedCalibrator.fit(TemperatureScaling, given, ["a", "b"] * 200)
    with pytest.raises(InputError, match="vector of 21 classes is no one line"):
        one_line(VectorScaling(np.ones(21), np.zeros(21)))
    for calibrator in (grouped, FITS["matrix"](given), FITS["spline"](given)):
        with pytest.raises(InputError, match="is no one line"):
            one_line(calibrator)
