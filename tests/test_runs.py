"""A training that dies is not lost: it goes on bit for bit, its files are whole, and nobody trains beside it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from calib.errors import InputError, NumericalError
from calib.runs import found_run, train_run
from calib.sources import open_source
from calib.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from calib.training.config import TrainConfig
from calib.training.finished import is_finished
from calib.training.loop import train

SMALL = TrainConfig(dataset="digits", width=2, epochs=3, train_size=96, shift=1, flip=True)


class DiedError(Exception):
    pass


def die_after(epochs: int) -> Any:
    def on_epoch(so_far: Checkpoint) -> None:
        if len(so_far.history) == epochs:
            raise DiedError

    return on_epoch


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    return load_checkpoint(folder / "checkpoint.pt").state_dict


def assert_same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> None:
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name


@pytest.fixture(autouse=True)
def every_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calib.runs.SECONDS", 0.0)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"mixup": 0.4, "smoothing": 0.1},
        {"arch": "mnist-fc-dropout", "width": 16},
        {"keep": "best", "learning_rate": 2.0},
        {"steps": 5},
        {"momentum": 0.0, "schedule": "steps", "clip_norm": 1.0},
    ],
    ids=str,
)
@pytest.mark.parametrize("epochs", [1, 2])
def test_a_resumed_run_ends_with_the_very_weights_of_an_uninterrupted_one(
    changes: dict[str, Any], epochs: int, tmp_path: Path
) -> None:
    config = replace(SMALL, **changes)
    whole = train(config)
    with pytest.raises(DiedError):
        train_run(config, tmp_path / "run", on_epoch=die_after(epochs))
    assert not is_finished(config, tmp_path / "run")
    resumed = train_run(config, tmp_path / "run", resume=True)
    assert is_finished(config, tmp_path / "run")
    assert_same(resumed.state_dict, whole.state_dict)
    assert_same(weights_of(tmp_path / "run"), whole.state_dict)
    untimed = [[{**row, "seconds": 0} for row in run.history] for run in (resumed, whole)]
    assert untimed[0] == untimed[1]
    assert resumed.kept_epoch == whole.kept_epoch


def test_going_on_without_the_momentum_would_be_noticed(tmp_path: Path) -> None:
    whole = train(SMALL)
    stopped: list[Checkpoint] = []
    train(SMALL, on_epoch=stopped.append)
    assert stopped[0].resumable is not None
    forgetful = replace(stopped[0], resumable=replace(stopped[0].resumable, momentum={}))
    other = train(SMALL, resume=forgetful)
    assert any(not torch.equal(other.state_dict[name], tensor) for name, tensor in whole.state_dict.items())
    assert_same(train(SMALL, resume=stopped[0]).state_dict, whole.state_dict)


def test_an_unfinished_run_can_be_looked_at_and_is_only_touched_on_request(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with pytest.raises(DiedError):
        train_run(SMALL, folder, on_epoch=die_after(1))
    assert {path.name for path in folder.iterdir()} == {"checkpoint.pt", "config.json", "history.csv"}
    assert open_source(folder).test.n == 797
    checkpoint = load_checkpoint(folder / "checkpoint.pt")
    assert (len(checkpoint.history), checkpoint.n_epochs) == (1, 3)
    with pytest.raises(InputError, match="unfinished run") as error:
        train_run(SMALL, folder)
    assert "--resume" in error.value.help
    with pytest.raises(InputError, match="other settings"):
        train_run(replace(SMALL, smoothing=0.1), folder, resume=True)
    with pytest.raises(InputError, match="other settings"):
        found_run(replace(SMALL, seed=1), folder, resume=True)
    train_run(replace(SMALL, smoothing=0.1), folder, force=True)
    assert is_finished(replace(SMALL, smoothing=0.1), folder)


def test_a_finished_run_is_left_as_it_is_and_says_what_made_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "run"
    train_run(SMALL, folder, resume=True)  # the same command starts, goes on and leaves alone
    done = json.loads((folder / "done.json").read_text())
    assert done["config"] == SMALL.key
    assert done["epochs"] == 3
    monkeypatch.setattr("calib.runs.train", lambda *_, **__: pytest.fail("trained"))
    before = (folder / "checkpoint.pt").stat().st_mtime_ns
    assert len(train_run(SMALL, folder, resume=True).history) == 3
    assert (folder / "checkpoint.pt").stat().st_mtime_ns == before
    with pytest.raises(InputError, match="a finished run"):
        train_run(SMALL, folder)


def test_a_finished_checkpoint_carries_no_state_of_the_optimiser(tmp_path: Path) -> None:
    sizes = []
    with pytest.raises(DiedError):
        train_run(SMALL, tmp_path / "run", on_epoch=die_after(1))
    sizes.append((tmp_path / "run" / "checkpoint.pt").stat().st_size)
    train_run(SMALL, tmp_path / "run", resume=True)
    assert load_checkpoint(tmp_path / "run" / "checkpoint.pt").resumable is None
    assert (tmp_path / "run" / "checkpoint.pt").stat().st_size < sizes[0]


def test_a_diverged_run_keeps_its_last_good_epoch(tmp_path: Path) -> None:
    config = replace(SMALL, learning_rate=1.0, schedule="constant", clip_norm=None, epochs=40, momentum=0.99)
    config = replace(config, loss_scale=1e5)
    with pytest.raises(NumericalError, match="diverged"):
        train_run(config, tmp_path / "none")
    assert not (tmp_path / "none").exists()  # in its first epoch: there is nothing to keep
    stopped: list[Checkpoint] = []

    def spoil(so_far: Checkpoint) -> None:
        stopped.append(so_far)
        if len(so_far.history) == 2:
            raise NumericalError("diverged", help="")

    with pytest.raises(NumericalError):
        train_run(SMALL, tmp_path / "run", on_epoch=spoil)
    assert_same(weights_of(tmp_path / "run"), stopped[1].state_dict)


def test_best_keeps_the_weights_of_the_least_held_out_loss(tmp_path: Path) -> None:
    config = replace(SMALL, keep="best", learning_rate=3.0, epochs=6)
    seen: list[Checkpoint] = []
    kept = train(config, on_epoch=seen.append)
    losses = [row["calibration_loss"] for row in kept.history]
    assert kept.kept_epoch == 1 + losses.index(min(losses))
    assert_same(kept.state_dict, seen[kept.kept_epoch - 1].state_dict)
    assert kept.kept_epoch < 6  # or this test shows nothing


def test_data_or_settings_that_changed_are_not_gone_on_with() -> None:
    seen: list[Checkpoint] = []
    train(SMALL, on_epoch=seen.append)
    with pytest.raises(InputError, match="other data"):
        train(SMALL, resume=replace(seen[0], fingerprint="0" * 64))
    with pytest.raises(InputError, match="other settings"):
        train(replace(SMALL, seed=3), resume=seen[0])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda state: None,
        lambda state: replace(state, weights={}),
        lambda state: replace(state, momentum={"nothing": torch.zeros(1)}),
        lambda state: replace(state, momentum=dict.fromkeys(state.momentum, torch.zeros(3, 5))),
        lambda state: replace(state, momentum=dict.fromkeys(state.momentum, torch.zeros(1))),  # it would be spread out
        lambda state: replace(state, momentum=dict.fromkeys(state.momentum, "text")),
    ],
)
def test_a_checkpoint_that_contradicts_itself_is_refused_in_words(spoil: Any) -> None:
    seen: list[Checkpoint] = []
    train(SMALL, on_epoch=seen.append)
    with pytest.raises(InputError, match="contradicts itself"):
        train(SMALL, resume=replace(seen[0], resumable=spoil(seen[0].resumable)))


def test_other_training_labels_are_not_gone_on_with() -> None:
    noisy = replace(SMALL, label_noise=0.5)
    seen: list[Checkpoint] = []
    assert 40 < train(noisy, on_epoch=seen.append).wrong_labels < 48  # about 0.9 · 48 of 96
    with pytest.raises(InputError, match="other data"):
        train(noisy, resume=replace(seen[0], wrong_labels=seen[0].wrong_labels - 1))


def test_the_key_of_a_config_names_it_and_nothing_else() -> None:
    assert SMALL.key == TrainConfig.from_dict(SMALL.to_dict()).key
    keys = {replace(SMALL, **change).key for change in ({}, {"seed": 1}, {"smoothing": 0.1}, {"milestones": (0.3,)})}
    assert len(keys) == 4
    assert TrainConfig(dataset="digits").key == "2e31df8368aa"  # as long as this holds, runs keep their names


def test_epochs_that_were_not_yet_saved_are_saved_when_the_training_breaks_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("calib.runs.SECONDS", 1e9)
    with pytest.raises(DiedError):
        train_run(SMALL, tmp_path / "run", on_epoch=die_after(2))
    assert len(load_checkpoint(tmp_path / "run" / "checkpoint.pt").history) == 2


@pytest.mark.parametrize("fields", [{"kept_epoch": 99}, {"kept_epoch": 0}, {"n_epochs": 2}, {"n_epochs": -5}], ids=str)
def test_a_checkpoint_whose_epochs_cannot_be_is_refused(fields: dict[str, int], tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(replace(train(SMALL), **fields), path)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="epochs in a history of other length"):
        load_checkpoint(path)


def test_a_run_that_is_being_replaced_by_the_same_one_is_not_finished(tmp_path: Path) -> None:
    train_run(SMALL, tmp_path / "run")
    with pytest.raises(DiedError):
        train_run(SMALL, tmp_path / "run", force=True, on_epoch=die_after(1))
    assert not (tmp_path / "run" / "done.json").exists()
    assert not is_finished(SMALL, tmp_path / "run")
