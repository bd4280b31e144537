"""What a page is made of: a verdict, then sections of paragraphs, figures, tables and pictures.

All text is plain and is escaped by the page; ``drawing`` and ``picture`` alone are HTML, of `calib.plots.inline`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from calib.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

_NUMBER = re.compile(r"(\* )?[-+−(<≤]? ?(\d|inf|nan)[^a-zA-Z]*(inf|nan|e[-+]?\d+|to|$)")
Tone: TypeAlias = Literal["good", "bad", "unsure"]


class Figure(NamedTuple):
    """One drawing as an HTML element, and a sentence that says what it shows."""

    drawing: str
    caption: str


class Table(NamedTuple):
    """Columns and rows of text; ``folded`` names what one opens it by, where it is not for everybody."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    folded: str = ""

    @property
    def kinds(self) -> list[str]:
        """Of each column "numbers", which stand to the right, or "words", as the first, which names the rows."""
        columns = [[row[i] for row in self.rows if row[i] != "–"] for i in range(1, len(self.columns))]
        numbers = (bool(cells) and all(map(_NUMBER.match, cells)) for cells in columns)
        return ["words", *("numbers" if each else "words" for each in numbers)]

    @classmethod
    def of(cls, frame: "pd.DataFrame", caption: str = "", folded: str = "") -> "Table":
        """A table of strings."""
        return cls([str(name) for name in frame.columns], frame.to_numpy().tolist(), caption, folded)


class Tile(NamedTuple):
    """A picture, and what is said below it in two lines."""

    picture: str
    says: str
    more: str


@dataclass(frozen=True)
class Section:
    """A heading with its anchor, and what stands below, in this order."""

    anchor: str
    heading: str
    text: Sequence[str] = ()
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    tiles: Sequence[Tile] = ()
    notes: Sequence[str] = ()


class KeyNumber(NamedTuple):
    """A number in large: what it is, its value, and what to hold it against."""

    name: str
    value: str
    beside: str


@dataclass(frozen=True)
class Verdict:
    """The answer: a headline, the evidence in a sentence, numbers, what to do and the commands that do it."""

    tone: Tone
    headline: str
    sentence: str
    numbers: Sequence[KeyNumber]
    advice: str
    commands: Sequence[str] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Part:
    """All that is said of one model, or of several beside each other; without a verdict it is mere sections."""

    anchor: str
    name: str
    sections: Sequence[Section]
    verdict: Verdict | None = None


def section_or_reason(make: Callable[[], Section], *, anchor: str, heading: str) -> Section:
    """The section, or one that says why these predictions have none."""
    try:
        return make()
    except InputError as error:
        return Section(anchor, heading, [f"Left out: {error}."])
