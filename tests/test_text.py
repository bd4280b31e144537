"""User text is shown on one line, without anything that cannot be seen."""

import pytest

from calib._text import p_value, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb\tc\rd", r"a\nb\tc\rd"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x00\x7f\x85\x9b", r"\x00\x7f\x85\x9b"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\u2066x\u2069\u200e", r"\u2066x\u2069\u200e"),
        ("line\u2028paragraph\u2029", r"line\u2028paragraph\u2029"),
        ("\ud800", r"\ud800"),
        ("\ufeff\uffff\U000e0041", r"\ufeff\uffff\U000e0041"),
    ],
)
def test_what_cannot_be_seen_becomes_an_escape(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "$x^$",
        "[/]",
        "<script>",
        "NA",
        "_hidden",
        "",
        " a b ",
        r"C:\new",
        "猫 犬",
        "قطة",
        "मी\u200dया",
        "می\u200cخواهم",
        "👩\u200d🚀",
    ],
)
def test_everything_else_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


def test_long_text_is_cut_in_the_middle_to_the_limit() -> None:
    assert printable("abcdefghij", limit=10) == "abcdefghij"
    assert printable("abcdefghij", limit=6) == "abc…ij"
    assert printable("abcdefghij", limit=1) == "…"
    shown = printable("start" + "x" * 10_000_000 + "end")
    assert len(shown) == 200
    assert shown.startswith("startx")
    assert shown.endswith("xend")


def test_escapes_count_towards_the_limit() -> None:
    assert all(len(printable("\u202e" * 100, limit=limit)) == limit for limit in range(1, 50))


def test_the_result_can_be_written_as_utf8_and_is_one_line() -> None:
    everything = "".join(map(chr, range(0x3000))) + "".join(map(chr, range(0xD7F0, 0xFFFF + 1)))
    shown = printable(everything, limit=100_000)
    assert shown.encode("utf-8").decode("utf-8") == shown
    assert len(shown.splitlines()) == 1


def test_the_smallest_p_value_that_draws_can_give_is_an_upper_limit() -> None:
    for resamples, limit in ((1000, "≤ 0.001"), (999, "≤ 0.001"), (20, "≤ 0.05"), (30, "≤ 0.04"), (99_999, "≤ 1e-05")):
        smallest = 1 / (1 + resamples)
        assert p_value(smallest, resamples=resamples) == limit
        assert float(limit.removeprefix("≤ ")) >= smallest
        assert "≤" not in p_value(2 * smallest, resamples=resamples)
    assert [p_value(p) for p in (0.04, 0.0011, 1.0, 0.0)] == ["0.04", "0.0011", "1", "< 1e-09"]
