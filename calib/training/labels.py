"""The labels a network is trained on: the data set's own, made wrong on purpose, or somebody else's."""

import numpy as np
import numpy.typing as npt

from calib.datasets import Dataset, symmetric_label_noise
from calib.training.config import TrainConfig


def training_labels(config: TrainConfig, dataset: Dataset, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Labels ``(n,)`` of the training examples ``rows`` as ``config`` asks for them.

    Raises `InputError` where the file of labels cannot be read or does not go with the data set.
    """
    labels = dataset.labels[rows]
    return symmetric_label_noise(labels, dataset.n_classes, rate=config.label_noise, seed=config.seed)
