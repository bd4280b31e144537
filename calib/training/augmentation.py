"""Batches of augmented images, made by a few tensor operations where the data lies.

What happens to an image depends on (seed, epoch, example) alone: not on the batch it is in, nor on the process.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from calib._arrays import Int
from calib.training.config import TrainConfig
from calib.training.images import Normalisation


@dataclass(frozen=True, eq=False)
class AugmentedImages:
    """Training images as stored, uint8 and padded, and how they become a batch.

    ``windows[i, dy, dx]`` is image i cut out at that offset, ``(height, width, channels)``: a view, nothing is copied.
    """

    windows: Tensor
    scale: Tensor
    offset: Tensor
    shift: int
    flip: bool
    seed: int

    @classmethod
    def of(
        cls, images: npt.NDArray[np.uint8], normalisation: Normalisation, config: TrainConfig, *, device: str = "cpu"
    ) -> "AugmentedImages":
        """Put uint8 images ``(n, channels, height, width)`` on ``device``."""
        height, width = images.shape[2:]
        padding = [config.shift] * 4
        stored = torch.from_numpy(np.ascontiguousarray(images)).to(device)
        if config.shift:
            # only floats can be padded by the nearest pixel; a byte comes back as it was
            stored = (
                functional.pad(stored.half(), padding, mode="replicate").byte()
                if config.shift_fill == "nearest"
                else functional.pad(stored, padding)
            )
        stored = stored.permute(0, 2, 3, 1).contiguous()
        windows = stored.unfold(1, height, 1).unfold(2, width, 1).permute(0, 1, 2, 4, 5, 3)
        mean, std = (torch.tensor(values, device=device) for values in (normalisation.mean, normalisation.std))
        return cls(
            windows, 1 / (normalisation.pixel_max * std), -mean / std, config.shift, config.flip, seed=config.seed
        )

    def batch(self, rows: Tensor, epoch: int) -> Tensor:
        """Images ``rows`` (int64, on the processor) as they look in ``epoch``.

        They are float32 ``(b, channels, height, width)``, in memory the channels come last, as convolutions like it.
        An epoch of 0 leaves them as they are.
        """
        device = self.windows.device
        shifts, mirrored = self._draw(rows.numpy(), epoch)
        pixels = self.windows[tuple(index.to(device) for index in (rows, *torch.from_numpy(shifts)))]
        if mirrored.any():
            flipped = torch.from_numpy(mirrored).to(device)
            pixels = torch.where(flipped[:, None, None, None], pixels.flip(2), pixels)
        return torch.addcmul(self.offset, pixels.float(), self.scale).permute(0, 3, 1, 2)

    def _draw(self, rows: Int, epoch: int) -> tuple[Int, npt.NDArray[np.bool_]]:
        """Offsets ``(2, b)`` in 0 … 2·shift, and which images to mirror ``(b,)``."""
        if epoch == 0 or not (self.shift or self.flip):
            return np.full((2, len(rows)), self.shift), np.zeros(len(rows), bool)
        bits = keyed_bits(self.seed, epoch, rows)
        places = np.uint64(2 * self.shift + 1)
        vertical, horizontal = (bits >> np.uint64(16)) % places, (bits >> np.uint64(40)) % places
        mirrored = (bits & np.uint64(1)).astype(bool) & self.flip
        return np.stack([vertical, horizontal]).astype(np.int64), mirrored


def keyed_bits(seed: int, epoch: int, examples: Int) -> npt.NDArray[np.uint64]:
    """64 random bits for each example, a function of (seed, epoch, example) and of nothing else.

    The finaliser of SplitMix64 (Steele et al., 2014), applied to key and counter in turn.

    >>> keyed_bits(0, 1, np.array([5, 3]))[1] == keyed_bits(0, 1, np.array([3]))[0]
    np.True_
    """
    start = np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)
    with np.errstate(over="ignore"):
        bits: Any = start + examples.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            bits = (bits ^ (bits >> np.uint64(shift))) * np.uint64(factor)
    result: npt.NDArray[np.uint64] = bits ^ (bits >> np.uint64(31))
    return result
