"""The written study holds both tables, both inferences and the protocol, and nothing in it runs or breaks the page."""

import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from calib.errors import InputError
from calib.studies._files import refuse_foreign
from calib.studies._page import Section, as_html, as_markdown
from calib.studies._protocol import protocol
from calib.studies.smoothing_differences import difference_notes, differences
from calib.studies.train_all import grid
from calib.studies.write_comparison import TITLE
from calib.studies.write_study import FILES, write_study
from calib.training.config import TrainConfig

from .arms import comparison

CONFIGS = list(grid(TrainConfig(dataset="digits"), smoothing=(0, 0.1), seeds=range(2), paired_splits=True).values())


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("study"))


def write(folder: Path) -> Path:
    result = comparison((0.0, 0.1), (0, 1))
    write_study(
        result,
        differences(result),
        folder,
        verdict="On <b>toy</b> & data.",
        configs=CONFIGS,
        command="calib study x --arch '<script>alert(1)</script>'",
        shown_runs=["a0-s0", "a0.1-s0"],
    )
    return folder


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_all_files_are_there_and_nothing_half_written(written: Path) -> None:
    assert {path.name for path in written.iterdir()} == set(FILES)
    assert all(path.stat().st_size > 0 for path in written.iterdir())


def test_the_page_names_both_inferences_the_protocol_and_what_made_it(written: Path) -> None:
    page = (written / "comparison.md").read_text(encoding="utf-8")
    for words in (
        "## Scores",
        "## Differences from hard + T",
        "*Over seeds*: paired by seed, Student's t",
        "Holm's correction for the 5 or 10 tests",
        "*Over examples*: of these very networks on n = 400",
        "Nothing is chosen on the test split.",
        "the weights of the last epoch are kept",
        "which no training saw",
        "The first of 4 networks: `calib train --dataset digits`.",
        "commit ",
        "numpy",
        "![",
    ):
        assert words in page, words
    assert "Label noise" not in page
    headings = {line.split("|")[2].strip() for line in page.splitlines() if line.startswith("| model")}
    assert headings == {"seeds", "metric"}


def test_the_tables_hold_full_precision(written: Path) -> None:
    table, below, runs = (pd.read_csv(written / name) for name in ("comparison.csv", "differences.csv", "runs.csv"))
    assert (len(table), len(below), len(runs)) == (4, 15, 8)
    for column in ("debiased_ce", "smooth_ece", "auroc", "aurc", "temperature_se"):
        assert column in table
        assert f"{column}_sd" in table
    assert {"p_holm", "examples_low", "seeds_tell"} <= set(below.columns)
    assert table["nll"].iloc[0] == pytest.approx(
        runs.query("smoothing == 0 and calibrator == 'uncalibrated'")["nll"].mean()
    )


def test_latex_has_two_tabulars_and_the_command_as_a_comment(written: Path) -> None:
    text = (written / "comparison.tex").read_text(encoding="utf-8")
    assert text.startswith("% calib study x")
    assert text.count("\\toprule") == text.count("\\bottomrule") == 2
    assert "$\\alpha$ = 0.1 + T" in text


def test_html_is_whole_escaped_and_needs_no_other_file(written: Path) -> None:
    text = (written / "comparison.html").read_text(encoding="utf-8")
    tags = Tags(text)
    assert tags.open == []
    assert "script" not in tags.seen
    assert "b" not in tags.seen
    assert tags.seen.count("table") == 2
    assert tags.seen.count("img") == 2
    assert "On &lt;b&gt;toy&lt;/b&gt; &amp; data." in text
    assert re.findall(r'(?:src|href)="(?!data:image/png;base64,)', text) == []
    frames = pd.read_html(io.StringIO(text)) if _has_lxml() else []
    assert not frames or len(frames[0]) == 4


def _has_lxml() -> bool:
    from importlib.util import find_spec

    return find_spec("lxml") is not None


def test_code_and_stress_are_marked_and_code_is_left_alone() -> None:
    section = Section("A & B", ["*by chance* is `a*b*c` < 1"], pd.DataFrame({"x": ["<i>"]}))
    page = as_html("T <x>", [section], Path())
    assert "<p><em>by chance</em> is <code>a*b*c</code> &lt; 1</p>" in page
    assert "<h2>A &amp; B</h2>" in page
    assert "<td>&lt;i&gt;</td>" in page
    assert "<title>T &lt;x&gt;</title>" in page
    markdown = as_markdown("T", [section])
    assert markdown.startswith("# T\n\n## A & B\n\n| x ")
    assert "| &lt;i&gt; |" in markdown
    assert markdown.endswith("\n\n*by chance* is `a*b*c` < 1\n")


def test_a_folder_of_somebody_else_s_is_left_alone(tmp_path: Path, written: Path) -> None:
    (tmp_path / "runs.csv").write_text("precious")
    with pytest.raises(InputError, match=r"runs.csv that is not calib's"):
        refuse_foreign(tmp_path, TITLE, FILES)
    refuse_foreign(written, TITLE, FILES)


def test_a_study_that_was_interrupted_while_it_was_written_is_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(table: pd.DataFrame) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("calib.studies._files.to_csv", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} < set(FILES)
    refuse_foreign(tmp_path, TITLE, FILES)
    assert {path.name for path in write(tmp_path).iterdir()} == set(FILES)


def test_the_notes_follow_the_table() -> None:
    shared, own, one = (
        " ".join(difference_notes(differences(comparison(**options))))
        for options in ({"seeds": (0, 1)}, {"seeds": (0, 1), "own_rows": True}, {"seeds": (0,)})
    )
    assert "the test examples are always the same" in shared
    assert "an example goes in or out for all networks at once" in shared
    assert "all three splits anew" in own
    assert "seeds have test examples of their own" in own
    assert "there is one seed only" in one


def test_the_protocol_says_what_the_configs_say() -> None:
    kept, pairs, first = protocol(CONFIGS)
    assert "last epoch" in kept
    assert "a split of its own" in pairs
    assert "Another seed" not in protocol(CONFIGS[:2])[1]  # there is one seed alone
    one_split = [replace(config, split_seed=0) for config in CONFIGS]
    assert "Another seed has the same split." in protocol(one_split)[1]
    noisy = [CONFIGS[0], replace(CONFIGS[1], label_noise=0.2)]
    assert "α and in the labels they are trained on" in protocol(noisy)[1]
    best = protocol([TrainConfig(dataset="digits", keep="best")])[0]
    assert "best by NLL of the calibration split, which is therefore not untouched" in best
    assert "4 networks" in first
