"""The reader's own words on a figure: taken literally, whatever they hold, and cut where they would not fit."""

from collections.abc import Iterable
from itertools import repeat
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.legend import Legend
from matplotlib.text import Text

from calib._text import printable

_LONGEST = 40  # characters of a label


def show_plain(text: Text, line: str, *, width: float, below: str = "") -> None:
    """Set ``text`` to the user's ``line``, taken literally and cut to ``width`` pixels, and our line ``below`` it."""
    text.set_parse_math(False)
    text.set_usetex(False)
    shown = printable(line)
    text.set_text(shown)
    room = 0.93 * width  # in a file of higher resolution the hinting differs, and letters come out up to 5 % wider
    while (wanted := text.get_window_extent().width) > room and len(shown) > 1:
        shown = printable(line, limit=max(1, min(len(shown) - 1, int(len(shown) * room / wanted))))
        text.set_text(shown)
    text.set_text("\n".join(filter(None, [shown, below])))


def show_title(ax: Axes, title: str | None, *, width: float | None = None, small: bool = False) -> None:
    """Set the user's ``title``, where there is one, over ``ax``, cut to that or to ``width`` pixels.

    A ``small`` one has the letters of the rest of the figure.
    """
    if title is not None:
        font: dict[str, Any] = {"fontsize": mpl.rcParams["font.size"]} if small else {}
        show_plain(ax.set_title("", **font), title, width=ax.get_window_extent().width if width is None else width)


def show_labels(legend: Legend, labels: Iterable[str], *, behind: Iterable[str] = repeat("")) -> None:
    """Set entries of ``legend`` to the user's ``labels``, one that begins with "_" too, and ours ``behind`` them."""
    for text, label, more in zip(legend.get_texts(), labels, behind, strict=False):
        text.set_parse_math(False)
        text.set_usetex(False)
        text.set_text(printable(label, limit=_LONGEST) + more)
