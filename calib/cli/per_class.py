"""``calib per-class``: precision, recall, F1 and confidence of every class, or of the worst ones."""

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from calib._text import number, printable
from calib.cli._options import FileFormat, Force, Json, OneSource, Output
from calib.cli._output import emit, refuse_existing, render, say, table_format
from calib.cli._progress import working
from calib.cli._reading import opened, opens_sources
from calib.errors import InputError
from calib.reading import AS_IT_IS, Reading

if TYPE_CHECKING:
    import pandas as pd

    from calib.predictions import Predictions

By: TypeAlias = Literal["f1", "precision", "recall", "gap"]
MANY = 50  # classes from which a table no longer fits a screen


@opens_sources
def per_class(
    source: OneSource,
    split: Annotated[Literal["test", "calibration"], typer.Option(help="Which examples.")] = "test",
    worst: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="The N worst classes alone, worst first.", show_default="all")
    ] = None,
    by: Annotated[By, typer.Option(help="What --worst goes by; of gap, either side.")] = "f1",
    reading: Reading = AS_IT_IS,
    format: FileFormat = None,
    json: Json = False,
    output: Output = None,
    force: Force = False,
) -> None:
    """Report on each class.

    Precision, recall, F1, and confidence against precision.

    The gap is mean confidence − precision among the examples predicted as a class: positive where too much is claimed
    for it. The precision of a class that is never predicted, and the recall of one that never occurs, are 0.

    Example: calib per-class runs/ls05 --worst 5
    """
    refuse_existing(output, force=force, inputs=(source,))
    chosen = table_format(output, format, json=json)
    from calib.classification import classification_report

    given = opened(source, reading)
    predictions = given.test if split == "test" else given.calibration
    if predictions is None:
        raise InputError(
            f"{source} has no calibration split", help="a predictions file is one split: leave --split out"
        )
    extra: dict[str, object] = {
        "source": given.name,
        "split": split,
        "n": {split: predictions.n},
        "n_classes": predictions.n_classes,
    }
    with working("judging every class"):
        if chosen == "table":
            text = per_class_text(predictions, given.name, split=split, worst=worst, by=by)
        else:
            report = classification_report(predictions, worst=worst, by=by)
            text = render(chosen, full=report, shown=_shown(report), extra=extra)
    emit(text, output)
    if worst is None and predictions.n_classes > MANY and chosen == "table":
        say(f"{predictions.n_classes:,} classes; --worst 20 shows the worst alone")


def per_class_text(
    predictions: "Predictions", name: str, *, split: str = "test", worst: int | None = None, by: By = "f1"
) -> str:
    """The report as a table for the terminal, below a line that says of what it is."""
    from calib.classification import classification_report

    report = classification_report(predictions, worst=worst, by=by)
    said = str(predictions.provenance.get("split", split))
    classes = f"{predictions.n_classes:,} classes"
    if worst is not None:
        classes = f"the {(report['kind'] == 'class').sum():,} worst of {classes} by {by}"
    about = f"{printable(name)}: {printable(said)} n = {predictions.n:,}, {classes}"
    return f"{about}\n\n{render('table', full=report, shown=_shown(report), extra={})}"


def _shown(report: "pd.DataFrame") -> "pd.DataFrame":
    import pandas as pd

    rows = []
    for row in report.to_dict("records"):
        name = printable(row["name"], limit=40) if row["kind"] == "class" else row["kind"]
        shares = {label: number(row[key], digits=3) for key, label in _SHARES.items()}
        unknown = pd.isna(row["gap"])
        confidence = "–" if unknown else number(row["mean_confidence"], digits=3)
        gap = "–" if unknown else number(row["gap"], digits=3, sign="+")
        counts = {"n": str(row["n"]), "predicted": str(row["predicted"])}
        rows.append({"class": name, **shares, **counts, "confidence": confidence, "gap": gap})
    return pd.DataFrame(rows)


_SHARES = {"precision": "precision", "recall": "recall", "f1": "F1"}
