"""The training labels are those that the config asks for, and nothing else of the data set changes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calib.datasets import Dataset, SplitSizes
from calib.errors import InputError
from calib.training.config import TrainConfig
from calib.training.labels import training_labels

RNG = np.random.default_rng(0)
OFFICIAL = RNG.integers(0, 4, 50)
DATASET = Dataset(
    name="four",
    images=np.zeros((60, 1, 2, 2), np.uint8),
    labels=np.concatenate([OFFICIAL, RNG.integers(0, 4, 10)]),
    class_names=("a", "b", "c", "d"),
    mean=(0.5,),
    std=(0.5,),
    pixel_max=255,
    n_train=50,
    usual_sizes=SplitSizes(30, 20),
)
ROWS = np.arange(5, 45)
CONFIG = TrainConfig(dataset="four")


def test_without_noise_the_labels_are_the_official_ones() -> None:
    assert np.array_equal(training_labels(CONFIG, DATASET, ROWS), OFFICIAL[ROWS])


def test_the_kind_of_noise_decides_where_labels_go() -> None:
    noisy = replace(CONFIG, label_noise=0.5)
    symmetric = training_labels(noisy, DATASET, ROWS)
    asymmetric = training_labels(replace(noisy, label_noise_kind="asymmetric"), DATASET, ROWS)
    wrong = asymmetric != OFFICIAL[ROWS]
    assert np.array_equal(asymmetric[wrong], (OFFICIAL[ROWS][wrong] + 1) % 4)
    assert len(set(((symmetric - OFFICIAL[ROWS]) % 4).tolist())) > 2


def test_labels_of_a_file_are_taken_in_the_official_order(tmp_path: Path) -> None:
    theirs = (OFFICIAL + 1) % 4
    np.savez(tmp_path / "theirs.npz", noisy=theirs, clean_label=OFFICIAL)
    config = replace(CONFIG, labels_file=str(tmp_path / "theirs.npz"), labels_key="noisy")
    assert np.array_equal(training_labels(config, DATASET, ROWS), theirs[ROWS])
    np.savez(tmp_path / "theirs.npz", noisy=theirs, clean_label=theirs)
    with pytest.raises(InputError, match="another order"):
        training_labels(config, DATASET, ROWS)
    with pytest.raises(InputError, match="no official training part"):
        training_labels(config, replace(DATASET, n_train=None), ROWS)


def test_noise_and_a_file_exclude_each_other() -> None:
    with pytest.raises(InputError, match="both change"):
        replace(CONFIG, label_noise=0.1, labels_file="x.npz")
