"""The public names of calib, each from the module that makes it; `calib/__init__.py` reads this list."""

from calib._version import __version__ as __version__
from calib.calibrators.bbq import BayesianBinning as BayesianBinning
from calib.calibrators.beta import BetaCalibration as BetaCalibration
from calib.calibrators.comparison import compare_calibrators as compare_calibrators
from calib.calibrators.cross_fit import cross_fit as cross_fit
from calib.calibrators.desmoothing import SmoothingInverse as SmoothingInverse
from calib.calibrators.dirichlet import DirichletCalibration as DirichletCalibration
from calib.calibrators.ensemble_temperature import EnsembleTemperatureScaling as EnsembleTemperatureScaling
from calib.calibrators.grouped import GroupedCalibrator as GroupedCalibrator
from calib.calibrators.histogram import HistogramBinning as HistogramBinning
from calib.calibrators.isotonic import IsotonicCalibration as IsotonicCalibration
from calib.calibrators.matrix import MatrixScaling as MatrixScaling
from calib.calibrators.p_norm import MaxLogitPNorm as MaxLogitPNorm
from calib.calibrators.platt import PlattScaling as PlattScaling
from calib.calibrators.spline import SplineCalibration as SplineCalibration
from calib.calibrators.structured import (
    StructuredMatrixScaling as StructuredMatrixScaling,
    StructuredVectorScaling as StructuredVectorScaling,
)
from calib.calibrators.temperature import TemperatureScaling as TemperatureScaling
from calib.calibrators.temperature_inference import (
    temperature_interval as temperature_interval,
    temperature_test as temperature_test,
)
from calib.calibrators.vector import VectorScaling as VectorScaling
from calib.classification import classification_report as classification_report
from calib.curve import (
    CalibrationCurve as CalibrationCurve,
    calibration_curve as calibration_curve,
)
from calib.diagnosis import (
    Diagnosis as Diagnosis,
    diagnose as diagnose,
)
from calib.differences import (
    ece_difference_interval as ece_difference_interval,
    paired_interval as paired_interval,
)
from calib.errors import InputError as InputError
from calib.evaluation import (
    Report as Report,
    evaluate as evaluate,
    evaluate_sums as evaluate_sums,
)
from calib.examples import (
    Example as Example,
    load_example as load_example,
)
from calib.files.calibrator_json import (
    load_calibrator as load_calibrator,
    save_calibrator as save_calibrator,
)
from calib.files.shards import Shards as Shards
from calib.groups import by_group as by_group
from calib.inference import (
    penultimate as penultimate,
    predict as predict,
)
from calib.integrations.scikit_learn import (
    CalibratedClassifier as CalibratedClassifier,
    from_estimator as from_estimator,
)
from calib.integrations.torch_distributed import all_merge as all_merge
from calib.integrations.torch_module import (
    CalibratedModule as CalibratedModule,
    one_line as one_line,
)
from calib.intervals import (
    Interval as Interval,
    ece_interval as ece_interval,
    mce_interval as mce_interval,
    rmsce_interval as rmsce_interval,
)
from calib.metrics.accuracy import accuracy as accuracy
from calib.metrics.binned import (
    average_calibration_error as average_calibration_error,
    ece as ece,
    ece_sweep as ece_sweep,
    mce as mce,
    rmsce as rmsce,
)
from calib.metrics.classwise import (
    classwise_ece as classwise_ece,
    thresholded_ace as thresholded_ace,
    top_label_ece as top_label_ece,
)
from calib.metrics.conventions import conventions as conventions
from calib.metrics.corp import corp as corp
from calib.metrics.cumulative import (
    ks_error as ks_error,
    kuiper_error as kuiper_error,
)
from calib.metrics.debiased import (
    bias_reduced_ece as bias_reduced_ece,
    debiased_squared_ce as debiased_squared_ce,
    unbiased_squared_ce as unbiased_squared_ce,
)
from calib.metrics.decomposition import (
    calibration_refinement as calibration_refinement,
    murphy_decomposition as murphy_decomposition,
)
from calib.metrics.hypothesis_tests import (
    calibration_p_value as calibration_p_value,
    hosmer_lemeshow as hosmer_lemeshow,
    spiegelhalter as spiegelhalter,
)
from calib.metrics.kernel import (
    kde_ece as kde_ece,
    skce as skce,
)
from calib.metrics.proper import (
    brier as brier,
    nll as nll,
)
from calib.metrics.ranking import (
    aurc as aurc,
    auroc as auroc,
    e_aurc as e_aurc,
    risk_coverage as risk_coverage,
)
from calib.metrics.slope_intercept import calibration_slope_intercept as calibration_slope_intercept
from calib.metrics.smooth import (
    smooth_curve as smooth_curve,
    smooth_ece as smooth_ece,
)
from calib.metrics.tcal import t_cal as t_cal
from calib.outcomes import Outcomes as Outcomes
from calib.plots.binless import (
    corp_diagram as corp_diagram,
    smooth_diagram as smooth_diagram,
)
from calib.plots.confidences import confidence_histogram as confidence_histogram
from calib.plots.overlay import reliability_overlay as reliability_overlay
from calib.plots.projection import projection_panel as projection_panel
from calib.plots.reliability import reliability_diagram as reliability_diagram
from calib.plots.risk_coverage import risk_coverage_diagram as risk_coverage_diagram
from calib.plots.sensitivity import sensitivity_strip as sensitivity_strip
from calib.plots.training_curves import training_curves as training_curves
from calib.predictions import Predictions as Predictions
from calib.projection import TemplatePlane as TemplatePlane
from calib.report.write import write_report as write_report
from calib.resampling import (
    bootstrap_interval as bootstrap_interval,
    mean_interval as mean_interval,
)
from calib.scatter import (
    ScatterStatistics as ScatterStatistics,
    scatter_statistics as scatter_statistics,
)
from calib.sensitivity import ece_sensitivity as ece_sensitivity
from calib.state import CalibrationState as CalibrationState
from calib.streamed import evaluate_streamed as evaluate_streamed
from calib.tables import (
    compare as compare,
    score_table as score_table,
)
from calib.targets import (
    equivalent_smoothing as equivalent_smoothing,
    smooth_labels as smooth_labels,
    smoothing_logit_gap as smoothing_logit_gap,
    target_entropy as target_entropy,
)
from calib.uncertainty import (
    consistency_interval as consistency_interval,
    corp_consistency as corp_consistency,
    ece_null as ece_null,
)

__all__: list[str]
