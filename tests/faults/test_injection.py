"""Case 38: names that are code somewhere are shown as themselves in every output, and run nowhere."""

import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

import calib
from calib.files.npz import load_predictions, save_predictions
from calib.studies._files import write_page
from calib.studies._page import Section

from ..cli.conftest import HOSTILE
from .conftest import Run, sample, save

pytestmark = pytest.mark.timeout(120)
FILES = {
    "38-html": '<script>alert(1)</script>"',
    "38-style": "<\u2215style><img src=x onerror=alert(1)>",
    "38-mathtext": "$\\bad$ $x^$",
    "38-markup": "[/] [red]",
    "38-escapes": "\x1b[31m\x1b]0;title\x07",
    "38-formula": '=HYPERLINK("x")',
    "38-latex": "\\input{x} 50% & _ #",
    "38-markdown": "a|b `c` [d](e)",
    "38-underscore": "_hidden",
}


@pytest.mark.parametrize("case", ["38-class-names"])
def test_hostile_class_names_pass_through_every_command(run: Run, tmp_path: Path, case: str) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (200, len(HOSTILE)))
    labels = logits.argmax(1)
    labels[:60] = rng.integers(0, len(HOSTILE), 60)
    path = tmp_path / "names.npz"
    save_predictions(calib.Predictions.from_logits(logits, labels, class_names=HOSTILE), path)
    assert load_predictions(path).class_names == HOSTILE
    for arguments in (("evaluate", path), ("compare", path), ("reliability-plot", path, "-o", tmp_path / "f.svg")):
        result = run(*arguments)
        assert result.code == 0, result.err
        assert "\x1b" not in result.out + result.err
    shown = run("info", path)
    assert "\x1b" not in shown.out
    for text in ("$x^$", "[/]", "<script>", "\\x1b[31mred", "NA", "two\\nlines"):
        assert text in shown.out
    assert json.loads(run("info", path, "--json").out)["class_names"] == list(HOSTILE)


@pytest.mark.parametrize("case", ["38-names-of-models"])
def test_the_name_of_a_model_is_a_word_in_every_format(run: Run, tmp_path: Path, case: str) -> None:
    names = [name.replace("/", "\u2215") for name in FILES.values()]  # which no file's name can hold
    paths = [save(tmp_path / f"{name}.npz", **sample(60, seed=i)) for i, name in enumerate(names)]
    made = {form: run("compare", *paths, "--format", form) for form in ("table", "markdown", "latex", "csv", "json")}
    assert all(result.code == 0 for result in made.values())
    assert not {"\x1b", "\x07"} & set("".join(made[form].out for form in ("table", "markdown", "latex")))
    assert {row["model"] for row in json.loads(made["json"].out)["rows"]} == set(names)
    cells = [row["model"] for row in csv.DictReader(io.StringIO(made["csv"].out))]
    assert {cell.removeprefix("'") for cell in cells} == set(names)
    assert not [cell for cell in cells if cell[0] in "=+-@"]
    rows = [line for line in made["markdown"].out.splitlines() if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1
    assert "<" not in re.sub(r"\\<|&lt;", "", "".join(rows))
    assert "\\input" not in made["latex"].out
    figure = run("reliability-plot", *paths[:3], "-o", tmp_path / "figure.svg")
    assert figure.code == 0, figure.err
    drawn = ElementTree.parse(tmp_path / "figure.svg")  # our own file
    assert not [element for element in drawn.iter() if element.tag.rpartition("}")[2] in ("script", "img")]


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.links += [value or "" for name, value in attributes if name in ("src", "href") or name.startswith("on")]


@pytest.mark.parametrize("case", ["38-page"])
def test_a_page_holds_names_as_text_and_asks_nobody(tmp_path: Path, case: str) -> None:
    names = [*FILES.values(), "</style><script>x</script>", "</td></table>"]
    table = pd.DataFrame({"model": names, "ece": ["0.1"] * len(names)})
    write_page(tmp_path, "page", "Title", [Section("Scores", [names[0]], table)], tables={"t": table}, figures={})
    tags = _Tags()
    tags.feed(page := (tmp_path / "page.html").read_text(encoding="utf-8"))
    assert not tags.found & {"script", "img", "iframe", "link", "object"}
    assert not [link for link in tags.links if not link.startswith(("#", "data:"))]
    assert not {"\x1b", "\x07"} & set(page)
