"""A training configuration is checked when it is made."""

from typing import Any

import pytest

from calib.errors import InputError
from calib.training.config import TrainConfig


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("smoothing", 1.5),
        ("smoothing", -0.1),
        ("smoothing", 1.0),
        ("smoothing", float("nan")),
        ("label_noise", 1.01),
        ("momentum", 1.0),
        ("weight_decay", -1.0),
        ("learning_rate", 0.0),
        ("learning_rate", float("inf")),
        ("epochs", 0),
        ("batch_size", 0),
        ("width", 0),
        ("seed", -1),
        ("split_seed", -1),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(InputError, match=field):
        TrainConfig(dataset="digits", **{field: value})


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
