"""How a difference over seeds is written: its number, its interval with a star, and what a seed draws anew."""

import math

from calib._text import number

LEVEL = 0.95  # of every interval; a test tells at 1 − LEVEL


def signed(value: float, digits: int) -> str:
    """A difference with its sign; "–" where it is not known."""
    return "–" if math.isnan(value) else number(value, digits=digits, sign="+")


def interval(low: float, high: float, digits: int, *, tells: bool) -> str:
    """Both limits, and a star where they tell it from no difference; "–" where they are not known.

    >>> interval(0.01, 0.03, 2, tells=True), interval(math.nan, math.nan, 2, tells=False)
    ('+0.01 … +0.03*', '–')
    """
    return "–" if math.isnan(low) else f"{signed(low, digits)} … {signed(high, digits)}{'*' * tells}"


def seeds_note(*, shared: bool) -> str:
    """What a seed draws anew, where all seeds have the same test examples (``shared``) and where each has its own."""
    drawn = "the training and calibration examples" if shared else "all three splits"
    return (
        f"A seed draws weights, batches and {drawn} anew"
        f"{', the test examples are always the same' if shared else ''}. Seeds draw from one pool: where their "
        "training sets overlap much, new data would vary more."
    )
