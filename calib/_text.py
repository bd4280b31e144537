"""Make text that users bring, such as class names and paths, safe to show on one line anywhere."""

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
