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
    from calib.evaluation import Report, evaluate, evaluate_sums
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
    from calib.plots.binless import corp_diagram, smooth_diagram
    from calib.plots.confidences import confidence_histogram
    from calib.plots.overlay import reliability_overlay
    from calib.plots.projection import projection_panel
    from calib.plots.reliability import reliability_diagram
    from calib.plots.risk_coverage import risk_coverage_diagram
    from calib.plots.sensitivity import sensitivity_strip
    from calib.plots.training_curves import training_curves
    from calib.predictions import Predictions
    from calib.projection import TemplatePlane
    from calib.report.write import write_report
    from calib.resampling import bootstrap_interval, mean_interval
    from calib.scatter import ScatterStatistics, scatter_statistics
    from calib.sensitivity import ece_sensitivity
    from calib.state import CalibrationState
    from calib.streamed import evaluate_streamed
    from calib.tables import compare, score_table
    from calib.targets import equivalent_smoothing, smooth_labels, smoothing_logit_gap, target_entropy
    from calib.uncertainty import consistency_interval, corp_consistency, ece_null

_NAMES = {
    "calib.calibrators.bbq": "BayesianBinning",
    "calib.calibrators.beta": "BetaCalibration",
    "calib.calibrators.comparison": "compare_calibrators",
    "calib.calibrators.cross_fit": "cross_fit",
    "calib.calibrators.desmoothing": "SmoothingInverse",
    "calib.calibrators.dirichlet": "DirichletCalibration",
    "calib.calibrators.ensemble_temperature": "EnsembleTemperatureScaling",
    "calib.calibrators.grouped": "GroupedCalibrator",
    "calib.calibrators.histogram": "HistogramBinning",
    "calib.calibrators.isotonic": "IsotonicCalibration",
    "calib.calibrators.matrix": "MatrixScaling",
    "calib.calibrators.p_norm": "MaxLogitPNorm",
    "calib.calibrators.platt": "PlattScaling",
    "calib.calibrators.spline": "SplineCalibration",
    "calib.calibrators.structured": "StructuredMatrixScaling StructuredVectorScaling",
    "calib.calibrators.temperature": "TemperatureScaling",
    "calib.calibrators.temperature_inference": "temperature_interval temperature_test",
    "calib.calibrators.vector": "VectorScaling",
    "calib.classification": "classification_report",
    "calib.curve": "calibration_curve CalibrationCurve",
    "calib.diagnosis": "diagnose Diagnosis",
    "calib.differences": "ece_difference_interval paired_interval",
    "calib.errors": "InputError",
    "calib.evaluation": "evaluate evaluate_sums Report",
    "calib.examples": "Example load_example",
    "calib.files.calibrator_json": "load_calibrator save_calibrator",
    "calib.files.shards": "Shards",
    "calib.groups": "by_group",
    "calib.inference": "penultimate predict",
    "calib.integrations.scikit_learn": "CalibratedClassifier from_estimator",
    "calib.integrations.torch_distributed": "all_merge",
    "calib.integrations.torch_module": "CalibratedModule one_line",
    "calib.intervals": "ece_interval Interval mce_interval rmsce_interval",
    "calib.metrics.accuracy": "accuracy",
    "calib.metrics.binned": "average_calibration_error ece ece_sweep mce rmsce",
    "calib.metrics.classwise": "classwise_ece thresholded_ace top_label_ece",
    "calib.metrics.conventions": "conventions",
    "calib.metrics.corp": "corp",
    "calib.metrics.cumulative": "ks_error kuiper_error",
    "calib.metrics.debiased": "bias_reduced_ece debiased_squared_ce unbiased_squared_ce",
    "calib.metrics.decomposition": "calibration_refinement murphy_decomposition",
    "calib.metrics.hypothesis_tests": "calibration_p_value calibration_slope_intercept hosmer_lemeshow spiegelhalter",
    "calib.metrics.kernel": "kde_ece skce",
    "calib.metrics.proper": "brier nll",
    "calib.metrics.ranking": "aurc auroc e_aurc risk_coverage",
    "calib.metrics.smooth": "smooth_curve smooth_ece",
    "calib.metrics.tcal": "t_cal",
    "calib.outcomes": "Outcomes",
    "calib.plots.binless": "corp_diagram smooth_diagram",
    "calib.plots.confidences": "confidence_histogram",
    "calib.plots.overlay": "reliability_overlay",
    "calib.plots.projection": "projection_panel",
    "calib.plots.reliability": "reliability_diagram",
    "calib.plots.risk_coverage": "risk_coverage_diagram",
    "calib.plots.sensitivity": "sensitivity_strip",
    "calib.plots.training_curves": "training_curves",
    "calib.predictions": "Predictions",
    "calib.projection": "TemplatePlane",
    "calib.report.write": "write_report",
    "calib.resampling": "bootstrap_interval mean_interval",
    "calib.scatter": "scatter_statistics ScatterStatistics",
    "calib.sensitivity": "ece_sensitivity",
    "calib.state": "CalibrationState",
    "calib.streamed": "evaluate_streamed",
    "calib.tables": "compare score_table",
    "calib.targets": "equivalent_smoothing smooth_labels smoothing_logit_gap target_entropy",
    "calib.uncertainty": "consistency_interval corp_consistency ece_null",
}
_HOME = {name: module for module, names in _NAMES.items() for name in names.split()}

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
    "confidence_histogram",
    "consistency_interval",
    "conventions",
    "corp",
    "corp_consistency",
    "corp_diagram",
    "cross_fit",
    "debiased_squared_ce",
    "diagnose",
    "e_aurc",
    "ece",
    "ece_difference_interval",
    "ece_interval",
    "ece_null",
    "ece_sensitivity",
    "ece_sweep",
    "equivalent_smoothing",
    "evaluate",
    "evaluate_streamed",
    "evaluate_sums",
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
    "reliability_overlay",
    "risk_coverage",
    "risk_coverage_diagram",
    "rmsce",
    "rmsce_interval",
    "save_calibrator",
    "scatter_statistics",
    "score_table",
    "sensitivity_strip",
    "skce",
    "smooth_curve",
    "smooth_diagram",
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
