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
    from calib.groups import by_group
    from calib.inference import predict
    from calib.integrations.torch_distributed import all_merge
    from calib.metrics.accuracy import accuracy
    from calib.metrics.binned import average_calibration_error, ece, ece_sweep, mce, rmsce
    from calib.metrics.classwise import classwise_ece, thresholded_ace, top_label_ece
    from calib.metrics.debiased import bias_reduced_ece, debiased_squared_ce, unbiased_squared_ce
    from calib.metrics.proper import brier, nll
    from calib.outcomes import Outcomes
    from calib.plots.reliability import reliability_diagram
    from calib.predictions import Predictions
    from calib.state import CalibrationState
    from calib.tables import compare, score_table
    from calib.targets import smooth_labels
    from calib.uncertainty import consistency_interval, ece_null

_HOME = {
    "CalibrationCurve": "calib.curve",
    "CalibrationState": "calib.state",
    "Diagnosis": "calib.diagnosis",
    "InputError": "calib.errors",
    "Outcomes": "calib.outcomes",
    "Predictions": "calib.predictions",
    "Report": "calib.evaluation",
    "TemperatureScaling": "calib.calibrators.temperature",
    "accuracy": "calib.metrics.accuracy",
    "all_merge": "calib.integrations.torch_distributed",
    "average_calibration_error": "calib.metrics.binned",
    "bias_reduced_ece": "calib.metrics.debiased",
    "brier": "calib.metrics.proper",
    "by_group": "calib.groups",
    "calibration_curve": "calib.curve",
    "classwise_ece": "calib.metrics.classwise",
    "compare": "calib.tables",
    "consistency_interval": "calib.uncertainty",
    "cross_fit": "calib.calibrators.cross_fit",
    "debiased_squared_ce": "calib.metrics.debiased",
    "diagnose": "calib.diagnosis",
    "ece": "calib.metrics.binned",
    "ece_null": "calib.uncertainty",
    "ece_sweep": "calib.metrics.binned",
    "evaluate": "calib.evaluation",
    "mce": "calib.metrics.binned",
    "nll": "calib.metrics.proper",
    "predict": "calib.inference",
    "reliability_diagram": "calib.plots.reliability",
    "rmsce": "calib.metrics.binned",
    "score_table": "calib.tables",
    "smooth_labels": "calib.targets",
    "thresholded_ace": "calib.metrics.classwise",
    "top_label_ece": "calib.metrics.classwise",
    "unbiased_squared_ce": "calib.metrics.debiased",
}

__all__ = [
    "CalibrationCurve",
    "CalibrationState",
    "Diagnosis",
    "InputError",
    "Outcomes",
    "Predictions",
    "Report",
    "TemperatureScaling",
    "__version__",
    "accuracy",
    "all_merge",
    "average_calibration_error",
    "bias_reduced_ece",
    "brier",
    "by_group",
    "calibration_curve",
    "classwise_ece",
    "compare",
    "consistency_interval",
    "cross_fit",
    "debiased_squared_ce",
    "diagnose",
    "ece",
    "ece_null",
    "ece_sweep",
    "evaluate",
    "mce",
    "nll",
    "predict",
    "reliability_diagram",
    "rmsce",
    "score_table",
    "smooth_labels",
    "thresholded_ace",
    "top_label_ece",
    "unbiased_squared_ce",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'calib' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
