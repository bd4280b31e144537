"""One page taken apart, and the reports that several tests read."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import calib

VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """Tags with their attributes, the text outside of style, and the rows of every table."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.source = source
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self.tables: list[list[list[str]]] = []
        self.open: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            return
        self.text.append(data)
        if self.open and self.open[-1] in ("td", "th"):
            self.tables[-1][-1][-1] += data

    @property
    def words(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.text))

    def named(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def table_with(self, *headings: str) -> list[list[str]]:
        (found,) = [table for table in self.tables if table and set(headings) <= set(table[0])]
        return found


def page_of(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of one example with a calibration split."""
    path = tmp_path_factory.mktemp("one") / "report.html"
    example = calib.load_example("digits-resnet8-hard")
    calib.write_report(example.test, path, calibration=example.calibration)
    return path


@pytest.fixture(scope="session")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of two examples on the same test images."""
    path = tmp_path_factory.mktemp("two") / "report.html"
    examples = [calib.load_example(f"digits-resnet8-{name}") for name in ("hard", "smoothed")]
    splits = {example.name: example.calibration for example in examples}
    calib.write_report({example.name: example.test for example in examples}, path, calibration=splits)
    return path
