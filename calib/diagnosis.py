"""Before and after temperature scaling: two reports, the T to ship, and a sentence of verdict."""

from dataclasses import dataclass

from calib.calibrators.cross_fit import cross_fit
from calib.calibrators.temperature import TemperatureScaling
from calib.curve import CalibrationCurve, calibration_curve
from calib.evaluation import Report, evaluate
from calib.predictions import Predictions


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """One model with and without temperature scaling, both judged on the same test examples.

    ``fitted`` is the temperature to ship.  With a calibration split it was fitted there.  Without one
    (``cross_fitted``), ``scaled`` comes from 5-fold cross-fitting on the test examples and ``fitted`` from all of them.
    """

    uncalibrated: Report
    scaled: Report
    fitted: TemperatureScaling
    cross_fitted: bool
    before: Predictions
    after: Predictions

    @property
    def curves(self) -> tuple[CalibrationCurve, CalibrationCurve]:
        """The calibration curves without and with the temperature, on the bins of the reports."""
        n_bins = self.uncalibrated.n_bins
        return calibration_curve(self.before, n_bins=n_bins), calibration_curve(self.after, n_bins=n_bins)

    @property
    def label(self) -> str:
        """What was done to the scaled predictions, in a few words for a figure."""
        if self.fitted.status != "ok":
            return f"no T: {self.fitted.status}"
        return f"T = {self.fitted.temperature:.3g}{', cross-fitted' if self.cross_fitted else ''}"

    @property
    def needs_temperature(self) -> bool:
        """Whether a temperature was fitted that can be told from 1: by more than two standard errors where known."""
        fitted = self.fitted
        return fitted.status == "ok" and not abs(fitted.temperature - 1) <= 2 * fitted.standard_error

    @property
    def paste(self) -> str:
        """The expression for the user's own code: ``logits / T``, or plain ``logits`` where no T is needed."""
        return f"logits / {self.fitted.temperature:.4g}" if self.needs_temperature else "logits"

    @property
    def verdict(self) -> str:
        """Is it calibrated, which way is it off, and what does a temperature do about it?"""
        return f"{_state(self.uncalibrated)} {self._remedy()}"

    def _remedy(self) -> str:
        before, after, fitted = self.uncalibrated, self.scaled, self.fitted
        if fitted.status != "ok":
            return _NO_TEMPERATURE[fitted.status]
        temperature = _with_error(fitted.temperature, fitted.standard_error)
        if not self.needs_temperature:
            return f"The best temperature, {temperature}, cannot be told from 1: leave the logits as they are."
        scaling = f"Dividing the logits by {temperature}"
        if after.nll > before.nll:
            return (
                f"{scaling} makes NLL worse here, {before.nll:.3f} → {after.nll:.3f} (ECE {_change(before, after)}): "
                "the examples it was fitted on seem to differ from these."
            )
        if after.ece >= before.ece:
            return f"{scaling} lowers NLL {before.nll:.3f} → {after.nll:.3f} but not ECE ({_change(before, after)})."
        rest = (
            "nothing is left that can be told from sampling noise"
            if after.ece <= after.ece_null_95
            else f"more than sampling noise ({after.ece_null:.3f}) is left, which one temperature cannot mend"
        )
        return f"{scaling} brings ECE {_change(before, after)}; {rest}."


def diagnose(
    test: Predictions, calibration: Predictions | None = None, *, n_bins: int = 15, seed: int = 0
) -> Diagnosis:
    """Fit a temperature on ``calibration`` and report ``test`` without and with it.

    Without ``calibration`` the scaled report is 5-fold cross-fitted on ``test``.  Raises `InputError` for bad input.

    >>> test = Predictions.from_logits([[2.0, 0.0], [0.0, 1.0]] * 10, [0, 1] * 8 + [1, 0, 1, 0])
    >>> diagnose(test).cross_fitted
    True
    """
    if calibration is None:
        after = cross_fit(TemperatureScaling, test, seed=seed)
        fitted = TemperatureScaling.fit(test)
    else:
        fitted = TemperatureScaling.fit(calibration)
        after = fitted.transform(test)
    return Diagnosis(
        uncalibrated=evaluate(test, n_bins=n_bins, seed=seed),
        scaled=evaluate(after, n_bins=n_bins, seed=seed),
        fitted=fitted,
        cross_fitted=calibration is None,
        before=test,
        after=after,
    )


_NO_TEMPERATURE = {
    "separable": "No temperature could be fitted: every calibration example is predicted right, so NLL falls for ever "
    "as T → 0; bring more or harder calibration examples.",
    "worse than chance": "No temperature could be fitted: the labels' logits are no higher than average, so NLL falls "
    "for ever as T → ∞; are the labels in the order of the columns?",
    "unidentifiable": "No temperature could be fitted: none changes the NLL (constant logits, or a label of "
    "probability 0).",
}


def _state(report: Report) -> str:
    claim = f"it claims {report.mean_confidence:.1%} and is right {report.accuracy:.1%} of the time"
    evidence = f"ECE {report.ece:.3f}, sampling noise alone {report.ece_null:.3f}"
    if report.ece <= report.ece_null_95:
        return f"No miscalibration can be told from noise at n = {report.n:,}: {claim} ({evidence})."
    if abs(report.gap) < report.ece / 2:
        return f"Miscalibrated in both directions: on average {claim} ({evidence})."
    return f"{'Overconfident' if report.gap > 0 else 'Underconfident'}: {claim} ({evidence})."


def _change(before: Report, after: Report) -> str:
    return f"{before.ece:.3f} → {after.ece:.3f}"


def _with_error(value: float, standard_error: float) -> str:
    return f"{value:.3g} ± {standard_error:.1g}" if standard_error == standard_error else f"{value:.3g}"
