"""Figures of a page: colours of the page, ids of their own, text as it is; and the two that only a report draws."""

import re

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from calib.curve import CalibrationCurve, calibration_curve
from calib.errors import InputError
from calib.outcomes import Outcomes
from calib.plots.confidences import Claims, confidence_figure
from calib.plots.inline import inline_figure, inline_image, page_style
from calib.plots.overlay import Overlay, overlay_figure


def curve(*correct: bool) -> CalibrationCurve:
    confidence = np.linspace(0.55, 0.95, len(correct))
    return calibration_curve(Outcomes.from_confidence(confidence, list(correct)), n_bins=10)


def drawing(title: str = "", points: int = 10) -> Figure:
    figure = Figure(figsize=(2, 2))
    ax = figure.add_subplot(title=title)
    ax.title.set_parse_math(False)
    ax.plot(np.random.default_rng(0).random(points), color="#0072b2", marker="o")
    ax.set_facecolor("white")
    return figure


def test_colours_become_the_page_s_and_text_stays() -> None:
    with page_style():
        svg = inline_figure(drawing("#000000 url(#x) </svg><script> $x^$ id='a'"), name="f1", alt='"<alt>"')
    assert "#000000 url(#x) &lt;/svg&gt;&lt;script&gt; $x^$ id='a'</text>" in svg
    assert 'aria-label="&quot;&lt;alt&gt;&quot;"' in svg
    assert "var(--blue)" in svg
    assert "currentColor" in svg
    assert not re.search(r'style="[^"]*#(0072b2|000000|ffffff)', svg)
    assert "xmlns" not in svg
    assert "<style" not in svg
    assert "<metadata" not in svg


def test_ids_carry_the_name_and_every_reference_finds_one() -> None:
    with page_style():
        first, second = (inline_figure(drawing(), name=name, alt="") for name in ("a", "b"))
        again = inline_figure(drawing(), name="a", alt="")
    assert first == again
    for name, svg in (("a", first), ("b", second)):
        ids = set(re.findall(r'\bid="([^"]+)"', svg))
        used = set(re.findall(r'href="#([^"]+)"', svg)) | set(re.findall(r"url\(#([^)]+)\)", svg))
        assert used == ids
        assert all(each.startswith(f"{name}-") for each in ids)


def test_a_figure_of_very_many_points_becomes_a_picture() -> None:
    with page_style():
        found = inline_figure(drawing(points=20_000), name="f", alt="many")
    assert found.startswith('<img class="figure plate" width="192" alt="many" src="data:image/png;base64,')


def test_the_style_of_the_page_ends_with_it() -> None:
    before = dict(mpl.rcParams)
    with mpl.rc_context({"font.size": 33}):
        with page_style():
            assert mpl.rcParams["font.size"] == 7
        assert mpl.rcParams["font.size"] == 33
    assert dict(mpl.rcParams) == before


def test_pixels_are_an_image_of_their_size() -> None:
    found = inline_image(np.zeros((8, 9, 3), np.uint8), alt="a & b")
    assert found.startswith('<img class="pixels" width="9" alt="a &amp; b" src="data:image/png;base64,')


def test_right_and_wrong_answers_are_each_a_whole() -> None:
    ax = confidence_figure([Claims("$x^$", curve(True, True, False, False, True))]).axes[0]
    areas = [np.asarray(patch.get_data().values) for patch in ax.patches]  # type: ignore[attr-defined]
    assert [values.sum() for values in areas] == pytest.approx([1, 1])
    assert ax.get_title() == "$x^$"
    assert len(confidence_figure([Claims("all right", curve(True, True))]).axes[0].patches) == 1
    tall = confidence_figure([Claims("a", curve(*[True, False] * 20)), Claims("b", curve(True, False))])
    assert tall.axes[0].get_ylim()[1] >= 1  # the taller panel is whole too
    with pytest.raises(InputError, match="no confidences"):
        confidence_figure([])


def test_a_model_is_a_line_of_accuracy_and_keeps_its_colour_and_name() -> None:
    first, second = curve(True, False, True, True), curve(False, False, True, True)
    panels = [Overlay("one", [("_a$", first), ("b", second)]), Overlay("other", [("_a$", second), ("b", first)])]
    figure = overlay_figure(panels)
    lines = [ax.lines[1:] for ax in figure.axes]
    assert [line.get_color() for line in lines[0]] == [line.get_color() for line in lines[1]]
    filled = first.count > 0
    assert np.asarray(lines[0][0].get_ydata()).tolist() == first.accuracy[filled].tolist()
    assert np.asarray(lines[0][0].get_xdata()).tolist() == first.mean_confidence[filled].tolist()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["_a$", "b"]
    with page_style():
        assert ">_a$</text>" in inline_figure(overlay_figure(panels), name="o", alt="")
    for empty in ([], [Overlay("none", [])]):
        with pytest.raises(InputError, match="no curve"):
            overlay_figure(empty)
