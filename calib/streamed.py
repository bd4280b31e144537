"""Evaluate predictions that need not fit into memory: the same sums as in memory, gathered part by part."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from calib.calibrators._streamed_likelihood import StreamedLikelihood
from calib.calibrators.temperature import TemperatureScaling
from calib.curve import CalibrationCurve
from calib.diagnosis import paste_of, verdict_of
from calib.evaluation import Report, evaluate_sums
from calib.parts import Likeness, OnPart, Parts, total_of
from calib.predictions import Kind, Predictions
from calib.state import CalibrationState


@dataclass(frozen=True, eq=False)
class StreamedReport:
    """What sums can tell: as the predictions are, and with a temperature fitted to them.

    ``bounds`` says how far the numbers of ranks and kernels can be off, under "uncalibrated" and "scaled": see
    `calib.evaluate_sums`.  ``curves`` are the calibration curves of both.  ``in_sample`` says that the temperature was
    fitted on the very rows it is judged on; of many rows one number hardly fits noise.
    """

    uncalibrated: Report
    scaled: Report
    bounds: Mapping[str, Mapping[str, float]]
    fitted: TemperatureScaling
    n_classes: int
    kind: Kind
    in_sample: bool
    curves: tuple[CalibrationCurve, CalibrationCurve]

    @property
    def paste(self) -> str:
        """The probabilities as an expression for the user's own code, as `Diagnosis.paste`."""
        return paste_of(self.fitted, kind=self.kind, n_classes=self.n_classes)

    @property
    def verdict(self) -> str:
        """Is it calibrated, which way is it off, and what does a temperature do about it?"""
        return verdict_of(self.uncalibrated, self.scaled, self.fitted, kind=self.kind)


def evaluate_streamed(
    test: Parts, calibration: Parts | None = None, *, n_bins: int = 15, seed: int = 0, on_part: OnPart | None = None
) -> StreamedReport:
    """Fit a temperature on ``calibration``, or on ``test`` without one, and sum up ``test`` without and with it.

    Goes through the parts four or five times; memory holds one part.  Counts are those of the whole in memory, sums
    agree to 1e-12 and T to about ten digits; what needs ranks is bounded.  ``test`` is `calib.Shards`, or
    `calib.integrations.dask.DaskParts`, or anything else with their ``gather`` and ``sample``.  ``seed`` drives the
    draws of the chance level and the interval.  Raises `InputError` as reading does.

    >>> import tempfile, numpy
    >>> from calib import Shards
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for day in (1, 2):
    ...         numpy.savez(f"{folder}/{day}.npz", logits=[[2.0, 0.0]] * 4 * day, labels=[0, 0, 0, 1] * day)
    ...     report = evaluate_streamed(Shards.of(folder))
    >>> report.uncalibrated.n, round(report.fitted.temperature, 4)  # 2 / ln 3
    (12, 1.8205)
    """
    whole = _summed(test, None, n_bins, on_part)
    likelihood = StreamedLikelihood(test if calibration is None else calibration, on_part)
    fitted = likelihood.fit()
    if likelihood.likeness is not None:
        whole.likeness.check(likelihood.likeness, weights=False)
    scaled = _summed(test, fitted, n_bins, on_part) if fitted.status == "ok" else whole
    summaries = [one.state.compute() for one in ((whole,) if scaled is whole else (whole, scaled))]
    reports = [evaluate_sums(summary, n_classes=whole.likeness.n_classes, seed=seed) for summary in summaries]
    return StreamedReport(
        uncalibrated=reports[0][0],
        scaled=reports[-1][0],
        bounds={"uncalibrated": reports[0][1], "scaled": reports[-1][1]},
        fitted=fitted,
        n_classes=whole.likeness.n_classes,
        kind=whole.likeness.kind,
        in_sample=calibration is None,
        curves=(summaries[0].curve, summaries[-1].curve),
    )


@dataclass(frozen=True, eq=False)
class _Whole:
    """The state of some parts."""

    n: int
    likeness: Likeness
    state: CalibrationState

    def __add__(self, other: "_Whole") -> "_Whole":
        self.likeness.check(other.likeness)
        return replace(self, n=self.n + other.n, state=self.state + other.state)


def _summed(parts: Parts, fitted: TemperatureScaling | None, n_bins: int, on_part: OnPart | None) -> _Whole:
    return total_of(parts.gather(partial(_state_of, fitted=fitted, n_bins=n_bins)), on_part)


def _state_of(part: Predictions, *, fitted: TemperatureScaling | None, n_bins: int) -> _Whole:
    state = CalibrationState(n_bins=n_bins)
    state.update(part if fitted is None else fitted.transform(part))
    return _Whole(part.n, Likeness.of(part), state)
