"""All calibrators side by side: fitted on one split, judged on another, each against doing nothing."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from calib.calibrators._base import counted_rows
from calib.calibrators.cross_fit import FOLDS, cross_fit_with_fits
from calib.calibrators.registry import LINEAR, fewest_examples, method_class, suitable
from calib.content_hash import content_hash
from calib.differences import ece_difference_interval, mean_difference_interval
from calib.errors import InputError
from calib.intervals import Interval
from calib.metrics.binned import ece
from calib.predictions import Predictions, require_predictions

if TYPE_CHECKING:
    import pandas as pd

UNCALIBRATED = "uncalibrated"


@dataclass(frozen=True, eq=False)
class CalibratorComparison:
    """One row a method: scores on the test examples, and what they differ by from doing nothing, with 95 % intervals.

    ``table`` has ``method``, ``accuracy``, ``nll``, ``brier``, ``ece``; for each of the last three ``…_change`` with
    ``…_change_low`` and ``…_change_high`` (paired: same examples; negative is better; NaN where both are infinite);
    ``changed``, the number of examples whose predicted class is another; ``infinite_nll``; ``fallback_rows``, which a
    one-vs-rest method left empty; ``seconds`` of fitting; and ``note``, why a method could not be fitted.  ``warnings``
    say what to be careful about.
    """

    table: "pd.DataFrame"
    warnings: tuple[str, ...]


def compare_calibrators(
    test: Predictions,
    calibration: Predictions | None = None,
    *,
    methods: Sequence[str] | None = None,
    n_bins: int = 15,
    seed: int = 0,
    on_method: Callable[[str], None] = lambda _: None,
) -> CalibratorComparison:
    """Fit every method on ``calibration`` and judge it on ``test``; without ``calibration``, 5-fold cross-fitted.

    ``methods`` are names of `calib.calibrators.registry.METHODS`; by default those that suit the number of classes.
    ``on_method`` is called with each name before its fit.  Raises `InputError` for bad input and unknown methods; a
    method that refuses these data has a ``note`` instead of scores.

    >>> test = Predictions.from_logits([[2.0, 0.0], [0.0, 1.0]] * 50, [0, 1] * 30 + [1, 0] * 20)
    >>> compare_calibrators(test, methods=["temperature"]).table[["method", "changed"]].values.tolist()
    [['uncalibrated', 0], ['temperature', 0]]
    """
    import pandas as pd

    require_predictions(test)
    fitted_on = test if calibration is None else calibration
    require_predictions(fitted_on)
    if test.n < (FOLDS if calibration is None else 2):
        raise InputError(f"methods cannot be compared on {test.n} example(s)", help="bring more of them")
    if fitted_on.n_classes != test.n_classes:
        raise InputError(
            f"calibration examples have {fitted_on.n_classes} classes, test examples {test.n_classes}",
            help="use predictions of the same model",
        )
    names = suitable(test.n_classes) if methods is None else [methods] if isinstance(methods, str) else list(methods)
    classes = {name: method_class(name) for name in names}
    rows, warnings = [_scores(UNCALIBRATED, test, test, n_bins, seed)], []
    if calibration is not None and content_hash(calibration) == content_hash(test):
        warnings.append("fitted and judged on the same examples: every score is too good; leave calibration out")
    for name, method in classes.items():
        on_method(name)
        start = time.perf_counter()
        try:
            if calibration is None:
                calibrated, fits = cross_fit_with_fits(method, test, folds=FOLDS, seed=seed)
            else:
                fits = [method.fit(calibration)]
                calibrated = fits[0].transform(test)
        except InputError as error:
            rows.append({"method": name, "note": str(error)})
            warnings.append(f"{name}: not fitted: {error}")
            continue
        seconds = time.perf_counter() - start
        row = _scores(name, calibrated, test, n_bins, seed)
        states = {str(state) for fit in fits if (state := getattr(fit, "status", "ok")) != "ok"}
        rows.append({**row, "seconds": seconds, "note": "; ".join(sorted(states))})
        warnings += _warnings(name, row, fitted_on)
    return CalibratorComparison(pd.DataFrame(rows), tuple(warnings))


def _scores(name: str, calibrated: Predictions, test: Predictions, n_bins: int, seed: int) -> dict[str, Any]:
    after, before = calibrated.outcomes, test.outcomes
    row: dict[str, Any] = {
        "method": name,
        "accuracy": after.mean(after.correct),
        "nll": after.mean(after.nll),
        "brier": after.mean(after.brier),
        "ece": ece(calibrated, n_bins=n_bins),
    }
    for loss in ("nll", "brier"):
        row |= _change(loss, mean_difference_interval(getattr(after, loss), getattr(before, loss), test.sample_weight))
    if calibrated is test:
        row |= _change("ece", Interval(0.0, 0.0, 0.0, 0.95))
    else:
        row |= _change("ece", ece_difference_interval(calibrated, test, n_bins=n_bins, seed=seed))
    row["changed"] = int((after.predicted != before.predicted).sum())
    row["infinite_nll"] = int((np.isinf(after.nll) & _counts(test)).sum())
    row["fallback_rows"] = counted_rows(test, calibrated).get("fallback_rows", 0)
    return {**row, "seconds": 0.0, "note": ""}


def led_astray(name: str, fitted_on: Predictions) -> str:
    """A warning where a linear map meets labels of probability 0; empty where there is nothing to warn about."""
    impossible = int((np.isinf(fitted_on.outcomes.nll) & _counts(fitted_on)).sum())
    if not impossible or name not in LINEAR:
        return ""
    return (
        f"{impossible:,} calibration labels have probability 0, which leads a linear map astray; bbq keeps all above 0"
    )


def _counts(test: Predictions) -> Any:
    return np.True_ if test.sample_weight is None else test.sample_weight > 0


def _change(name: str, interval: Interval) -> dict[str, float]:
    return {
        f"{name}_change": interval.estimate,
        f"{name}_change_low": interval.low,
        f"{name}_change_high": interval.high,
    }


def _warnings(name: str, row: dict[str, Any], fitted_on: Predictions) -> list[str]:
    found = []
    if zeros := led_astray(name, fitted_on):
        found.append(f"{name}: {zeros}")
    fewest = fewest_examples(name, fitted_on.n_classes)
    if fitted_on.n < fewest:
        found.append(f"{name}: {fitted_on.n:,} calibration examples are few, it should have {fewest:,} or more")
    if row["changed"]:
        found.append(f"{name}: changes the predicted class of {row['changed']:,} test examples")
    if row["infinite_nll"]:
        found.append(f"{name}: gives {row['infinite_nll']:,} labels a probability of 0, so NLL is infinite")
    return found
