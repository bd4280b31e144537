"""calib train: presets, config files and options decide in this order; a sweep skips what is finished."""

import json
from pathlib import Path
from typing import Any

import pytest

from calib.training.config import TrainConfig
from calib.training.presets import PRESETS, preset

from .conftest import Run, assert_refused

QUICK = ("--width", "2", "--epochs", "1", "--train-size", "64")


def config_of(folder: Path) -> TrainConfig:
    return TrainConfig.from_dict(json.loads((folder / "config.json").read_text()))


def test_options_win_over_the_config_file_and_that_over_the_preset(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(
        'preset = "he"\ndataset = "digits"\ntrain_size = 60\ncalibration_size = 50\nsteps = 2\nwidth = 2\nseed = 4\n'
    )
    made = run("train", "--config", tmp_path / "mine.toml", "--seed", "5", "--no-flip", "-o", tmp_path / "run")
    assert made.code == 0, made.err
    found, source = config_of(tmp_path / "run"), preset("he")
    assert (found.seed, found.width, found.steps, found.flip) == (5, 2, 2, False)
    assert (found.arch, found.schedule, found.weight_decay) == (source.arch, source.schedule, source.weight_decay)
    again = run("train", "--config", tmp_path / "run" / "config.json", "--steps", "1", "-o", tmp_path / "again")
    assert again.code == 0, again.err
    assert config_of(tmp_path / "again").to_dict() == {**found.to_dict(), "steps": 1}


def test_milestones_are_read_as_fractions(run: Run, tmp_path: Path) -> None:
    options = (*QUICK, "--schedule", "steps", "--milestones", "0.25, 0.5")
    assert run("train", *options, "-o", tmp_path / "run").code == 0
    assert config_of(tmp_path / "run").milestones == (0.25, 0.5)
    for bad in ("0.5,0.25", "1.5", "half", ""):
        refused = run("train", *QUICK, "--milestones", bad, "-o", tmp_path / "bad")
        assert_refused(refused, "milestones must be ascending fractions")


def test_a_preset_can_be_asked_for_by_name_alone(run: Run, tmp_path: Path) -> None:
    assert_refused(run("train", "--preset", "resnet", "-o", tmp_path / "x"), "no preset", *PRESETS)
    assert_refused(
        run("train", "--preset", "muller", "--data-dir", tmp_path, "-o", tmp_path / "x"),
        "calib data download cifar100",
    )


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.toml", "epochs = = 3", "cannot be read as a config"),
        ("a.json", "[1, 2]", "holds no fields"),
        ("a.json", '{"epochs": "many"}', "epochs must be"),
        ("a.toml", "warmup = 3", "unknown training options: warmup"),
        ("a.toml", "epochs = 3.5", "epochs must be"),
    ],
)
def test_a_config_file_that_is_none_is_refused_in_words(
    run: Run, tmp_path: Path, name: str, text: str, words: str
) -> None:
    (tmp_path / name).write_text(text)
    assert_refused(run("train", "--config", tmp_path / name, "-o", tmp_path / "run"), words)
    assert_refused(run("train", "--config", tmp_path / "none.toml", "-o", tmp_path / "run"), "does not exist")


def test_without_an_output_the_run_is_named_by_its_config_and_skipped_when_finished(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first = run("train", *QUICK, "--resume")
    assert first.code == 0, first.err
    folder = Path(first.out.splitlines()[-1])
    assert folder == Path("runs") / f"digits-resnet8-{config_of(folder).key}"
    monkeypatch.setattr("calib.runs.train", lambda *_, **__: pytest.fail("trained again"))
    again = run("train", *QUICK, "--resume")
    assert again.code == 0
    assert "nothing was trained" in again.err
    monkeypatch.undo()


@pytest.mark.parametrize(
    "options",
    [
        ("--target-rows", "--smoothing", "0.1"),
        ("--label-noise", "0.3", "--label-noise-kind", "asymmetric"),
        ("--mixup", "0.4", "--target-rows", "--smoothing", "0.1"),
        ("--focal-gamma", "2", "--mixup", "0.2"),
        ("--margin", "4", "--margin-weight", "0.3"),
        ("--precision", "bfloat16"),
        ("--keep", "best"),
        ("--schedule", "linear", "--no-nesterov", "--clip-norm", "1", "--loss-scale", "3"),
        ("--shift", "1", "--shift-fill", "nearest", "--flip"),
    ],
    ids=" ".join,
)
def test_every_target_and_recipe_trains_and_is_evaluated(run: Run, tmp_path: Path, options: Any) -> None:
    made = run("train", *QUICK, *options, "-o", tmp_path / "run")
    assert made.code == 0, made.err
    shown = run("evaluate", tmp_path / "run")
    assert shown.code == 0
    assert ("not untouched" in shown.err) == ("best" in options)


def test_a_student_learns_from_a_run_or_a_checkpoint_of_the_same_data(run: Run, tmp_path: Path, trained: Path) -> None:
    for name, teacher in (("by-run", trained), ("by-file", trained / "checkpoint.pt")):
        made = run("train", *QUICK, "--teacher", teacher, "--distillation-temperature", "2", "-o", tmp_path / name)
        assert made.code == 0, made.err
    losses = [
        (tmp_path / name / "history.csv").read_text().splitlines()[1].split(",")[1] for name in ("by-run", "by-file")
    ]
    assert losses[0] == losses[1]
    refused = run("train", *QUICK, "--teacher", tmp_path / "nobody", "-o", tmp_path / "x")
    assert_refused(refused, "nobody")


def test_other_labels_come_from_a_file_only_where_there_is_an_official_order(run: Run, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("1\n2\n")
    refused = run("train", *QUICK, "--labels-file", tmp_path / "labels.csv", "-o", tmp_path / "x")
    assert_refused(refused, "no official training part")


def test_tensorboard_without_its_package_is_refused_before_training(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "torch.utils.tensorboard", None)
    refused = run("train", *QUICK, "--tensorboard", "-o", tmp_path / "x")
    assert_refused(refused, 'pip install ".[tensorboard]"')
    assert not (tmp_path / "x").exists()
