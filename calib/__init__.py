"""calib: is a classifier's confidence to be trusted, and which cure serves it best?

The names below are the public library.  They are loaded on first use, so that ``import calib`` costs nothing: torch,
pandas and matplotlib are imported by the functions that need them.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from calib._version import __version__

if TYPE_CHECKING:
    from calib.calibrators.cross_fit import cross_fit
    from calib.calibrators.temperature import TemperatureScaling
    from calib.curve import CalibrationCurve, calibration_curve
    from calib.diagnosis import Diagnosis, diagnose
    from calib.errors import InputError
    from calib.evaluation import Report, evaluate
    from calib.inference import predict
    from calib.metrics.accuracy import accuracy
    from calib.metrics.binned import ece, mce
    from calib.metrics.proper import brier, nll
    from calib.outcomes import Outcomes
    from calib.plots.reliability import reliability_diagram
    from calib.predictions import Predictions
    from calib.tables import compare, score_table
    from calib.targets import smooth_labels
    from calib.uncertainty import ece_null

_HOME = {
    "CalibrationCurve": "calib.curve",
    "Diagnosis": "calib.diagnosis",
    "InputError": "calib.errors",
    "Outcomes": "calib.outcomes",
    "Predictions": "calib.predictions",
    "Report": "calib.evaluation",
    "TemperatureScaling": "calib.calibrators.temperature",
    "accuracy": "calib.metrics.accuracy",
    "brier": "calib.metrics.proper",
    "calibration_curve": "calib.curve",
    "compare": "calib.tables",
    "cross_fit": "calib.calibrators.cross_fit",
    "diagnose": "calib.diagnosis",
    "ece": "calib.metrics.binned",
    "ece_null": "calib.uncertainty",
    "evaluate": "calib.evaluation",
    "mce": "calib.metrics.binned",
    "nll": "calib.metrics.proper",
    "predict": "calib.inference",
    "reliability_diagram": "calib.plots.reliability",
    "score_table": "calib.tables",
    "smooth_labels": "calib.targets",
}

__all__ = [
    "CalibrationCurve",
    "Diagnosis",
    "InputError",
    "Outcomes",
    "Predictions",
    "Report",
    "TemperatureScaling",
    "__version__",
    "accuracy",
    "brier",
    "calibration_curve",
    "compare",
    "cross_fit",
    "diagnose",
    "ece",
    "ece_null",
    "evaluate",
    "mce",
    "nll",
    "predict",
    "reliability_diagram",
    "score_table",
    "smooth_labels",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'calib' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
