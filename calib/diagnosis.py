"""Before and after temperature scaling: two reports, the T to ship, and a sentence of verdict."""

from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from calib._arrays import Float
from calib._html import diagnosis_html
from calib._text import with_error
from calib.calibrators.cross_fit import FOLDS, cross_fit_with_fits
from calib.calibrators.temperature import TemperatureScaling
from calib.curve import CalibrationCurve, calibration_curve
from calib.errors import InputError
from calib.evaluation import Report, evaluate
from calib.predictions import Kind, Predictions, require_predictions
from calib.uncertainty import consistency_interval

Ends: TypeAlias = tuple[Float, Float]  # the lower and upper end of the interval of each bin
Direction: TypeAlias = Literal["calibrated", "overconfident", "underconfident", "both directions"]


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """One model with and without temperature scaling, both judged on the same test examples.

    ``fitted`` is the temperature to ship.  With a calibration split it was fitted there.  Without one
    (``cross_fitted``), ``scaled`` comes from 5-fold cross-fitting, drawn by ``seed``, on the test examples and
    ``fitted`` from all of them.
    """

    uncalibrated: Report
    scaled: Report
    fitted: TemperatureScaling
    cross_fitted: bool
    seed: int
    before: Predictions = field(repr=False)
    after: Predictions = field(repr=False)

    @property
    def curves(self) -> tuple[CalibrationCurve, CalibrationCurve]:
        """The calibration curves without and with the temperature, on the bins of the reports."""
        n_bins = self.uncalibrated.n_bins
        return calibration_curve(self.before, n_bins=n_bins), calibration_curve(self.after, n_bins=n_bins)

    def bars(self, kind: Literal["none", "confidence", "consistency"]) -> tuple[Ends, Ends] | None:
        """95 % intervals of the bins' accuracies, without and with the temperature: see `calib.reliability_diagram`."""
        if kind == "none":
            return None
        if kind == "confidence":
            before, after = (curve.accuracy_interval() for curve in self.curves)
        else:
            options = {"n_bins": self.uncalibrated.n_bins, "seed": self.seed}
            before, after = (consistency_interval(side, **options) for side in (self.before, self.after))
        return before, after

    @property
    def label(self) -> str:
        """What was done to the scaled predictions, in a few words for a figure."""
        return label_of(self.fitted, cross_fitted=self.cross_fitted)

    @property
    def needs_temperature(self) -> bool:
        """Whether a temperature was fitted that can be told from 1."""
        return needs(self.fitted)

    @property
    def paste(self) -> str:
        """The probabilities as an expression for the user's own code: ``softmax(logits / T)``, or as they were."""
        return paste_of(self.fitted, kind=self.before.kind, n_classes=self.before.n_classes)

    @property
    def verdict(self) -> str:
        """Is it calibrated, which way is it off, and what does a temperature do about it?"""
        return verdict_of(self.uncalibrated, self.scaled, self.fitted, kind=self.before.kind)

    def _repr_html_(self) -> str:
        return diagnosis_html(self)


def diagnose(
    test: Predictions, calibration: Predictions | None = None, *, n_bins: int = 15, seed: int = 0
) -> Diagnosis:
    """Fit a temperature on ``calibration`` and report ``test`` without and with it.

    Without ``calibration`` the scaled report is 5-fold cross-fitted on ``test``; where the fit to all rows or to one of
    the folds has no finite optimum, no temperature is used at all.  Raises `InputError` for bad input.

    >>> test = Predictions.from_logits([[2.0, 0.0], [0.0, 1.0]] * 10, [0, 1] * 8 + [1, 0, 1, 0])
    >>> diagnose(test).cross_fitted
    True
    """
    require_predictions(test)
    if calibration is not None:
        fitted = TemperatureScaling.fit(calibration)
        after = fitted.transform(test)
    else:
        if test.n < FOLDS:
            raise InputError(
                f"at least {FOLDS} examples are needed to fit a temperature and judge it, got {test.n}",
                help="bring more examples, or a calibration split of their own",
            )
        fitted = TemperatureScaling.fit(test)
        after, folds = cross_fit_with_fits(TemperatureScaling, test, folds=FOLDS, seed=seed)
        failed = [fit for fit in (fitted, *folds) if fit.status != "ok"]
        if failed:
            fitted, after = replace(failed[0], n=test.n), test
    return Diagnosis(
        uncalibrated=evaluate(test, n_bins=n_bins, seed=seed),
        scaled=evaluate(after, n_bins=n_bins, seed=seed),
        fitted=fitted,
        cross_fitted=calibration is None,
        seed=seed,
        before=test,
        after=after,
    )


def label_of(fitted: TemperatureScaling, *, cross_fitted: bool = False) -> str:
    """What was done to scaled predictions, in a few words for a figure.

    >>> label_of(TemperatureScaling(2.0), cross_fitted=True)
    'T = 2, cross-fitted'
    """
    if fitted.status != "ok":
        return f"no T: {fitted.status}"
    return f"T = {fitted.temperature:.3g}{', cross-fitted' if cross_fitted else ''}"


def needs(fitted: TemperatureScaling) -> bool:
    """Whether a temperature was fitted that can be told from 1: by two standard errors of 1/T, where known.

    >>> needs(TemperatureScaling(2.0))
    True
    """
    error = fitted.standard_error / fitted.temperature**2
    return fitted.status == "ok" and not abs(1 / fitted.temperature - 1) <= 2 * error


def paste_of(fitted: TemperatureScaling, *, kind: Kind, n_classes: int) -> str:
    """The scaled probabilities as an expression for the user's own code, of scores that are logits or probabilities.

    >>> paste_of(TemperatureScaling(2.0), kind="logits", n_classes=10)
    'softmax(logits / 2)'
    """
    probs = kind == "probs"
    if not needs(fitted):
        return "probs" if probs else "softmax(logits)"
    temperature = f"{fitted.temperature:.4g}"
    if probs and n_classes == 2:
        return f"sigmoid(logit(p) / {temperature})"
    return f"softmax({_SCORES[kind]} / {temperature})"


def verdict_of(before: Report, after: Report, fitted: TemperatureScaling, *, kind: Kind) -> str:
    """Is a model calibrated, which way is it off, and what does ``fitted`` do about it, from the reports of both."""
    return f"{_state(before)} {_remedy(before, after, fitted, kind)}"


def verdict_of_calibrator(before: Report, after: Report) -> str:
    """The same of a saved calibrator, from the reports without and with it."""
    return f"{_state(before)} {_effect('The calibrator', before, after)}"


def _remedy(before: Report, after: Report, fitted: TemperatureScaling, kind: Kind) -> str:
    if fitted.status != "ok" and before.infinite_nll:
        return f"No temperature could be fitted: none mends {before.infinite_nll:,} labels of probability 0."
    if fitted.status != "ok":
        return NO_TEMPERATURE[fitted.status]
    temperature = with_error(fitted.temperature, fitted.standard_error)
    if not needs(fitted):
        return f"The best temperature, {temperature}, cannot be told from 1 on {fitted.n:,} examples."
    few = "" if fitted.n >= FEW else f" (fitted on {fitted.n} examples only)"
    rough = " (known in its order of magnitude only)" if fitted.standard_error > fitted.temperature / 2 else ""
    scaling = f"Dividing the {_SCORES[kind]} by {temperature}{rough}{few}"
    return _effect(scaling, before, after)


def _effect(scaling: str, before: Report, after: Report) -> str:
    """What ``scaling``, the subject of the sentence, does to NLL and ECE."""
    if (after.nll, after.ece) == (before.nll, before.ece):
        return f"{scaling} changes neither NLL nor ECE."
    if after.nll > before.nll:
        losses = f"{before.nll:.3f} → {after.nll:.3f}, ECE {_change(before, after)}"
        return f"{scaling} does not lower NLL here ({losses}): bring more calibration examples before you ship it."
    if after.ece >= before.ece:
        return f"{scaling} lowers NLL {before.nll:.3f} → {after.nll:.3f} but not ECE ({_change(before, after)})."
    rest = (
        f"what is left is no more than chance (up to {after.ece_null_95:.3f})"
        if after.ece <= after.ece_null_95
        else f"more than chance ({after.ece_null:.3f}) is left"
    )
    return f"{scaling} brings ECE {_change(before, after)}; {rest}."


FEW = 100  # calibration examples below which the verdict says how few there were
_SCORES = {"logits": "logits", "probs": "log(probs)"}
NO_TEMPERATURE = {
    "separable": "No temperature could be fitted: the label has the highest score in every calibration "
    "example, so NLL falls as T → 0; bring more or harder calibration examples.",
    "worse than chance": "No temperature could be fitted: the labels' logits are no higher than average, so NLL falls "
    "as T → ∞; are the labels in the order of the columns, or has the model learnt nothing?",
    "unidentifiable": "No temperature could be fitted: none changes the NLL (constant logits, a label of "
    "probability 0, or predictions that are all certain).",
}


def direction(report: Report) -> Direction:
    """Which way a model is off: in one word, or two where bins differ, "calibrated" where chance would do as much."""
    if report.ece <= report.ece_null_95:
        return "calibrated"
    if abs(report.gap) < report.ece / 2:
        return "both directions"
    return "overconfident" if report.gap > 0 else "underconfident"


def _state(report: Report) -> str:
    claim = f"it claims {report.mean_confidence:.1%} and is right {report.accuracy:.1%} of the time"
    evidence = f"ECE {report.ece:.3f}, by chance {report.ece_null:.3f}"
    found = direction(report)
    if found == "calibrated":
        return f"No miscalibration can be told from chance at n = {report.n:,}: {claim} ({evidence})."
    if found == "both directions":
        return f"Miscalibrated in both directions: on average {claim} ({evidence})."
    return f"{found.capitalize()}: {claim} ({evidence})."


def _change(before: Report, after: Report) -> str:
    return f"{before.ece:.3f} → {after.ece:.3f}"
