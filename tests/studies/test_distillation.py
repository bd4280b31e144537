"""Students have the seed, split and teacher they should; questions and notes say what the setting says."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from calib.studies.distillation import (
    PAPERS,
    SETTINGS,
    students,
    teachers,
)
from calib.studies.distillation_questions import contrasts
from calib.studies.write_distillation import student_notes, teacher_notes
from calib.training.config import TrainConfig
from calib.training.loop import train


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


def test_the_mnist_setting_is_that_of_the_paper_but_for_what_it_says() -> None:
    setting = PAPERS["mnist"]
    assert (setting.hard_arch, setting.teacher.arch, setting.student.arch) == (
        *("mnist-fc-dropout", "mnist-fc", "mnist-fc"),
    )
    assert (setting.teacher.width, setting.student.width) == (None, 800)  # None is the published 1200
    assert (setting.smoothing, setting.temperatures) == ((0.0, 0.1), ())
    assert (setting.student.match_logits, setting.student.distillation_weight) == (True, 0.6)
    assert (setting.teacher.shift, setting.student.shift) == (2, 0)
    assert (setting.teacher.learning_rate, setting.student.learning_rate) == (0.1, 0.01)
    for config in (setting.teacher, setting.student):
        assert (config.dataset, config.epochs, config.schedule) == ("mnist", 100, "linear")
        assert (config.momentum, config.nesterov, config.weight_decay) == (0.9, False, 0.0)
        assert (config.train_size, config.calibration_size) == (None, None)  # 55,000 and 5,000
    archs = {run: config.arch for run, config in teachers(setting).items()}
    assert {arch for run, arch in archs.items() if "hard" in run} == {"mnist-fc-dropout"}
    assert {arch for run, arch in archs.items() if "hard" not in run} == {"mnist-fc"}


@pytest.mark.parametrize("arch", ["mnist-fc", "mnist-fc-dropout"])
def test_the_rate_of_the_paper_trains_its_teachers_from_the_first_epoch_on(arch: str) -> None:
    config = replace(PAPERS["mnist"].teacher, arch=arch, dataset="digits", shift=0, epochs=2)
    first, last = train(config).history
    assert last["loss"] < first["loss"] < math.log(10)  # a variance of .03 begins with hundreds


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
