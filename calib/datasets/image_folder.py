"""Images in folders named by class, as torchvision's ImageFolder has them: read when asked for, resized and cropped."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from calib._arrays import Int
from calib._text import printable
from calib.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image

ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".ppm", ".tif", ".tiff", ".gif")
PARTS = ("val", "valid", "validation", "test", "eval")  # where a folder has these, the first is evaluated
CROP = 0.875  # of the shorter side, after resizing: 224 of 256
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's training images


@dataclass(frozen=True, eq=False)
class ImageFolder:
    """Paths and labels ``(n,)`` of images; classes are the folders, sorted by name.

    An image is resized so that its shorter side is ``image_size`` / 0.875, bilinearly, and the middle is cut out.
    """

    files: tuple[Path, ...]
    labels: Int
    class_names: tuple[str, ...]
    image_size: int

    @property
    def dtype(self) -> np.dtype[np.uint8]:
        """Of the pixels."""
        return np.dtype(np.uint8)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """That of all images in one array, which is never made: ``folder[row]`` reads one."""
        return len(self.files), 3, self.image_size, self.image_size

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, row: int) -> npt.NDArray[np.uint8]:
        return _read(self.files[row], self.image_size)

    def batches(self, size: int) -> Iterator[tuple[npt.NDArray[np.uint8], Int]]:
        """Images uint8 ``(b, 3, image_size, image_size)`` and labels ``(b,)``, in the order of the files.

        Raises `InputError` naming the file that cannot be read.
        """
        for start in range(0, len(self.files), size):
            rows = range(start, min(start + size, len(self)))
            yield np.stack([self[row] for row in rows]), self.labels[start : start + size]


def image_folder(folder: Path | str, *, image_size: int = 224) -> ImageFolder:
    """List the images below ``folder``, or below its ``val`` or ``test``.

    Raises `InputError` where there are no folders of classes, or one of them holds no image.
    """
    root = Path(folder)
    if not root.is_dir():
        raise InputError(f"{root} is no folder", help="--data-dir names the folder that holds one folder a class")
    if image_size < 1:
        raise InputError(f"image_size must be at least 1, got {image_size}", help="224 is usual")
    root = next((root / part for part in PARTS if (root / part).is_dir()), root)
    classes = sorted(path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    if len(classes) < 2:
        raise InputError(
            f"{root} holds {'one folder' if classes else 'no folders'} of classes, at least 2 are needed",
            help="put the images of each class into a folder of its name",
        )
    files: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        found = sorted(file for file in (root / name).rglob("*") if _is_image(file))
        if not found:
            raise InputError(f"{root / name} holds no images", help=f"known are {', '.join(ENDINGS)}")
        files += found
        labels += [label] * len(found)
    return ImageFolder(tuple(files), np.array(labels, dtype=np.int64), tuple(classes), image_size)


def _is_image(file: Path) -> bool:
    return file.suffix.lower() in ENDINGS and not file.name.startswith(".") and file.is_file()


def _in_eight_bits(image: "Image") -> "Image":
    """An image of 16 bits a pixel with 8, which Pillow's own conversion would cut off at 255."""
    if not image.mode.startswith("I"):
        return image
    from PIL import Image

    wide = np.asarray(image, dtype=np.float64)
    return Image.fromarray(np.clip(np.rint(wide / 257), 0, 255).astype(np.uint8))


def _read(file: Path, image_size: int) -> npt.NDArray[np.uint8]:
    from PIL import Image

    try:
        with Image.open(file) as image:
            picture = _in_eight_bits(image).convert("RGB")
            shorter = max(round(image_size / CROP), image_size)
            scale = shorter / min(picture.size)
            width, height = (max(round(side * scale), image_size) for side in picture.size)
            left, top = round((width - image_size) / 2), round((height - image_size) / 2)
            resized = picture.resize((width, height), Image.Resampling.BILINEAR)
            cut = resized.crop((left, top, left + image_size, top + image_size))
            return np.asarray(cut, dtype=np.uint8).transpose(2, 0, 1)
    except Exception as error:  # Pillow raises a dozen kinds on a damaged file; each means the same
        reason = printable(str(error) or type(error).__name__)
        raise InputError(f"{file} cannot be read as an image ({reason})", help="mend it, or take it out") from error
