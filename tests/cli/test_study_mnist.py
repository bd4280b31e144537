"""``calib study distillation --paper mnist`` runs whole on pictures that are as many as MNIST's, and no digits."""

import json
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from calib.datasets.idx import idx_bytes
from calib.studies import distillation, write_distillation

from .conftest import Run, assert_refused


@pytest.fixture
def squares(tmp_path: Path) -> Path:
    """A folder ``mnist/`` of 70,000 pictures, each with one bright square in the place of its class."""
    folder, rng = tmp_path / "data" / "mnist", np.random.default_rng(0)
    folder.mkdir(parents=True)
    for part, n in (("train", 60_000), ("t10k", 10_000)):
        labels = rng.integers(10, size=n, dtype=np.uint8)
        images = np.zeros((n, 28, 28), dtype=np.uint8)
        for label in range(10):
            y, x = 4 + 12 * (label // 5), 2 + 5 * (label % 5)
            images[labels == label, y : y + 4, x : x + 4] = 255
        (folder / f"{part}-images-idx3-ubyte").write_bytes(idx_bytes(images))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx_bytes(labels))
    return folder.parent


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The paper's setting with narrow networks that see few pictures, three times."""
    setting = distillation.PAPERS["mnist"]
    changes: dict[str, Any] = {"width": 64, "train_size": 600, "calibration_size": 200, "epochs": 3, "batch_size": 20}
    few = replace(
        setting, teacher=replace(setting.teacher, **changes), student=replace(setting.student, **changes), seeds=1
    )
    monkeypatch.setattr(distillation, "PAPERS", MappingProxyType({"mnist": few}))


@pytest.mark.slow  # distillation itself runs whole in test_other_studies.py
@pytest.mark.usefixtures("small")
def test_students_of_dropout_and_of_smoothing_match_logits(run: Run, tmp_path: Path, squares: Path) -> None:
    folder = tmp_path / "here"
    paper = ("study", "distillation", "--paper", "mnist", "-o", folder)
    for option in ("--temperatures", "--student-temperature"):
        assert_refused(run(*paper, option, 2), "the students of mnist match logits: no temperature has a part in that")
    assert not folder.exists()
    made = run(*paper, "--data-dir", squares, "--workers", 1)
    assert made.code == 0, made.err
    runs = {path.parent.relative_to(folder).as_posix(): path for path in folder.rglob("config.json")}
    configs = {name: json.loads(path.read_text()) for name, path in runs.items()}
    names = ["hard-seed0", "smoothing0.1-seed0"]
    kinds = ("teachers", "no-teacher", "students-logits")
    assert set(configs) == {f"{kind}/{name}" for kind in kinds for name in names}
    for name in names:
        teacher, alone, student = (configs[f"{kind}/{name}"] for kind in kinds)
        assert teacher["arch"] == ("mnist-fc-dropout" if name.startswith("hard") else "mnist-fc")
        assert (teacher["shift"], alone["shift"], student["shift"]) == (2, 0, 0)
        assert {alone["arch"], student["arch"]} == {"mnist-fc"}
        assert (student["match_logits"], student["distillation_weight"]) == (True, 0.6)
        assert (student["teacher"], student["smoothing"]) == (str(folder / "teachers" / name), 0.0)
        assert (alone["match_logits"], alone["teacher"]) == (False, None)
    table = pd.read_csv(folder / "distillation.csv")
    assert table["teacher_temperature"].isna().all()
    assert table["kind"].value_counts().to_dict() == {"teacher": 2, "student": 2, "no teacher": 2}
    assert (table["accuracy"] > 0.3).all()  # three times chance: everything was trained on what is there
    taught = table[table["kind"] == "teacher"].set_index(["smoothing", "seed"])["taught_smoothing"]
    students = table[table["kind"] == "student"].set_index(["smoothing", "seed"])["equivalent_smoothing"]
    assert students.to_dict() == pytest.approx(taught.to_dict())
    course = pd.read_csv(folder / "information.csv")
    assert course.groupby("run")["epoch"].apply(list).tolist() == [[1, 2, 3]] * 2
    page = (folder / "distillation.md").read_text(encoding="utf-8")
    assert "student of α = 0.1, logits matched − student of hard, logits matched" in page
    assert "0.6 times half the squared distance of its logits from the teacher's and 0.4 times" in page
    assert "on training images, as they are." in page
    assert "The hard teachers differ in their architecture too, which is `mnist-fc-dropout`." in page
    assert "after epochs 1, 2, 3; the grey line is ln 2" in page
    assert "nan" not in page.lower()
    assert all((folder / file).stat().st_size > 0 for file in write_distillation.FILES)
