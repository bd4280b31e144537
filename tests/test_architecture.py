"""Imports run inwards: the table of docs/architecture.md, read from the source."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / "calib").rglob("*.py"))

# ring -> rings it may import; "core" is whatever is not named here
RINGS = {
    "core": {"core"},
    "plots": {"core", "plots"},
    "datasets": {"core", "datasets"},
    "models": {"core", "models"},
    "training": {"core", "datasets", "models", "training"},
    "inference": {"core", "datasets", "models", "training", "integrations", "inference"},
    "integrations": {"core", "integrations"},
    "studies": {"core", "plots", "datasets", "models", "training", "inference", "studies"},
    "report": {"core", "plots", "report"},
    "cli": {
        *("core", "plots", "datasets", "models", "training", "integrations", "inference", "studies", "report", "cli")
    },
}
RING_OF_MODULE = {
    **dict.fromkeys(("foreign_checkpoint", "foreign_data", "foreign_network", "runs", "sources"), "inference"),
    "__main__": "cli",
}
AT_MODULE_LEVEL = {
    "core": {"numpy"},
    "plots": {"numpy", "matplotlib", "mpl_toolkits"},
    "datasets": {"numpy"},
    "models": {"numpy", "torch"},
    "training": {"numpy", "torch"},
    "inference": {"numpy", "torch"},
    "integrations": {"numpy", "torch"},
    "studies": {"numpy"},
    "report": {"numpy", "jinja2", "markupsafe"},
    "cli": {"typer"},
}
THIRD_PARTY = {
    "numpy",
    "torch",
    "scipy",
    "pandas",
    "matplotlib",
    "mpl_toolkits",
    "typer",
    "rich",
    "jinja2",
    "markupsafe",
    "click",
    "torchvision",
    "timm",
}


def ring(module: str) -> str:
    """``calib.training.loop`` -> ``training``; the public names of ``calib`` itself are core."""
    second = [*module.split("."), ""][1]
    return RING_OF_MODULE.get(second, second if second in RINGS else "core")


def module_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(tree: ast.Module, *, module_level: bool) -> set[str]:
    """Modules imported by a file; with ``module_level`` those that run on import alone."""
    found: set[str] = set()
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if module_level and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            waiting += node.orelse
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found.add(node.module or "")
            found |= {f"{node.module}.{alias.name}" for alias in node.names if node.module in ("calib", "calib.cli")}
        waiting += ast.iter_child_nodes(node)
    return found


def problems(file: Path) -> list[str]:
    module = module_of(file)
    mine = ring(module)
    tree = ast.parse(file.read_text(encoding="utf-8"))
    wrong = [
        f"{module} ({mine}) imports {name} ({ring(name)})"
        for name in imports(tree, module_level=False)
        if name.startswith("calib.") and ring(name) not in RINGS[mine]
    ]
    loaded = {name.split(".")[0] for name in imports(tree, module_level=True)} & THIRD_PARTY
    wrong += [f"{module} ({mine}) loads {name} when imported" for name in sorted(loaded - AT_MODULE_LEVEL[mine])]
    anywhere = {name.split(".")[0] for name in imports(tree, module_level=False)}
    if "click" in anywhere:
        wrong.append(f"{module} imports click, which typer no longer brings")
    if mine == "core" and "torch" in anywhere:
        wrong.append(f"{module} is core and imports torch")
    return wrong


@pytest.mark.parametrize("file", FILES, ids=module_of)
def test_imports_run_inwards(file: Path) -> None:
    assert problems(file) == []


def test_the_rule_sees_an_import_that_runs_outwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    bad = tmp_path / "calib" / "curve.py"
    bad.parent.mkdir()
    bad.write_text("import pandas\n\ndef f():\n    from calib.plots.reliability import save_figure\n    import torch\n")
    assert len(problems(bad)) == 3


@pytest.mark.parametrize("file", FILES, ids=module_of)
def test_every_file_starts_with_a_sentence_and_stays_short(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    docstring = ast.get_docstring(ast.parse(text))
    assert docstring is not None
    assert docstring.splitlines()[0][-1] in ".?!:"
    assert text.count("\n") <= 300


def command(*words: str) -> str:
    """Python that runs a command line."""
    run = "try: main()\nexcept SystemExit as end: assert not end.code, end.code"
    return f"import sys; sys.argv = {['calib', *words]}; from calib.cli import main\n{run}"


@pytest.mark.parametrize(
    ("code", "heavy"),
    [
        ("import calib", {"torch", "pandas", "matplotlib"}),
        ("import calib; calib.ece([[0.9, 0.1], [0.2, 0.8]], [0, 1])", {"torch", "pandas", "matplotlib"}),
        (command("--help"), {"torch", "pandas", "matplotlib", "numpy"}),
        (command("evaluate", "example:cifar10-resnet20-hard"), {"torch", "pandas", "matplotlib"}),
    ],
)
def test_light_uses_load_nothing_heavy(code: str, heavy: set[str]) -> None:
    check = f"import sys; heavy = {heavy} & set(sys.modules); assert not heavy, heavy"
    subprocess.run([sys.executable, "-c", f"{code}\n{check}"], check=True, stdout=subprocess.DEVNULL, timeout=60)


def test_the_page_names_files_that_are_there() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:\w+/)*\w+\.pyi?)`", page))
    assert len(named) > 40
    files = {str(file) for folder in ("calib", "tests", "benchmarks") for file in (ROOT / folder).rglob("*.py*")}
    assert sorted(name for name in named if not any(file.endswith(f"/{name}") for file in files)) == []
