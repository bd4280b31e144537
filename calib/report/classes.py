"""The sections on parts of the examples: class by class, and group by group."""

from calib._text import number, printable
from calib.classification import classification_report
from calib.errors import InputError
from calib.group_report import group_report, groups_verdict, readable_groups
from calib.metrics.classwise import classwise_ece
from calib.predictions import Predictions
from calib.report.hidden import by_predicted_class, outside
from calib.report.parts import Section, Table
from calib.report.subject import Subject

MOST = 20  # classes in the table


def classes_section(subject: Subject, anchor: str) -> Section:
    """Is too much claimed for some classes?  Those that add most to the error first."""
    before, after = subject.diagnosis.before, subject.diagnosis.after
    k = before.n_classes
    curve, scaled = by_predicted_class(before), by_predicted_class(after)
    report = classification_report(before).iloc[:k]
    share = abs(curve.gap) * curve.mass / curve.mass.sum()
    order = sorted((c for c in range(k) if curve.count[c]), key=lambda c: (-share[c], c))
    weighted = curve.weight is not None
    low, high = (curve.gap, curve.gap) if weighted else curve.accuracy_interval()
    rows = []
    for c in order[:MOST]:
        rows.append(
            [
                printable(subject.class_names[c], limit=40),
                f"{report['n'].iloc[c]:,}",
                f"{curve.count[c]:,}",
                number(curve.mean_confidence[c], digits=3),
                number(curve.accuracy[c], digits=3),
                "–" if weighted else f"{low[c]:.3f} – {high[c]:.3f}",
                number(curve.gap[c], digits=3, sign="+"),
                number(scaled.gap[c], digits=3, sign="+") if scaled.count[c] else "–",
                number(report["recall"].iloc[c], digits=3),
            ]
        )
    columns = ["class", "n", "predicted", "mean confidence", "precision", "95 % interval", "gap", "gap + T", "recall"]
    text = [
        "The gap is mean confidence − precision among the examples predicted as a class: positive where too much is "
        "claimed for it. Classes that add most to the error come first."
    ]
    if len(order) > MOST:
        text.append(f"{len(order):,} of {k:,} classes were predicted; the {MOST} that add most are shown.")
    if not weighted:
        text.append(
            f"{outside(curve).sum()} of {len(order):,} predicted classes claim a mean confidence outside the 95 % "
            "interval of their precision; one in twenty would by chance."
        )
    text.append(_classwise(before, after, subject))
    return Section(f"{anchor}classes", "Class by class", [line for line in text if line], tables=[Table(columns, rows)])


def _classwise(before: Predictions, after: Predictions, subject: Subject) -> str:
    n_bins = subject.diagnosis.uncalibrated.n_bins
    try:
        errors = [classwise_ece(side, n_bins=n_bins) for side in (before, after)]
    except InputError:
        return ""
    return (
        f"Class-wise ECE, the mean over classes of the error of every class's probability ({n_bins} bins): "
        f"{number(errors[0])} uncalibrated, {number(errors[1])} with the temperature."
    )


def groups_section(subject: Subject, anchor: str) -> Section:
    """Every group by itself, with the one temperature of all.  Raises `InputError` where there are no groups."""
    if subject.groups is None:
        raise InputError("no groups were named", help="pass a column of groups")
    column, values = subject.groups
    diagnosis = subject.diagnosis
    table = group_report(diagnosis, values, seed=diagnosis.seed)
    return Section(
        f"{anchor}groups",
        f"Groups by {printable(column, limit=60)}",
        [groups_verdict(table, diagnosis)],
        tables=[Table.of(readable_groups(table, column))],
    )
