"""A folder of weights and config.json says what it holds; a damaged config gets one clear sentence."""

import json
from pathlib import Path

import pytest
import torch

from calib.errors import InputError
from calib.files.model_folder import is_model_folder, read_model_folder
from calib.reading import Reading
from calib.sources import open_source
from calib.training.config import TrainConfig
from calib.training.loop import train

CFG = {"mean": [0.3], "std": [0.4], "input_size": [1, 8, 8]}


def test_the_config_of_timm_is_read_and_what_is_said_goes_first(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"architecture": "resnet18.tv", "pretrained_cfg": CFG}))
    assert not is_model_folder(tmp_path)
    torch.save({}, tmp_path / "pytorch_model.bin")
    assert is_model_folder(tmp_path)
    found = read_model_folder(tmp_path)
    assert (found.architecture, found.mean, found.std, found.image_size) == ("resnet18.tv", (0.3,), (0.4,), 8)
    assert found.weights.name == "pytorch_model.bin"
    assert found.completed(Reading(dataset="digits")) == Reading(dataset="digits", mean=(0.3,), std=(0.4,))
    mine = Reading(dataset="folder", mean=(0.5,), std=(0.5,))
    assert found.completed(mine) == Reading(dataset="folder", mean=(0.5,), std=(0.5,), image_size=8)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"a": ' * 3000, '"x"'])
def test_what_is_no_config_is_refused(tmp_path: Path, content: str) -> None:
    torch.save({}, tmp_path / "pytorch_model.bin")
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(InputError, match=r"config\.json cannot be read"):
        read_model_folder(tmp_path)


ODD = ({"mean": "x", "std": [1]}, {"mean": [0.5], "std": [0]}, {"input_size": [-3]}, {"input_size": "x"}, 3, None)


@pytest.mark.parametrize("odd", ODD)
def test_odd_entries_are_as_good_as_none(tmp_path: Path, odd: object) -> None:
    torch.save({}, tmp_path / "pytorch_model.bin")
    (tmp_path / "config.json").write_text(json.dumps({"architectures": ["Net"], "pretrained_cfg": odd}))
    found = read_model_folder(tmp_path)
    assert (found.architecture, found.mean, found.std, found.image_size) == ("Net", None, None, None)
    (tmp_path / "config.json").write_text(json.dumps({"architectures": odd}))
    assert read_model_folder(tmp_path).architecture is None


def test_a_folder_is_a_source(tmp_path: Path) -> None:
    trained = train(TrainConfig(dataset="digits", width=2, epochs=1, train_size=64))
    folder = tmp_path / "mine"
    folder.mkdir()
    torch.save(trained.state_dict, folder / "pytorch_model.bin")
    norm = trained.normalisation
    cfg = {"mean": list(norm.mean), "std": list(norm.std)}
    (folder / "config.json").write_text(json.dumps({"architecture": "resnet8", "pretrained_cfg": cfg}))
    source = open_source(folder, Reading(dataset="digits"))
    assert source.name == "mine"
    assert "the architecture is resnet8 (the file says so)" in source.notes
    assert not any("mean and std are those of" in note for note in source.notes)
