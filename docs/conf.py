"""The site of these pages: ``make site`` builds it; every warning is an error."""

import re
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from calib import __version__  # noqa: E402  # this checkout's, whatever is installed

project = "calib"
copyright = "the calib authors"
release = __version__
language = "en"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "gallery", "auto_gallery/*.ipynb", "auto_gallery/searchindex.*"]

html_theme = "furo"
html_title = f"calib {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False

# Pages are plain Markdown that GitHub shows too.  Headings have the anchors that GitHub gives them.
myst_heading_anchors = 3
myst_enable_extensions = ["html_image"]  # <img width=…>, as on GitHub

# Docstrings are plain text with ``code`` and `names`: a name that is documented becomes a link, any other stays code.
default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
nitpicky = True
nitpick_ignore_regex = [("py:obj", ".*"), ("py:class", ".*")]  # other libraries' types, and ours that are not public

sphinx_gallery_conf: dict[str, Any] = {
    "examples_dirs": "gallery",
    "gallery_dirs": "auto_gallery",
    "filename_pattern": r"plot_",
    "download_all_examples": False,
    "show_signature": False,
    "min_reported_time": 60,
    "within_subsection_order": "FileNameSortKey",
    "backreferences_dir": None,
}

_LITERAL = re.compile(r"(``.*?``|`[^`]*`)", re.DOTALL)


def _plain_text(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Keep what reStructuredText would take for markup: |x| is an absolute value, * a product, x_ an index."""
    paragraphs = "\n".join(lines).split("\n\n")
    for i, paragraph in enumerate(paragraphs):
        if not paragraph.lstrip().startswith(">>>"):
            parts = _LITERAL.split(paragraph)
            parts[::2] = [re.sub(r"([|*])|(?<=\w)_(?!\w)", r"\\\g<0>", part) for part in parts[::2]]
            parts[2::2] = [re.sub(r"\A(?=\S)", r"\\ ", part) for part in parts[2::2]]  # code may touch what stands
            parts[:-1:2] = [re.sub(r"(?<=\S)\Z", r"\\ ", part) for part in parts[:-1:2]]  # beside it, such as ±
            paragraphs[i] = "".join(parts)
    lines[:] = "\n\n".join(paragraphs).split("\n")


def _pages_elsewhere(app: Any, page: str, content: list[str]) -> None:
    """Links to Markdown outside this folder lead to the file itself."""

    def link(found: re.Match[str]) -> str:
        target = (HERE / page).parent / found[1]
        return found[0] if target.resolve().is_relative_to(HERE) else f"](path:{found[1]})"

    content[0] = re.sub(r"\]\((\.\./[^)#]*\.md)\)", link, content[0])


def setup(app: Any) -> None:
    """Sphinx calls this."""
    app.connect("source-read", _pages_elsewhere)
    app.connect("autodoc-process-docstring", _plain_text)
