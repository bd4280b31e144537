"""What teachers know of single images is measured on their training images, after training and in its course."""

import math
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from calib.datasets import load_dataset
from calib.errors import InputError
from calib.index_information import index_information
from calib.studies.teacher_information import (
    PASSES,
    Probe,
    augmented_logits,
    course_file,
    information_course,
    log_information,
    looks,
    training_images,
)
from calib.studies.train_all import train_all
from calib.studies.write_distillation import course_chart, course_notes
from calib.training.checkpoint import Checkpoint
from calib.training.config import TrainConfig
from calib.training.loop import train

SMALL = TrainConfig(dataset="digits", width=2, epochs=1, train_size=96, shift=1)


@pytest.fixture(scope="module")
def teacher() -> Checkpoint:
    return train(SMALL)


def gaps(checkpoint: Checkpoint, classes: tuple[str, str]) -> Any:
    return Probe.of(checkpoint, classes).gaps(checkpoint)


def test_gaps_are_logit_differences_of_the_two_classes_under_the_training_s_augmentation(teacher: Checkpoint) -> None:
    draws, means = gaps(teacher, ("3", "8"))
    labels = load_dataset("digits").labels[teacher.split.train]
    assert draws.shape == means.shape == (int(np.isin(labels, (3, 8)).sum()),)
    assert (draws != means).any()  # images move by a pixel
    again, _ = gaps(teacher, ("3", "8"))
    np.testing.assert_array_equal(draws, again)
    other, _ = gaps(teacher, ("8", "3"))
    assert sorted(np.abs(other).tolist()) == pytest.approx(sorted(np.abs(draws).tolist()), abs=1e-5)


def test_the_draw_is_not_among_the_passes_of_the_mean(teacher: Checkpoint) -> None:
    images, labels = training_images(teacher)
    rows = np.concatenate([np.flatnonzero(labels == c) for c in (3, 8)])
    passes = list(augmented_logits(teacher, images, rows))
    assert len(passes) == PASSES + 1
    draws, means = gaps(teacher, ("3", "8"))
    np.testing.assert_allclose(draws, passes[-1][:, 3] - passes[-1][:, 8])
    np.testing.assert_allclose(means, np.mean([one[:, 3] - one[:, 8] for one in passes[:-1]], axis=0))
    assert len({one.tobytes() for one in passes}) == PASSES + 1


def test_without_augmentation_draws_are_the_logits_themselves(teacher: Checkpoint) -> None:
    still = replace(teacher, config=replace(SMALL, shift=0))
    draws, means = gaps(still, ("3", "8"))
    np.testing.assert_allclose(draws, means, atol=1e-12)
    data = load_dataset("digits")
    rows = teacher.split.train
    kept = np.concatenate([rows[data.labels[rows] == c] for c in (3, 8)])
    with torch.inference_mode():
        logits = still.model().eval()(still.normalisation(data.images[kept])).double().numpy()
    np.testing.assert_allclose(draws, logits[:, 3] - logits[:, 8], atol=1e-5)
    assert PASSES == 5


def test_a_class_that_is_not_there_is_refused(teacher: Checkpoint) -> None:
    with pytest.raises(InputError, match="no class 'dog'") as error:
        gaps(teacher, ("3", "dog"))
    assert "0, 1, 2" in error.value.help


def test_epochs_are_the_first_the_last_and_some_between() -> None:
    assert looks(1) == (1,)
    assert looks(4) == (1, 2, 3, 4)
    for n in (7, 16, 100, 205):
        assert {1, n} <= set(looks(n)) <= set(range(1, n + 1))
        assert len(looks(n)) in (min(n, 15), 16)


def test_the_course_is_that_of_the_very_training(tmp_path: Path) -> None:
    config = replace(SMALL, epochs=3)
    watch = partial(log_information, tmp_path, ("3", "8"), None, "cpu")
    train_all({"teachers/hard-seed0": config}, tmp_path, workers=1, watch=watch)
    expected = []
    train(config, on_epoch=lambda checkpoint: expected.append(index_information(*gaps(checkpoint, ("3", "8")))))
    written = pd.read_csv(course_file(tmp_path, "teachers/hard-seed0"))
    assert written["epoch"].tolist() == [1, 2, 3]
    assert written["information"].tolist() == pytest.approx(expected, rel=1e-6)
    assert len(set(expected)) == 3


def test_what_is_taken_up_again_goes_on_and_what_begins_anew_forgets(tmp_path: Path) -> None:
    config, file = replace(SMALL, epochs=3), course_file(tmp_path, "one")
    checkpoints: list[Checkpoint] = []
    train(config, on_epoch=checkpoints.append)
    look = log_information(tmp_path, ("3", "8"), None, "cpu", "one")
    for checkpoint in checkpoints:
        look(checkpoint)
    whole = file.read_text()
    log_information(tmp_path, ("3", "8"), None, "cpu", "one")(checkpoints[1])
    assert file.read_text() == "".join(whole.splitlines(keepends=True)[:3])
    look(checkpoints[2])
    assert file.read_text() == whole
    look(checkpoints[0])
    assert file.read_text() == "".join(whole.splitlines(keepends=True)[:2])


def test_the_table_has_what_was_written_and_always_the_end(tmp_path: Path) -> None:
    same = {"model": "hard", "smoothing": 0.0, "epochs": 30}
    teachers = pd.DataFrame(
        [
            {**same, "run": f"teachers/hard-seed{seed}", "seed": seed, "information": value}
            for seed, value in ((0, 1.5), (1, 0.7))
        ]
    )
    (tmp_path / "information").mkdir()
    course_file(tmp_path, "hard-seed0").write_text("epoch,information\n1,0.25\n14,1.25\n30,1.4\n")
    course = information_course(teachers, tmp_path)
    assert course[["seed", "epoch", "information"]].to_numpy().tolist() == [
        [0, 1, 0.25],
        [0, 14, 1.25],
        [0, 30, 1.5],  # of the weights that are there
        [1, 30, 0.7],
    ]
    assert "after epochs 1, 14, 30;" in course_notes(course)
    assert "trained before it was written down" in course_notes(course[course["seed"] == 1])
    (ax,) = course_chart(course).axes
    level, means, points = ax.get_lines()[:3]
    assert np.asarray(level.get_ydata()).tolist() == pytest.approx([math.log(2)] * 2)
    assert np.asarray(means.get_ydata()).tolist() == pytest.approx([0.25, 1.25, 1.1])
    assert np.asarray(points.get_xdata()).tolist() == [1, 14, 30, 30]
    for content in ("", "epoch,information\n1\n", "step,information\n1,2\n", "epoch,information\n1,much\n"):
        course_file(tmp_path, "hard-seed0").write_text(content)
        with pytest.raises(InputError, match=r"hard-seed0\.csv is not what the study wrote") as caught:
            information_course(teachers, tmp_path)
        assert caught.value.help == "remove it"
