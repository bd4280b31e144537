"""The template filled in: one HTML file with its style inside, which asks nothing of any network and runs nothing."""

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
    return environment.get_template("page.html").render(title=title, parts=parts)


def _visible(value: object) -> object:
    return printable(value, limit=_LONGEST) if isinstance(value, str) and not isinstance(value, Markup) else value
