"""What the tests of data sets share: no data of the machine's own, and few rows a file."""

from pathlib import Path

import pytest

from calib.datasets import cifar, fashion_mnist

from .synthetic import N_TEST, N_TRAIN


@pytest.fixture
def no_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache folder, no environment variables, no Debian folder; returns the cache of calib's data."""
    for name in ("CALIB_DATA", "CALIB_DATA_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(fashion_mnist, "DEBIAN", tmp_path / "debian")
    return tmp_path / "cache" / "calib" / "data"


@pytest.fixture
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the readers expect the sizes of the synthetic files."""
    monkeypatch.setattr(cifar, "_N_TRAIN", N_TRAIN)
    monkeypatch.setattr(cifar, "_N_TEST", N_TEST)
    monkeypatch.setattr(fashion_mnist, "_ROWS", {"train": N_TRAIN, "t10k": N_TEST})
