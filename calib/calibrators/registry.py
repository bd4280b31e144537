"""The calibrators by name, as the command line and saved files call them; each is imported when it is asked for."""

from importlib import import_module
from typing import Any

from calib._nearest import unknown
from calib.calibrators._base import Calibrator
from calib.errors import InputError

METHODS: dict[str, tuple[str, str]] = {
    "temperature": ("temperature", "TemperatureScaling"),
    "ensemble-temperature": ("ensemble_temperature", "EnsembleTemperatureScaling"),
    "vector": ("vector", "VectorScaling"),
    "matrix": ("matrix", "MatrixScaling"),
    "dirichlet": ("dirichlet", "DirichletCalibration"),
    "structured-vector": ("structured", "StructuredVectorScaling"),
    "structured-matrix": ("structured", "StructuredMatrixScaling"),
    "isotonic": ("isotonic", "IsotonicCalibration"),
    "histogram": ("histogram", "HistogramBinning"),
    "bbq": ("bbq", "BayesianBinning"),
    "spline": ("spline", "SplineCalibration"),
    "desmoothing": ("desmoothing", "SmoothingInverse"),
    "platt": ("platt", "PlattScaling"),
    "beta": ("beta", "BetaCalibration"),
}
BINARY = ("platt", "beta")  # for two classes alone
LINEAR = ("vector", "matrix", "dirichlet", "structured-vector", "structured-matrix")
LARGE = ("matrix", "dirichlet", "structured-matrix")  # k² parameters
MOST_CLASSES = 100  # with which they are worth trying


def method_class(name: str) -> type[Calibrator]:
    """The class behind a name.  Raises `InputError` for an unknown one.

    >>> method_class("platt").__name__
    'PlattScaling'
    """
    if name not in METHODS:
        raise unknown("method", name, METHODS)
    module, attribute = METHODS[name]
    found: Any = getattr(import_module(f"calib.calibrators.{module}"), attribute)
    return found  # type: ignore[no-any-return]


def as_method(method: type[Calibrator] | str) -> type[Calibrator]:
    """The class that is meant by a class or by its name.  Raises `InputError` for anything else."""
    if isinstance(method, str):
        return method_class(method)
    if not (isinstance(method, type) and hasattr(method, "fit") and hasattr(method, "transform")):
        raise InputError(
            f"a method is a class or its name, got {method!r}", help="calib.TemperatureScaling, or 'vector'"
        )
    return method


def method_name(calibrator: Calibrator) -> str:
    """The name of a calibrator's method.  Raises `InputError` for one that is not calib's."""
    for name, (_, attribute) in METHODS.items():
        if type(calibrator).__name__ == attribute:
            return name
    raise InputError(f"{type(calibrator).__name__} is no calibrator of calib", help=f"known are {', '.join(METHODS)}")


def suitable(n_classes: int) -> list[str]:
    """The methods worth trying on so many classes: no binary ones beyond two, no k × k matrices beyond 100."""
    return [
        name
        for name in METHODS
        if (n_classes == 2 or name not in BINARY) and (n_classes <= MOST_CLASSES or name not in LARGE)
    ]


def fewest_examples(name: str, n_classes: int) -> int:
    """How many calibration examples a method should have: rules of thumb, for a warning.

    100 for one number, ten a class for a few numbers a class, one a parameter for a k × k matrix (what shrinks towards
    a temperature is content with less), and for the methods that count, fifty a class and no fewer than 1,000.
    """
    if name in ("matrix", "dirichlet"):
        return n_classes**2
    if name in ("vector", "structured-vector", "structured-matrix"):
        return max(100, 10 * n_classes)
    if name in ("isotonic", "histogram", "bbq"):
        return max(1000, 50 * n_classes)
    return 100
