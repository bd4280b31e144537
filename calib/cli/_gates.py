"""``--fail-above METRIC=LIMIT``: gates that an evaluation passes or not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import TYPE_CHECKING

import typer

from calib._nearest import unknown
from calib.cli._output import say
from calib.errors import InputError

if TYPE_CHECKING:
    from calib.evaluation import Report

METRICS = ("nll", "brier", "ece", "ece_equal_mass", "rmsce", "mce", "smooth_ece", "ks_error", "gap", "aurc")


@dataclass(frozen=True)
class Gate:
    """The row ``column`` of a report may have no more than ``limit`` of ``metric``, whatever its sign."""

    column: str
    metric: str
    limit: float

    def failure(self, reports: "Mapping[str, Report]") -> str:
        """What is wrong with the reports of one set of predictions; nothing where nothing is."""
        report = reports.get(self.column)  # a log of confidences has no second column
        value = nan if report is None else abs(float(getattr(report, self.metric)))
        if isnan(value):
            return f"{self.column} {self.metric} is not defined for these predictions"
        return "" if value <= self.limit else f"{self.column} {self.metric} is {value:.4g}, above {self.limit:g}"


def gate_of(text: str, scaled: str) -> Gate:
    """Read ``[column.]metric=limit``, the column uncalibrated or ``scaled``.  Raises `InputError` for anything else."""
    key, given, limit = text.partition("=")
    column, _, metric = key.rpartition(".")
    try:
        value = float(limit)
    except ValueError:
        value = float("nan")
    if not given or not value >= 0:
        raise InputError(
            f"--fail-above takes METRIC=LIMIT, a limit of at least 0, got {text!r}", help=f"such as {scaled}.ece=0.03"
        )
    if metric not in METRICS:
        raise unknown("--fail-above metric", metric, METRICS)
    if column not in ("", "uncalibrated", scaled):
        raise unknown("--fail-above column", column, ("uncalibrated", scaled), more=f": {scaled}.{metric}={limit}")
    return Gate(column or "uncalibrated", metric, value)


def enforce(gates: Sequence[Gate], judged: "Mapping[str, Mapping[str, Report]]") -> None:
    """Exit with 1 where a gate is not passed; ``judged`` has reports by column under what names them in messages."""
    failed = [
        f"{name}{message}" for name, reports in judged.items() for gate in gates if (message := gate.failure(reports))
    ]
    for message in failed:
        say(f"gate failed: {message}")
    if failed:
        raise typer.Exit(1)
