"""The tutorial notebook runs, and shows what it shows on the page: words exactly, numbers to the digits kept."""

import html
import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).resolve().parent.parent / "docs"
NUMBER = re.compile(r"(?<![\w.])[+-]?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?")


def cells() -> list[dict[str, Any]]:
    notebook = json.loads((DOCS / "tutorial.ipynb").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = notebook["cells"]
    return found


def runner() -> Any:
    spec = importlib.util.spec_from_file_location("update_notebook", DOCS / "update_notebook.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def shown(outputs: list[dict[str, Any]]) -> list[str]:
    """What one reads of the outputs of a cell: without HTML's tags, and of a picture that there is one."""
    texts = []
    for output in outputs:
        data = output.get("data", {"text/plain": output.get("text")})
        if "image/png" in data:
            texts.append("picture")
        elif "text/html" in data:
            bare = re.sub(r"<style.*?</style>|<[^>]+>", " ", "".join(data["text/html"]), flags=re.DOTALL)
            texts.append(" ".join(html.unescape(bare).split()))
        else:
            texts.append(" ".join("".join(data["text/plain"]).split()))
    return texts


def assert_same(kept: str, found: str) -> None:
    """Words are equal; numbers differ by no more than one in the last digit that is kept."""
    assert NUMBER.sub("#", kept) == NUMBER.sub("#", found)
    for one, other in zip(NUMBER.findall(kept), NUMBER.findall(found), strict=True):
        digits = len(one.partition("e")[0].partition(".")[2])
        exponent = int(one.partition("e")[2] or 0)
        values = [float(text.replace(",", "")) for text in (one, other)]
        assert values[0] == pytest.approx(values[1], abs=1.01 * 10.0 ** (exponent - digits), rel=0), (one, other)


def test_the_notebook_s_cells_run_and_show_what_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    module = runner()
    found = module.run(cells())
    kept = [cell["outputs"] for cell in module.code_cells(cells())]
    for old, new in zip(kept, found, strict=True):
        assert len(shown(old)) == len(shown(new))
        for pair in zip(shown(old), shown(new), strict=True):
            assert_same(*pair)
    assert sum(map(len, kept)) >= 10


def test_a_word_or_a_digit_that_changed_is_seen() -> None:
    assert_same("ECE 0.0201 of 10,000", "ECE 0.0202 of 10,000")
    for other in ("ECE 0.0203 of 10,000", "MCE 0.0201 of 10,000", "ECE 0.0201 of 10,002", "ECE 0.0201"):
        with pytest.raises(AssertionError):
            assert_same("ECE 0.0201 of 10,000", other)


def test_the_notebook_is_of_format_four_and_names_no_machine() -> None:
    text = (DOCS / "tutorial.ipynb").read_text(encoding="utf-8")
    notebook = json.loads(text)
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert not re.search(r"/(home|tmp|root|Users|work)/|[A-Z]:\\\\", text)


def test_the_notebook_s_links_lead_somewhere() -> None:
    text = "".join("".join(cell["source"]) for cell in cells() if cell["cell_type"] == "markdown")
    targets = re.findall(r"\]\(([^)#]+)\)", text)
    assert targets
    for target in targets:
        assert (DOCS / target).is_file(), target
