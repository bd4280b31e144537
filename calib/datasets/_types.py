"""Dataset and SplitSizes: images, labels, and what a network must know about them."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from calib._arrays import Int
from calib.errors import InputError


class SplitSizes(NamedTuple):
    """How many examples a split usually takes for training and for calibration; the rest is for testing."""

    train: int
    calibration: int


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images and labels of one data set, all parts in one array.

    ``images`` are uint8 ``(n, channels, height, width)`` with values 0 … ``pixel_max``, ``labels`` int64 ``(n,)`` in
    0 … k − 1.  ``mean`` and ``std`` have one number a channel, in units of the scaled pixel: a network sees
    ``(images / pixel_max − mean) / std``.  The first ``n_train`` rows are the official training part and the rest the
    official test part; None where there is no official test part and `split` draws one.

    Raises `InputError` where the fields contradict each other.

    >>> images = np.zeros((2, 1, 4, 4), dtype=np.uint8)
    >>> tiny = Dataset(name="tiny", images=images, labels=np.array([0, 1]), class_names=("no", "yes"), mean=(0.5,),
    ...                std=(0.25,), pixel_max=255, n_train=None, usual_sizes=SplitSizes(1, 1))
    >>> tiny.n, tiny.n_classes, tiny.shape
    (2, 2, (1, 4, 4))
    """

    name: str
    images: npt.NDArray[np.uint8]
    labels: Int
    class_names: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    pixel_max: int
    n_train: int | None
    usual_sizes: SplitSizes

    def __post_init__(self) -> None:
        images, labels = self.images, self.labels
        if images.ndim != 4 or images.dtype != np.uint8 or len(images) == 0:
            raise self._error(f"images must be uint8 (n, channels, height, width), got {images.dtype} {images.shape}")
        if labels.dtype != np.int64 or labels.shape != (self.n,):
            raise self._error(f"labels must be int64 ({self.n},), got {labels.dtype} {labels.shape}")
        if (outside := (labels < 0) | (labels >= self.n_classes)).any():
            row = int(np.argmax(outside))
            raise self._error(f"labels must lie in 0 … {self.n_classes - 1}, row {row} holds {labels[row]}")
        if len(self.mean) != images.shape[1] or len(self.std) != images.shape[1] or min(self.std) <= 0:
            raise self._error(f"mean and a positive std are needed for each of {images.shape[1]} channels")
        if not 1 <= self.pixel_max <= 255 or images.max() > self.pixel_max:
            raise self._error(f"pixels must lie in 0 … {self.pixel_max}, the largest is {images.max()}")
        if self.n_train is not None and not 0 < self.n_train < self.n:
            raise self._error(f"n_train must lie in 1 … {self.n - 1}, got {self.n_train}")

    @property
    def n(self) -> int:
        """Number of examples, all parts together."""
        return int(self.images.shape[0])

    @property
    def n_classes(self) -> int:
        """Number of classes, k."""
        return len(self.class_names)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of one image."""
        _, channels, height, width = self.images.shape
        return channels, height, width

    @property
    def test_rows(self) -> Int:
        """Rows ``(m,)`` of the official test part, of all where there is none."""
        return np.arange(self.n_train or 0, self.n)

    def _error(self, message: str) -> InputError:
        return InputError(f"data set {self.name}: {message}", help="check how the data set was put together")
