"""digits: 1,797 handwritten digits of 8 × 8 pixels, part of calib itself, so that everything can be tried offline."""

from pathlib import Path

import numpy as np

from calib.datasets._types import Dataset, SplitSizes

NAME = "digits"
N_IMAGES = 1797
SHAPE = (1, 8, 8)
CLASS_NAMES = tuple("0123456789")

_FILE = Path(__file__).with_name("digits.npz")


def find(data_dir: Path | None = None) -> Path:
    """The folder that holds the file: calib's own, wherever ``data_dir`` points."""
    return _FILE.parent


def load(data_dir: Path | None = None) -> Dataset:
    """Read the embedded file; pixels are 0 … 16, and there is no official test part.

    Source: E. Alpaydin and C. Kaynak (1998), Optical Recognition of Handwritten Digits, UCI Machine Learning
    Repository, doi 10.24432/C50P49, CC BY 4.0; see ``digits.LICENSE.txt``.

    >>> load().images.shape
    (1797, 1, 8, 8)
    """
    with np.load(_FILE, allow_pickle=False) as file:
        images, labels = file["images"], file["labels"]
    return Dataset(
        name=NAME,
        images=images[:, None],
        labels=labels.astype(np.int64),
        class_names=CLASS_NAMES,
        mean=(0.3053,),  # of all 1,797 images
        std=(0.3760,),
        pixel_max=16,
        n_train=None,
        usual_sizes=SplitSizes(train=600, calibration=400),
    )
