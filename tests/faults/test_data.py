"""Cases 29 to 31: folders of images and files of data sets that are incomplete, damaged or made to do harm."""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from calib.datasets.image_folder import image_folder

from .conftest import Run, assert_refused

Image: Any = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
pytestmark = pytest.mark.timeout(60)


def picture(path: Path, mode: str = "RGB", size: tuple[int, int] = (12, 12), **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size).save(path, **options)
    return path


def _classes(folder: Path) -> Path:
    for name in ("cat", "dog"):
        picture(folder / name / "x.png")
    return folder


def _bomb(path: Path) -> Path:
    """A PNG of 400 million pixels, or so its header says."""
    import zlib

    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    crc = struct.pack(">I", zlib.crc32(chunk))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + struct.pack(">I", len(header)) + chunk + crc)
    return path


def _cut(folder: Path) -> None:
    path = picture(folder / "dog" / "y.png", size=(200, 200))
    path.write_bytes(path.read_bytes()[:-30])


REFUSED: dict[str, tuple[Callable[[Path], Any], str]] = {
    "29-images-without-folders": (lambda folder: picture(folder / "x.png"), "no folders of classes"),
    "29-no-folder": (lambda folder: None, "is no folder"),
    "29-one-class": (lambda folder: picture(folder / "cat" / "x.png"), "one folder of classes"),
    "29-empty-class": (lambda folder: (_classes(folder) / "eel").mkdir(), "eel holds no images"),
    "29-hidden-files-only": (lambda folder: picture(_classes(folder) / "eel" / ".x.png"), "eel holds no images"),
    "29-no-image": (lambda folder: (_classes(folder) / "dog" / "y.jpg").write_text("<html>"), "y.jpg cannot be read"),
    "29-cut-image": (lambda folder: _cut(_classes(folder)), "y.png cannot be read"),
    "29-bomb": (lambda folder: _bomb(_classes(folder) / "dog" / "y.png"), "y.png cannot be read"),
}


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """Weights for images of three channels and two classes."""
    from calib.models import build_model

    made = build_model("resnet8", n_classes=2, n_channels=3, width=4, image_size=(8, 8))
    torch.save(made.state_dict(), tmp_path / "net.pt")
    return tmp_path / "net.pt"


def evaluated(run: Run, network: Path, folder: Path) -> Any:
    options = ("--dataset", "folder", "--data-dir", folder, "--image-size", "8", "--arch", "resnet8")
    return run("predict", network, *options, "-o", network.parent / "p.npz", "--force")


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_folder_of_images_by_class_is_refused_by_name(
    run: Run, tmp_path: Path, network: Path, case: str
) -> None:
    make, words = REFUSED[case]
    make(tmp_path / "data")
    assert_refused(evaluated(run, network, tmp_path / "data"), words, str(tmp_path / "data"))
    assert not (tmp_path / "p.npz").exists()


ODD: dict[str, Callable[[Path], Any]] = {
    "29-animated": lambda folder: picture(
        folder / "dog" / "y.gif", "P", save_all=True, append_images=[Image.new("P", (12, 12))]
    ),
    "29-cmyk": lambda folder: picture(folder / "dog" / "y.jpg", "CMYK"),
    "29-one-pixel": lambda folder: picture(folder / "dog" / "y.png", size=(1, 1)),
    "29-hidden-files": lambda folder: (folder / "dog" / ".DS_Store").write_bytes(b"\0"),
    "29-symlink-loop": lambda folder: (folder / "dog" / "again").symlink_to(folder),
}


@pytest.mark.parametrize("case", ODD)
def test_odd_images_are_read_and_loops_are_not_followed(run: Run, tmp_path: Path, network: Path, case: str) -> None:
    ODD[case](_classes(tmp_path / "data"))
    result = evaluated(run, network, tmp_path / "data")
    assert result.code == 0, result.err
    images = 2 if case in ("29-hidden-files", "29-symlink-loop") else 3
    assert f"{images} images of 2 classes, in the order 'cat', 'dog'" in result.err
    assert "mean and std are those of ImageNet" in result.err


@pytest.mark.parametrize("case", ["29-sixteen-bits"])
def test_the_grey_of_16_bits_is_that_of_8(tmp_path: Path, case: str) -> None:
    _classes(tmp_path)
    Image.fromarray(np.full((12, 12), 128 * 257, np.uint16)).save(tmp_path / "cat" / "x.png")
    ((images, _),) = image_folder(tmp_path, image_size=8).batches(2)
    assert set(images[0].ravel().tolist()) == {128}


def _idx(shape: tuple[int, ...], body: bytes, magic: bytes = b"\0\0\x08") -> bytes:
    return magic + bytes([len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + body


IDX = {
    "30-idx-magic": (_idx((2, 2), bytes(4), b"\0\1\x08"), "begins with"),
    "30-idx-short": (_idx((60_000, 28, 28), bytes(100)), "declares 47,040,000 bytes and holds 100"),
    "30-idx-trailing": (_idx((2, 2), bytes(9)), "more than the 4 bytes"),
    "30-idx-bomb": (gzip.compress(_idx((2, 2), bytes(1 << 24)), mtime=0), "more than the 4 bytes"),
    "30-idx-terabytes": (_idx((1 << 20, 1 << 20), b""), "declares 1,099,511,627,776 bytes"),
}


@pytest.mark.parametrize("case", IDX)
def test_a_data_set_whose_files_are_not_what_they_declare_is_refused(run: Run, tmp_path: Path, case: str) -> None:
    content, words = IDX[case]
    folder = tmp_path / "fashion-mnist"
    folder.mkdir()
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (folder / f"{name}-ubyte.gz").write_bytes(content)
    result = run("train", "--dataset", "fashion-mnist", "--data-dir", tmp_path, "-o", tmp_path / "run")
    assert_refused(result, words, "ubyte")
    assert not (tmp_path / "run").exists()
