"""The images that predictions are of, where their data set is known and at hand."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from calib.datasets import DATASETS, dataset_entry, load_dataset
from calib.datasets._types import Dataset
from calib.datasets.image_folder import ImageFolder, image_folder
from calib.datasets.splits import fingerprint, split
from calib.errors import InputError
from calib.predictions import Predictions

_SIDE = 128  # of images of a folder, which are shown small


def pictures_of(
    predictions: Predictions, *, data_dir: Path | None = None
) -> "npt.NDArray[np.uint8] | ImageFolder | None":
    """The images of predictions of `calib train`, or of weights of others, in their order, in 0 … 255.

    Those of a data set are uint8 ``(n, channels, height, width)``.  Those of a folder are read one by one, and only
    where it is the very ``data_dir`` given here: no file of predictions names folders to look into.  None where the
    predictions do not say what they are of.  The data must be the very ones: labels are compared, and the fingerprint
    where there is one.  Raises `InputError` where they are not at hand, or others.
    """
    config, known, data = (predictions.provenance.get(name) for name in ("config", "fingerprint", "data"))
    part = predictions.provenance.get("split")
    if isinstance(config, dict) and known is not None and part in ("train", "calibration", "test"):
        dataset = load_dataset(dataset_entry(str(config.get("dataset"))).name, data_dir=data_dir)
        sizes = {name: config.get(name) for name in ("train_size", "calibration_size")}
        rows = split(dataset, seed=config.get("split_seed", 0), **sizes)
        return _checked(predictions, dataset, getattr(rows, part), same=fingerprint(dataset, rows) == known)
    if data in DATASETS and part == "test":
        dataset = load_dataset(str(data), data_dir=data_dir)
        return _checked(predictions, dataset, dataset.test_rows)
    if data_dir is not None and data == str(data_dir) and data_dir.is_dir():
        folder = image_folder(data_dir, image_size=_SIDE)
        _check(predictions, str(data_dir), folder.labels, folder.class_names)
        return folder
    return None


def _checked(
    predictions: Predictions, dataset: Dataset, rows: "npt.NDArray[np.int64]", *, same: bool = True
) -> npt.NDArray[np.uint8]:
    _check(predictions, dataset.name, dataset.labels[rows], dataset.class_names, same=same)
    images: npt.NDArray[np.uint8] = dataset.images[rows]
    if dataset.pixel_max == 255:
        return images
    shades = np.arange(dataset.pixel_max + 1) * 255 // dataset.pixel_max
    return np.asarray(shades[images], np.uint8)


def _check(
    predictions: Predictions,
    name: str,
    labels: "npt.NDArray[np.int64]",
    class_names: tuple[str, ...],
    *,
    same: bool = True,
) -> None:
    """Raise `InputError` for other labels; those of networks with an order of classes of their own go by name."""
    own = predictions.class_names
    if own is not None and own != class_names and sorted(own) == sorted(class_names):
        labels = np.array([own.index(each) for each in class_names])[labels]
    if not same or not np.array_equal(labels, predictions.labels):
        raise InputError(
            f"the {name} found here is not what these predictions are of",
            help="point --data-dir to the original files",
        )
