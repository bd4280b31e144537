"""An unknown name, refused with the known ones that are nearest to it."""

import difflib
from collections.abc import Iterable

from calib._text import printable
from calib.errors import InputError

SHOWN = 25  # known names in a message at most


def nearest(name: object, known: Iterable[object], *, most: int = 2) -> list[str]:
    """The ``known`` names that ``name`` may be a slip of, the nearest first, whatever their case and dashes.

    >>> nearest("Cifar_10", ["cifar10", "cifar100", "digits"], most=1)
    ['cifar10']
    """
    plain = {_plain(other): str(other) for other in known}
    return [plain[match] for match in difflib.get_close_matches(_plain(name), plain, n=most, cutoff=0.6)]


def suggestion(name: object, known: Iterable[object], *, more: str = "") -> str:
    """What to do about an unknown ``name``: the nearest names, then all of them and ``more``.

    >>> suggestion("isotonc", ["temperature", "isotonic"])
    'did you mean isotonic? choose one of temperature, isotonic'
    """
    names = [printable(str(other), limit=40) for other in known]
    near = [printable(other, limit=40) for other in nearest(name, names)]
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    cut = " …" if len(names) > SHOWN else ""
    return f"{hint}choose one of {', '.join(names[:SHOWN])}{cut}{more}"


def unknown(what: str, name: object, known: Iterable[object], *, more: str = "") -> InputError:
    """The error for a ``name`` that is no ``what``, to be raised.

    >>> str(unknown("method", "isotonc", ["isotonic"]))
    "there is no method 'isotonc'"
    """
    return InputError(f"there is no {what} {printable(repr(name))}", help=suggestion(name, known, more=more))


def _plain(name: object) -> str:
    return str(name)[:100].lower().replace("_", "-")
