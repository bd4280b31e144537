"""The section on answering only the confident ones: risk against coverage."""

from collections.abc import Sequence

from calib._text import number
from calib.metrics.ranking import RiskCoverage, risk_coverage
from calib.plots.inline import inline_figure
from calib.plots.risk_coverage import Ranked, risk_coverage_figure
from calib.predictions import Predictions
from calib.report.parts import Figure, Section, Table
from calib.report.subject import Subject

COVERAGES, RISKS = (1.0, 0.9, 0.8, 0.5), (0.05, 0.01)
_SIZE = (3.44, 2.3)  # inches


def risk_section(subject: Subject, anchor: str) -> Section:
    """Risk against coverage of one model, without and with the temperature."""
    diagnosis = subject.diagnosis
    scaled = "cross-fitted" if diagnosis.cross_fitted else "temperature"
    return ranked_section([("uncalibrated", diagnosis.before), (scaled, diagnosis.after)], anchor, second_dashed=True)


def ranked_section(sides: Sequence[tuple[str, Predictions]], anchor: str, *, second_dashed: bool = False) -> Section:
    """Risk against coverage of several predictions.  Raises `InputError` for weighted ones."""
    curves = [(name, risk_coverage(predictions)) for name, predictions in sides]
    lines = [Ranked(name, [curve], colour=i, dashed=second_dashed and i == 1) for i, (name, curve) in enumerate(curves)]
    figure = risk_coverage_figure(lines, size=_SIZE)
    drawing = inline_figure(figure, name=f"{anchor}risk", alt="Share of wrong answers against the share answered")
    caption = (
        "If only the most confident examples are answered, what share of the answers is wrong? Lower is better. A "
        "temperature hardly changes the order of the examples, so it hardly moves this curve."
    )
    return Section(
        f"{anchor}risk",
        "Risk against coverage",
        figures=[Figure(drawing, caption)],
        tables=[_table(curves)],
    )


def _table(curves: Sequence[tuple[str, RiskCoverage]]) -> Table:
    rows = [
        [f"wrong among the most confident {coverage:.0%}", *(f"{curve.risk_at(coverage):.2%}" for _, curve in curves)]
        for coverage in COVERAGES
    ]
    rows += [
        [
            f"can be answered with {risk:.0%} wrong at most",
            *(f"{curve.coverage_at(risk):.1%}" for _, curve in curves),
        ]
        for risk in RISKS
    ]
    for share in (0.8, 0.5):
        threshold = [number(float(curve.threshold[(curve.coverage >= share - 1e-12).argmax()])) for _, curve in curves]
        rows.append([f"confidence from which {share:.0%} are answered", *threshold])
    return Table(["", *(name for name, _ in curves)], rows)
