"""mnist-14 and fashion-mnist-14: 14 × 14 by the mean of each 2 × 2 pixels, for trainings of seconds on a CPU."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from calib.datasets import mnist_family
from calib.datasets._types import Dataset, SplitSizes
from calib.datasets.mnist_family import Member

SHAPE = (1, 14, 14)


def pooled_name(member: Member) -> str:
    """The name of the data set of small images.

    >>> pooled_name(mnist_family.MNIST)
    'mnist-14'
    """
    return f"{member.name}-{SHAPE[1]}"


def load(member: Member, data_dir: Path | None = None) -> Dataset:
    """Read the files of `calib.datasets.mnist_family` and make their images smaller.

    Usually 2,000 images are for training and 5,000 for calibration; the official 10,000 are for testing.  Mean and
    standard deviation are the published ones of the large images.  The mean of four pixels varies less than a pixel: of
    the small clothes they are .2860 and .3301, not .286 and .353, so that a network sees inputs of standard deviation
    0.935, not 1.  Raises `InputError` as `calib.datasets.mnist_family.load` does.
    """
    large = mnist_family.load(member, data_dir)
    usual = SplitSizes(train=2_000, calibration=5_000)
    return replace(large, name=pooled_name(member), images=mean_of_2x2(large.images), usual_sizes=usual)


def mean_of_2x2(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Half as high and half as wide: the mean of each 2 × 2 pixels, halves rounded to even.

    Takes and returns uint8 ``(n, channels, height, width)``; height and width are even.

    >>> mean_of_2x2(np.array([[[[0, 1, 9, 9], [0, 1, 9, 9]]]], dtype=np.uint8)).tolist()  # means 0.5 and 9
    [[[[0, 9]]]]
    """
    n, channels, height, width = images.shape
    sums = images.reshape(n, channels, height // 2, 2, width // 2, 2).sum(axis=(3, 5), dtype=np.uint16)
    means: npt.NDArray[np.uint8] = np.rint(sums / np.float32(4)).astype(np.uint8)
    return means
