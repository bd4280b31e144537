"""Tables as text: numbers as they should read, and no name that breaks, runs or vanishes in the format it lands in."""

import io
import json
import math
import re
from typing import Any

import pandas as pd
import pytest

from calib.diagnosis import diagnose
from calib.export import MORE, readable, records, row_name, to_csv, to_html, to_json, to_latex, to_markdown
from calib.files.csv_table import to_the_last_bit
from calib.predictions import Predictions
from calib.tables import compare, score_table

from .references import sample

HOSTILE = [
    "$x^$",
    "[/]",
    "[bold]b[/bold]",
    "<script>alert(1)</script>",
    "\x1b[31mred\x1b[0m",
    "NA",
    "nan",
    "two\nlines",
    "two\r\nlines",
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "a|b",
    "|",
    "&amp;",
    "a & b",
    "50 % of #1_{x} ~ \\input{x}",
    'quote " and, comma',
    "'",
    "\u202egnp.exe",
    "猫",
    " ",
]


def table_of(*names: str) -> pd.DataFrame:
    """The comparison of one tiny run a name."""
    results = diagnose(Predictions.from_logits(*sample(20, 3)))
    return compare(score_table(dict.fromkeys(names, results)))


def markdown_cells(line: str) -> list[str]:
    assert line.startswith("| ")
    assert line.endswith(" |")
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line[1:-1])]


def test_a_comparison_reads_as_mean_and_deviation() -> None:
    table = pd.DataFrame(
        {
            "model": ["hard", "α = 0.1"],
            "label_noise": [0.0, 0.4],
            "smoothing": [0.0, 0.1],
            "calibrator": ["uncalibrated", "temperature"],
            "cross_fitted": [False, False],
            "seeds": [1, 3],
            "n": [797, 797],
            "ece": [0.16449, 0.03],
            "ece_sd": [math.nan, 0.0121],
            "gap": [0.1, -0.02],
            "gap_sd": [math.nan, 0.001],
            "mce": [0.5, 0.5],
            "mce_sd": [0.5, 0.5],
            "temperature": [1.0, 2.345],
            "temperature_sd": [0.0, 0.1],
        }
    )
    text = readable(table)
    assert list(text.columns) == ["model", "label noise", "seeds", "ECE", "gap", "T"]
    assert text.iloc[0].tolist() == ["hard", "0", "1", "0.164", "+0.100", "1.00"]
    assert text.iloc[1].tolist() == ["α = 0.1 + T", "0.4", "3", "0.030 ± 0.012", "-0.020 ± 0.001", "2.35 ± 0.10"]


def test_markdown_has_a_header_a_rule_and_a_line_a_row_of_one_width() -> None:
    text = to_markdown(pd.DataFrame({"model": ["hard", "x"], "ECE": ["0.1", "0.25"]}))
    assert text == "| model | ECE  |\n| :---- | ---: |\n| hard  | 0.1  |\n| x     | 0.25 |\n"


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_breaks_a_markdown_table_or_smuggles_in_html(name: str) -> None:
    text = to_markdown(readable(table_of(name)))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert not re.search("<[a-z/]", text)
    lines = text.splitlines()
    assert len(lines) == 4
    assert len({len(markdown_cells(line)) for line in lines}) == 1


def test_markdown_shows_pipes_ampersands_and_angles_as_themselves() -> None:
    cells = markdown_cells(to_markdown(readable(table_of("a|b &lt; <c>"))).splitlines()[2])
    assert cells[0] == r"a\|b &amp;lt; &lt;c&gt;"


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_breaks_a_latex_table_or_runs_a_command(name: str) -> None:
    text = to_latex(readable(table_of(name)))
    plain = to_latex(readable(table_of("plain")))
    assert text.startswith("\\begin{tabular}{lr")
    assert "\x1b" not in text
    assert len(text.splitlines()) == len(plain.splitlines())
    for row, clean in zip(text.splitlines(), plain.splitlines(), strict=True):
        assert len(re.findall(r"(?<!\\)&", row)) == len(re.findall(r"(?<!\\)&", clean))
        assert len(re.findall(r"(?<!\\)\$", row)) % 2 == 0
    body = next(line for line in text.splitlines() if " + T (cross-fitted) &" in line).split(" + T (cross-fitted) &")[0]
    body = re.sub(r"\\(textbackslash|textasciitilde|textasciicircum|space)\b", "", body)
    assert not re.search(r"\\[a-zA-Z]", body)
    assert not re.search(r"(?<!\\)[#%_$^~]", body)


def test_latex_writes_the_symbols_of_a_table_as_commands() -> None:
    text = to_latex(pd.DataFrame({"model": ["α = 0.1"], "calibrator": ["−1 → 2"], "ECE": ["0.1 ± 0.2"]}))
    assert r"$\alpha$ = 0.1 & $-$1 $\to$ 2 & 0.1 $\pm$ 0.2 \\" in text
    assert r"\toprule" in text


@pytest.mark.parametrize("name", HOSTILE)
def test_csv_reads_back_as_it_was_save_for_formulas(name: str) -> None:
    table = table_of(name)
    back = pd.read_csv(
        io.StringIO(to_csv(table), newline=""), keep_default_na=False, dtype={"model": str}, **to_the_last_bit()
    )
    assert back["model"].tolist() == [f"'{name}" if name[0] in "=+-@" else name] * 2
    for column in table.columns[2:]:
        if column.endswith("_sd"):
            assert (back[column] == "").all()
        else:
            assert back[column].tolist() == table[column].tolist()


@pytest.mark.parametrize(
    "name",
    [
        "\t=1+1",
        "=cmd|' /C calc'!A0",
        pytest.param("\r=1+1"),
    ],
)
def test_a_formula_behind_white_space_is_quoted_in_csv_as_well(name: str) -> None:
    back = pd.read_csv(io.StringIO(to_csv(table_of(name)), newline=""), keep_default_na=False)
    assert back["model"][0] == f"'{name}"


def test_csv_keeps_every_digit_and_the_sign_of_numbers() -> None:
    table = pd.DataFrame({"model": ["a"], "gap": [-0.1234567890123456], "n": [-3], "cross_fitted": [True]})
    assert to_csv(table) == '"model","gap","n","cross_fitted"\n"a",-0.1234567890123456,-3,True\n'


@pytest.mark.parametrize("name", HOSTILE)
def test_json_reads_back_as_it_was(name: str) -> None:
    table = table_of(name)
    rows = json.loads(to_json(records(table)))
    assert [row["model"] for row in rows] == [name] * 2
    assert [row["ece"] for row in rows] == table["ece"].tolist()
    assert [row["ece_sd"] for row in rows] == [None, None]
    assert [row["n"] for row in rows] == [20, 20]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_json_has_null_where_a_number_is_not_finite(value: float) -> None:
    content: Any = {"a": value, "b": [value, 1.0], "c": {"d": (value, "NaN")}}
    text = to_json(content)
    assert json.loads(text) == {"a": None, "b": [None, 1.0], "c": {"d": [None, "NaN"]}}
    assert text.endswith("}\n")


def test_all_names_at_once_make_one_table() -> None:
    table = table_of(*HOSTILE)
    assert len(to_markdown(readable(table)).splitlines()) == 2 + 2 * len(HOSTILE)
    assert len(json.loads(to_json(records(table)))) == 2 * len(HOSTILE)
    assert len(pd.read_csv(io.StringIO(to_csv(table), newline=""), keep_default_na=False)) == 2 * len(HOSTILE)


def test_more_columns_are_shown_where_they_are_asked_for() -> None:
    table = table_of("mine")
    few, many = readable(table), readable(table, more=True)
    assert [name for name in many.columns if name not in few.columns] == list(MORE.values())
    assert few.equals(many[list(few.columns)])
    assert many["se of T"].tolist()[0] == "–"  # without a fit there is no error of it
    assert re.fullmatch(r"\d\.\d{3}", many["se of T"].tolist()[1])
    assert re.fullmatch(r"\d\.\d{4}", many["AURC"].tolist()[0])


def test_what_is_not_known_is_a_dash() -> None:
    table = table_of("mine").assign(temperature=math.nan, calibrator="vector", cross_fitted=False)
    shown = readable(table)
    assert shown["T"].tolist() == ["–", "–"]
    assert shown["model"].tolist() == ["mine + vector", "mine + vector"]
    assert row_name("mine", "temperature", cross_fitted=True) == "mine + T (cross-fitted)"


@pytest.mark.parametrize("name", HOSTILE)
def test_html_shows_a_name_and_runs_nothing(name: str) -> None:
    text = to_html(pd.DataFrame({name: [name], "n": [1]}))
    cells = re.findall(r"<t[hd]>(.*?)</t[hd]>", text)
    assert len(cells) == 4
    assert not re.search(r"[<>\x00-\x1f\u202e]", "".join(cells))
    assert text.count("<") == text.count(">") == 2 * (4 + 4 + 1)
