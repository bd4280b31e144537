"""Evaluate predictions that need not fit into memory: the same sums as in memory, gathered part by part."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol, Self, TypeAlias, TypeVar

import numpy as np

from calib._checks import check_some_weight
from calib.calibrators._likelihood import Likelihood, Limits, Moments, combined_limits, combined_moments
from calib.calibrators.temperature import TemperatureScaling, fitted_to
from calib.curve import CalibrationCurve
from calib.diagnosis import paste_of, verdict_of
from calib.errors import InputError
from calib.evaluation import Report, evaluate_sums
from calib.predictions import Kind, Predictions
from calib.state import CalibrationState

OnPart: TypeAlias = Callable[[int], None]  # rows of the part that was just read


class Sum(Protocol):
    """What was found in parts, and adds up over them."""

    def __add__(self, other: Self, /) -> Self: ...


Found = TypeVar("Found", bound=Sum)


class Parts(Protocol):
    """Predictions in parts that can be gone through again and again, here or elsewhere, and sampled."""

    def gather(self, of: Callable[[Predictions], Found]) -> Iterator[Found]:
        """What ``of``, a function that can be pickled, finds in each part; neighbours may come added up."""

    def sample(self, rows: int) -> Predictions:
        """About as many rows of the whole."""


@dataclass(frozen=True, eq=False)
class OnePart:
    """Predictions in memory, as `Parts`."""

    predictions: Predictions

    def gather(self, of: Callable[[Predictions], Found]) -> Iterator[Found]:
        """What ``of`` finds in them."""
        yield of(self.predictions)

    def sample(self, rows: int) -> Predictions:
        """The first rows."""
        return self.predictions[:rows]


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


def fit_streamed(parts: Parts, *, on_part: OnPart | None = None) -> TemperatureScaling:
    """`TemperatureScaling.fit` on parts, whose sums it adds up; two or three reads.

    Raises `InputError` as reading does, and for bad values.
    """
    return StreamedLikelihood(parts, on_part).fit()


@dataclass(frozen=True)
class Likeness:
    """What parts of one data set have in common."""

    kind: Kind
    n_classes: int
    weighted: bool

    @classmethod
    def of(cls, part: Predictions) -> "Likeness":
        """That of a part."""
        return cls(part.kind, part.n_classes, part.sample_weight is not None)

    def check(self, other: "Likeness", *, weights: bool = True) -> None:
        """Raise `InputError` where parts are of different models, or some have weights and some have none."""
        if (self.kind, self.n_classes) != (other.kind, other.n_classes):
            raise InputError(
                f"some parts hold {self.kind} of {self.n_classes} classes, others {other.kind} of {other.n_classes}",
                help="evaluate data sets of one model together, others apart",
            )
        if weights and self.weighted != other.weighted:
            raise InputError("some parts have sample weights and some have none", help="give all of them weights")


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
    return _total(parts.gather(partial(_state_of, fitted=fitted, n_bins=n_bins)), on_part)


def _state_of(part: Predictions, *, fitted: TemperatureScaling | None, n_bins: int) -> _Whole:
    state = CalibrationState(n_bins=n_bins)
    state.update(part if fitted is None else fitted.transform(part))
    return _Whole(part.n, Likeness.of(part), state)


class _Counted(Sum, Protocol):
    @property
    def n(self) -> int: ...


Counted = TypeVar("Counted", bound=_Counted)


def _total(found: Iterator[Counted], on_part: OnPart | None) -> Counted:
    """Add all up.  Raises `InputError` where there is nothing."""
    total: Counted | None = None
    for one in found:
        total = one if total is None else total + one
        if on_part is not None:
            on_part(one.n)
    if total is None:
        raise InputError("there are no rows", help="were the predictions written to the end?")
    return total


class StreamedLikelihood:
    """`Likelihood` of parts: every read goes through all of them and adds their moments up."""

    small = False

    def __init__(self, parts: Parts, on_part: OnPart | None = None) -> None:
        self.reads = 0
        self.n = 0
        self._parts, self._on_part = parts, on_part
        self._sample: Likelihood | None = None
        self.likeness: Likeness | None = None  # known after a read, as `n`
        self._total = self._squares = 0.0

    def fit(self) -> TemperatureScaling:
        """The temperature under which these parts are likeliest."""
        fitted = fitted_to(self, n=0)
        return replace(fitted, n=self.n)  # known after a read

    @property
    def n_classes(self) -> int:
        """Number of classes, k."""
        return self._sampled(1).n_classes

    @property
    def effective(self) -> float:
        """Examples (Kish 1965); n without weights.  Known after a read."""
        return self._total**2 / self._squares

    def sample(self, rows: int) -> Likelihood:
        """The likelihood of about as many rows."""
        return self._sampled(rows)

    def _sampled(self, rows: int) -> Likelihood:
        if self._sample is None or self._sample.predictions.n < rows:
            self._sample = Likelihood(self._parts.sample(rows))
        return self._sample

    def at(self, beta: float, *, exact: bool = True) -> Moments:
        """NLL and derivatives at β."""
        read = self._read(partial(_moments_of, beta=beta, exact=exact))
        return combined_moments([(weight, moments) for weight, moments, _, _ in read.found])

    def first(self, beta: float, *, exact: bool = True) -> tuple[float, Moments, Limits]:
        """NLL at 1, all of it at β, and what NLL does at both ends."""
        read = self._read(partial(_first_of, beta=beta, exact=exact))
        mean = sum(weight * at_one for weight, _, at_one, _ in read.found) / read.weight
        limits = [(weight, limits) for weight, _, _, limits in read.found if limits is not None]
        return (
            mean,
            combined_moments([(weight, moments) for weight, moments, _, _ in read.found]),
            combined_limits(limits),
        )

    def _read(self, of: "Callable[[Predictions], _Read]") -> "_Read":
        """Go through all parts once, and keep their sums."""
        self.reads += 1
        read = _total(self._parts.gather(of), self._on_part)
        self.n, self.likeness, self._total, self._squares = read.n, read.likeness, read.weight, read.squares
        check_some_weight(np.array([read.weight]))
        return read


@dataclass(frozen=True, eq=False)
class _Read:
    """Rows, Σ w and Σ w² of some parts, and of each that counts: weight, moments, NLL at 1 and limits where asked."""

    n: int
    likeness: Likeness
    weight: float
    squares: float
    found: tuple[tuple[float, Moments, float, Limits | None], ...]

    def __add__(self, other: "_Read") -> "_Read":
        self.likeness.check(other.likeness)
        return replace(
            self,
            n=self.n + other.n,
            weight=self.weight + other.weight,
            squares=self.squares + other.squares,
            found=self.found + other.found,
        )


def _moments_of(part: Predictions, *, beta: float, exact: bool) -> _Read:
    return _read_of(part, lambda one: (one.at(beta, exact=exact), 0.0, None))


def _first_of(part: Predictions, *, beta: float, exact: bool) -> _Read:
    def found(one: Likelihood) -> tuple[Moments, float, Limits]:
        at_one, moments, limits = one.first(beta, exact=exact)
        return moments, at_one, limits

    return _read_of(part, found)


def _read_of(part: Predictions, of: Callable[[Likelihood], tuple[Moments, float, Limits | None]]) -> _Read:
    weight = np.ones(part.n) if part.sample_weight is None else part.sample_weight
    total = float(weight.sum())
    found = ((total, *of(Likelihood(part))),) if total > 0 else ()
    return _Read(part.n, Likeness.of(part), total, float(np.square(weight).sum()), found)
