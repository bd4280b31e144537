"""The process and machine that calib runs on: versions, hardware, and a clean end when it is told to stop."""

import os
import platform
import signal
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from calib._version import __version__

_VECTORS = {"avx512f": "AVX-512", "avx2": "AVX2"}  # by the flags of /proc/cpuinfo, the widest first
_PACKAGES = ("torch", "numpy", "scipy", "matplotlib", "pandas", "typer")


def versions() -> dict[str, str]:
    """Versions of calib, Python and the packages it stands on, without importing them."""
    found = {"calib": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def hardware() -> str:
    """Processor, its widest vectors where they are known, and number of cores, in words."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = (line.partition(":") for line in cpuinfo.read_text(errors="replace").splitlines())
        first = {key.strip(): value.strip() for key, _, value in reversed([*lines])}
        name = first.get("model name", name)
        widest = [word for flag, word in _VECTORS.items() if flag in first.get("flags", "").split()]
        name += f" ({widest[0]})" if widest else ""
    return f"{name}, {os.cpu_count()} cores"


def commit() -> str:
    """The commit of the checkout that calib runs from, or "release" where it runs from none."""
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return "release"
    try:
        described = subprocess.run(  # noqa: S603  # fixed arguments
            ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"],  # noqa: S607  # git is on the PATH
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return described.stdout.strip()


def exit_on_termination() -> None:
    """Make SIGTERM unwind this process with exit code 143, so that what is half written is removed on the way."""

    def exit_once(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one must not break off the tidying up
        sys.exit(143)

    signal.signal(signal.SIGTERM, exit_once)
