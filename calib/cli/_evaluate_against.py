"""``calib evaluate --against FILE``: the same model on a second data set, and whether its temperature carries over."""

from pathlib import Path
from typing import TYPE_CHECKING

from calib._text import printable, with_error
from calib.cli._json import diagnosed
from calib.cli._page import Asked, Page, by_column
from calib.cli._reading import opened
from calib.errors import InputError

if TYPE_CHECKING:
    from calib.diagnosis import Diagnosis
    from calib.sources import Source


def evaluate_against(asked: Asked, against: Path, source: "Source", diagnosis: "Diagnosis") -> Page:
    """Both data sets, without and with the temperature of the first, and the second with its own.

    Raises `InputError` where the two are not of one model.
    """
    from calib.diagnosis import diagnose
    from calib.evaluation import evaluate
    from calib.report_rows import metrics_of, report_rows

    other = opened(against, asked.reading)
    if (other.test.n_classes, other.test.kind) != (source.test.n_classes, source.test.kind):
        raise InputError(
            f"{other.name} holds {other.test.kind} of {other.test.n_classes} classes, {source.name} "
            f"{source.test.kind} of {source.test.n_classes}",
            help="compare predictions of one model",
        )
    there = diagnose(other.test, other.calibration, n_bins=asked.bins, seed=asked.seed)
    carried = evaluate(diagnosis.fitted.transform(other.test), n_bins=asked.bins, seed=asked.seed)
    reports = {
        f"{source.name}": diagnosis.uncalibrated,
        f"{source.name} + T": diagnosis.scaled,
        f"{other.name}": there.uncalibrated,
        f"{other.name} + that T": carried,
        f"{other.name} + own T": there.scaled,
    }
    if len(reports) < 5:
        raise InputError(f"both data sets are called {source.name}", help="rename one of the files")
    temperatures = [f"{diagnosis.fitted.temperature:.4g}", f"{there.fitted.temperature:.4g}"]
    verdict = _verdict(diagnosis, there, carried.ece, other.name)
    second = {**diagnosed(other.name, there), "carried": metrics_of(carried), "verdict": verdict}
    del second["schema"]
    return Page(
        columns=["", *(printable(name) for name in reports)],
        rows=[*report_rows(*reports.values()), ["T ± standard error", "1", temperatures[0], "1", *temperatures]],
        full=by_column("data", reports),
        body={**diagnosed(source.name, diagnosis), "against": second},
        verdict=verdict,
        judged={"": {"uncalibrated": diagnosis.uncalibrated, "temperature": diagnosis.scaled}},
        said=[f"{other.name}: {note}" for note in other.notes],
    )


def _verdict(here: "Diagnosis", there: "Diagnosis", carried: float, name: str) -> str:
    if here.fitted.status != "ok":
        return f"No temperature was fitted ({here.fitted.status}), so none carries over."
    own = there.fitted
    before, after = there.uncalibrated.ece, there.scaled.ece
    beyond = carried > there.scaled.ece_null_95 and carried > after
    first = with_error(here.fitted.temperature, here.fitted.standard_error)
    second = with_error(own.temperature, own.standard_error) if own.status == "ok" else f"none ({own.status})"
    worse = "makes it worse" if carried > before else "helps" if carried < before else "changes nothing"
    rest = "It does not carry over whole." if beyond else "It carries over."
    return (
        f"On {printable(name)} ECE is {before:.3f}; the temperature of the first data set ({first}) {worse}: "
        f"{carried:.3f}. Its own would be {second}: {after:.3f}. {rest}"
    )
