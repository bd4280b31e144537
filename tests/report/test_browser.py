"""In a real browser: no error, nothing wider than the window, dark screens and paper as meant.  Needs Chromium."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from matplotlib.image import imread

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")

# Loads the report in a frame of each width, and writes what it measured into the page, which --dump-dom then prints.
_PROBE = """<!doctype html><pre id="found"></pre><script>
const widths = [320, 390, 768, 1280];
let waiting = widths.length;
for (const width of widths) {
  const frame = document.createElement("iframe");
  frame.style.cssText = `width: ${width}px; height: 900px; border: 0`;
  frame.onload = () => {
    const page = frame.contentDocument;
    const wide = [...page.querySelectorAll("main *")].filter((each) =>
      !each.closest(".wide, pre, svg, details") && each.getBoundingClientRect().right > width + 1);
    const names = wide.map((each) => each.tagName).join(" ");
    found.textContent += `width ${width} needs ${page.scrollingElement.scrollWidth} outside: ${names}.\\n`;
    if (--waiting === 0) found.textContent += "measured\\n";
  };
  frame.src = "report.html";
  document.body.append(frame);
}
</script>"""


def browse(folder: Path, target: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a browser that knows nothing and reaches nothing."""
    assert CHROMIUM is not None
    quiet = ("gpu", "quic", "background-networking", "component-update", "sync", "extensions", "default-apps")
    return subprocess.run(
        [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--no-first-run",
            *(f"--disable-{feature}" for feature in quiet),
            "--proxy-server=127.0.0.1:9",
            "--hide-scrollbars",
            "--enable-logging=stderr",
            f"--user-data-dir={folder / 'profile'}",
            *options,
            target.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )


@pytest.fixture(params=["one", "two"])
def report(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    target = tmp_path / "report.html"
    shutil.copy(request.getfixturevalue(request.param), target)
    return target


def test_nothing_is_wider_than_the_window_and_the_console_is_silent(report: Path) -> None:
    probe = report.with_name("probe.html")
    probe.write_text(_PROBE, encoding="utf-8")
    options = ("--allow-file-access-from-files", "--virtual-time-budget=10000", "--dump-dom", "--window-size=1400,1000")
    result = browse(report.parent, probe, *options)
    assert "measured" in result.stdout
    found = re.findall(r"width (\d+) needs (\d+) outside: (.*)\.", result.stdout)
    assert found == [(width, width, "") for width, _, _ in found]
    assert {width for width, _, _ in found} == {"320", "390", "768", "1280"}
    assert "CONSOLE" not in result.stderr


def test_a_script_in_a_report_would_be_refused_by_its_own_policy(report: Path) -> None:
    spoilt = report.with_name("spoilt.html")
    text = report.read_text(encoding="utf-8")
    spoilt.write_text(text.replace("<main>", "<main><script>document.title = 'run'</script>"), encoding="utf-8")
    result = browse(report.parent, spoilt, "--dump-dom")
    assert "<title>run</title>" not in result.stdout
    assert "Content Security Policy" in result.stderr


@pytest.mark.parametrize(("options", "dark"), [((), False), (("--blink-settings=preferredColorScheme=0",), True)])
def test_the_ground_is_dark_where_the_reader_s_screen_is(report: Path, options: tuple[str, ...], dark: bool) -> None:
    shot = report.with_name("shot.png")
    browse(report.parent, report, *options, f"--screenshot={shot}", "--window-size=1000,1500")
    pixels = imread(shot)[:, :, :3]
    assert (pixels[-1, 0].max() < 0.2) == dark
    assert (pixels[5, 5].max() < 0.2) == dark
    assert pixels.std() > 0.05  # there is something on it


def test_it_prints(report: Path) -> None:
    paper = report.with_name("report.pdf")
    browse(report.parent, report, f"--print-to-pdf={paper}", "--no-pdf-header-footer")
    content = paper.read_bytes()
    assert content.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", content)) >= 3
