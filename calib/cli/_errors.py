"""Errors on the terminal: what was expected and what came, what to do about it, and the exit code."""

import os
import sys
import traceback

import typer

from calib._text import printable
from calib.cli._usage import usage
from calib.errors import InputError, LostProcessError, NumericalError, is_out_of_memory

USAGE, NUMERICAL, OURS, LOST_PROCESS, INTERRUPTED = 2, 3, 70, 75, 130  # 70 and 75 are EX_SOFTWARE and EX_TEMPFAIL
_CODES: dict[type[InputError], int] = {NumericalError: NUMERICAL, LostProcessError: LOST_PROCESS}


def report(error: BaseException) -> int:
    """Print ``error`` in two lines on stderr and return the exit code that belongs to it."""
    if isinstance(error, SystemExit | typer.Exit):
        code = error.code if isinstance(error, SystemExit) else error.exit_code
        return code if isinstance(code, int) else int(code is not None)
    if os.environ.get("CALIB_DEBUG"):
        traceback.print_exception(error)
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        again = "run the same command again (calib train: with --resume)"
        help = f"nothing half-written was left, and finished runs are kept; {again}"
        return _show("interrupted", help, INTERRUPTED)
    if isinstance(error, InputError):
        return _show(str(error), error.help, _CODES.get(type(error), USAGE))
    if isinstance(error, typer.TyperException):
        if (message := error.format_message()).startswith("Usage:"):  # a command without its arguments: its help
            print(message, file=sys.stderr)
            return USAGE
        return _show(*usage(error), USAGE)
    if isinstance(error, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that the flush at exit stays silent
        return 141
    if is_out_of_memory(error):
        return _show("out of memory", "use a smaller --batch-size, or fewer examples at a time", USAGE)
    if isinstance(error, OSError):
        return _show(str(error), "check the path, its permissions and the room on the disk", USAGE)
    return _show(
        f"calib failed: {type(error).__name__}: {error}",
        "this is a fault of calib; please report it with `calib --debug …` and `calib env`",
        OURS,
    )


def _show(message: str, help: str, code: int) -> int:
    for label, text in (("error", message.removesuffix(".")), ("help", help)):
        print(f"{label}: {printable(text, limit=1000)}", file=sys.stderr)
    return code
