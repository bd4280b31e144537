"""Folders of images: classes by name, the middle cut out of what was resized, damaged files named."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from calib.datasets.image_folder import image_folder
from calib.errors import InputError


def picture(path: Path, size: tuple[int, int] = (40, 20), colour: tuple[int, int, int] = (255, 0, 0)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)


def test_classes_are_folders_sorted_by_name_and_val_goes_first(tmp_path: Path) -> None:
    for name in ("zebra", "ant"):
        picture(tmp_path / "val" / name / "b.png")
        picture(tmp_path / "val" / name / "a.png")
    picture(tmp_path / "train" / "ant" / "c.png")
    (tmp_path / "val" / "ant" / ".hidden.png").write_text("no image")
    (tmp_path / "val" / "ant" / "notes.txt").write_text("no image")
    found = image_folder(tmp_path)
    assert found.class_names == ("ant", "zebra")
    assert [file.name for file in found.files] == ["a.png", "b.png"] * 2
    assert found.labels.tolist() == [0, 0, 1, 1]
    assert image_folder(tmp_path / "val").files == found.files


def test_the_middle_is_cut_out_of_what_was_resized(tmp_path: Path) -> None:
    for name in ("a", "b"):
        image = Image.new("RGB", (90, 30), (0, 0, 255))
        image.paste((255, 255, 255), (30, 0, 60, 30))  # white in the middle third
        (tmp_path / name).mkdir()
        image.save(tmp_path / name / "x.png")
    ((images, labels),) = image_folder(tmp_path, image_size=28).batches(8)
    assert images.shape == (2, 3, 28, 28)
    assert images.dtype == np.uint8
    assert labels.tolist() == [0, 1]
    assert images[0, :, 14, 14].tolist() == [255, 255, 255]
    assert images[0].mean() > 250  # of 32 pixels a third wide the middle 28
    sizes = [len(batch) for batch, _ in image_folder(tmp_path, image_size=8).batches(1)]
    assert sizes == [1, 1]


@pytest.mark.parametrize("size", [(1, 1), (3, 500), (500, 3)])
def test_odd_sizes_and_modes_are_read(tmp_path: Path, size: tuple[int, int]) -> None:
    for name, mode in (("a", "L"), ("b", "RGBA")):
        (tmp_path / name).mkdir()
        Image.new(mode, size).save(tmp_path / name / "x.png")
    ((images, _),) = image_folder(tmp_path, image_size=16).batches(2)
    assert images.shape == (2, 3, 16, 16)


def test_what_is_no_folder_of_classes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folders of classes"):
        image_folder(tmp_path)
    with pytest.raises(InputError, match="is no folder"):
        image_folder(tmp_path / "nothing")
    picture(tmp_path / "a" / "x.png")
    (tmp_path / "b").mkdir()
    with pytest.raises(InputError, match="holds no images"):
        image_folder(tmp_path)
    (tmp_path / "b" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    with pytest.raises(InputError, match=r"broken\.png cannot be read as an image"):
        list(image_folder(tmp_path).batches(2))
