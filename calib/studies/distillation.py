"""Do smoothed networks teach worse?  Teachers across α, students across T, and what the teachers know."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from calib.calibrators.temperature import TemperatureScaling
from calib.errors import InputError
from calib.evaluation import evaluate
from calib.files.run_folder import CHECKPOINT
from calib.index_information import index_information
from calib.metrics.proper import nll
from calib.predictions import Predictions
from calib.reading import Reading
from calib.sources import open_source
from calib.studies.teacher_information import PASSES, Probe, augmented_logits, training_images
from calib.studies.train_all import grid, uniquely_named
from calib.targets import equivalent_smoothing, smoothing_name
from calib.training.config import TrainConfig
from calib.training.presets import preset

if TYPE_CHECKING:
    import pandas as pd

    from calib.training.checkpoint import Checkpoint

TEACHER, DIRECT, STUDENT = "teacher", "no teacher", "student"


@dataclass(frozen=True)
class Setting:
    """The recipes of teachers and students, teachers' smoothings and temperatures, and seeds.

    Students of a teacher at temperature T have temperature ``student_temperature`` (None: T) and are trained by the
    teacher's probabilities alone, as far as ``student`` does not say otherwise; where it matches logits there are no
    ``temperatures``.  The same architecture is trained without a teacher too, with every smoothing.  ``classes`` are
    the two whose logits are compared for the information in a teacher, by name.  ``hard_arch`` is the architecture of
    the hard teachers, where it is another.
    """

    teacher: TrainConfig
    student: TrainConfig
    smoothing: tuple[float, ...]
    temperatures: tuple[float, ...]
    seeds: int
    classes: tuple[str, str]
    student_temperature: float | None = 1.0
    hard_arch: str | None = None


_SMALL = TrainConfig(dataset="fashion-mnist-14", arch="resnet8", width=16, epochs=30, shift=1, flip=True)
_CIFAR10 = replace(preset("muller"), dataset="cifar10")
# A rate of 1 on gradients that are smoothed, 0.9 old + 0.1 new, is one of 0.1 with momentum 0.9.  Theirs is a tenth of
# that in the last layer; here all layers have one, and students, whose matched logits diverge with it, 0.01.
_MNIST = TrainConfig(
    dataset="mnist",
    arch="mnist-fc",
    epochs=100,
    batch_size=100,  # not printed
    learning_rate=0.1,
    schedule="linear",
    nesterov=False,
    weight_decay=0.0,
    shift=2,
)
SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {
        "fashion-mnist-14": Setting(
            teacher=_SMALL,
            student=replace(_SMALL, width=4, distillation_weight=1.0),
            smoothing=(0.0, 0.1, 0.3),
            temperatures=(1.0, 2.0),
            seeds=4,
            classes=("Pullover", "Ankle boot"),
        ),
        "digits": Setting(
            teacher=TrainConfig(dataset="digits", width=8, epochs=40, shift=1),
            student=TrainConfig(dataset="digits", width=2, epochs=40, shift=1, distillation_weight=1.0),
            smoothing=(0.0, 0.1, 0.3),
            temperatures=(1.0, 2.0),
            seeds=4,
            classes=("0", "1"),
        ),
    }
)
PAPERS: Mapping[str, Setting] = MappingProxyType(
    {
        # Müller et al. (2019), appendix A: ResNet-56 teaches AlexNet on CIFAR-10; β = 1, student at T = 1
        "muller": Setting(
            teacher=_CIFAR10,
            student=replace(_CIFAR10, arch="alexnet", distillation_weight=1.0),
            smoothing=(0.0, 0.15, 0.3, 0.45, 0.6, 0.75),
            temperatures=(1.0, 2.0, 3.0, 4.0, 8.0, 12.0, 16.0),
            seeds=3,
            classes=("airplane", "dog"),
        ),
        # The same, section 4: the hard teacher has dropout, students see images as they are and match logits, β = 0.6
        "mnist": Setting(
            teacher=_MNIST,
            student=replace(_MNIST, width=800, shift=0, learning_rate=0.01, distillation_weight=0.6, match_logits=True),
            smoothing=(0.0, 0.1),
            temperatures=(),
            seeds=3,
            classes=("4", "9"),
            hard_arch="mnist-fc-dropout",
        ),
    }
)


def teachers(setting: Setting) -> dict[str, TrainConfig]:
    """The teachers by the names of their runs, which have no teacher themselves."""
    named = _named("teachers", setting, setting.teacher)
    if setting.hard_arch is None:
        return named
    return {
        run: config if config.smoothing else replace(config, arch=setting.hard_arch) for run, config in named.items()
    }


def students(setting: Setting, folder: Path) -> dict[str, TrainConfig]:
    """What is trained once the teachers are in ``folder``: every smoothing without a teacher, every teacher at every T.

    >>> list(students(replace(SETTINGS["digits"], seeds=1, smoothing=(0.0,)), Path("here")))
    ['no-teacher/hard-seed0', 'students-T1/hard-seed0', 'students-T2/hard-seed0']
    """
    alone = replace(setting.student, distillation_weight=_DEFAULT_WEIGHT, match_logits=False)
    lessons = {
        f"students-T{temperature:g}": replace(
            setting.student,
            distillation_temperature=temperature,
            student_temperature=setting.student_temperature,
        )
        for temperature in setting.temperatures
    }
    if setting.student.match_logits:
        lessons = {"students-logits": setting.student}
    return uniquely_named(
        [
            *_named("no-teacher", setting, alone).items(),
            *(
                (
                    f"{name}/{Path(run).name}",
                    replace(lesson, teacher=str(folder / run), seed=config.seed, split_seed=config.split_seed),
                )
                for name, lesson in lessons.items()
                for run, config in teachers(setting).items()
            ),
        ]
    )


_DEFAULT_WEIGHT = TrainConfig(dataset="digits").distillation_weight


def _named(folder: str, setting: Setting, base: TrainConfig) -> dict[str, TrainConfig]:
    runs = grid(base, smoothing=setting.smoothing, seeds=range(setting.seeds), paired_splits=True)
    return {f"{folder}/{run}": config for run, config in runs.items()}


def distillation_table(
    setting: Setting, folder: Path, *, data_dir: Path | None = None, device: str = "cpu"
) -> "pd.DataFrame":
    """One row a network: what it is, its teacher's α and T, γ, and its scores on the test split.

    ``kind`` is `TEACHER`, `DIRECT` (the student's architecture without a teacher) or `STUDENT`; ``smoothing`` that of
    its own targets or of its teacher's; ``teacher_temperature`` is NaN where logits are matched and without a teacher.
    ``equivalent_smoothing`` is that of the targets it learnt from: α, or γ of the teacher's probabilities (at T = 1
    where logits are matched) on training images, augmented as the student sees them.  ``nll_tuned`` is NLL with a
    temperature; of teachers, ``taught_smoothing`` is γ of their own probabilities at T = 1 and ``information`` the
    estimate of `calib.index_information` after the last of ``epochs``, NaN for the others.

    Raises `InputError` for runs that cannot be opened, and for students of another teacher than the one that is there.
    """
    import pandas as pd

    from calib.content_hash import file_hash
    from calib.training.checkpoint import load_checkpoint

    named, rows = teachers(setting), []
    gamma: dict[tuple[str, float], float] = {}
    hashes: dict[str, str] = {}
    for run in named:
        name, file = Path(run).name, folder / run / CHECKPOINT
        checkpoint, hashes[name] = load_checkpoint(file), file_hash(file)
        seen = taught(checkpoint, setting.student, data_dir=data_dir, device=device)
        for temperature in {1.0, *setting.temperatures}:
            gamma[name, temperature] = equivalent_smoothing(TemperatureScaling(temperature).transform(seen))
        probe = Probe.of(checkpoint, setting.classes, data_dir=data_dir, device=device)
        information = index_information(*probe.gaps(checkpoint, device=device))
        known = {"taught_smoothing": gamma[name, 1.0], "information": information}
        rows.append({**_row(TEACHER, run, checkpoint, folder, data_dir, device), **known})
    for run, config in students(setting, folder).items():
        name, checkpoint = Path(run).name, load_checkpoint(folder / run / CHECKPOINT)
        row = _row(DIRECT if config.teacher is None else STUDENT, run, checkpoint, folder, data_dir, device)
        if config.teacher is not None:
            if checkpoint.inputs.get("teacher") != hashes[name]:
                raise InputError(
                    f"{folder / run} was taught by another {name} than the one that is there now",
                    help="--force trains teachers and students again",
                )
            alpha, temperature = named[f"teachers/{name}"].smoothing, config.distillation_temperature
            row |= {
                "smoothing": alpha,
                "model": smoothing_name(alpha),
                "teacher_temperature": math.nan if config.match_logits else temperature,
                "equivalent_smoothing": gamma[name, temperature],
            }
        rows.append(row)
    return pd.DataFrame(rows)


def taught(
    checkpoint: "Checkpoint", student: TrainConfig, *, data_dir: Path | None = None, device: str = "cpu"
) -> Predictions:
    """What a student sees of a teacher: its logits for all training images, augmented as in the first `PASSES` epochs.

    The augmentation is that of ``student``; without one a single pass says all.
    """
    config = replace(checkpoint.config, shift=student.shift, shift_fill=student.shift_fill, flip=student.flip)
    images, labels = training_images(checkpoint, config, data_dir=data_dir, device=device)
    passes = PASSES if config.shift or config.flip else 1
    logits = list(islice(augmented_logits(checkpoint, images, np.arange(len(labels)), device=device), passes))
    return Predictions.from_logits(np.concatenate(logits), np.tile(labels, passes))


def _row(
    kind: str, run: str, checkpoint: "Checkpoint", folder: Path, data_dir: Path | None, device: str
) -> dict[str, Any]:
    config, source = checkpoint.config, open_source(folder / run, Reading(data_dir=data_dir, device=device))
    fitted, report = TemperatureScaling.fit(source.to_fit_on), evaluate(source.test)
    return {
        "kind": kind,
        "run": run,
        "model": smoothing_name(config.smoothing),
        "smoothing": config.smoothing,
        "teacher_temperature": math.nan,
        "seed": config.seed,
        "equivalent_smoothing": config.smoothing,
        "accuracy": report.accuracy,
        "nll": report.nll,
        "nll_tuned": nll(fitted.transform(source.test)),
        "ece": report.ece,
        "taught_smoothing": math.nan,
        "information": math.nan,
        "epochs": len(checkpoint.history),
        "n": report.n,
    }
