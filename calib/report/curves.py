"""The sections on confidence against accuracy: the numbers, the reliability diagrams, and who claims how much."""

import numpy as np

from calib._text import printable
from calib.curve import CalibrationCurve
from calib.diagnosis import Diagnosis
from calib.plots.confidences import Claims, confidence_figure
from calib.plots.inline import inline_figure
from calib.plots.reliability import BarsKind, BeforeAfter, reliability_figure
from calib.report.parts import Figure, Section, Table
from calib.report.subject import Subject
from calib.report_rows import curve_rows, diagnosis_rows

HIGH = 0.9  # a confidence that one would act upon


def numbers_section(subject: Subject, anchor: str) -> Section:
    """The table of `calib evaluate`."""
    diagnosis = subject.diagnosis
    columns, rows = diagnosis_rows(diagnosis)
    split = printable(str(diagnosis.before.provenance.get("split", "test")))
    if diagnosis.cross_fitted:
        fitted = f"The temperature is cross-fitted in 5 folds (seed {diagnosis.seed})"
    else:
        fitted = f"The temperature was fitted by NLL on {diagnosis.fitted.n:,} calibration examples"
    text = (
        f"Every number is of the {split} split, n = {diagnosis.uncalibrated.n:,}. {fitted}. What is expected by chance "
        "is the ECE that a perfectly calibrated model with the same confidences would score at this n; the interval "
        "is of the error in the population, which the plug-in ECE overestimates."
    )
    return Section(f"{anchor}numbers", "The numbers", [text], tables=[Table(columns, rows)])


def reliability_section(subject: Subject, anchor: str) -> Section:
    """Reliability diagrams before and after, and the table behind them."""
    diagnosis = subject.diagnosis
    kind: BarsKind = "none" if diagnosis.before.sample_weight is not None else "confidence"
    row = BeforeAfter(subject.name, *diagnosis.curves, diagnosis.label, diagnosis.bars(kind))
    figure = reliability_figure([row], bars=kind)
    drawing = inline_figure(
        figure, name=f"{anchor}reliability", alt=f"Reliability diagrams of {printable(subject.name)}, before and after"
    )
    return Section(
        f"{anchor}reliability",
        "Reliability, before and after",
        figures=[Figure(drawing, _reliability_caption(diagnosis))],
        tables=[_bins(curve, name) for curve, name in zip(diagnosis.curves, ("as it is", "scaled"), strict=True)],
    )


def confidence_section(subject: Subject, anchor: str) -> Section:
    """How confident right and wrong answers are."""
    diagnosis = subject.diagnosis
    before, after = diagnosis.curves
    figure = confidence_figure([Claims("uncalibrated", before), Claims(diagnosis.label, after)])
    alt = f"Histograms of the confidence of right and wrong answers of {printable(subject.name)}"
    drawing = inline_figure(figure, name=f"{anchor}confidence", alt=alt)
    outcomes = diagnosis.before.outcomes
    wrong = ~outcomes.correct
    caption = "Confidence of right and of wrong answers, each as a share of its own."
    if wrong.any():
        sure = [float((side.outcomes.confidence[wrong] > HIGH).mean()) for side in (diagnosis.before, diagnosis.after)]
        caption += f" Of {int(wrong.sum()):,} wrong answers {sure[0]:.1%} claim more than {HIGH:g}"
        caption += f", and {sure[1]:.1%} with the temperature." if diagnosis.fitted.status == "ok" else "."
    return Section(f"{anchor}confidence", "Confidence of right and wrong answers", figures=[Figure(drawing, caption)])


def _reliability_caption(diagnosis: Diagnosis) -> str:
    before = diagnosis.curves[0]
    worst = int(np.nanargmax(np.abs(before.gap) * before.mass))
    low, high = before.edges[worst], before.edges[worst + 1]
    side = "over" if before.gap[worst] > 0 else "under"
    return (
        "Bars are the accuracy in each bin of confidence, hatched parts how far it is from the claim; the strip below "
        f"shows where the examples are. Most of the error is between {low:.2f} and {high:.2f}: "
        f"{before.count[worst]:,} examples, {side}confident by {abs(before.gap[worst]):.3f}."
    )


def _bins(curve: CalibrationCurve, name: str) -> Table:
    return Table(*curve_rows(curve), folded=f"The bins in numbers, {name}")
