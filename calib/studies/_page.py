"""A page of headings, paragraphs, tables and pictures, as Markdown or as one HTML file that needs no other."""

import base64
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from calib.export import to_html, to_markdown

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Section:
    """A heading ("" for none), a table of strings, paragraphs below it, and the name of a picture with its words.

    In paragraphs `` `code` `` and ``*stressed*`` are what they are in Markdown; nothing else is.
    """

    heading: str = ""
    text: Sequence[str] = ()
    table: "pd.DataFrame | None" = None
    picture: tuple[str, str] | None = None


def as_markdown(title: str, sections: Sequence[Section]) -> str:
    """The page as Markdown; pictures are linked by name."""
    parts = [f"# {title}"]
    for section in sections:
        if section.heading:
            parts.append(f"## {section.heading}")
        if section.table is not None:
            parts.append(to_markdown(section.table).rstrip())
        if section.picture is not None:
            name, words = section.picture
            parts.append(f"![{words}]({name})")
        parts += section.text
    return "\n\n".join(parts) + "\n"


def as_html(title: str, sections: Sequence[Section], folder: Path) -> str:
    """The page as HTML, everything escaped; pictures are read from ``folder`` and put inside."""
    parts = [f"<h1>{html.escape(title)}</h1>"]
    for section in sections:
        if section.heading:
            parts.append(f"<h2>{html.escape(section.heading)}</h2>")
        if section.table is not None:
            parts.append(f'<div class="wide">{to_html(section.table)}</div>')
        if section.picture is not None:
            name, words = section.picture
            content = base64.b64encode((folder / name).read_bytes()).decode("ascii")
            parts.append(f'<img src="data:image/png;base64,{content}" alt="{html.escape(words)}">')
        parts += [f"<p>{_marked(paragraph)}</p>" for paragraph in section.text]
    body = "\n".join(parts)
    return f"{_HEAD.replace('TITLE', html.escape(title))}{body}\n</body>\n</html>\n"


def _marked(paragraph: str) -> str:
    """`` `code` `` and ``*stressed*`` in what is otherwise escaped."""
    text = html.escape(paragraph)
    pieces = re.split(r"`([^`]*)`", text)
    stressed = [re.sub(r"\*([^*]+)\*", r"<em>\1</em>", piece) for piece in pieces]
    return "".join(f"<code>{pieces[i]}</code>" if i % 2 else stressed[i] for i in range(len(pieces)))


_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>TITLE</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62em; margin: 2em auto; padding: 0 1em; color: #222; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; white-space: nowrap; }
th, td { padding: 0.2em 0.7em; text-align: right; }
th:first-child, td:first-child { text-align: left; }
thead th { border-bottom: 1px solid #222; border-top: 2px solid #222; }
tbody tr:last-child td { border-bottom: 2px solid #222; }
img { max-width: 100%; height: auto; }
code { background: #f3f3f3; padding: 0 0.2em; }
</style>
</head>
<body>
"""
