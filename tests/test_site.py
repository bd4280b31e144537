"""The site builds without a warning, its gallery runs, its API pages name every public name once."""

import hashlib
import importlib.util
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

import calib

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
SCRIPTS = sorted((DOCS / "gallery").glob("plot_*.py"))
SITE = ("sphinx", "furo", "myst_parser", "sphinx_gallery")


def test_every_public_name_is_on_one_page_of_the_api() -> None:
    pages = "\n".join(path.read_text(encoding="utf-8") for path in (DOCS / "api").glob("*.md"))
    named = Counter(re.findall(r"^\.\. auto(?:class|function):: (\w+)$", pages, re.MULTILINE))
    assert named == Counter(name for name in calib.__all__ if name != "__version__")


def test_every_page_is_in_the_contents_once() -> None:
    entries: list[str] = []
    for index in (DOCS / "index.md", DOCS / "api" / "index.md"):
        for tree in re.findall(r"```{toctree}\n(.*?)```", index.read_text(encoding="utf-8"), re.DOTALL):
            lines = [line for line in tree.splitlines() if line and not line.startswith(":")]
            lines = [re.sub(r"^.* <(.*)>$", r"\1", line) for line in lines]
            entries += [str((index.parent / line).relative_to(DOCS)) for line in lines]
    pages = {str(path.relative_to(DOCS).with_suffix("")) for path in DOCS.rglob("*.md") if "_build" not in path.parts}
    assert sorted(entries) == sorted(pages - {"index"} | {"auto_gallery/index"})


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_of_the_gallery_runs_and_draws(script: Path, tmp_path: Path) -> None:
    """As somebody would run it, with any style sheet, without a warning."""
    end = "\nplt.gcf().savefig('picture.png', dpi=40)\n"
    begin = "import matplotlib.style\n\nmatplotlib.use('Agg')\nmatplotlib.style.use('dark_background')\n"
    program = f"{begin}{script.read_text('utf-8')}{end}"
    assert script.read_text("utf-8").count("\n") <= 40
    (tmp_path / "script.py").write_text(program.replace("plt.show()\n", ""), encoding="utf-8")
    subprocess.run([sys.executable, "-W", "error", "script.py"], cwd=tmp_path, check=True, timeout=200)
    with Image.open(tmp_path / "picture.png") as picture:
        colours = picture.convert("RGB").getcolors(maxcolors=1 << 20)
    assert colours is not None
    assert len(colours) > 50
    assert max(colours)[1] == (0, 0, 0)  # most of it is the paper of the style


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_the_picture_in_the_pages_is_that_of_the_script_as_it_is(script: Path) -> None:
    """`python docs/update_gallery.py` makes them anew."""
    with Image.open(DOCS / "images" / "gallery" / f"{script.stem.removeprefix('plot_')}.png") as picture:
        assert picture.info["Source"] == f"sha256:{hashlib.sha256(script.read_bytes()).hexdigest()}"


def test_every_picture_of_the_gallery_has_its_script() -> None:
    pictures = {path.stem for path in (DOCS / "images" / "gallery").iterdir()}
    assert pictures == {script.stem.removeprefix("plot_") for script in SCRIPTS}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(not all(map(importlib.util.find_spec, SITE)), reason="the extra `docs` is not installed")
def test_the_site_builds_without_a_warning_and_its_links_lead_somewhere(tmp_path: Path) -> None:
    source, site = tmp_path / "checkout" / "docs", tmp_path / "site"
    made = shutil.ignore_patterns("_build", "auto_gallery", "sg_execution_times.rst", "__pycache__")
    shutil.copytree(DOCS, source, ignore=made)
    for name in ("calib", "tests"):
        (source.parent / name).symlink_to(ROOT / name)
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-W", "--keep-going", "-q", str(source), str(site)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=800, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    missing = []
    for page in site.rglob("*.html"):
        for target in re.findall(r'(?:href|src)="([^"#?:]+)(?:[#?][^"]*)?"', page.read_text(encoding="utf-8")):
            if not (page.parent / target).exists():
                missing.append(f"{page.relative_to(site)}: {target}")
    assert missing == []
    for page in (site / "api").glob("*.html"):
        assert "``" not in re.sub(r"<[^>]+>", "", page.read_text(encoding="utf-8")), page.name
    assert 'id="calib.ece"' in (site / "api" / "metrics.html").read_text(encoding="utf-8")
