"""The page is one file that asks nothing of a network, escapes what people bring, and is the same twice."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calib
from calib.errors import InputError
from calib.predictions import Predictions

from .conftest import Page, page_of

HOSTILE = (
    "<script>alert(1)</script>",
    '"onload="alert(2)',
    "</style><h1>",
    "$x^$",
    "\x1b[31mred",
    "two\nlines",
    "{{ 7*7 }}",
    "&amp;",
    "_hidden",
    "",
    "\u202eabc",
    "x" * 5000,
)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (300, len(HOSTILE)))
    labels = (logits + rng.gumbel(size=logits.shape)).argmax(1)
    path = tmp_path_factory.mktemp("hostile") / "report.html"
    named = {
        name: Predictions.from_logits(2 * logits, labels, class_names=HOSTILE) for name in (HOSTILE[0], HOSTILE[4])
    }
    groups = [HOSTILE[i % 4] for i in range(300)]
    calib.write_report(named, path, groups=groups, title=HOSTILE[0] + HOSTILE[2])
    return path


def test_names_of_people_are_text_and_nothing_else(hostile: Path) -> None:
    page = page_of(hostile)
    tags = {tag for tag, _ in page.tags}
    assert "script" not in tags
    assert [tag for tag, _ in page.tags].count("h1") == 1
    assert not [attributes for _, attributes in page.tags if any(name.startswith("on") for name in attributes)]
    cells = {row[0] for table in page.tables for row in table if row}
    assert {"<script>alert(1)</script>", '"onload="alert(2)', "</style><h1>", "$x^$", "{{ 7*7 }}", "&amp;"} <= cells
    assert {"\\x1b[31mred", "two\\nlines", "\\u202eabc"} <= cells
    assert not re.search(r"[\x00-\x08\x0b-\x1f\u202e]", page.source)
    assert "x" * 5000 not in page.source
    assert "<script>alert(1)</script></style><h1>" in page.words


def test_nothing_outside_is_asked_for(one: Path, two: Path, hostile: Path) -> None:
    for path in (one, two, hostile):
        page = page_of(path)
        policies = [each["content"] for each in page.named("meta") if "http-equiv" in each]
        assert len(policies) == 1
        assert policies[0].startswith("default-src 'none'; img-src data:;")
        for tag, attributes in page.tags:
            assert tag not in ("script", "link", "iframe", "object", "embed", "base", "form")
            for name in ("src", "href", "srcset", "action", "data", "poster"):
                assert attributes.get(name, "#").startswith(("#", "data:image/png;base64,")), (tag, attributes)
        assert not re.search(r"url\((?!#)", page.source)
        assert "@import" not in page.source
        assert "http" not in re.sub(r"http-equiv", "", page.source)


def test_anchors_lead_somewhere_and_ids_are_unique(one: Path, two: Path, hostile: Path) -> None:
    for path in (one, two, hostile):
        page = page_of(path)
        ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
        assert len(ids) == len(set(ids))
        targets = [attributes["href"] for _, attributes in page.tags if attributes.get("href", "").startswith("#")]
        assert len(targets) > 20
        assert {target[1:] for target in targets} <= set(ids)
        assert set(re.findall(r"url\(#([^)]+)\)", page.source)) <= set(ids)


def test_the_same_input_gives_the_same_bytes_whatever_the_style_sheet(one: Path, tmp_path: Path) -> None:
    import matplotlib as mpl

    example = calib.load_example("digits-resnet8-hard")
    style: dict[Any, Any] = {"font.size": 20, "axes.labelcolor": "red", "xtick.labelsize": 20, "svg.hashsalt": "other"}
    with mpl.rc_context(style):
        calib.write_report(example.test, tmp_path / "again.html", calibration=example.calibration)
    assert (tmp_path / "again.html").read_bytes() == one.read_bytes()


def test_every_figure_says_what_it_shows_and_takes_the_colours_of_the_page(one: Path) -> None:
    page = page_of(one)
    figures = page.named("svg")
    assert len(figures) == len(page.named("figcaption")) == 4
    assert all(figure["aria-label"] and figure["role"] == "img" for figure in figures)
    assert "currentColor" in page.source
    drawings = "".join(re.findall(r"<svg.*?</svg>", page.source, re.DOTALL))
    assert not re.search(r"#000000|#ffffff|font-family", drawings)


def test_there_are_styles_for_dark_screens_paper_and_phones(one: Path) -> None:
    source = one.read_text(encoding="utf-8")
    assert "@media screen and (prefers-color-scheme: dark)" in source
    assert "@media print" in source
    assert "@media screen and (max-width" in source
    assert "width=device-width" in source
    defined = set(re.findall(r"(--[a-z]+):", source))
    assert set(re.findall(r"var\((--[a-z]+)\)", source)) <= defined


def test_many_classes_are_cut_to_those_that_add_most_and_it_is_said(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (2000, 300))
    labels = (logits + rng.gumbel(size=logits.shape)).argmax(1)
    calib.write_report(Predictions.from_logits(2 * logits, labels), tmp_path / "r.html")
    page = page_of(tmp_path / "r.html")
    assert len(page.table_with("class", "gap + T")) == 21
    assert "of 300 classes were predicted; the 20 that add most are shown" in page.words


def test_weighted_predictions_leave_out_what_weights_do_not_allow(tmp_path: Path) -> None:
    example = calib.load_example("digits-resnet8-hard").test
    weight = np.linspace(0, 2, example.n)
    weighted = Predictions.from_logits(example.values, example.labels, sample_weight=weight)
    calib.write_report(weighted, tmp_path / "r.html")
    page = page_of(tmp_path / "r.html")
    assert "Left out: risk_coverage takes no sample weights" in page.words
    assert "AURC (risk–coverage)" not in page.words
    assert f"{calib.ece(weighted):.4f}" in page.words


def test_odd_predictions_have_a_report_too(tmp_path: Path) -> None:
    certain = np.eye(3)[np.arange(60) % 3]
    for name, predictions in {
        "all right": Predictions.from_probs(certain, np.arange(60) % 3),
        "infinite losses": Predictions.from_probs(certain, (np.arange(60) // 2) % 3),
    }.items():
        calib.write_report(predictions, tmp_path / f"{name}.html")
    assert "Every answer was right." in page_of(tmp_path / "all right.html").words
    assert "labels have probability 0, so NLL is infinite" in page_of(tmp_path / "infinite losses.html").words


def test_pictures_stand_in_the_page_itself(tmp_path: Path) -> None:
    import base64
    import io

    from matplotlib.image import imread

    example = calib.load_example("digits-resnet8-hard").test
    images = np.arange(example.n * 64, dtype=np.uint32).astype(np.uint8).reshape(-1, 8, 8)
    calib.write_report(example, tmp_path / "r.html", images=images)
    page = Page((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert len(page.named("img")) == 24
    first = page.named("img")[0]
    row = int(re.findall(r"Example (\d+):", first["alt"])[0])
    shown = imread(io.BytesIO(base64.b64decode(first["src"].partition(",")[2])))
    assert np.array_equal((shown[:, :, 0] * 255).round(), images[row])


def test_what_cannot_be_reported_is_refused(tmp_path: Path) -> None:
    test = calib.load_example("digits-resnet8-hard").test
    path = tmp_path / "r.html"
    with pytest.raises(InputError, match="no predictions to report"):
        calib.write_report({}, path)
    with pytest.raises(InputError, match="Predictions are needed here, got ndarray"):
        calib.write_report(test.probs, path)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="one calibration split was given for several"):
        calib.write_report({"a": test}, path, calibration=test)
    with pytest.raises(InputError, match="calibration names 'b'"):
        calib.write_report({"a": test}, path, calibration={"b": test})
    with pytest.raises(InputError, match="groups must have shape"):
        calib.write_report(test, path, groups=[1, 2])
    assert not path.exists()


def test_numbers_stay_on_one_line_with_what_belongs_to_them_and_commands_are_left_alone() -> None:
    from calib.report.page import render_page
    from calib.report.parts import KeyNumber, Part, Section, Verdict

    text = "a 95 % interval 0.1 – 0.2 is left, ECE 0.141 → 0.025, T = 1.7 ± 0.1, -0.1 to +0.2, 3 to four"
    verdict = Verdict("bad", "", text, [KeyNumber("", text, text)], text, [f"calib report '{text}'"], [text])
    html = render_page("", [Part("", "", [Section("a", "", [text])], verdict)])
    kept = text.replace(" %", "~%").replace(" → ", "~→~")
    kept = kept.replace(" ± ", "~±~").replace("0.1 to ", "0.1~to~")
    assert html.count(kept.replace("~", "\u00a0")) == 6
    assert f"calib report &#39;{text}&#39;" in html
