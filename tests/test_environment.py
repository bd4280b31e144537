"""The words that say what calib runs on."""

import platform
import re
from pathlib import Path

import pytest

import calib
from calib.environment import commit, hardware, versions


def test_the_commit_is_one_word_of_git_or_says_that_there_is_none() -> None:
    checkout = (Path(calib.__file__).resolve().parent.parent / ".git").exists()
    assert re.fullmatch(r"\S+" if checkout else "release", commit())


def test_the_hardware_is_one_line_with_its_number_of_cores() -> None:
    assert re.fullmatch(r".+, \d+ cores", hardware())


@pytest.mark.skipif(platform.machine() != "x86_64" or not Path("/proc/cpuinfo").exists(), reason="no flags to read")
def test_the_hardware_names_the_widest_vectors() -> None:
    flags = Path("/proc/cpuinfo").read_text().split()
    assert ("(AVX-512)" in hardware()) == ("avx512f" in flags)
    assert ("(AVX2)" in hardware()) == ("avx2" in flags and "avx512f" not in flags)


def test_versions_are_those_that_are_imported() -> None:
    import numpy

    assert versions()["numpy"] == numpy.__version__
    assert versions()["calib"] == calib.__version__
