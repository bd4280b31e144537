"""``calib study distillation``: do smoothed networks teach worse than hard ones?"""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from calib.cli._networks import numbers, recipe_name
from calib.cli._options import Epochs, Seeds, SmallSetting
from calib.cli._output import say
from calib.cli._study import ALONE, Work, filled, studies, study_folder
from calib.errors import InputError
from calib.export import records

DEFAULT = "fashion-mnist-14"


@studies
def distillation(
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FOLDER", help="Folder to fill.", show_default="distillation-SETTING"),
    ] = None,
    setting: SmallSetting = None,
    paper: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The recipe of a paper instead: muller or mnist."),
    ] = None,
    smoothing: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBERS", help="α of the teachers, with commas; 0 among them.", show_default="the setting's"
        ),
    ] = None,
    temperatures: Annotated[
        str | None,
        typer.Option(metavar="NUMBERS", help="T of the teachers, with commas.", show_default="the setting's"),
    ] = None,
    student_temperature: Annotated[
        str | None,
        typer.Option(metavar="X", help="T of the students, or same for that of the teacher.", show_default="1"),
    ] = None,
    seeds: Seeds = None,
    epochs: Epochs = None,
    work: Work = ALONE,
) -> None:
    """Do smoothed networks teach worse?

    Trains teachers with hard and smoothed targets, a student of each at each temperature, and the student's
    architecture without a teacher; compares accuracy, the equivalent smoothing γ of what was taught, and how much the
    teachers still know of single images. Finished runs are kept, interrupted ones go on.

    Example: calib study distillation --setting digits --smoothing 0,0.1 --temperatures 1,4
    """
    from calib.studies._contrasts import contrast_table, readable_contrasts
    from calib.studies.distillation import PAPERS, SETTINGS, distillation_table, students, teachers
    from calib.studies.distillation_questions import SCORES, contrasts
    from calib.studies.settings import changed, check_smoothing, setting_named
    from calib.studies.teacher_information import log_information
    from calib.studies.train_all import refuse_other_runs
    from calib.studies.write_distillation import (
        FILES,
        TITLE,
        readable_students,
        readable_teachers,
        write_distillation,
    )

    name = recipe_name(setting, paper, DEFAULT)
    chosen = setting_named(name, PAPERS if paper else SETTINGS)
    if chosen.student.match_logits and (temperatures, student_temperature) != (None, None):
        raise InputError(
            f"the students of {name} match logits: no temperature has a part in that",
            help="leave --temperatures and --student-temperature out",
        )
    if smoothing is not None:
        chosen = replace(chosen, smoothing=check_smoothing(numbers(smoothing, "--smoothing") or []))
    if temperatures is not None:
        chosen = replace(chosen, temperatures=_temperatures(temperatures))
    if student_temperature is not None:
        chosen = replace(chosen, student_temperature=_own(student_temperature))
    teacher, student = (changed(network, epochs=epochs) for network in (chosen.teacher, chosen.student))
    chosen = replace(chosen, teacher=teacher, student=student, seeds=seeds or chosen.seeds)
    folder = study_folder(output, f"distillation-{name}", title=TITLE, files=FILES)
    first, then = teachers(chosen), students(chosen, folder)
    say(
        f"{len(first)} teachers ({chosen.teacher.arch}), then {len(then)} networks ({chosen.student.arch}), students "
        f"and others, on {chosen.teacher.dataset}; finished ones are kept."
    )
    if not work.force:
        refuse_other_runs(then, folder)  # before the teachers are trained
    watch = partial(log_information, folder, chosen.classes, work.data_dir, work.device)
    for networks, look in ((first, watch), (then, None)):
        work.train(networks, folder, watch=look)
    table = distillation_table(chosen, folder, data_dir=work.data_dir, device=work.device)
    questions = contrast_table(table, contrasts(chosen), SCORES)
    options = {
        "setting": setting,
        "paper": paper,
        "smoothing": smoothing,
        "temperatures": temperatures,
        "student_temperature": student_temperature,
        "seeds": seeds,
        "epochs": epochs,
    }
    write_distillation(table, questions, folder, chosen, command=work.command("distillation", options))
    work.show(
        (table, readable_students),
        (table, readable_teachers),
        (questions, readable_contrasts),
        questions=records(questions),
    )
    filled(folder, len(first) + len(then), FILES)


def _temperatures(text: str) -> tuple[float, ...]:
    found = tuple(sorted(set(numbers(text, "--temperatures") or [])))
    if not found or not all(0 < temperature < 1e6 for temperature in found):
        raise InputError(f"--temperatures takes numbers in (0, 1e6), got {text!r}", help="such as 1,2,4")
    return found


def _own(text: str) -> float | None:
    """The student's temperature; None for that of the teacher."""
    if text == "same":
        return None
    try:
        temperature = float(text)
    except ValueError:
        temperature = 0.0
    if not 0 < temperature < 1e6:
        raise InputError(
            f"--student-temperature takes a number in (0, 1e6), or same, got {text!r}", help="such as 1, the paper's"
        )
    return temperature
