"""A torch model with its calibration inside: one nn.Module to save, move and export, or one line to copy."""

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from calib._arrays import AnyArray, Float
from calib._checks import check_choice
from calib.calibrators._base import LOWEST, Calibrator
from calib.calibrators.grouped import GroupedCalibrator
from calib.calibrators.registry import method_name
from calib.errors import InputError
from calib.integrations._torch_maps import LOGITS, PROBS, rows_of

Scores: TypeAlias = Literal["logits", "probs"]
Output: TypeAlias = Literal["probs", "log_probs"]
Flavour: TypeAlias = Literal["torch", "numpy"]

PARAMETERS: dict[str, tuple[str, ...]] = {
    "temperature": ("temperature",),
    "ensemble-temperature": ("temperature", "weights"),
    "vector": ("scale", "intercept"),
    "matrix": ("matrix", "intercept"),
    "dirichlet": ("matrix", "intercept"),
    "structured-vector": ("temperature", "mixing", "scale", "intercept"),
    "structured-matrix": ("temperature", "mixing", "matrix", "intercept"),
    "desmoothing": ("smoothing",),
    "platt": ("slope", "intercept", "limit"),
    "beta": ("a", "b", "c", "limit"),
}
STEPS = ("isotonic", "histogram", "bbq")
MOST_IN_A_LINE = 20  # classes whose numbers are still one line


class CalibratedModule(nn.Module):
    """``model`` followed by a fitted calibrator: inputs of the model in, calibrated probabilities ``(n, k)`` out.

    With ``model=None`` the input is the model's scores.  ``scores`` says what these are, "logits" or "probs"; either
    has shape ``(n, k)``, or ``(n,)`` for class 1 of two, as in `Predictions`.  ``output`` is "probs" or "log_probs".
    What the calibrator learned is held in buffers: ``to``, ``half`` and ``state_dict`` treat them as any others, and a
    module made from another calibrator of the same method and shape can load them.  Buffers are made on the device of
    the model, in float64 where its parameters are, else float32, or in ``dtype``.

    The numbers are those of ``calibrator.transform``, computed in the dtype of the scores, 16 bits in float32, also
    under autocast.  Step functions (isotonic regression, histogram and Bayesian binning) jump: in float32 a row whose
    log-odds are within rounding of an edge may land on its other side.  Call ``half()`` on the model before wrapping
    it, not on the whole: 16 bits hold a temperature to three digits and an edge to none worth having.

    Gradients reach the scores; those of step functions are 0.  Nothing here is random or differs between train and eval
    mode; put the model itself in eval mode.  Values are not checked: NaN in a row makes the row NaN.  The module can be
    exported with a free number of rows; the argument is called ``inputs``:

        dynamic_shapes = {"inputs": {0: torch.export.Dim("n")}}
        torch.onnx.export(module.eval(), (example,), "model.onnx", dynamo=True, dynamic_shapes=dynamic_shapes)

    Raises `InputError` for what has no form as a module (a grouped calibrator, which needs to be told the groups), and
    when called with scores of a wrong shape.

    >>> from calib import TemperatureScaling
    >>> module = CalibratedModule(None, TemperatureScaling(2.0))
    >>> module(torch.tensor([[2.0, 0.0]]))
    tensor([[0.7311, 0.2689]])
    >>> dict(module.state_dict())
    {'temperature': tensor(2.)}
    """

    def __init__(
        self,
        model: nn.Module | None,
        calibrator: Calibrator,
        *,
        scores: Scores = "logits",
        output: Output = "probs",
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        check_choice("scores", scores, ("logits", "probs"))
        check_choice("output", output, ("probs", "log_probs"))
        self.model = model
        self.scores, self.output = scores, output
        self.method, tables = _tables(calibrator)
        self.n_classes: int | None = 2 if self.method in ("platt", "beta") else getattr(calibrator, "n_classes", None)
        example = next((each for each in self.parameters() if each.is_floating_point()), torch.empty(0))
        dtype = dtype or (torch.float64 if example.dtype == torch.float64 else torch.float32)
        largest = torch.finfo(dtype).max  # an edge beside a probability of 0 or 1 lies near the end of float64
        self.tables = tuple(tables)
        for name, values in tables.items():
            near = np.where(np.isinf(values), values, np.clip(values, -largest, largest))
            self.register_buffer(name, torch.tensor(near, dtype=dtype, device=example.device))

    def forward(self, inputs: Any = None, /, *more: Any, **options: Any) -> Tensor:
        """Hand everything to the model, and return its calibrated probabilities, or their logarithms, ``(n, k)``."""
        given = more if inputs is None else (inputs, *more)
        found = given[0] if self.model is None else self.model(*given, **options)
        scores = _two_columns(getattr(found, "logits", found), self.scores, self.n_classes)
        kind = scores.device.type
        if torch.is_autocast_enabled(kind):  # a matrix product of 16 bits would cost most of the digits
            with torch.autocast(kind, enabled=False):
                return self._calibrated(scores)
        return self._calibrated(scores)

    def extra_repr(self) -> str:
        """What stands in the brackets when the module is printed."""
        return f"method={self.method!r}, scores={self.scores!r}, output={self.output!r}"

    def _calibrated(self, scores: Tensor) -> Tensor:
        scores = scores.to(torch.promote_types(scores.dtype, torch.float32))
        table = {name: self.get_buffer(name).to(scores.dtype) for name in self.tables}
        rows = rows_of(scores, are_probs=self.scores == "probs")
        if self.method in LOGITS:
            logits = LOGITS[self.method](rows, table)
            return torch.softmax(logits, dim=-1) if self.output == "probs" else torch.log_softmax(logits, dim=-1)
        probs = PROBS[self.method](rows, table)
        return probs if self.output == "probs" else probs.log()


def _two_columns(scores: Any, kind: Scores, n_classes: int | None) -> Tensor:
    """Scores ``(n, k)``.  Raises `InputError` for anything else."""
    if not isinstance(scores, Tensor) or not scores.is_floating_point():
        found = f"a tensor of {scores.dtype}" if isinstance(scores, Tensor) else type(scores).__name__
        raise InputError(f"the model must return a tensor of floats, it returned {found}", help="wrap the model")
    if scores.ndim == 1:
        scores = torch.stack([1 - scores if kind == "probs" else torch.zeros_like(scores), scores], dim=-1)
    if scores.ndim != 2 or scores.shape[1] < 2:
        raise InputError(
            f"scores must have shape (n, k) with k of at least 2, got {tuple(scores.shape)}",
            help="classes go last; one score an example of two classes has shape (n,): scores.squeeze(1)",
        )
    if n_classes is not None and scores.shape[1] != n_classes:
        raise InputError(
            f"the calibrator was fitted to {n_classes} classes, these scores have {scores.shape[1]}",
            help="fit it again on a calibration split of this model",
        )
    return scores  # type: ignore[no-any-return]  # a tensor, as was checked


def _tables(calibrator: Any) -> tuple[str, dict[str, AnyArray]]:
    """The name of the map, and the numbers that it needs.  Raises `InputError` where there is no map."""
    if isinstance(calibrator, GroupedCalibrator):
        raise InputError(
            "a grouped calibrator must be told the group of each row, which a module is not",
            help="make one module a group, each from one entry of its `calibrators`",
        )
    method = method_name(calibrator)
    if method in PARAMETERS:
        return method, {name: np.asarray(getattr(calibrator, name), np.float64) for name in PARAMETERS[method]}
    if method in STEPS:
        pooled = getattr(calibrator, "method", None) == "pooled"
        tables = {"edges": _columns(calibrator.edges, np.inf), "values": _columns(calibrator.values, None)}
        return ("isotonic, pooled" if pooled else method), tables
    if method == "spline":
        doubt, recalibrated = 1 - calibrator.confidence[::-1], calibrator.recalibrated[::-1]
        length = 2 ** (len(doubt) + 1).bit_length() - 1  # at least one more than there are points
        tables = {"doubt": _padded(doubt, length, np.inf), "recalibrated": _padded(recalibrated, length, None)}
        return method, {name: each[:, None] for name, each in tables.items()}
    raise InputError(
        f"{type(calibrator).__name__} has no form as a torch module",
        help=f"these have: {', '.join([*PARAMETERS, *STEPS, 'spline'])}",
    )


def _columns(rows: Sequence[Float], fill: float | None) -> Float:
    """Edges or values of several step functions as columns of one length: 2^h values and one edge less."""
    steps = max(map(len, rows)) + (fill is not None)
    length = 2 ** (steps - 1).bit_length() - (fill is not None)
    return np.stack([_padded(row, length, fill) for row in rows], axis=1)


def _padded(row: Float, length: int, fill: float | None) -> Float:
    """The row with ``fill``, or its last entry, at its end."""
    return np.append(row, np.full(length - len(row), row[-1] if fill is None else fill))


def one_line(calibrator: Calibrator, *, flavour: Flavour = "torch") -> str:
    """One line of code that turns ``logits`` ``(n, k)`` into calibrated ``probs`` ``(n, k)``, for inference elsewhere.

    For temperature scaling, Platt scaling and vector scaling of at most 20 classes; ``flavour`` is "torch" or "numpy"
    (imported as ``np``).  Numbers are written with all their digits.  Raises `InputError` for other calibrators.

    >>> from calib import TemperatureScaling
    >>> one_line(TemperatureScaling(1.234))
    'probs = torch.softmax(logits / 1.234, dim=-1)'
    >>> one_line(TemperatureScaling(1.234), flavour="numpy")
    'z = logits / 1.234; probs = np.exp(z - np.logaddexp.reduce(z, axis=-1, keepdims=True))'
    """
    check_choice("flavour", flavour, ("torch", "numpy"))
    method = "a grouped calibrator" if isinstance(calibrator, GroupedCalibrator) else method_name(calibrator)
    k = int(getattr(calibrator, "n_classes", 2))
    if method not in ("temperature", "platt", "vector") or (method == "vector" and k > MOST_IN_A_LINE):
        raise InputError(
            f"{method} of {k} classes is no one line" if method == "vector" else f"{method} is no one line",
            help="CalibratedModule(model, calibrator) is a module that can be saved and exported",
        )
    numbers = {
        name: np.asarray(getattr(calibrator, name), np.float64).tolist()
        for name in (*PARAMETERS[method], "limit")
        if hasattr(calibrator, name)
    }
    return _LINES[method, flavour].format(**numbers, lowest=LOWEST)


_NUMPY_SOFTMAX = "probs = np.exp(z - np.logaddexp.reduce(z, axis=-1, keepdims=True))"
_LINES = {
    ("temperature", "torch"): "probs = torch.softmax(logits / {temperature}, dim=-1)",
    ("temperature", "numpy"): "z = logits / {temperature}; " + _NUMPY_SOFTMAX,
    ("vector", "torch"): (
        "probs = torch.softmax(torch.log_softmax(logits, dim=-1).clamp(min={lowest}) * logits.new_tensor({scale})"
        " + logits.new_tensor({intercept}), dim=-1)"
    ),
    ("vector", "numpy"): (
        "z = np.maximum(logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True), {lowest}) * np.array({scale})"
        " + np.array({intercept}); " + _NUMPY_SOFTMAX
    ),
    ("platt", "torch"): (
        "z = (logits[:, 1] - logits[:, 0]).clamp(-{limit}, {limit}) * {slope} + {intercept}; "
        "probs = torch.sigmoid(torch.stack([-z, z], dim=-1))"
    ),
    ("platt", "numpy"): (
        "z = np.clip(logits[:, 1] - logits[:, 0], -{limit}, {limit}) * {slope} + {intercept}; "
        "probs = np.exp(-np.logaddexp(0, np.stack([z, -z], axis=-1)))"
    ),
}
