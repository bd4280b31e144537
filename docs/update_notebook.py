"""Run the tutorial notebook anew and keep what its cells show: ``python docs/update_notebook.py``."""

import ast
import base64
import contextlib
import io
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

NOTEBOOK = Path(__file__).resolve().with_name("tutorial.ipynb")


def run(cells: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The outputs of each code cell in notebook format 4, in order: what is printed, the last value, the figures."""
    names: dict[str, Any] = {"__name__": "__main__"}
    return [_outputs("".join(cell["source"]), names, i) for i, cell in enumerate(code_cells(cells), 1)]


def code_cells(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The cells that hold code."""
    return [cell for cell in cells if cell["cell_type"] == "code"]


def _outputs(source: str, names: dict[str, Any], count: int) -> list[dict[str, Any]]:
    tree = ast.parse(source)
    last = ast.Expression(tree.body.pop().value) if isinstance(tree.body[-1], ast.Expr) else None  # type: ignore[attr-defined]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, f"cell {count}", "exec"), names)  # noqa: S102  # our own notebook
        value = None if last is None else eval(compile(last, f"cell {count}", "eval"), names)  # noqa: S307  # likewise
    found: list[dict[str, Any]] = []
    if text := printed.getvalue():
        found.append({"name": "stdout", "output_type": "stream", "text": text.splitlines(keepends=True)})
    if value is not None:
        shown = {"execution_count": count, "metadata": {}, "output_type": "execute_result"}
        found.append({"data": _data(value), **shown})
    found += [{"data": data, "metadata": {}, "output_type": "display_data"} for data in _figures()]
    return found


def _data(value: Any) -> dict[str, list[str]]:
    data = {"text/plain": repr(value).splitlines(keepends=True)}
    if hasattr(value, "_repr_html_"):
        data["text/html"] = value._repr_html_().splitlines(keepends=True)
    return data


def _figures() -> list[dict[str, Any]]:
    """The figures that pyplot has open, drawn and closed."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None:
        return []
    pictures = []
    for number in pyplot.get_fignums():
        file = io.BytesIO()
        pyplot.figure(number).savefig(file, dpi=80, bbox_inches="tight", metadata={"Software": None})
        pictures.append({"image/png": base64.b64encode(file.getvalue()).decode(), "text/plain": ["<Figure>"]})
    pyplot.close("all")
    return pictures


def main() -> None:
    """Replace the outputs that are kept."""
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    cells = code_cells(notebook["cells"])
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        found = run(cells)
    for count, (cell, outputs) in enumerate(zip(cells, found, strict=True), 1):
        cell.update(execution_count=count, outputs=outputs)
    NOTEBOOK.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
