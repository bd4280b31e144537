"""Augmentation does to each image what its key says: the same in any batch, order and process."""

import numpy as np
import pytest
import torch

from calib.training.augmentation import AugmentedImages, keyed_bits
from calib.training.config import TrainConfig
from calib.training.images import Normalisation

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 3, 7, 5), dtype=np.uint8)
NORMALISATION = Normalisation(mean=(0.1, 0.5, 0.9), std=(0.2, 0.3, 0.4), pixel_max=255)


def augmented(**fields: object) -> AugmentedImages:
    config = TrainConfig(dataset="digits", **fields)  # type: ignore[arg-type]
    return AugmentedImages.of(IMAGES, NORMALISATION, config)


def by_hand(image: np.ndarray, dy: int, dx: int, mirrored: bool, fill: str) -> np.ndarray:
    """Move pixel by pixel: what leaves is lost, what comes in is black or the nearest pixel."""
    _, height, width = image.shape
    moved = np.zeros(image.shape)
    for y in range(height):
        for x in range(width):
            from_y, from_x = y + dy, x + dx
            if fill == "nearest":
                from_y, from_x = np.clip(from_y, 0, height - 1), np.clip(from_x, 0, width - 1)
            if 0 <= from_y < height and 0 <= from_x < width:
                moved[:, y, width - 1 - x if mirrored else x] = image[:, from_y, from_x]
    mean, std = (np.array(values)[:, None, None] for values in (NORMALISATION.mean, NORMALISATION.std))
    seen: np.ndarray = (moved / 255 - mean) / std
    return seen


@pytest.mark.parametrize("fill", ["zero", "nearest"])
@pytest.mark.parametrize("flip", [False, True])
def test_every_image_is_moved_and_mirrored_as_its_bits_say(fill: str, flip: bool) -> None:
    rows = torch.tensor([3, 39, 0, 17, 3])
    made = augmented(shift=2, shift_fill=fill, flip=flip, seed=5).batch(rows, 4).numpy()
    for row, image, bits in zip(rows.tolist(), made, keyed_bits(5, 4, rows.numpy()).tolist(), strict=True):
        dy, dx, mirrored = (bits >> 16) % 5 - 2, (bits >> 40) % 5 - 2, bool(bits & 1) and flip
        np.testing.assert_allclose(image, by_hand(IMAGES[row], dy, dx, mirrored, fill), atol=1e-5)


def test_without_augmentation_images_are_the_normalised_ones() -> None:
    rows = torch.arange(40)
    plain = NORMALISATION(IMAGES)
    for images in (augmented().batch(rows, 3), augmented(shift=2, flip=True).batch(rows, 0)):
        torch.testing.assert_close(images, plain, atol=1e-5, rtol=0)
        assert images.is_contiguous(memory_format=torch.channels_last)


def test_an_image_looks_the_same_in_every_batch_and_differs_between_epochs_and_seeds() -> None:
    images = augmented(shift=3, flip=True, seed=1)
    everything = images.batch(torch.arange(40), 2)
    assert torch.equal(images.batch(torch.tensor([8, 31]), 2), everything[[8, 31]])
    assert not torch.equal(images.batch(torch.arange(40), 3), everything)
    assert not torch.equal(augmented(shift=3, flip=True, seed=2).batch(torch.arange(40), 2), everything)


def test_shifts_and_flips_are_uniform_and_independent() -> None:
    images = augmented(shift=1, flip=True)
    rows = np.arange(9000)
    (down, right), mirrored = images._draw(rows, 1)
    counts = np.bincount(down * 6 + right * 2 + mirrored, minlength=18)
    assert ((counts - 500) ** 2 / 500).sum() < 40.8  # chi-square with 17 degrees of freedom, p = 0.001
    again = images._draw(rows, 2)[0]
    assert abs(np.corrcoef(down, again[0])[0, 1]) < 0.04


def test_nothing_is_drawn_from_a_global_generator() -> None:
    before = torch.random.get_rng_state()
    augmented(shift=2, flip=True).batch(torch.arange(40), 1)
    assert torch.equal(torch.random.get_rng_state(), before)
