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


def test_a_public_name_is_made_in_the_module_that_it_comes_from() -> None:
    """One that is only passed on would have two homes."""
    stub = ast.parse(Path(calib.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    for module, alias in (
        (line.module, alias) for line in stub.body if isinstance(line, ast.ImportFrom) for alias in line.names
    ):
        assert alias.name == alias.asname  # what marks a name of a stub as public
        assert alias.name == "__version__" or getattr(calib, alias.name).__module__ == module, alias.name


def test_no_public_name_is_a_module_too() -> None:
    """``import calib.name`` would put the module in the place of the function."""
    folder = Path(calib.__file__).parent
    assert not [name for name in calib.__all__ if (folder / name).is_dir() or (folder / f"{name}.py").is_file()]


def test_dir_lists_the_public_names() -> None:
    assert dir(calib) == calib.__all__


def test_an_unknown_name_is_an_attribute_error() -> None:
    unknown = "ecee"
    with pytest.raises(AttributeError, match="no attribute 'ecee'"):
        getattr(calib, unknown)
