"""Results as tidy tables: one row a run and calibrator, then means over seeds."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from calib.diagnosis import Diagnosis
from calib.errors import InputError
from calib.evaluation import Report
from calib.targets import smoothing_name

if TYPE_CHECKING:
    import pandas as pd

METRICS = (
    *("accuracy", "nll", "brier", "ece", "ece_null", "debiased_ce", "mce", "smooth_ece", "gap", "auroc", "aurc"),
    *("temperature", "temperature_se"),
)
CALIBRATORS = ("uncalibrated", "temperature")
REPLICATE = ("seed", "split_seed")  # what runs of one setting differ in


def score_table(
    diagnoses: Mapping[str, Diagnosis], others: Mapping[str, Mapping[str, Report]] | None = None
) -> "pd.DataFrame":
    """One row a run and calibrator, all on the test split: the run's configuration, n and every metric.

    Takes ``{run: calib.diagnose(...)}``, and of further calibrators ``{run: {name: calib.evaluate(...)}}``.
    ``model`` is "hard" or "α = …" for runs of `calib train`, else the run's name.  ``debiased_ce`` is
    √max(0, ``debiased_squared_ce``), as Kumar et al. (2019) report it.

    >>> from calib import Predictions, diagnose
    >>> test = Predictions.from_logits([[2.0, 0.0], [0.0, 1.0]] * 10, [0, 1] * 8 + [1, 0, 1, 0])
    >>> score_table({"mine": diagnose(test)})[["run", "calibrator", "n"]].values.tolist()
    [['mine', 'uncalibrated', 20], ['mine', 'temperature', 20]]
    """
    import pandas as pd

    if not diagnoses:
        raise InputError("there are no runs to tabulate", help="name at least one run")
    configs = {run: _config(diagnosis.before.provenance.get("config")) for run, diagnosis in diagnoses.items()}
    names = list(dict.fromkeys(name for config in configs.values() for name in config))
    rows = []
    for run, diagnosis in diagnoses.items():
        config = configs[run]
        common = {"run": run, "model": _model(run, config), **{name: config.get(name) for name in names}}
        own = dict(zip(CALIBRATORS, (diagnosis.uncalibrated, diagnosis.scaled), strict=True))
        for calibrator, report in {**own, **(others or {}).get(run, {})}.items():
            tuned = calibrator == "temperature"
            found = diagnosis.fitted.status == "ok"
            plain = 1.0 if calibrator == "uncalibrated" else math.nan  # the temperature of no other method is known
            rows.append(
                {
                    **common,
                    "calibrator": calibrator,
                    "cross_fitted": tuned and diagnosis.cross_fitted,
                    "n_calibration": diagnosis.fitted.n,
                    **report.to_dict(),
                    "debiased_ce": _root(report.debiased_squared_ce),
                    "temperature": (diagnosis.fitted.temperature if found else math.nan) if tuned else plain,
                    "temperature_se": diagnosis.fitted.standard_error if tuned else plain - 1,
                }
            )
    return pd.DataFrame(rows)


def compare(scores: "pd.DataFrame") -> "pd.DataFrame":
    """Average a `score_table` over seeds: one row a setting and calibrator, ``metric`` and ``metric_sd`` columns.

    Two runs belong to the same setting when their configurations differ in the seeds alone, that of the training or
    that of the split; sd is the sample standard deviation over them, NaN for one.  Columns of the configuration stay
    only where settings differ in them.  Raises `InputError` for a setting and seed that come twice.

    >>> from calib import Predictions, diagnose
    >>> test = Predictions.from_logits([[2.0, 0.0], [0.0, 1.0]] * 10, [0, 1] * 8 + [1, 0, 1, 0])
    >>> compare(score_table({"mine": diagnose(test)}))[["model", "calibrator", "seeds"]].values.tolist()
    [['mine', 'uncalibrated', 1], ['mine', 'temperature', 1]]
    """
    import pandas as pd

    setting = settings(scores)
    keys = [*setting, "calibrator"]
    repeated = scores.duplicated([*keys, *replicate(scores)])
    if repeated.any():
        run = scores["run"].to_numpy()[int(repeated.to_numpy().argmax())]
        raise InputError(f"run {run} repeats the setting and seed of another run", help="name each run once")
    groups = scores.groupby(keys, sort=False, dropna=False)
    columns = {"seeds": groups.size(), "n": groups["n"].first(), "cross_fitted": groups["cross_fitted"].any()}
    for metric in METRICS:
        columns[metric], columns[f"{metric}_sd"] = groups[metric].mean(), groups[metric].std(ddof=1)
    table = pd.DataFrame(columns).reset_index()
    constant = [column for column in setting if column != "model" and table[column].nunique(dropna=False) == 1]
    table = table.drop(columns=[column for column in constant if column != "smoothing"])
    if "smoothing" in table:
        table = table.sort_values("smoothing", kind="stable", ignore_index=True)
    return table


def settings(scores: "pd.DataFrame") -> list[str]:
    """The columns of a `score_table` that tell one setting from another: its configuration without the seeds."""
    columns = list(scores.columns)
    return [name for name in columns[columns.index("model") : columns.index("calibrator")] if name not in REPLICATE]


def replicate(scores: "pd.DataFrame") -> list[str]:
    """The columns of a `score_table` that tell the runs of one setting apart: its seeds, as far as they are known."""
    return [name for name in REPLICATE if name in scores]


def _root(squared: float) -> float:
    """√max(0, x); NaN stays NaN."""
    return squared if math.isnan(squared) else math.sqrt(max(squared, 0.0))


def _config(config: object) -> dict[str, object]:
    """The plain values of a configuration that some file brought along, but none that would pass for a result."""
    if not isinstance(config, dict) or not isinstance(config.get("smoothing"), int | float):
        return {}
    reserved = {"run", "model", "calibrator", "cross_fitted", "seeds", *Report.__dataclass_fields__, *METRICS}
    return {
        str(name): value
        for name, value in config.items()
        if name not in reserved and (value is None or isinstance(value, str | int | float))
    }


def _model(run: str, config: Mapping[str, object]) -> str:
    if "smoothing" not in config:
        return run
    return smoothing_name(float(str(config["smoothing"])))
