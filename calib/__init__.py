"""calib: is a classifier's confidence to be trusted, and which cure serves it best?

The public library are the names that ``calib/__init__.pyi`` imports.  They are loaded on first use, so that ``import
calib`` costs nothing: torch, pandas and matplotlib are imported by the functions that need them.
"""

import ast
from importlib import import_module
from pathlib import Path

_STUB = ast.parse(Path(__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
_HOME = {  # by name, the module that it comes from
    alias.name: node.module for node in _STUB.body if isinstance(node, ast.ImportFrom) for alias in node.names
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'calib' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
