"""Students have the seed, split and teacher they should; what teachers know is measured on their training images."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from calib.datasets import load_dataset
from calib.errors import InputError
from calib.studies.distillation import (
    PAPERS,
    PASSES,
    SETTINGS,
    augmented_gaps,
    contrasts,
    students,
    teachers,
)
from calib.studies.write_distillation import student_notes, teacher_notes
from calib.training.checkpoint import Checkpoint
from calib.training.config import TrainConfig
from calib.training.loop import train

SMALL = TrainConfig(dataset="digits", width=2, epochs=1, train_size=96, shift=1)


@pytest.fixture(scope="module")
def teacher() -> Checkpoint:
    return train(SMALL)


def test_every_student_has_the_teacher_of_its_seed_and_split() -> None:
    setting = replace(SETTINGS["digits"], seeds=2, smoothing=(0.0, 0.1))
    named = students(setting, Path("here"))
    assert len(named) == 4 * (1 + len(setting.temperatures))
    for run, config in named.items():
        kind, name = run.split("/")
        assert config.seed == config.split_seed == int(name[-1])
        if kind == "no-teacher":
            assert config.teacher is None
            assert config.smoothing == (0.0 if name.startswith("hard") else 0.1)
            assert config.distillation_weight == TrainConfig(dataset="digits").distillation_weight
        else:
            assert config.teacher == str(Path("here") / "teachers" / name)
            assert (config.smoothing, config.distillation_weight, config.student_temperature) == (0.0, 1.0, 1.0)
            assert f"students-T{config.distillation_temperature:g}" == kind
    assert {config.teacher for config in teachers(setting).values()} == {None}


def test_the_papers_setting_is_that_of_its_appendix() -> None:
    setting = PAPERS["muller"]
    assert (setting.teacher.arch, setting.student.arch) == ("resnet56", "alexnet")
    assert {setting.teacher.dataset, setting.student.dataset} == {"cifar10"}
    assert setting.smoothing == (0.0, 0.15, 0.3, 0.45, 0.6, 0.75)
    assert setting.temperatures == (1.0, 2.0, 3.0, 4.0, 8.0, 12.0, 16.0)
    assert setting.student.distillation_weight == setting.student_temperature == 1
    assert setting.classes == ("airplane", "dog")


def test_gaps_are_logit_differences_of_the_two_classes_under_the_training_s_augmentation(teacher: Checkpoint) -> None:
    draws, means = augmented_gaps(teacher, ("3", "8"))
    labels = load_dataset("digits").labels[teacher.split.train]
    assert draws.shape == means.shape == (int(np.isin(labels, (3, 8)).sum()),)
    assert (draws != means).any()  # images move by a pixel
    again, _ = augmented_gaps(teacher, ("3", "8"))
    np.testing.assert_array_equal(draws, again)
    other, _ = augmented_gaps(teacher, ("8", "3"))
    assert sorted(np.abs(other).tolist()) == pytest.approx(sorted(np.abs(draws).tolist()), abs=1e-5)


def test_without_augmentation_draws_are_the_logits_themselves(teacher: Checkpoint) -> None:
    still = replace(teacher, config=replace(SMALL, shift=0))
    draws, means = augmented_gaps(still, ("3", "8"))
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
        augmented_gaps(teacher, ("3", "dog"))
    assert "0, 1, 2" in error.value.help


def test_questions_are_asked_of_every_smoothing() -> None:
    asked = contrasts(SETTINGS["fashion-mnist-14"])
    assert len(asked) == 1 + 2 * 4
    assert asked[0].question == "student of hard, T = 1 − no teacher, hard"
    assert len(contrasts(replace(SETTINGS["digits"], temperatures=(1.0,), smoothing=(0.0, 0.1)))) == 1 + 3


def test_the_notes_say_what_the_setting_says() -> None:
    import pandas as pd

    setting = SETTINGS["digits"]
    alone = "the teacher's probabilities at T (its own temperature is 1), and nothing"
    assert alone in student_notes(setting)
    mixed = replace(setting, student_temperature=None, student=replace(setting.student, distillation_weight=0.75))
    assert "(its own temperature is T too), and 0.25 times that against the labels" in student_notes(mixed)
    table = pd.DataFrame({"n": [797]})
    assert "logits of 0 and 1" in teacher_notes(table, setting)
    still = replace(setting, teacher=replace(setting.teacher, shift=0))
    assert "Without augmentation it says little" in teacher_notes(table, still)
    assert f"{math.log(2):.3f}" in teacher_notes(table, setting)
