"""The sections on parts of the examples: class by class, and group by group."""

import numpy as np

from calib._text import number, printable
from calib.classification import classification_report
from calib.errors import InputError
from calib.group_report import groups_verdict, readable_groups
from calib.metrics.classwise import classwise_ece
from calib.predictions import Predictions
from calib.report.hidden import by_predicted_class, outside
from calib.report.parts import Section, Table
from calib.report.subject import Subject

MOST = 20  # classes in the table
LEVEL = 0.05  # share of calibrated classes outside their 95 % intervals


def classes_section(subject: Subject, anchor: str) -> Section:
    """Is too much claimed for some classes, as it is and with the temperature?  Those that add most to the error first.

    A temperature changes no prediction, so counts, precision and recall are those of both.
    """
    diagnosis = subject.diagnosis
    before, after, k = diagnosis.before, diagnosis.after, diagnosis.before.n_classes
    curve, scaled = by_predicted_class(before), by_predicted_class(after)
    report = classification_report(before).iloc[:k]
    tuned = diagnosis.fitted.status == "ok"
    chosen = scaled if diagnosis.needs_temperature else curve
    share = abs(chosen.gap) * chosen.mass
    order = sorted((c for c in range(k) if curve.count[c]), key=lambda c: (-share[c], c))
    weighted = curve.weight is not None
    low, high = (curve.gap, curve.gap) if weighted else curve.accuracy_interval()
    sides = [curve, scaled] if tuned else [curve]
    off = [np.zeros(k, bool) if weighted else outside(side) for side in sides]
    rows = []
    for c in order[:MOST]:
        rows.append(
            [
                printable(subject.class_names[c], limit=40),
                *(_gap(side.gap[c], marked=mark[c]) for side, mark in zip(sides, off, strict=True)),
                *(number(side.mean_confidence[c], digits=3) for side in sides),
                number(curve.accuracy[c], digits=3),
                "–" if weighted else f"{low[c]:.3f} – {high[c]:.3f}",
                number(report["recall"].iloc[c], digits=3),
                f"{report['n'].iloc[c]:,}",
                f"{curve.count[c]:,}",
            ]
        )
    columns = ["gap", "gap + T", "confidence", "with T"] if tuned else ["gap", "confidence"]
    columns = ["class", *columns, "precision", "95 % interval", "recall", "n", "predicted"]
    first = "with the temperature " if chosen is scaled else ""
    text = [
        "The gap is mean confidence − precision among the examples predicted as a class: positive where too much is "
        f"claimed for it. Classes that add most to the error {first}come first."
    ]
    if len(order) > MOST:
        text.append(f"{len(order):,} of {k:,} classes were predicted; the {MOST} that add most are shown.")
    if not weighted:
        counts = " as it is and ".join(f"{mark.sum()}" for mark in off) + (" with the temperature" if tuned else "")
        text.append(
            f"Of {len(order):,} predicted classes {counts} claim a mean confidence outside the 95 % interval of their "
            f"precision (marked *); by chance about {LEVEL * len(order):.3g} would."
        )
        if len(order) > MOST and max(mark.sum() for mark in off) <= LEVEL * len(order):
            text.append("No more classes are off than by chance, so the worst of so many are mostly noise.")
    text.append(_classwise(before, after if tuned else None, subject))
    return Section(f"{anchor}classes", "Class by class", [line for line in text if line], tables=[Table(columns, rows)])


def _gap(gap: float, *, marked: bool) -> str:
    return ("* " if marked else "") + number(gap, digits=3, sign="+")


def _classwise(before: Predictions, after: Predictions | None, subject: Subject) -> str:
    n_bins = subject.diagnosis.uncalibrated.n_bins
    try:
        errors = [number(classwise_ece(side, n_bins=n_bins)) for side in (before, after) if side is not None]
    except InputError:
        return ""
    said = " uncalibrated, ".join(errors) + (" with the temperature" if after is not None else "")
    return f"Class-wise ECE, the mean over classes of the error of every class's probability ({n_bins} bins): {said}."


def groups_section(subject: Subject, anchor: str) -> Section:
    """Every group by itself, with the one temperature of all.  Raises `InputError` where there are no groups."""
    table = subject.group_table
    if subject.groups is None or table is None:
        raise InputError("no groups were named", help="pass a column of groups")
    column = subject.groups[0]
    return Section(
        f"{anchor}groups",
        f"Groups by {printable(column, limit=60)}",
        [groups_verdict(table, subject.diagnosis.label)],
        tables=[Table.of(readable_groups(table, column))],
    )
