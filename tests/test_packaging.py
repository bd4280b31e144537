"""What is shipped: version, changelog and citation agree; wheel and sdist build, are whole, install and run."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

import calib

ROOT = Path(__file__).resolve().parent.parent
CORE = (  # what runs without training, and has no use for packages that are not asked for
    *("tests/metrics", "tests/calibrators", "tests/files", "tests/plots/test_reliability.py"),
    *("tests/report/test_numbers.py", "tests/test_export.py", "tests/test_predictions.py", "tests/test_intervals.py"),
    *("tests/test_diagnosis.py", "tests/test_html.py", "tests/test_notebook.py", "tests/test_tables.py"),
)


def requirements() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found: list[str] = project["dependencies"]
    return found


def test_the_citation_and_the_changelog_are_of_this_version() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {calib.__version__}\n" in citation
    assert "\nlicense: Apache-2.0\n" in citation
    headings = re.findall(r"^## (\S+)", (ROOT / "docs" / "changelog.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == calib.__version__


def test_every_dependency_has_a_lowest_version_and_a_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for requirement in requirements():
        assert re.fullmatch(r"[a-z0-9]+>=[\d.]+", requirement)
        assert re.search(rf'"{re.escape(requirement)}", +# \w', text)


def python_in(folder: Path) -> Path:
    """The interpreter of a new environment."""
    venv.create(folder, with_pip=True)
    return folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"


def pip(python: Path, *packages: str) -> None:
    run(python, "-m", "pip", "install", "--quiet", *packages, timeout=1500)


def run(python: Path, *arguments: object, cwd: Path | None = None, timeout: int = 300) -> str:
    """What a command prints; without this checkout on its path."""
    done = subprocess.run(
        [str(python), *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env={"PATH": str(python.parent), "MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1", **_settings_of_pip()},
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def _settings_of_pip() -> dict[str, str]:
    kept = ("PIP_", "HOME", "SSL_", "HTTP", "http", "no_proxy", "NO_PROXY", "SYSTEMROOT", "TEMP", "TMP", "APPDATA")
    return {name: value for name, value in os.environ.items() if name.startswith(kept)}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist, built from a copy of what is committed or about to be."""
    folder = tmp_path_factory.mktemp("built")
    python = python_in(folder / "venv")
    pip(python, "hatchling>=1.27")
    left_out = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", "build", "dist", "runs", "data")
    shutil.copytree(ROOT, folder / "copy", ignore=left_out)
    run(python, "-m", "hatchling", "build", "-d", folder / "dist", cwd=folder / "copy")
    return folder / "dist"


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_wheel_holds_all_that_is_used_and_no_tests(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"calib", f"calib_toolkit-{calib.__version__}.dist-info"}
    files = [path for path in (ROOT / "calib").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    inside = {name for name in names if name.startswith("calib/")}
    assert inside == {path.relative_to(ROOT).as_posix() for path in files}
    assert "calib/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    entry = next(name for name in names if name.endswith("entry_points.txt"))
    assert "calib = calib.cli:main" in zipfile.ZipFile(wheel).read(entry).decode()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_sdist_holds_what_its_tests_need(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = ("calib/py.typed", "tests/test_packaging.py", "docs/tutorial.ipynb", "Makefile", "LICENSE", "CITATION.cff")
    for name in (*wanted, "SECURITY.md", "README.md", "constraints.txt", "pyproject.toml"):
        assert name in names


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("which", ["newest", "minimal"])
def test_the_wheel_installs_into_a_new_environment_and_runs(built: Path, tmp_path: Path, which: str) -> None:
    """With torch of the version that is here: its oldest builds are not to be had without CUDA."""
    if which == "minimal" and sys.version_info >= (3, 13):
        pytest.skip("the oldest versions have no wheels for this Python")
    torch = f"torch=={version('torch').partition('+')[0]}"
    oldest = [text.replace(">=", "==") for text in requirements() if not text.startswith("torch")]
    (wheel,) = built.glob("*.whl")
    python = python_in(tmp_path / "venv")
    pip(python, torch)
    pip(python, str(wheel), *(oldest if which == "minimal" else ()))
    command = python.with_name("calib")
    table = run(command, "evaluate", "example:cifar10-resnet20-hard", cwd=tmp_path)
    assert "Ship: softmax(logits / 1.127)" in table
    run(command, "report", "example:digits-resnet8-hard", "-o", "report.html", cwd=tmp_path)
    run(command, "compare", "example:digits-resnet8-hard", "--format", "latex", cwd=tmp_path)
    if which == "minimal":  # the tests too; Matplotlib of that age with a pyparsing that does not warn about it
        pip(python, "pytest>=8.3", "pytest-timeout>=2.3", "hypothesis>=6.100", "pyparsing<3.2")
        (sdist,) = built.glob("*.tar.gz")
        shutil.unpack_archive(sdist, tmp_path, filter="data")
        (source,) = tmp_path.glob("calib_toolkit-*")
        run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *CORE, cwd=source, timeout=3000)
