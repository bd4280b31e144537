"""The template filled in: one HTML file with its style inside, which asks nothing of any network and runs nothing."""

import re
from collections.abc import Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from calib._text import printable
from calib.report.parts import Part

_LONGEST = 20_000  # characters of a text; our own are shorter, a name may be a megabyte


def render_page(title: str, parts: Sequence[Part]) -> str:
    """The page as text.  Whatever is no `Markup` is escaped, and what cannot be seen in it is made visible."""
    environment = Environment(
        loader=PackageLoader("calib.report", "templates"),
        autoescape=True,
        finalize=_visible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["unbroken"] = _unbroken
    return environment.get_template("page.html").render(title=title, parts=parts)


def _unbroken(text: str) -> str:
    """Keep numbers with what belongs to them on one line: 95 %, 0.1 to 0.2, 0.1 → 0.2, 2.0 ± 0.1.  Not for commands."""
    return _TOGETHER.sub(lambda found: found.group().replace(" ", "\u00a0"), text)


_TOGETHER = re.compile(r"(?<=\d)( %| (?:[→±]|to) (?=[-+−]?\d))")


def _visible(value: object) -> object:
    return printable(value, limit=_LONGEST) if isinstance(value, str) and not isinstance(value, Markup) else value
