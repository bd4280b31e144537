"""A figure as a piece of an HTML page: SVG whose ink is the page's own, or a PNG where that would be big."""

import base64
import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

import matplotlib as mpl
import matplotlib.style
from matplotlib.figure import Figure
from matplotlib.rcsetup import cycler

from calib._arrays import AnyArray

LARGEST = 200_000  # characters of SVG from where on a PNG is smaller and faster to draw

# The colours of the figures and the page's variables that take their place: a dark page has others (see style.css).
_COLOURS = {
    "#000000": "currentColor",
    "#ffffff": "var(--card)",
    "#b0b0b0": "var(--grey)",
    "#808080": "var(--grey)",
    "#7f7f7f": "var(--grey)",
    "#0072b2": "var(--blue)",
    "#a9d6f2": "var(--sky)",
    "#d55e00": "var(--vermilion)",
    "#fbdcc8": "var(--peach)",
    "#009e73": "var(--green)",
    "#cc79a7": "var(--purple)",
}
_CYCLE = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00"]  # Okabe and Ito
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "calib",
    "axes.prop_cycle": cycler(color=_CYCLE),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "font.size": 7.0,
    "savefig.bbox": "standard",
}
_SVG, _XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"
_NO_METADATA: dict[str, dict[Any, Any]] = {
    "svg": dict.fromkeys(("Creator", "Date", "Format", "Type")),
    "png": {"Software": None},
}


@contextmanager
def page_style() -> Iterator[None]:
    """Matplotlib's defaults and the page's few changes, whatever the reader's own style sheet says: equal bytes."""
    with mpl.style.context(["default", _STYLE]):
        yield


def inline_figure(figure: Figure, *, name: str, alt: str) -> str:
    """Turn ``figure``, made under `page_style`, into one ``svg`` or ``img`` element of an HTML page, in equal bytes.

    ``name``, a word, keeps the ids of one page's figures apart; ``alt`` says what is seen to those who do not see it.
    Nothing in it refers to anything outside; all text is escaped.

    >>> figure = Figure(figsize=(2, 1))
    >>> inline_figure(figure, name="f1", alt="a & b")[:53]
    '<svg class="figure" role="img" aria-label="a &amp; b"'
    """
    file = io.BytesIO()
    with mpl.rc_context(_STYLE):
        figure.savefig(file, format="svg", transparent=True, metadata=_NO_METADATA["svg"])
        if file.tell() > LARGEST:
            file = io.BytesIO()
            figure.savefig(file, format="png", dpi=200, metadata=_NO_METADATA["png"])
            return _image(file.getvalue(), alt, "figure plate", round(96 * figure.get_size_inches()[0]))
    root = ET.fromstring(file.getvalue())  # noqa: S314  # written two lines above
    return _as_html(root, name, alt)


def inline_image(pixels: AnyArray, *, alt: str) -> str:
    """Turn uint8 pixels ``(height, width, 3)`` into one ``img`` element, in equal bytes."""
    from matplotlib.image import imsave

    file = io.BytesIO()
    imsave(file, pixels, format="png", metadata=_NO_METADATA["png"])
    return _image(file.getvalue(), alt, "pixels", pixels.shape[1])


def _image(png: bytes, alt: str, kind: str, width: int) -> str:
    content = base64.b64encode(png).decode("ascii")
    return f'<img class="{kind}" width="{width}" alt="{escape(alt)}" src="data:image/png;base64,{content}">'


def _as_html(root: ET.Element, name: str, alt: str) -> str:
    """The tree without namespaces, comments and styles of its own, with ids and colours of the page."""
    used = set(re.findall(r"#([\w-]+)", " ".join(value for each in root.iter() for value in each.attrib.values())))
    for element in root.iter():
        for child in [child for child in element if child.tag in (f"{_SVG}metadata", f"{_SVG}style")]:
            element.remove(child)
        element.tag = element.tag.removeprefix(_SVG)
        if element.tag != "text":
            element.text = None
        element.tail = None
        given = dict(element.attrib)
        element.attrib.clear()
        for key, value in given.items():
            if key != "id" or value in used:
                element.set(key.removeprefix(_XLINK), _attribute(key, value, name))
        if "fill" in element.attrib:  # variables are for style sheets alone
            element.set("style", f"fill: {element.attrib.pop('fill')}")
    box = root.get("viewBox", "")
    width = _PIXELS_A_POINT * float(box.split()[2]) / 16
    root.attrib.clear()
    own = {"class": "figure", "role": "img", "aria-label": alt, "style": f"max-width: {width:.1f}rem", "viewBox": box}
    for key, value in own.items():
        root.set(key, value)
    return ET.tostring(root, encoding="unicode")


def _attribute(key: str, value: str, name: str) -> str:
    if key == "id":
        return f"{name}-{value}"
    if key == f"{_XLINK}href":
        return value.replace("#", f"#{name}-", 1)
    if key == "style":
        parts = (part.strip() for part in value.split(";"))
        value = "; ".join(_FONT.sub(_font, part) for part in parts if not part.startswith("font-family"))
    value = value.replace("url(#", f"url(#{name}-")
    return re.sub(r"#[0-9a-f]{6}\b", lambda found: _COLOURS.get(found.group(), found.group()), value)


def _font(found: re.Match[str]) -> str:
    """Size and weight; the family is the page's."""
    words, size = found.groups()
    weight = re.search(r"\b(bold|[1-9]00)\b", words)
    return f"font-size: {size}" + (f"; font-weight: {weight.group()}" if weight else "")


_FONT = re.compile(r"^font:(.*?)([\d.]+px).*$")
_PIXELS_A_POINT = 2.1  # letters of 7 points are then nearly as large as those of the page
