"""The public names of calib are deliberate, lazy and true to what type checkers see."""

import ast
import inspect
from pathlib import Path

import pytest

import calib


def test_all_is_sorted_and_every_name_is_documented() -> None:
    assert calib.__all__ == sorted(calib.__all__)
    for name in calib.__all__:
        value = getattr(calib, name)
        assert name == "__version__" or inspect.getdoc(value), name


def test_the_names_for_type_checkers_are_those_at_run_time() -> None:
    tree = ast.parse(Path(calib.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    typed = {alias.name: node.module for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert typed == calib._HOME
    assert set(calib.__all__) == {*typed, "__version__"}


def test_no_public_name_is_a_module_too() -> None:
    """``import calib.name`` would put the module in the place of the function."""
    folder = Path(calib.__file__).parent
    assert not [name for name in calib.__all__ if (folder / name).is_dir() or (folder / f"{name}.py").is_file()]


def test_dir_lists_the_public_names() -> None:
    assert dir(calib) == calib.__all__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'ecee'"):
        _ = calib.ecee
