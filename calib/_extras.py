"""Libraries that are not always there: import one where it is used, or say how to get it."""

from importlib import import_module
from types import ModuleType

from calib.errors import InputError


def library(name: str, *, extra: str, what: str) -> ModuleType:
    """Import the module ``name``, which ``what`` needs and ``extra`` of calib brings.

    Raises `InputError` where it is not installed, or is but does not work.

    >>> library("json", extra="none", what="this example").__name__
    'json'
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        top = name.partition(".")[0]
        if error.name != top:
            raise _broken(name, error) from error
        help = f'in the folder of calib: pip install ".[{extra}]"'
        raise InputError(f"{what} needs {top}, which is not installed", help=help) from error
    except (ImportError, RuntimeError) as error:  # RuntimeError: a torchvision made for another torch
        raise _broken(name, error) from error


def _broken(name: str, error: Exception) -> InputError:
    reason = str(error).partition("\n")[0]
    return InputError(f"{name} is installed but cannot be imported: {reason}", help=f"install {name} anew")
