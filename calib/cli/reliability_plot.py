"""``calib reliability-plot``: the reliability diagram before and after a temperature, one row a model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from calib.cli._options import Bins, Calibration, Force, Seed, Sources
from calib.cli._output import refuse_picture
from calib.cli._progress import working
from calib.cli._reading import logged_outcomes, opened, opens_sources
from calib.cli._shards import streamed_report
from calib.errors import InputError
from calib.reading import AS_IT_IS, Reading

if TYPE_CHECKING:
    from calib.outcomes import Outcomes
    from calib.plots.reliability import BeforeAfter


@opens_sources
def reliability_plot(
    sources: Sources,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Picture to write: .png, .svg or .pdf.")
    ],
    calibration: Calibration = None,
    reading: Reading = AS_IT_IS,
    bins: Bins = 15,
    bars: Annotated[
        Literal["none", "confidence", "consistency"],
        typer.Option(help="95 % intervals: of each accuracy, or around the diagonal if the model were calibrated."),
    ] = "none",
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Draw reliability diagrams.

    As in Guo et al. (2017): uncalibrated on the left, with a temperature on the right, one row a model. A
    log of confidences and whether they were right has no right.

    Example: calib reliability-plot runs/hard runs/ls05 -o figure.pdf
    """
    refuse_picture(output, force=force, inputs=[*sources, calibration])
    if calibration is not None and len(sources) > 1:
        raise InputError("--calibration goes with one SOURCE", help="plot the models one by one")
    from calib.diagnosis import diagnose
    from calib.files.shards import is_shards
    from calib.plots.reliability import BeforeAfter, reliability_figure, save_figure

    rows = []
    for path in sources:
        if is_shards(path) and bars != "consistency":  # those need rows
            rows.append(_streamed_row(path, calibration, reading, bins=bins, bars=bars, seed=seed))
            continue
        try:
            source = opened(path, reading, calibration=calibration)
        except InputError:
            logged = logged_outcomes(path)
            if logged is None or calibration is not None:
                raise
            rows.append(_logged_row(path.stem, logged, bins=bins, bars=bars, seed=seed))
            continue
        with working(f"judging {source.name}"):
            diagnosis = diagnose(source.test, source.calibration, n_bins=bins, seed=seed)
            rows.append(BeforeAfter(source.name, *diagnosis.curves, diagnosis.label, diagnosis.bars(bars)))
    save_figure(reliability_figure(rows, bars=bars), output)
    print(output)


def _logged_row(name: str, logged: "Outcomes", *, bins: int, bars: str, seed: int) -> "BeforeAfter":
    """Of a log of confidences, which knows too little for a temperature."""
    from calib.curve import calibration_curve
    from calib.plots.reliability import BeforeAfter
    from calib.uncertainty import consistency_interval

    curve, intervals = calibration_curve(logged, n_bins=bins), None
    if bars != "none":
        confidence = bars == "confidence"
        ends = curve.accuracy_interval() if confidence else consistency_interval(logged, n_bins=bins, seed=seed)
        intervals = ends, ends
    return BeforeAfter(name, curve, None, "no temperature:\nconfidences alone", intervals)


def _streamed_row(
    path: Path, calibration: Path | None, reading: Reading, *, bins: int, bars: str, seed: int
) -> "BeforeAfter":
    from calib.diagnosis import label_of
    from calib.plots.reliability import BeforeAfter
    from calib.sources import shards_name

    report = streamed_report(path, calibration, reading, bins=bins, seed=seed)
    before, after = report.curves
    intervals = (before.accuracy_interval(), after.accuracy_interval()) if bars == "confidence" else None
    return BeforeAfter(shards_name(path), before, after, label_of(report.fitted), intervals)
