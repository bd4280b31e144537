"""What typer refuses before a command begins, in the words of calib: what was expected, what came, what to do."""

import re
from typing import Any

import typer

from calib._nearest import nearest

_EXTRA = "unexpected extra argument"


def usage(error: typer.TyperException) -> tuple[str, str]:
    """The message and the help for an error in the words after ``calib``."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "calib"
    see = f"see `{command} --help`"
    if (refused := _refused(error)) is not None:
        option, details = refused
        expected, hint = _expected(details)
        return f"{option} takes {expected}, got {details['input']!r}", f"{hint}{see}"
    message = error.format_message()
    message = f"{message[:1].lower()}{message[1:]}"
    if message.startswith("missing "):
        example = _example(context)
        return message, f"such as `{example}`; {see}" if example else see
    if _EXTRA in message:
        return message, f"{see}; a pattern of files is quoted: 'logs/*.parquet'"
    return message, see


def _refused(error: typer.TyperException) -> tuple[str, dict[str, Any]] | None:
    """An option, and what pydantic, which reads values for typer, says of its value; None for other errors."""
    errors, parameter = getattr(error.__cause__, "errors", None), getattr(error, "param", None)
    return None if errors is None or parameter is None else (max(parameter.opts, key=len), errors()[0])


def _expected(details: dict[str, Any]) -> tuple[str, str]:
    """What a value must be, and the nearest where it must be one of some words."""
    kind, limits = details["type"], details.get("ctx", {})
    if kind == "greater_than_equal":
        return f"a number of at least {limits['ge']:g}", ""
    if kind == "less_than_equal":
        return f"a number of at most {limits['le']:g}", ""
    if kind.startswith("int"):
        return "a whole number", ""
    if kind.startswith("float"):
        return "a number", ""
    words = re.findall(r"'([^']+)'", details["msg"].partition(" is not one of ")[2])
    near = nearest(details["input"], words)
    return f"{', '.join(words[:-1])} or {words[-1]}", f"did you mean {' or '.join(near)}? " if near else ""


def _example(context: typer.Context | None) -> str:
    """The example in the help of the command."""
    text = "" if context is None else context.command.help or ""
    return " ".join(text.partition("Example: ")[2].split())
