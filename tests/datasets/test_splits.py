from typing import Any

import numpy as np
import pytest

from calib.datasets import Dataset, SplitSizes, fingerprint, load_dataset, split
from calib.errors import InputError


def official(n_train: int = 30, n_test: int = 10) -> Dataset:
    n = n_train + n_test
    return Dataset(
        name="official",
        images=np.arange(n * 4, dtype=np.uint8).reshape(n, 1, 2, 2),
        labels=np.arange(n) % 3,
        class_names=("a", "b", "c"),
        mean=(0.5,),
        std=(0.25,),
        pixel_max=255,
        n_train=n_train,
        usual_sizes=SplitSizes(train=20, calibration=10),
    )


def test_digits_split_into_600_400_and_797_rows_that_are_all_rows_once() -> None:
    parts = split(load_dataset("digits"), seed=3)
    assert (len(parts.train), len(parts.calibration), len(parts.test)) == (600, 400, 797)
    every = np.concatenate([parts.train, parts.calibration, parts.test])
    assert np.array_equal(np.sort(every), np.arange(1797))
    assert every.dtype == np.int64


def test_official_test_rows_stay_the_test_rows() -> None:
    for seed in range(5):
        parts = split(official(), seed=seed)
        assert np.array_equal(parts.test, np.arange(30, 40))
        assert np.array_equal(np.sort(np.concatenate([parts.train, parts.calibration])), np.arange(30))


def test_the_seed_alone_decides() -> None:
    first, again, other = (split(load_dataset("digits"), seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(first.train, again.train)
    assert np.array_equal(first.calibration, again.calibration)
    assert not np.array_equal(first.train, other.train)


def test_numpys_global_state_is_neither_read_nor_set() -> None:
    np.random.seed(5)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # type: ignore[index]  # noqa: NPY002
    split(load_dataset("digits"), seed=0)
    assert np.array_equal(before, np.random.get_state()[1])  # type: ignore[index]  # noqa: NPY002


def test_smaller_sizes_take_subsets_and_leave_the_other_set_alone() -> None:
    whole = split(official(), seed=0)
    fewer = split(official(), seed=0, train_size=7)
    assert len(fewer.train) == 7
    assert set(fewer.train) < set(whole.train)
    assert np.array_equal(fewer.calibration, whole.calibration)
    less_calibration = split(official(), seed=0, calibration_size=4)
    assert set(less_calibration.calibration) < set(whole.calibration)
    assert np.array_equal(less_calibration.train, whole.train)
    assert np.array_equal(less_calibration.test, whole.test)


def test_a_drawn_test_part_does_not_depend_on_the_other_sizes() -> None:
    digits = load_dataset("digits")
    few = split(digits, seed=0, train_size=100, calibration_size=100)
    assert np.array_equal(few.test, split(digits, seed=0).test)
    assert not np.array_equal(few.test, split(digits, seed=1).test)


def test_the_split_is_random_over_the_rows_not_the_first_ones() -> None:
    parts = split(load_dataset("digits"), seed=0)
    assert parts.train.mean() == pytest.approx(898, abs=80)
    assert parts.calibration.mean() == pytest.approx(898, abs=100)


def test_all_official_training_rows_may_be_used_and_one_more_may_not() -> None:
    split(official(), seed=0, train_size=25, calibration_size=5)
    with pytest.raises(InputError, match=r"official has 30 rows for training and calibration, 25 \+ 6"):
        split(official(), seed=0, train_size=25, calibration_size=6)


def test_training_rows_are_never_taken_from_a_drawn_test_part() -> None:
    assert len(split(load_dataset("digits"), seed=0, train_size=900, calibration_size=100).test) == 797
    with pytest.raises(InputError, match="1000 rows"):
        split(load_dataset("digits"), seed=0, train_size=901, calibration_size=100)


@pytest.mark.parametrize("size", [0, -1, 2.5, True, "5"])
def test_a_size_that_is_no_number_of_examples_is_refused(size: Any) -> None:
    with pytest.raises(InputError, match="train_size"):
        split(official(), seed=0, train_size=size)
    with pytest.raises(InputError, match="calibration_size"):
        split(official(), seed=0, calibration_size=size)


@pytest.mark.parametrize("seed", [-1, 0.5, "a", None])
def test_a_bad_seed_is_refused(seed: Any) -> None:
    with pytest.raises(InputError, match="seed"):
        split(official(), seed=seed)


def test_the_fingerprint_notices_any_change() -> None:
    dataset = official()
    parts = split(dataset, seed=0)
    same = fingerprint(official(), split(official(), seed=0))
    assert same == fingerprint(dataset, parts)
    assert len(same) == 64
    seen = {
        same,
        fingerprint(dataset, split(dataset, seed=1)),
        fingerprint(dataset, split(dataset, seed=0, train_size=9)),
    }
    pixel = official()
    pixel.images[5, 0, 1, 1] += 1
    label = official()
    label.labels[39] = (label.labels[39] + 1) % 3
    seen |= {fingerprint(pixel, parts), fingerprint(label, parts)}
    assert len(seen) == 5


def test_the_fingerprint_tells_where_one_part_ends_and_the_next_begins() -> None:
    dataset = official()
    parts = split(dataset, seed=0)
    moved = type(parts)(train=parts.train[:-1], calibration=np.r_[parts.train[-1:], parts.calibration], test=parts.test)
    assert fingerprint(dataset, moved) != fingerprint(dataset, parts)
