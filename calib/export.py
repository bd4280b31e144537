"""Tables for people and machines: from a DataFrame to text that pastes into a page, a paper or a program."""

import csv
import json
import math
from typing import TYPE_CHECKING, Literal, TypeAlias

from calib._html import table_html
from calib._text import number, printable

if TYPE_CHECKING:
    import pandas as pd

Format: TypeAlias = Literal["table", "markdown", "latex", "csv", "json"]

HEADINGS = {
    "accuracy": "accuracy",
    "nll": "NLL",
    "brier": "Brier",
    "ece": "ECE",
    "ece_null": "by chance",
    "gap": "gap",
    "temperature": "T",
}


# Shown where there is room for them.
MORE = {
    "debiased_ce": "debiased",
    "smooth_ece": "smooth ECE",
    "auroc": "AUROC",
    "aurc": "AURC",
    "temperature_se": "se of T",
}


def row_name(model: object, calibrator: str, *, cross_fitted: bool = False) -> str:
    """What a row of a table is called.

    >>> row_name("hard", "uncalibrated"), row_name("hard", "temperature"), row_name("α = 0.1", "vector")
    ('hard', 'hard + T', 'α = 0.1 + vector')
    """
    suffix = {"uncalibrated": "", "temperature": " + T"}.get(calibrator, f" + {calibrator}")
    return f"{printable(str(model))}{suffix}{' (cross-fitted)' if cross_fitted else ''}"


def readable(table: "pd.DataFrame", *, more: bool = False) -> "pd.DataFrame":
    """Turn a `calib.compare` table into strings for reading: ``mean ± sd`` a metric, ``+ T`` for a tuned temperature.

    With ``more`` the columns of `MORE` are shown too.

    >>> import pandas as pd
    >>> table = pd.DataFrame({"model": ["hard"], "calibrator": ["temperature"], "cross_fitted": [False],
    ...                       "seeds": [3], "n": [9], "ece": [0.164], "ece_sd": [0.012],
    ...                       "gap": [0.1], "gap_sd": [math.nan]})
    >>> readable(table).iloc[0].tolist()
    ['hard + T', '3', '0.164 ± 0.012', '+0.100']
    """
    import pandas as pd

    headings = HEADINGS | MORE if more else HEADINGS
    names = zip(table["model"].to_list(), table["calibrator"], table["cross_fitted"], strict=True)
    columns = {"model": [row_name(*name[:2], cross_fitted=name[2]) for name in names]}
    for name in table.columns:
        if name in headings:
            pairs = zip(table[name].to_list(), table[f"{name}_sd"].to_list(), strict=True)
            columns[headings[name]] = [_mean_sd(name, mean, deviation) for mean, deviation in pairs]
        elif name not in _LEFT_OUT and not name.endswith("_sd") and not (name == "n" and table["n"].nunique() == 1):
            columns[name.replace("_", " ")] = [_cell(value) for value in table[name].to_list()]
    return pd.DataFrame(columns)


def to_markdown(table: "pd.DataFrame") -> str:
    """Markdown, numbers to the right; pipes and angle brackets in cells are escaped."""
    rows = [[_escape_markdown(str(cell)) for cell in row] for row in (list(table.columns), *table.to_numpy().tolist())]
    widths = [max(len(row[i]) for row in rows) for i in range(len(table.columns))]
    rule = [":" + "-" * max(widths[0] - 1, 1), *("-" * max(width - 1, 1) + ":" for width in widths[1:])]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    lines.insert(1, " | ".join(rule))
    return "\n".join(f"| {line} |" for line in lines) + "\n"


def to_latex(table: "pd.DataFrame") -> str:
    """A booktabs ``tabular``; everything special to LaTeX is escaped."""
    alignment = "l" + "r" * (len(table.columns) - 1)
    text: str = table.to_latex(index=False, escape=True, column_format=alignment)
    for symbol, command in _LATEX_SYMBOLS.items():
        text = text.replace(symbol, command)
    return text


def to_html(table: "pd.DataFrame") -> str:
    """An HTML ``table``; everything special to HTML is escaped.

    >>> import pandas as pd
    >>> to_html(pd.DataFrame({"a<b": ["x & y"]})).splitlines()[1]
    '<thead><tr><th>a&lt;b</th></tr></thead>'
    """
    return table_html(list(table.columns), table.to_numpy().tolist())


def to_csv(table: "pd.DataFrame") -> str:
    """Comma-separated values in full precision; a text cell that a spreadsheet would run as a formula gets a quote."""
    import pandas as pd

    text = table.select_dtypes(exclude="number").columns
    safe = table.copy()
    for name in text:
        cells = [_no_formula(value) for value in table[name]]
        safe[name] = pd.Series(cells, table.index, dtype=object)  # whole numbers beside None stay whole
    return safe.to_csv(index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)


def to_json(content: object) -> str:
    """One JSON object, indented; NaN and infinities become null."""
    return json.dumps(_finite(content), indent=2, ensure_ascii=False) + "\n"


def records(table: "pd.DataFrame") -> list[dict[str, object]]:
    """The rows of a table as plain Python values."""
    return [{str(name): _plain(value) for name, value in row.items()} for row in table.to_dict("records")]


# In the first column already, or for machines only.
_LEFT_OUT = ("model", "calibrator", "cross_fitted", "smoothing", "mce", *MORE)
_DIGITS = {"temperature": 2, "aurc": 4}  # else 3
_LATEX_SYMBOLS = {"±": r"$\pm$", "α": r"$\alpha$", "→": r"$\to$", "−": "$-$"}


def _mean_sd(metric: str, mean: float, deviation: float) -> str:
    if math.isnan(mean) or (metric == "temperature_se" and mean == 0):
        return "–"  # not known, or no estimate
    digits = _DIGITS.get(metric, 3)
    text = number(mean, digits=digits, sign="+" if metric == "gap" else "")
    fixed = metric == "temperature_se" or (metric == "temperature" and deviation == 0)
    return text if math.isnan(deviation) or fixed else f"{text} ± {number(deviation, digits=digits)}"


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "usual" if math.isnan(value) else f"{value:g}"  # a size that was left to the data set
    return printable(str(value))


def _escape_markdown(cell: str) -> str:
    for character, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "\\|")):
        cell = cell.replace(character, escaped)
    return cell


def _no_formula(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def _plain(value: object) -> object:
    item = getattr(value, "item", None)
    return item() if callable(item) else value


def _finite(content: object) -> object:
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    value = _plain(content)
    return None if isinstance(value, float) and not math.isfinite(value) else value
