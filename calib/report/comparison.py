"""Several models beside each other: a row each, diagrams laid over each other, differences on the same examples."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calib._text import number, printable
from calib.diagnosis import direction
from calib.differences import ece_difference_interval, mean_difference_interval, same_examples
from calib.evaluation import Report
from calib.export import row_name
from calib.intervals import Interval
from calib.plots.inline import inline_figure
from calib.plots.overlay import Overlay, overlay_figure
from calib.predictions import Predictions
from calib.report.parts import Figure, KeyNumber, Part, Section, Table, Verdict, section_or_reason
from calib.report.ranking import ranked_section
from calib.report.subject import Subject

MOST = 5  # that are held against the best in words; all are in the tables


@dataclass(frozen=True, eq=False)
class _Candidate:
    """One thing that could be shipped: a model as it is, or with its temperature."""

    subject: Subject
    name: str
    predictions: Predictions
    report: Report
    scaled: bool = False


def comparison_part(subjects: Sequence[Subject]) -> Part:
    """Which model is best calibrated, by how much, and what chance has to do with it."""
    candidates = [candidate for subject in subjects for candidate in _candidates(subject)]
    anchor = "all-"
    first = subjects[0].diagnosis.before
    same = all(same_examples(first, subject.diagnosis.before) for subject in subjects[1:])
    sections = [
        Section(f"{anchor}numbers", "Side by side", [_examples(subjects)], tables=[_table(subjects)]),
        _overlay(subjects, anchor),
        _differences(candidates, subjects, anchor, same=same),
        section_or_reason(
            lambda: ranked_section([(printable(s.name, limit=40), s.diagnosis.before) for s in subjects], anchor),
            anchor=f"{anchor}risk",
            heading="Risk against coverage",
        ),
    ]
    return Part("", "", sections, _verdict(candidates, subjects, same=same))


def _candidates(subject: Subject) -> list[_Candidate]:
    diagnosis = subject.diagnosis
    made = [_Candidate(subject, row_name(subject.name, "uncalibrated"), diagnosis.before, diagnosis.uncalibrated)]
    if diagnosis.fitted.status == "ok":
        name = row_name(subject.name, "temperature", cross_fitted=diagnosis.cross_fitted)
        made.append(_Candidate(subject, name, diagnosis.after, diagnosis.scaled, scaled=True))
    return made


def _verdict(candidates: Sequence[_Candidate], subjects: Sequence[Subject], *, same: bool) -> Verdict:
    """Name the lowest NLL, which rewards calibration and accuracy together, and how far the others are from it."""
    known = any(np.isfinite(candidate.report.nll) for candidate in candidates)
    score, called = ("nll", "NLL") if known else ("brier", "Brier score")  # a label of probability 0 ruins every NLL
    best, *others = sorted(candidates, key=lambda candidate: float(getattr(candidate.report, score)))
    lowest = float(getattr(best.report, score))
    start = f"By {called}, which rewards calibration and accuracy together, {best.name} is best ({lowest:.4f})"
    tied = []
    if same:
        said = []
        for other in others:
            gap = _difference(other, best, score)
            unknown = "" if gap.low > 0 else ", which cannot be told from 0"
            tied += [other.name] if unknown else []
            said.append(f"{other.name} is {gap.estimate:.4f} worse (95 % interval {_limits(gap)}{unknown})")
        sentence = f"{start}; {'; '.join(said[:MOST])}."
    else:
        sentence = f"{start}; but the models were not judged on the same examples: what differs may be the examples."
    clear = same and not tied
    headline = f"Best: {best.name}" if clear else f"Lowest {called}: {best.name}, but others may be as good"
    if not same:
        headline = "Judged on different examples: none can be called the best"
    numbers = [
        KeyNumber(
            subject.name,
            f"{subject.diagnosis.uncalibrated.ece:.3f} → {subject.diagnosis.scaled.ece:.3f}",
            f"ECE; {_HOW[direction(subject.diagnosis.uncalibrated)]}; {subject.diagnosis.label}",
        )
        for subject in subjects
    ]
    owner = best.subject
    tuned = best.scaled and owner.diagnosis.needs_temperature  # else its T cannot be told from 1
    expression = f"{owner.to_ship}:" if tuned else "its scores as they are."
    advice, commands = f"Ship {owner.name}, {expression}", owner.commands if tuned else []
    if not same:
        advice, commands = (
            "Judge them on the same examples before you choose; each model's own part says what to do.",
            [],
        )
    return Verdict("good" if clear else "unsure", headline, sentence, numbers, advice, commands)


def _difference(other: _Candidate, best: _Candidate, column: str) -> Interval:
    a, b = (np.asarray(getattr(each.predictions.outcomes, column), np.float64) for each in (other, best))
    return mean_difference_interval(a, b, best.predictions.sample_weight)


def _examples(subjects: Sequence[Subject]) -> str:
    counts = {subject.name: subject.diagnosis.uncalibrated.n for subject in subjects}
    if len(set(counts.values())) == 1:
        return f"Each on n = {next(iter(counts.values())):,} examples, as it is and with a temperature of its own."
    said = ", ".join(f"{name} n = {n:,}" for name, n in counts.items())
    return f"As they are and with a temperature of their own: {said}."


def _table(subjects: Sequence[Subject]) -> Table:
    columns = ["", "accuracy", "NLL", "Brier", "ECE", "true ECE, 95 %", "by chance", "gap", "AURC", "T"]
    rows = []
    for subject in subjects:
        diagnosis = subject.diagnosis
        fitted = diagnosis.fitted
        temperature = f"{fitted.temperature:.3f}" if fitted.status == "ok" else "–"
        for calibrator, report, t in (
            ("uncalibrated", diagnosis.uncalibrated, "1"),
            ("temperature", diagnosis.scaled, temperature),
        ):
            rows.append(
                [
                    row_name(
                        subject.name, calibrator, cross_fitted=calibrator != "uncalibrated" and diagnosis.cross_fitted
                    ),
                    *(number(value) for value in (report.accuracy, report.nll, report.brier, report.ece)),
                    f"{number(report.ece_low)} – {number(report.ece_high)}",
                    number(report.ece_null),
                    number(report.gap, sign="+"),
                    number(report.aurc) if report.aurc == report.aurc else "–",
                    t,
                ]
            )
    return Table(columns, rows)


def _overlay(subjects: Sequence[Subject], anchor: str) -> Section:
    pairs = [(subject.name, subject.diagnosis.curves) for subject in subjects]
    panels = [
        Overlay(title, [(name, curves[side]) for name, curves in pairs])
        for side, title in enumerate(("uncalibrated", "with its temperature"))
    ]
    drawing = inline_figure(overlay_figure(panels), name=f"{anchor}overlay", alt="Reliability curves of all models")
    caption = (
        "Accuracy against confidence; a line below the diagonal is overconfident. A marker is a bin and grows with "
        "the examples in it: small ones are mostly noise."
    )
    return Section(f"{anchor}overlay", "Reliability, laid over each other", figures=[Figure(drawing, caption)])


def _differences(candidates: Sequence[_Candidate], subjects: Sequence[Subject], anchor: str, *, same: bool) -> Section:
    heading = "Differences on the same examples"
    if not same:
        reason = "The models were not judged on the same labels in the same order, so there are no paired differences."
        return Section(f"{anchor}differences", heading, [reason])
    first, diagnosis = candidates[0], subjects[0].diagnosis
    rows = []
    for other in candidates[1:]:
        found = [_difference(other, first, name) for name in ("correct", "nll", "brier")]
        pair = other.predictions, first.predictions
        found.append(ece_difference_interval(*pair, n_bins=diagnosis.uncalibrated.n_bins, seed=diagnosis.seed))
        rows.append([other.name, *(f"{interval.estimate:+.4f}" for interval in found)])
        rows.append(["  95 % interval", *(_limits(interval) for interval in found)])
    text = (
        f"Each row less {first.name}, with 95 % intervals: the rows are paired in order and have the same labels, "
        "so what the examples share cancels. Below 0 is better, but for accuracy."
    )
    return Section(
        f"{anchor}differences", heading, [text], tables=[Table(["", "accuracy", "NLL", "Brier", "ECE"], rows)]
    )


def _limits(interval: Interval) -> str:
    return f"{interval.low:+.4f} to {interval.high:+.4f}"


_HOW = {
    "calibrated": "calibrated as far as can be told",
    "overconfident": "overconfident",
    "underconfident": "underconfident",
    "both directions": "off in both directions",
}
