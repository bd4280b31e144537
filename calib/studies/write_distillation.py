"""Write the study of distillation down: teachers, students, what was asked of them, and accuracy against γ."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from calib._text import printable
from calib.studies._contrasts import contrast_notes, readable_contrasts
from calib.studies._files import page_files, write_page
from calib.studies._means import mean_over_seeds, readable_means
from calib.studies._page import Section
from calib.studies._protocol import made_by, protocol, same_test_examples, trained_with
from calib.studies.distillation import DIRECT, STUDENT, TEACHER, Setting, students, teachers
from calib.studies.distillation_questions import student_name
from calib.studies.teacher_information import PASSES, PER_CLASS, information_course

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from calib.training.config import TrainConfig

TITLE = "Study: distillation from smoothed teachers"
NAME = "distillation"
CHART, COURSE, QUESTIONS = "against-equivalent-smoothing", "information", "questions"
FILES = page_files(NAME, [NAME, QUESTIONS, COURSE], [CHART, COURSE])

_KEYS = ["kind", "model", "smoothing", "teacher_temperature"]
_SCORES = {"accuracy": ("accuracy", 4), "nll": ("NLL", 3), "nll_tuned": ("NLL + T", 3), "ece": ("ECE", 3)}
_OF_TEACHERS = {"taught_smoothing": ("γ at T = 1", 3), "information": ("information", 3)}
_OF_STUDENTS = {"equivalent_smoothing": ("γ", 3)}


def readable_teachers(table: "pd.DataFrame") -> "pd.DataFrame":
    """The teachers of a `distillation_table` as strings, a row a smoothing, ``mean ± sd`` over seeds."""
    return _readable(table[table["kind"] == TEACHER], {**_SCORES, **_OF_TEACHERS})


def readable_students(table: "pd.DataFrame") -> "pd.DataFrame":
    """The students, and their architecture without a teacher, likewise."""
    return _readable(table[table["kind"] != TEACHER], {**_OF_STUDENTS, **_SCORES})


def _readable(table: "pd.DataFrame", shown: dict[str, tuple[str, int]]) -> "pd.DataFrame":
    means = mean_over_seeds(table, _KEYS)
    rows = means[_KEYS].to_dict("records")
    names = [_name(str(row["kind"]), str(row["model"]), float(row["teacher_temperature"])) for row in rows]
    return readable_means(means, {"network": names}, shown)


def _name(kind: str, model: str, temperature: float) -> str:
    return student_name(model, temperature) if kind == STUDENT else f"{kind}, {model}"


def chart(table: "pd.DataFrame") -> "Figure":
    """Accuracy of every network against the equivalent smoothing of what it learnt from, means over seeds joined."""
    from calib.plots.series import Panel, Series, series_figure

    def line(label: str, rows: "pd.DataFrame") -> Series:
        at = rows.groupby(["smoothing", "teacher_temperature"], dropna=False)["equivalent_smoothing"].transform("mean")
        return Series(label, at.to_list(), rows["accuracy"].to_list())

    lines = [line(kind, table[table["kind"] == kind]) for kind in (TEACHER, DIRECT)]
    taught = table[table["kind"] == STUDENT]
    lines += [line(f"students of {model}", rows) for model, rows in taught.groupby("model", sort=False)]
    return series_figure([Panel("accuracy", lines)], setting="equivalent smoothing γ", width=5.6, kinds=False)


def course_chart(course: "pd.DataFrame") -> "Figure":
    """An `information_course`: each teacher at each epoch, means over seeds joined, ln 2 in grey."""
    from calib.plots.series import Panel, Series, series_figure

    lines = [
        Series(f"teacher, {model}", rows["epoch"].to_list(), rows["information"].to_list())
        for model, rows in course.groupby("model", sort=False)
    ]
    panel = Panel("information (nats)", lines, level=math.log(2))
    return series_figure([panel], setting="epoch", width=5.6, kinds=False)


def write_distillation(
    table: "pd.DataFrame", questions: "pd.DataFrame", folder: Path, setting: Setting, *, command: str
) -> None:
    """Write all of `FILES` into ``folder``, which holds the runs.  Raises `InputError` where it cannot be written."""
    words = "Accuracy against the equivalent smoothing of the targets: teachers, their students, and no teacher"
    runs = [folder / run for run in teachers(setting)]
    shared = same_test_examples(runs)
    course = information_course(table[table["kind"] == TEACHER], folder)
    told = "Information on single images in the logits of the teachers, against epochs of their training"
    sections = [
        Section("Teachers", [teacher_notes(table, setting)], readable_teachers(table)),
        Section("Information in the course of training", [course_notes(course)], picture=(f"{COURSE}.png", told)),
        Section("Students", [student_notes(setting)], readable_students(table)),
        Section("Questions", [contrast_notes(questions, shared=shared)], readable_contrasts(questions)),
        Section(picture=(f"{CHART}.png", words)),
        Section("How it was done", [*how(setting), made_by(command, trained_with(runs[0]))]),
    ]
    tables = {NAME: table, QUESTIONS: questions, COURSE: course}
    figures = {CHART: chart(table), COURSE: course_chart(course)}
    write_page(folder, NAME, TITLE, sections, tables=tables, figures=figures)


def teacher_notes(table: "pd.DataFrame", setting: Setting) -> str:
    """What the columns of the teachers' table are."""
    n = int(table["n"].iloc[0])
    one, other = (printable(name) for name in setting.classes)
    moved = setting.student.shift or setting.student.flip
    seen = f"augmented as students see them (the first {PASSES} epochs)" if moved else "as they are"
    unknown = "" if setting.teacher.shift or setting.teacher.flip else " Without augmentation it says little."
    return (
        f"Mean ± sd over seeds; scores on the test split (n = {n:,}), *NLL + T* after a temperature of the calibration "
        "split. *γ* is the equivalent smoothing of what it teaches: k/(k − 1) times the mean probability of the wrong "
        f"classes on training images, {seen}. "
        f"*information* is the estimate of the mutual information, in nats, between the index of a training image and "
        f"the difference of the logits of {one} and {other} under random augmentation: at most the first {PER_CLASS} "
        f"images of either class, {PASSES} passes for the mean of an image and one more for its draw, after training. "
        f"ln 2 = {math.log(2):.3f} says which class and no more.{unknown}"
    )


def course_notes(course: "pd.DataFrame") -> str:
    """Which epochs the chart shows, and what was not written down."""
    epochs = sorted(course["epoch"].unique())
    alone = "" if len(epochs) > 1 else " These teachers were trained before it was written down: --force trains anew."
    listed = ", ".join(map(str, epochs))
    return f"The same estimate after epoch{'s' * (len(epochs) > 1)} {listed}; the grey line is ln 2.{alone}"


def student_notes(setting: Setting) -> str:
    """What the students were trained by."""
    own = setting.student_temperature
    weight = setting.student.distillation_weight
    if setting.student.match_logits:
        return (
            f"A student is trained by {weight:g} times half the squared distance of its logits from the teacher's and "
            f"{1 - weight:g} times the cross-entropy against the labels; *γ* is the equivalent smoothing of the "
            "teacher's probabilities at T = 1, without a teacher α itself."
        )
    loss = f"{weight:g} times the cross-entropy against the teacher's probabilities at T"
    rest = "and nothing else" if weight == 1 else f"and {1 - weight:g} times that against the labels"
    return (
        f"A student is trained by {loss} (its own temperature is {'T too' if own is None else f'{own:g}'}), {rest}; "
        "*γ* is the equivalent smoothing of these targets, without a teacher α itself."
    )


def how(setting: Setting) -> Sequence[str]:
    """What was trained, and why nothing was chosen on the test split."""
    configs = list(teachers(setting).values())
    arch = setting.hard_arch
    another = [] if arch is None else [f"The hard teachers differ in their architecture too, which is `{arch}`."]
    return [
        *protocol(configs),
        *another,
        "These are the teachers. A student has the seed and the split of its teacher, whose calibration and test "
        f"examples it never saw. The first without a teacher: `calib train {' '.join(_first(setting).options())}`.",
    ]


def _first(setting: Setting) -> "TrainConfig":
    return next(iter(students(setting, Path()).values()))
