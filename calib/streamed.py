"""Evaluate predictions that need not fit into memory: the same sums as in memory, gathered part by part."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

import numpy as np

from calib.calibrators._likelihood import Likelihood, Limits, Moments, combined_limits, combined_moments
from calib.calibrators.temperature import TemperatureScaling, fitted_to
from calib.errors import InputError
from calib.predictions import Kind, Predictions
from calib.state import CalibrationState, Summary

OnPart: TypeAlias = Callable[[int], None]  # rows of the part that was just read


class Parts(Protocol):
    """Predictions in parts that can be gone through again and again, and sampled."""

    def __iter__(self) -> Iterator[Predictions]: ...

    def sample(self, rows: int) -> Predictions:
        """About as many rows of the whole."""


@dataclass(frozen=True, eq=False)
class StreamedReport:
    """What sums can tell: as the predictions are, and with a temperature fitted to them.

    ``in_sample`` says that the temperature was fitted on the very rows it is judged on; of many rows one number hardly
    fits noise.
    """

    uncalibrated: Summary
    scaled: Summary
    fitted: TemperatureScaling
    n_classes: int
    kind: Kind
    in_sample: bool


def evaluate_streamed(
    test: Parts, calibration: Parts | None = None, *, n_bins: int = 15, on_part: OnPart | None = None
) -> StreamedReport:
    """Fit a temperature on ``calibration``, or on ``test`` without one, and sum up ``test`` without and with it.

    Goes through the parts four or five times; memory holds one part.  Counts are those of the whole in memory, sums
    agree to 1e-12 and T to about ten digits.  ``test`` is `calib.Shards`, or anything whose iteration begins anew each
    time and that has ``sample(rows)``.  Raises `InputError` as reading does.

    >>> import tempfile, numpy
    >>> from calib import Shards
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for day in range(3):
    ...         numpy.savez(f"{folder}/{day}.npz", logits=[[2.0, 0.0]] * 4, labels=[0, 0, 0, 1])
    ...     report = evaluate_streamed(Shards.of(folder))
    >>> report.uncalibrated.n, round(report.fitted.temperature, 4)  # 2 / ln 3
    (12, 1.8205)
    """
    before, n_classes, kind = _summed(test, None, n_bins, on_part)
    fitted = fit_streamed(test if calibration is None else calibration, on_part=on_part)
    after = _summed(test, fitted, n_bins, on_part)[0] if fitted.status == "ok" else before
    return StreamedReport(before, after, fitted, n_classes, kind, calibration is None)


def fit_streamed(parts: Parts, *, on_part: OnPart | None = None) -> TemperatureScaling:
    """`TemperatureScaling.fit` on parts, whose sums it adds up; two or three reads.

    Raises `InputError` as reading does, and for bad values.
    """
    likelihood = StreamedLikelihood(parts, on_part)
    fitted = fitted_to(likelihood, n=0)
    return replace(fitted, n=likelihood.n)  # known after a read


def _summed(
    parts: Iterable[Predictions], fitted: TemperatureScaling | None, n_bins: int, on_part: OnPart | None
) -> tuple[Summary, int, Kind]:
    state, n_classes = CalibrationState(n_bins=n_bins), 0
    kind: Kind = "logits"
    for part in parts:
        with named_after(part):
            state.update(part if fitted is None else fitted.transform(part))
        n_classes, kind = part.n_classes, part.kind
        if on_part is not None:
            on_part(part.n)
    return state.compute(), n_classes, kind


@contextmanager
def named_after(part: Predictions) -> Iterator[None]:
    """Say in errors which file a part came from, where it knows."""
    try:
        yield
    except InputError as error:
        file, row = (part.provenance.get(name) for name in ("file", "row"))
        if file is None:
            raise
        after = f", after row {row}" if row else ""
        raise InputError(f"{file}{after}: {error}", help=error.help) from error


class StreamedLikelihood:
    """`Likelihood` of parts: every read goes through all of them and adds their moments up."""

    small = False

    def __init__(self, parts: Parts, on_part: OnPart | None = None) -> None:
        self.reads = 0
        self.n = 0
        self._parts, self._on_part = parts, on_part
        self._sample: Likelihood | None = None
        self._total = self._squares = 0.0

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
        return combined_moments([(weight, one.at(beta, exact=exact)) for weight, one in self._each()])

    def first(self, beta: float, *, exact: bool = True) -> tuple[float, Moments, Limits]:
        """NLL at 1, all of it at β, and what NLL does at both ends."""
        found = [(weight, *one.first(beta, exact=exact)) for weight, one in self._each()]
        weights, at_one, moments, limits = zip(*found, strict=True)
        mean = float(np.dot(weights, at_one) / np.sum(weights))
        pairs = list(zip(weights, moments, strict=True)), list(zip(weights, limits, strict=True))
        return mean, combined_moments(pairs[0]), combined_limits(pairs[1])

    def _each(self) -> Iterator[tuple[float, Likelihood]]:
        """The weight and the likelihood of every part that counts, while the sums over all are kept."""
        self.reads += 1
        self.n, self._total, self._squares = 0, 0.0, 0.0
        for part in self._parts:
            weight = np.ones(part.n) if part.sample_weight is None else part.sample_weight
            self.n += part.n
            self._total += float(weight.sum())
            self._squares += float(np.square(weight).sum())
            if weight.any():
                yield float(weight.sum()), Likelihood(part)
            if self._on_part is not None:
                self._on_part(part.n)
        if self._total == 0:
            raise InputError("all sample weights are 0", help="leave the weights out, or give some")
