"""Turn stored pixels into what a network sees."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from calib.datasets import Dataset


@dataclass(frozen=True)
class Normalisation:
    """The map ``(pixels / pixel_max − mean) / std``, with one mean and std a channel.

    >>> Normalisation(mean=(0.5,), std=(0.25,), pixel_max=16)(np.full((1, 1, 2, 2), 12, np.uint8))[0, 0, 0, 0]
    tensor(1.)
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    pixel_max: int

    @classmethod
    def of(cls, dataset: Dataset) -> "Normalisation":
        """Take the numbers that belong to a data set."""
        return cls(mean=dataset.mean, std=dataset.std, pixel_max=dataset.pixel_max)

    def __call__(self, images: npt.NDArray[np.uint8]) -> Tensor:
        """Turn uint8 images ``(n, channels, height, width)`` into a float32 tensor of the same shape."""
        mean, std = (torch.tensor(values)[:, None, None] for values in (self.mean, self.std))
        return (torch.from_numpy(images).float() / self.pixel_max - mean) / std
