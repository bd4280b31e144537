"""A figure of reliability diagrams: readable in any style, literal text, the same bytes, never a broken file."""

import os
import re
from pathlib import Path
from xml.etree import ElementTree

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from calib._text import printable
from calib.curve import CalibrationCurve, calibration_curve
from calib.errors import InputError
from calib.plots.reliability import BeforeAfter, reliability_diagram, reliability_figure, save_figure

from .test_reliability import BY_HAND, assert_readable, make_curve, new_axes, texts_of

HOSTILE = [
    "$x^$",
    r"$\bad$",
    "[/]",
    "<script>alert(1)</script>",
    "\x1b[31mred",
    "a\nb",
    "NA",
    "_hidden",
    "]]>&amp;--",
    "",
    *("x" * 10_000, "word " * 2_000, "\u202egnp.exe", "\ud800", r"\frac{1}{0} % # ~", "T = λ"),
]


def rows_of(names: list[str], *, labels: str = "T = 1.87, cross-fitted") -> list[BeforeAfter]:
    shifts = [0.2, -0.25, 0.1]
    return [
        BeforeAfter(name, make_curve(shift=shifts[i % 3], seed=i), make_curve(seed=i), labels)
        for i, name in enumerate(names)
    ]


@pytest.mark.parametrize(
    ("names", "label"),
    [
        (["ResNet-18"], "T = 1.87"),
        (["hard labels", "label smoothing 0.1", "distilled"], "T = 1.87, cross-fitted"),
        (["x" * 10_000, "a name of many words, " * 5, "W" * 40], "W" * 300),
    ],
    ids=["one", "three", "long"],
)
def test_no_text_of_the_figure_is_clipped_or_overlaps(names: list[str], label: str) -> None:
    assert_readable(reliability_figure(rows_of(names, labels=label)))


@pytest.mark.parametrize("style", ["ggplot", "dark_background", "seaborn-v0_8-talk", {"font.family": "monospace"}])
def test_figure_is_readable_under_the_readers_style_sheet(style: str | dict[str, str]) -> None:
    import matplotlib.style

    with matplotlib.style.context([style, {"figure.constrained_layout.use": True}]):
        assert_readable(reliability_figure(rows_of(["ResNet-18"])))


def test_figure_is_a_paper_column_wide_with_letters_that_can_be_read() -> None:
    figure = reliability_figure(rows_of(["a", "b", "c"]))
    texts_of(figure)
    assert figure.get_figwidth() == 3.4
    assert figure.get_figheight() < 9
    sizes = {float(text.get_fontsize()) for text in figure.findobj(Text) if isinstance(text, Text) and text.get_text()}
    assert min(sizes) >= 6.5
    widths = {round(ax.get_window_extent().width, 3) for ax in figure.axes}
    heights = {round(ax.get_window_extent().height, 3) for ax in figure.axes}
    assert len(figure.axes) == 6
    assert len(widths) == 1
    assert widths == heights


def test_figure_pairs_each_model_with_its_scaled_curve_on_one_scale() -> None:
    rows = rows_of(["first", "second"])
    figure = reliability_figure(rows)
    titles = [ax.get_title() for ax in figure.axes]
    expected = [(title, curve) for row in rows for title, curve in (("uncalibrated", row[1]), (row[3], row[2]))]
    assert titles == [f"{title}\nECE {curve.ece:.3f} · n {curve.n}" for title, curve in expected if curve is not None]
    assert {text.get_text() for text in figure.texts} == {"first", "second"}
    assert len({ax.child_axes[-1].get_ylim() for ax in figure.axes}) == 1
    assert len(figure.legends) == 1


@pytest.mark.parametrize(
    "suffix", ["svg", *(pytest.param(suffix, marks=pytest.mark.slow) for suffix in ("png", "pdf"))]
)
def test_hostile_names_are_drawn_literally(tmp_path: Path, suffix: str) -> None:
    curve = make_curve(n=1)
    path = tmp_path / f"figure.{suffix}"
    rows = [(name, curve, curve, label) for name, label in zip(HOSTILE[::2], HOSTILE[1::2], strict=True)]
    save_figure(reliability_figure(rows), path, dpi=50)
    assert path.stat().st_size > 1000
    if suffix != "svg":
        return
    written = {element.text for element in ElementTree.parse(path).iter("{http://www.w3.org/2000/svg}text")}
    for name in filter(None, HOSTILE):
        shown = printable(name)
        assert shown in written or any(text and "…" in text and shown.startswith(text[:5]) for text in written), name
    raw = path.read_bytes()
    assert not [
        mark
        for mark in (b"<script", b"\x1b", "\u202e".encode(), "\ud800".encode("utf-8", "surrogatepass"))
        if mark in raw
    ]


def test_hostile_titles_fit_any_axes() -> None:
    for name in ["$x^$", "a\nb", "x" * 10_000, "word " * 2_000, "\ud800"]:
        figure = Figure(figsize=(3.4, 3.6), layout="constrained")
        reliability_diagram(make_curve(n=20), ax=figure.add_subplot(), title=name)
        assert_readable(figure)


@pytest.mark.parametrize(
    "curve",
    [
        make_curve(n=1),
        make_curve(n_bins=1),
        make_curve(n_bins=100),
        calibration_curve([[1.0, 0.0]] * 5, [1] * 5),
        calibration_curve([[1.0, 0.0]] * 5, [0] * 5),
    ],
    ids=["n = 1", "one bin", "100 bins", "all wrong", "all right"],
)
def test_extreme_curves_are_drawn(curve: CalibrationCurve) -> None:
    assert_readable(reliability_figure([("x", curve, curve, "T = 1")]))


@pytest.mark.parametrize("suffix", ["PNG", "svg", "pdf"])
def test_the_same_figure_gives_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    for name in ("a", "b"):
        save_figure(reliability_figure([("model", BY_HAND, BY_HAND, "T = 1")]), tmp_path / f"{name}.{suffix}")
    content = (tmp_path / f"a.{suffix}").read_bytes()
    assert content == (tmp_path / f"b.{suffix}").read_bytes()
    assert not re.search(rb"CreationDate|<dc:date>|tEXtDate", content)
    assert content.startswith({"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[suffix.lower()])


@pytest.mark.parametrize("name", ["figure.jpg", "figure", "figure.png.exe", "a\x1b.gif"])
def test_an_unknown_suffix_is_refused_with_the_three_known(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"\.png, \.svg or \.pdf") as caught:
        save_figure(Figure(), tmp_path / name)
    assert "\x1b" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(InputError, match="cannot write"):
        save_figure(Figure(), tmp_path / "file" / "figure.png")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "figure.svg"
    path.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(InputError, match="No space left"):
        save_figure(Figure(), path)
    assert [(found.name, found.read_text()) for found in tmp_path.iterdir()] == [("figure.svg", "old")]


def test_nothing_global_changes(tmp_path: Path) -> None:
    before = dict(mpl.rcParams)
    figure = reliability_figure(rows_of(["model"]))
    save_figure(figure, tmp_path / "figure.svg")
    reliability_diagram(make_curve(), ax=new_axes())
    assert dict(mpl.rcParams) == before
