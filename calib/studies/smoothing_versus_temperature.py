"""Label smoothing or temperature scaling?  Train {hard, each α} × seeds, each judged with and without a temperature."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from calib.calibrators.registry import as_method
from calib.diagnosis import Diagnosis, diagnose
from calib.errors import InputError
from calib.evaluation import evaluate
from calib.predictions import Predictions
from calib.reading import Reading
from calib.sources import Source, open_source
from calib.tables import compare, score_table
from calib.verdict import comparison_verdict

if TYPE_CHECKING:
    import pandas as pd

Also: TypeAlias = Callable[[Source], Mapping[str, Predictions]]  # an opened run -> further test predictions by name


@dataclass(frozen=True, eq=False)
class Comparison:
    """Every run with and without its temperature, one by one and averaged over seeds, and what that comes to.

    ``others`` are the test predictions of further calibrators, by run and name; ``notes`` are sentences on a run that a
    reader must know.
    """

    diagnoses: dict[str, Diagnosis]
    scores: "pd.DataFrame"
    table: "pd.DataFrame"
    verdict: str
    others: dict[str, dict[str, Predictions]] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)

    def predictions(self, run: str, calibrator: str) -> Predictions:
        """The test predictions behind a row of ``scores``."""
        diagnosis = self.diagnoses[run]
        own = {"uncalibrated": diagnosis.before, "temperature": diagnosis.after}
        return own[calibrator] if calibrator in own else self.others[run][calibrator]

    @property
    def trained_with(self) -> dict[str, str]:
        """Versions and hardware that trained the first network, as far as they are known."""
        first = next(iter(self.diagnoses.values()))
        return dict(first.before.provenance.get("versions", {}))


def compare_runs(
    paths: Sequence[Path | str], *, calibrators: Sequence[str] = (), also: Also | None = None, **options: Any
) -> Comparison:
    """Open runs, fit each one's temperature on its calibration split, and tabulate both on the test split.

    ``calibrators`` are names of further methods, fitted on the calibration split too; ``also`` makes further test
    predictions of an opened run; ``options`` are those of `calib.reading.Reading`.  Raises `InputError` for runs
    that cannot be opened, and for methods that refuse them.
    """
    names = [Path(path).name for path in paths]
    diagnoses: dict[str, Diagnosis] = {}
    others: dict[str, dict[str, Predictions]] = {}
    notes: dict[str, list[str]] = {}
    for path in paths:
        source = open_source(path, Reading(**options))
        name = source.name if names.count(Path(path).name) == 1 and source.name not in diagnoses else str(path)
        if name in diagnoses:
            raise InputError(f"{path} is named twice", help="name each run once")
        diagnoses[name] = diagnose(source.test, source.calibration)
        notes[name] = source.notes
        others[name] = {**_calibrated(source, calibrators), **({} if also is None else also(source))}
    reports = {run: {name: evaluate(one) for name, one in made.items()} for run, made in others.items()}
    scores = score_table(diagnoses, reports)
    return Comparison(diagnoses, scores, compare(scores), comparison_verdict(scores), others, notes)


def _calibrated(source: Source, calibrators: Sequence[str]) -> dict[str, Predictions]:
    """The test predictions after each method, fitted on the calibration split and nothing else."""
    made: dict[str, Predictions] = {}
    for name in calibrators:
        try:
            made[name] = as_method(name).fit(source.to_fit_on).transform(source.test)
        except InputError as error:
            raise InputError(f"{name} cannot be fitted to {source.name}: {error}", help=error.help) from error
    return made
