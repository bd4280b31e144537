"""What the tests of data sets share: no data of the machine's own, and few rows a file."""

import hashlib
from pathlib import Path
from types import MappingProxyType

import pytest

from calib.datasets import cifar, mnist_family

from .synthetic import N_TEST, N_TRAIN, mnist_contents


@pytest.fixture
def no_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache folder, no environment variables, no Debian folder; returns the cache of calib's data."""
    for name in ("CALIB_DATA", "CALIB_DATA_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(mnist_family, "DEBIAN", tmp_path / "debian")
    return tmp_path / "cache" / "calib" / "data"


@pytest.fixture
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the readers expect the sizes and checksums of the synthetic files."""
    monkeypatch.setattr(cifar, "_N_TRAIN", N_TRAIN)
    monkeypatch.setattr(cifar, "_N_TEST", N_TEST)
    monkeypatch.setattr(mnist_family, "_ROWS", {"train": N_TRAIN, "t10k": N_TEST})
    owners = {
        hashlib.md5(content).hexdigest(): name
        for name in ("mnist", "fashion-mnist")
        for content in mnist_contents(name).values()
    }
    monkeypatch.setattr(mnist_family, "OWNERS", MappingProxyType(owners))
