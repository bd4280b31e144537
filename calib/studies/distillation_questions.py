"""What the study of distillation asks, before anything was trained: students, teachers and neither, pair by pair."""

import math

from calib.studies._contrasts import Contrast, Score
from calib.studies.distillation import DIRECT, STUDENT, TEACHER, Setting
from calib.targets import smoothing_name

SCORES = (Score("accuracy", "accuracy", 4, higher_is_better=True), Score("nll_tuned", "NLL + T", 3))
_HARD_TEACHER: dict[str, object] = {"kind": TEACHER, "smoothing": 0.0}


def student_name(teacher: str, temperature: float) -> str:
    """What a student is called in tables: by its teacher and T, which is NaN where logits are matched.

    >>> student_name("hard", 2.0), student_name("α = 0.1", math.nan)
    ('student of hard, T = 2', 'student of α = 0.1, logits matched')
    """
    return f"student of {teacher}, {'logits matched' if math.isnan(temperature) else f'T = {temperature:g}'}"


def contrasts(setting: Setting) -> list[Contrast]:
    """What is asked of a `distillation_table`, before anything was trained."""
    low, high = min(setting.temperatures, default=math.nan), max(setting.temperatures, default=math.nan)

    def student(alpha: float, temperature: float) -> dict[str, object]:
        lesson = {} if math.isnan(temperature) else {"teacher_temperature": temperature}
        return {"kind": STUDENT, "smoothing": alpha, **lesson}

    hard = student_name(smoothing_name(0.0), low)
    asked = [
        Contrast(
            f"{hard} − no teacher, hard",
            student(0.0, low),
            {"kind": DIRECT, "smoothing": 0.0},
        )
    ]
    for alpha in setting.smoothing[1:]:
        name = smoothing_name(alpha)
        direct: dict[str, object] = {"kind": DIRECT, "smoothing": alpha}
        asked += [
            Contrast(f"teacher, {name} − teacher, hard", {"kind": TEACHER, "smoothing": alpha}, _HARD_TEACHER),
            Contrast(f"{student_name(name, low)} − {hard}", student(alpha, low), student(0.0, low)),
            Contrast(f"{student_name(name, low)} − no teacher, {name}", student(alpha, low), direct),
        ]
        if high > low:
            asked.append(
                Contrast(f"student of {name}, T = {high:g} − T = {low:g}", student(alpha, high), student(alpha, low))
            )
    return asked
