"""Make text that users bring safe to show on one line anywhere, and numbers readable with their error."""

import math
from collections.abc import Iterable
from itertools import islice
from unicodedata import category

# Control, format, unassigned, surrogate, line separator, paragraph separator.
_INVISIBLE = {"Cc", "Cf", "Cn", "Cs", "Zl", "Zp"}
_JOINERS = {"\u200c", "\u200d"}  # format characters too, but Persian, Hindi and emoji are misspelt without them


def printable(text: str, *, limit: int = 200) -> str:
    r"""Return ``text`` on one line of at most ``limit`` ≥ 1 characters: what cannot be seen is escaped, the middle cut.

    Control characters, changes of writing direction and lone surrogates become what Python would write (``\n``,
    ``\x1b``, ``\u202e``), so that no terminal, XML parser or reader is fooled.  Everything else stays: quoting for
    HTML, LaTeX, rich or mathtext is the business of whoever writes those.

    >>> print(printable("cat\x1b[31m\n$x^$ <b> 猫"))
    cat\x1b[31m\n$x^$ <b> 猫
    >>> printable("abcdefghij", limit=5)
    'ab…ij'
    """
    if len(text) > 2 * limit:  # a name may be a megabyte: escape only what can be kept
        text = text[:limit] + text[-limit:]
    shown = "".join(_escape(character) for character in text)
    if len(shown) <= limit:
        return shown
    tail = (limit - 1) // 2
    return f"{shown[: limit - 1 - tail]}…{shown[len(shown) - tail :]}"


def _escape(character: str) -> str:
    if category(character) not in _INVISIBLE or character in _JOINERS:
        return character
    return character.encode("unicode_escape").decode("ascii")


def listed(names: Iterable[object]) -> str:
    """The first eight names in quotes, for a message.

    >>> listed(range(9))
    "'0', '1', '2', '3', '4', '5', '6', '7' …"
    """
    quoted = [repr(printable(str(name))) for name in islice(names, 9)]
    return ", ".join(quoted[:8]) + (" …" if len(quoted) > 8 else "")


def with_error(value: float, standard_error: float) -> str:
    """Write ``value ± standard_error`` with two digits of the error; the value alone where the error is not known.

    >>> with_error(1.73194, 0.0871), with_error(391.4, 1723.0), with_error(2.0, math.nan)
    ('1.732 ± 0.087', '391 ± 1723', '2')
    """
    if not (math.isfinite(standard_error) and standard_error > 0):
        return f"{value:.4g}"
    digits = max(0, 1 - math.floor(math.log10(standard_error)))
    return f"{value:.{digits}f} ± {standard_error:.{digits}f}"


def number(value: float, *, digits: int = 4, sign: str = "") -> str:
    """Write a number with fixed digits, or in scientific notation where it is huge.

    >>> number(0.5), number(1e30), number(0.5, digits=2, sign="+")
    ('0.5000', '1e+30', '+0.50')
    """
    return f"{value:{sign}.{digits}f}" if abs(value) < 1e5 or not math.isfinite(value) else f"{value:{sign}.4g}"


def p_value(p: float, *, resamples: int | None = None) -> str:
    """Write a p-value with two digits; of one from ``resamples`` draws no less than the smallest that they can give.

    That one is (rounded up) an upper limit, not a measurement: no draw was as far off.

    >>> p_value(0.0421), p_value(1 / 1001), p_value(1 / 1001, resamples=1000), p_value(1e-30), p_value(math.nan)
    ('0.042', '0.001', '≤ 0.001', '< 1e-09', '–')
    """
    if math.isnan(p):
        return "–"
    if resamples is not None and p <= (smallest := 1 / (1 + resamples)):
        digits = 1 - math.ceil(math.log10(smallest))
        return f"≤ {math.ceil(smallest * 10**digits) / 10**digits:g}"
    return f"{p:.2g}" if p >= _TINY else f"< {_TINY:g}"


_TINY = 1e-9  # p-values below are told from each other by nobody
