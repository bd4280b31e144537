"""``calib calibrate``: fit a calibrator and save it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from calib._text import number, printable, with_error
from calib.cli._fit_status import check_status
from calib.cli._options import Force, OneSource
from calib.cli._output import refuse_existing, say
from calib.cli._progress import working
from calib.cli._reading import opened, opens_sources
from calib.cli._shards import row_count, shards_of
from calib.errors import InputError, NumericalError
from calib.reading import AS_IT_IS, Reading

if TYPE_CHECKING:
    from calib.calibrators._base import Calibrator
    from calib.predictions import Predictions


@opens_sources
def calibrate(
    source: OneSource,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Calibrator to write, .json.")],
    method: Annotated[str, typer.Option(metavar="NAME", help="One of those above.")] = "temperature",
    group_by: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="One calibrator a group, by this column of the file."),
    ] = None,
    reading: Reading = AS_IT_IS,
    force: Force = False,
) -> None:
    """Fit a calibrator and save it as JSON.

    A run directory or checkpoint is calibrated on its calibration split; a predictions file is one.

    Methods: temperature, ensemble-temperature, vector, matrix, dirichlet, structured-vector, structured-matrix,
    isotonic, histogram, bbq, spline, desmoothing; for two classes also platt and beta.

    With --group-by, `apply` and `evaluate --calibrator` read the column again: a group that is new is refused.

    Exits with 3, and writes nothing, where no temperature is best.

    Example: calib calibrate runs/hard -o calibrator.json
    """
    if output.suffix.lower() != ".json":
        raise InputError(f"a calibrator is saved as .json, got {output}", help="name a file that ends in .json")
    refuse_existing(output, force=force, inputs=(source,))
    from calib.calibrators.comparison import led_astray
    from calib.calibrators.registry import fewest_examples, method_class
    from calib.files.calibrator_json import save_calibrator
    from calib.files.shards import is_shards

    chosen = method_class(method)
    if is_shards(source) and method == "temperature" and group_by is None:
        _calibrate_streamed(source, reading, output)
        return
    given = opened(source, reading)
    split = given.test if given.calibration is None else given.calibration
    if given.calibration is None and split.provenance.get("split") == "test":
        say("note: there is no calibration split: fitted on the test examples, do not judge it on these")
    if group_by is not None:
        from calib.cli._calibrate_groups import calibrate_groups

        calibrate_groups(source, given.name, group_by, split, method, chosen, output)
        print(output)
        return
    with working(f"fitting {method}"):
        fitted = chosen.fit(split)
    check_status(method, fitted, split)
    if split.n < (fewest := fewest_examples(method, split.n_classes)):
        say(f"warning: {split.n:,} examples are few for this method, it should have {fewest:,} or more")
    if zeros := led_astray(method, split):
        say(f"warning: {zeros}")
    save_calibrator(fitted, output, fitted_on=split)
    say(_summary(method, fitted, split, given.name))
    print(output)


def _calibrate_streamed(source: Path, reading: Reading, output: Path) -> None:
    from calib.calibrators._streamed_likelihood import StreamedLikelihood
    from calib.diagnosis import NO_TEMPERATURE
    from calib.files.calibrator_json import save_calibrator

    with row_count() as on_part:
        likelihood = StreamedLikelihood(shards_of(source, reading), on_part)
        fitted = likelihood.fit()
    if fitted.status != "ok":
        raise NumericalError(NO_TEMPERATURE[fitted.status], help="nothing was written")
    likeness = likelihood.likeness
    known = {} if likeness is None else {"n_classes": likeness.n_classes, "kind": likeness.kind}
    save_calibrator(fitted, output, fitted_on={"n": fitted.n, **known})
    say(_told("temperature", fitted, str(source), n=fitted.n, before=fitted.nll_before, after=fitted.nll_after))
    print(output)


def _summary(method: str, fitted: "Calibrator", split: "Predictions", name: str) -> str:
    from calib.metrics.proper import nll

    return _told(method, fitted, name, n=split.n, before=nll(split), after=nll(fitted.transform(split)))


def _told(method: str, fitted: "Calibrator", name: str, *, n: int, before: float, after: float) -> str:
    temperature = getattr(fitted, "temperature", None)
    error = getattr(fitted, "standard_error", float("nan"))
    told = "" if temperature is None else f", T = {with_error(temperature, error)} (standard error)"
    losses = f"NLL {number(before)} → {number(after)} on the examples it was fitted to"
    return f"{method} on {printable(name)}, n = {n:,}{told}: {losses}"
