"""calib: is a classifier's confidence to be trusted, and which cure serves it best?

The names below are the public library.  They are loaded on first use, so that ``import calib`` costs nothing: torch,
pandas and matplotlib are imported by the functions that need them.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from calib._version import __version__

if TYPE_CHECKING:
    from calib.calibrators.bbq import BayesianBinning
    from calib.calibrators.beta import BetaCalibration
    from calib.calibrators.comparison import compare_calibrators
    from calib.calibrators.cross_fit import cross_fit
    from calib.calibrators.desmoothing import SmoothingInverse
    from calib.calibrators.dirichlet import DirichletCalibration
    from calib.calibrators.ensemble_temperature import EnsembleTemperatureScaling
    from calib.calibrators.grouped import GroupedCalibrator
    from calib.calibrators.histogram import HistogramBinning
    from calib.calibrators.isotonic import IsotonicCalibration
    from calib.calibrators.matrix import MatrixScaling
    from calib.calibrators.p_norm import MaxLogitPNorm
    from calib.calibrators.platt import PlattScaling
    from calib.calibrators.spline import SplineCalibration
    from calib.calibrators.structured import StructuredMatrixScaling, StructuredVectorScaling
    from calib.calibrators.temperature import TemperatureScaling
    from calib.calibrators.temperature_inference import temperature_interval, temperature_test
    from calib.calibrators.vector import VectorScaling
    from calib.classification import classification_report
    from calib.curve import CalibrationCurve, calibration_curve
    from calib.diagnosis import Diagnosis, diagnose
    from calib.differences import ece_difference_interval, paired_interval
    from calib.errors import InputError
    from calib.evaluation import Report, evaluate
    from calib.examples import Example, load_example
    from calib.files.calibrator_json import load_calibrator, save_calibrator
    from calib.files.shards import Shards
    from calib.groups import by_group
    from calib.inference import penultimate, predict
    from calib.integrations.scikit_learn import CalibratedClassifier, from_estimator
    from calib.integrations.torch_distributed import all_merge
    from calib.integrations.torch_module import CalibratedModule, one_line
    from calib.intervals import Interval, ece_interval, mce_interval, rmsce_interval
    from calib.metrics.accuracy import accuracy
    from calib.metrics.binned import average_calibration_error, ece, ece_sweep, mce, rmsce
    from calib.metrics.classwise import classwise_ece, thresholded_ace, top_label_ece
    from calib.metrics.conventions import conventions
    from calib.metrics.corp import corp
    from calib.metrics.cumulative import ks_error, kuiper_error
    from calib.metrics.debiased import bias_reduced_ece, debiased_squared_ce, unbiased_squared_ce
    from calib.metrics.decomposition import calibration_refinement, murphy_decomposition
    from calib.metrics.hypothesis_tests import (
        calibration_p_value,
        calibration_slope_intercept,
        hosmer_lemeshow,
        spiegelhalter,
    )
    from calib.metrics.kernel import kde_ece, skce
    from calib.metrics.proper import brier, nll
    from calib.metrics.ranking import aurc, auroc, e_aurc, risk_coverage
    from calib.metrics.smooth import smooth_curve, smooth_ece
    from calib.metrics.tcal import t_cal
    from calib.outcomes import Outcomes
    from calib.plots.projection import projection_panel
    from calib.plots.reliability import reliability_diagram
    from calib.plots.training_curves import training_curves
    from calib.predictions import Predictions
    from calib.projection import TemplatePlane
    from calib.report.write import write_report
    from calib.resampling import bootstrap_interval, mean_interval
    from calib.scatter import ScatterStatistics, scatter_statistics
    from calib.state import CalibrationState
    from calib.streamed import evaluate_streamed
    from calib.tables import compare, score_table
    from calib.targets import equivalent_smoothing, smooth_labels, smoothing_logit_gap, target_entropy
    from calib.uncertainty import consistency_interval, ece_null

_HOME = {
    "BayesianBinning": "calib.calibrators.bbq",
    "BetaCalibration": "calib.calibrators.beta",
    "CalibratedClassifier": "calib.integrations.scikit_learn",
    "CalibratedModule": "calib.integrations.torch_module",
    "CalibrationCurve": "calib.curve",
    "CalibrationState": "calib.state",
    "Diagnosis": "calib.diagnosis",
    "DirichletCalibration": "calib.calibrators.dirichlet",
    "EnsembleTemperatureScaling": "calib.calibrators.ensemble_temperature",
    "Example": "calib.examples",
    "GroupedCalibrator": "calib.calibrators.grouped",
    "HistogramBinning": "calib.calibrators.histogram",
    "InputError": "calib.errors",
    "Interval": "calib.intervals",
    "IsotonicCalibration": "calib.calibrators.isotonic",
    "MatrixScaling": "calib.calibrators.matrix",
    "MaxLogitPNorm": "calib.calibrators.p_norm",
    "Outcomes": "calib.outcomes",
    "PlattScaling": "calib.calibrators.platt",
    "Predictions": "calib.predictions",
    "Report": "calib.evaluation",
    "ScatterStatistics": "calib.scatter",
    "Shards": "calib.files.shards",
    "SmoothingInverse": "calib.calibrators.desmoothing",
    "SplineCalibration": "calib.calibrators.spline",
    "StructuredMatrixScaling": "calib.calibrators.structured",
    "StructuredVectorScaling": "calib.calibrators.structured",
    "TemperatureScaling": "calib.calibrators.temperature",
    "TemplatePlane": "calib.projection",
    "VectorScaling": "calib.calibrators.vector",
    "accuracy": "calib.metrics.accuracy",
    "all_merge": "calib.integrations.torch_distributed",
    "aurc": "calib.metrics.ranking",
    "auroc": "calib.metrics.ranking",
    "average_calibration_error": "calib.metrics.binned",
    "bias_reduced_ece": "calib.metrics.debiased",
    "bootstrap_interval": "calib.resampling",
    "brier": "calib.metrics.proper",
    "by_group": "calib.groups",
    "calibration_curve": "calib.curve",
    "calibration_p_value": "calib.metrics.hypothesis_tests",
    "calibration_refinement": "calib.metrics.decomposition",
    "calibration_slope_intercept": "calib.metrics.hypothesis_tests",
    "classification_report": "calib.classification",
    "classwise_ece": "calib.metrics.classwise",
    "compare": "calib.tables",
    "compare_calibrators": "calib.calibrators.comparison",
    "consistency_interval": "calib.uncertainty",
    "conventions": "calib.metrics.conventions",
    "corp": "calib.metrics.corp",
    "cross_fit": "calib.calibrators.cross_fit",
    "debiased_squared_ce": "calib.metrics.debiased",
    "diagnose": "calib.diagnosis",
    "e_aurc": "calib.metrics.ranking",
    "ece": "calib.metrics.binned",
    "ece_difference_interval": "calib.differences",
    "ece_interval": "calib.intervals",
    "ece_null": "calib.uncertainty",
    "ece_sweep": "calib.metrics.binned",
    "equivalent_smoothing": "calib.targets",
    "evaluate": "calib.evaluation",
    "evaluate_streamed": "calib.streamed",
    "from_estimator": "calib.integrations.scikit_learn",
    "hosmer_lemeshow": "calib.metrics.hypothesis_tests",
    "kde_ece": "calib.metrics.kernel",
    "ks_error": "calib.metrics.cumulative",
    "kuiper_error": "calib.metrics.cumulative",
    "load_calibrator": "calib.files.calibrator_json",
    "load_example": "calib.examples",
    "mce": "calib.metrics.binned",
    "mce_interval": "calib.intervals",
    "mean_interval": "calib.resampling",
    "murphy_decomposition": "calib.metrics.decomposition",
    "nll": "calib.metrics.proper",
    "one_line": "calib.integrations.torch_module",
    "paired_interval": "calib.differences",
    "penultimate": "calib.inference",
    "predict": "calib.inference",
    "projection_panel": "calib.plots.projection",
    "reliability_diagram": "calib.plots.reliability",
    "risk_coverage": "calib.metrics.ranking",
    "rmsce": "calib.metrics.binned",
    "rmsce_interval": "calib.intervals",
    "save_calibrator": "calib.files.calibrator_json",
    "scatter_statistics": "calib.scatter",
    "score_table": "calib.tables",
    "skce": "calib.metrics.kernel",
    "smooth_curve": "calib.metrics.smooth",
    "smooth_ece": "calib.metrics.smooth",
    "smooth_labels": "calib.targets",
    "smoothing_logit_gap": "calib.targets",
    "spiegelhalter": "calib.metrics.hypothesis_tests",
    "t_cal": "calib.metrics.tcal",
    "target_entropy": "calib.targets",
    "temperature_interval": "calib.calibrators.temperature_inference",
    "temperature_test": "calib.calibrators.temperature_inference",
    "thresholded_ace": "calib.metrics.classwise",
    "top_label_ece": "calib.metrics.classwise",
    "training_curves": "calib.plots.training_curves",
    "unbiased_squared_ce": "calib.metrics.debiased",
    "write_report": "calib.report.write",
}

__all__ = [
    "BayesianBinning",
    "BetaCalibration",
    "CalibratedClassifier",
    "CalibratedModule",
    "CalibrationCurve",
    "CalibrationState",
    "Diagnosis",
    "DirichletCalibration",
    "EnsembleTemperatureScaling",
    "Example",
    "GroupedCalibrator",
    "HistogramBinning",
    "InputError",
    "Interval",
    "IsotonicCalibration",
    "MatrixScaling",
    "MaxLogitPNorm",
    "Outcomes",
    "PlattScaling",
    "Predictions",
    "Report",
    "ScatterStatistics",
    "Shards",
    "SmoothingInverse",
    "SplineCalibration",
    "StructuredMatrixScaling",
    "StructuredVectorScaling",
    "TemperatureScaling",
    "TemplatePlane",
    "VectorScaling",
    "__version__",
    "accuracy",
    "all_merge",
    "aurc",
    "auroc",
    "average_calibration_error",
    "bias_reduced_ece",
    "bootstrap_interval",
    "brier",
    "by_group",
    "calibration_curve",
    "calibration_p_value",
    "calibration_refinement",
    "calibration_slope_intercept",
    "classification_report",
    "classwise_ece",
    "compare",
    "compare_calibrators",
    "consistency_interval",
    "conventions",
    "corp",
    "cross_fit",
    "debiased_squared_ce",
    "diagnose",
    "e_aurc",
    "ece",
    "ece_difference_interval",
    "ece_interval",
    "ece_null",
    "ece_sweep",
    "equivalent_smoothing",
    "evaluate",
    "evaluate_streamed",
    "from_estimator",
    "hosmer_lemeshow",
    "kde_ece",
    "ks_error",
    "kuiper_error",
    "load_calibrator",
    "load_example",
    "mce",
    "mce_interval",
    "mean_interval",
    "murphy_decomposition",
    "nll",
    "one_line",
    "paired_interval",
    "penultimate",
    "predict",
    "projection_panel",
    "reliability_diagram",
    "risk_coverage",
    "rmsce",
    "rmsce_interval",
    "save_calibrator",
    "scatter_statistics",
    "score_table",
    "skce",
    "smooth_curve",
    "smooth_ece",
    "smooth_labels",
    "smoothing_logit_gap",
    "spiegelhalter",
    "t_cal",
    "target_entropy",
    "temperature_interval",
    "temperature_test",
    "thresholded_ace",
    "top_label_ece",
    "training_curves",
    "unbiased_squared_ce",
    "write_report",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'calib' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
