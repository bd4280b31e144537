"""What a notebook shows of a result: paragraphs and tables in HTML, every text of users escaped."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from html import escape
from typing import TYPE_CHECKING, Any

from calib._text import printable
from calib.report_rows import curve_rows, diagnosis_heading, diagnosis_rows, report_rows, ship

if TYPE_CHECKING:
    from calib.curve import CalibrationCurve
    from calib.diagnosis import Diagnosis
    from calib.evaluation import Report
    from calib.predictions import Predictions

_LONGEST = 1000  # characters of a paragraph
_MOST = 20  # names or groups that are listed


def table_html(columns: Sequence[object], rows: Sequence[Sequence[object]]) -> str:
    """A ``table`` with one row of headings; what a cell says is shown, never run.

    >>> table_html(["", "n"], [["<b>", 3]]).splitlines()[3]
    '<tr><td>&lt;b&gt;</td><td>3</td></tr>'
    """
    head, *body = [
        "".join(f"<{tag}>{_escaped(str(cell))}</{tag}>" for cell in cells)
        for tag, cells in (("th", columns), *(("td", row) for row in rows))
    ]
    lines = "\n".join(f"<tr>{row}</tr>" for row in body)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{lines}\n</tbody>\n</table>\n"


def report_html(report: "Report") -> str:
    """The numbers of `calib evaluate` for one set of predictions."""
    return f"{_paragraph(f'n = {report.n:,}')}{table_html(['', 'value'], report_rows(report))}"


def diagnosis_html(diagnosis: "Diagnosis") -> str:
    """What `calib evaluate` prints: the verdict, the numbers without and with the temperature, and what to paste."""
    table = table_html(*diagnosis_rows(diagnosis))
    about = _paragraph(diagnosis_heading(diagnosis))
    return f"{_paragraph(diagnosis.verdict)}{table}{about}<p>Ship: <code>{_escaped(ship(diagnosis))}</code></p>\n"


def curve_html(curve: "CalibrationCurve") -> str:
    """ECE and MCE above the bins that hold examples."""
    about = f"n = {curve.n:,}, ECE {curve.ece:.4f}, MCE {curve.mce:.4f}"
    return f"{_paragraph(about)}{table_html(*curve_rows(curve))}"


def predictions_html(predictions: "Predictions") -> str:
    """What they are and the first names of their classes."""
    names = predictions.class_names or ()
    more = ", …" if len(names) > _MOST else ""
    rows = [
        ["kind", predictions.kind],
        ["n", f"{predictions.n:,}"],
        ["classes", f"{predictions.n_classes:,}"],
        ["dtype", str(predictions.values.dtype)],
        *([["class names", ", ".join(printable(name, limit=40) for name in names[:_MOST]) + more]] if names else []),
    ]
    return table_html(["Predictions", ""], rows)


def fields_html(value: Any) -> str:
    """The known fields of a frozen value, such as a calibrator; of arrays the shape."""
    found = {field.name: getattr(value, field.name) for field in fields(value)}
    rows = [[name.replace("_", " "), words] for name, item in found.items() if (words := _in_words(item))]
    return table_html([type(value).__name__, ""], rows)


def _in_words(value: Any) -> str:
    """A value in a few words; nothing where it is not known."""
    if hasattr(value, "shape"):
        return f"array {value.shape}"
    if value is None or value != value:  # NaN
        return ""
    if isinstance(value, Mapping):
        more = ", …" if len(value) > _MOST else ""
        return ", ".join(printable(str(name), limit=40) for name in list(value)[:_MOST]) + more
    if isinstance(value, tuple):
        return f"{len(value)} arrays"
    return f"{value:.4g}" if isinstance(value, float) else f"{value:,}" if type(value) is int else str(value)


def _paragraph(text: str) -> str:
    return f"<p>{_escaped(text)}</p>\n"


def _escaped(text: str) -> str:
    return escape(printable(text, limit=_LONGEST))
