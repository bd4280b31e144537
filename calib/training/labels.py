"""The labels a network is trained on: the data set's own, made wrong on purpose, or somebody else's."""

from calib._arrays import Int
from calib.datasets import Dataset, asymmetric_label_noise, symmetric_label_noise
from calib.datasets.human_labels import check_clean_labels, read_labels
from calib.errors import InputError
from calib.training.config import TrainConfig


def training_labels(config: TrainConfig, dataset: Dataset, rows: Int) -> Int:
    """Labels ``(n,)`` of the training examples ``rows`` as ``config`` asks for them.

    Raises `InputError` where the file of labels cannot be read or does not go with the data set.
    """
    labels, k = dataset.labels[rows], dataset.n_classes
    if config.labels_file is not None:
        if dataset.n_train is None:
            raise InputError(
                f"{dataset.name} has no official training part whose labels a file could give",
                help="leave --labels-file out",
            )
        check_clean_labels(config.labels_file, dataset.labels[: dataset.n_train], n_classes=k)
        return read_labels(config.labels_file, n=dataset.n_train, n_classes=k, key=config.labels_key)[rows]
    if config.label_noise_kind == "asymmetric":
        return asymmetric_label_noise(labels, k, rate=config.label_noise, seed=config.seed, dataset=dataset.name)
    return symmetric_label_noise(labels, k, rate=config.label_noise, seed=config.seed)
