"""The images that saved predictions are of, where their data set is known and at hand."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from calib.datasets import dataset_entry, load_dataset
from calib.datasets.splits import fingerprint, split
from calib.errors import InputError
from calib.predictions import Predictions


def pictures_of(predictions: Predictions, *, data_dir: Path | None = None) -> npt.NDArray[np.uint8] | None:
    """The images of predictions of `calib train`, in their order: uint8 ``(n, channels, height, width)`` in 0 … 255.

    None where the predictions do not say which data set, split and part they are of.  The data set must be the very
    one: its fingerprint and its labels are compared.  Raises `InputError` where it is not at hand, or another.
    """
    config, known = (predictions.provenance.get(name) for name in ("config", "fingerprint"))
    part = predictions.provenance.get("split")
    if not isinstance(config, dict) or known is None or part not in ("train", "calibration", "test"):
        return None
    dataset = load_dataset(dataset_entry(str(config.get("dataset"))).name, data_dir=data_dir)
    sizes = {name: config.get(name) for name in ("train_size", "calibration_size")}
    rows = split(dataset, seed=config.get("split_seed", 0), **sizes)
    chosen = getattr(rows, part)
    if fingerprint(dataset, rows) != known or not np.array_equal(dataset.labels[chosen], predictions.labels):
        raise InputError(
            f"the {dataset.name} found here is not what these predictions are of",
            help="point --data-dir to the original files",
        )
    images: npt.NDArray[np.uint8] = dataset.images[chosen]
    if dataset.pixel_max == 255:
        return images
    shades = np.arange(dataset.pixel_max + 1) * 255 // dataset.pixel_max
    return np.asarray(shades[images], np.uint8)
