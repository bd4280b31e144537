"""A training configuration is checked when it is made."""

import math

import pytest

from calib.errors import InputError
from calib.training.config import _RANGES, TrainConfig


def test_a_width_is_the_published_one_or_given() -> None:
    assert TrainConfig(dataset="digits").width is None
    old = {"dataset": "digits", "arch": "resnet8", "width": 16}  # before there were other families, 16 was the default
    assert TrainConfig.from_dict(old).width == 16


def test_a_config_comes_back_from_its_dict() -> None:
    config = TrainConfig(dataset="digits", smoothing=0.05, seed=3)
    assert TrainConfig.from_dict(config.to_dict()) == config


def test_unknown_or_missing_fields_are_refused() -> None:
    with pytest.raises(InputError, match="warmup"):
        TrainConfig.from_dict({"dataset": "digits", "warmup": 3})
    with pytest.raises(InputError, match="dataset"):
        TrainConfig.from_dict({"arch": "resnet8"})


def test_the_options_of_a_config_are_what_differs_from_the_defaults() -> None:
    config = TrainConfig(dataset="digits", width=4, seed=3, milestones=(0.1, 0.2), flip=True, nesterov=False)
    words = "--dataset digits --width 4 --seed 3 --milestones 0.1,0.2 --no-nesterov --flip"
    assert config.options() == words.split()


ENDS: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {  # what is in, what is out
    "width": ((1, 4096), (0, 4097)),
    "smoothing": ((0, 0.999), (-0.001, 1)),
    "label_noise": ((0, 1), (-0.001, 1.001)),
    "mixup": ((0, 100), (-0.001, 100.1)),
    "focal_gamma": ((0, 100), (-0.001, 100.1)),
    "margin": ((0, 999_999), (-0.001, 1e6)),
    "margin_weight": ((0, 999_999), (-0.001, 1e6)),
    "distillation_temperature": ((1e-9, 999_999), (0, 1e6)),
    "student_temperature": ((1e-9, 999_999), (0, 1e6)),
    "distillation_weight": ((0, 1), (-0.001, 1.001)),
    "seed": ((0, 2**63 - 1), (-1, 2**63)),
    "split_seed": ((0, 2**63 - 1), (-1, 2**63)),
    "epochs": ((1, 10**6), (0, 10**6 + 1)),
    "steps": ((1, 10**9), (0, 10**9 + 1)),
    "batch_size": ((1, 10**6), (0, 10**6 + 1)),
    "learning_rate": ((1e-9, 999_999), (0, 1e6)),
    "decay": ((1e-9, 1), (0, 1.001)),
    "momentum": ((0, 0.999), (-0.001, 1)),
    "weight_decay": ((0, 999_999), (-0.001, 1e6)),
    "shift": ((0, 1000), (-1, 1001)),
    "loss_scale": ((1e-9, 999_999), (0, 1e6)),
    "clip_norm": ((1e-9, 1e11), (0, 1e12)),
}


@pytest.mark.parametrize("name", ENDS)
def test_a_number_may_be_as_its_range_says_and_never_nan_or_infinite(name: str) -> None:
    inside, outside = ENDS[name]
    for value in inside:
        assert getattr(TrainConfig(dataset="digits", **{name: value}), name) == value  # type: ignore[arg-type]
    for value in (*outside, math.nan, math.inf):
        with pytest.raises(InputError, match=f"{name} must be "):
            TrainConfig(dataset="digits", **{name: value})  # type: ignore[arg-type]


def test_every_number_with_a_range_has_its_ends_tested() -> None:
    assert set(ENDS) == {name for name, (_, expected, _) in _RANGES.items() if not expected.startswith("one of")}
