"""The studies that share one way to train: each runs whole in seconds, keeps what is there, and refuses in time."""

import json
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from calib.studies import (
    distillation,
    selective_prediction,
    two_routes,
    write_distillation,
    write_selective_prediction,
    write_two_routes,
    write_wrong_labels,
    wrong_labels,
)
from calib.training.checkpoint import load_checkpoint, save_checkpoint
from calib.training.config import TrainConfig

from .conftest import Run, assert_refused
from .json_page import assert_documented

TINY = TrainConfig(dataset="digits", width=2, epochs=1, train_size=64)
WRITERS: dict[str, Any] = {
    "distillation": write_distillation,
    "wrong-labels": write_wrong_labels,
    "selective-prediction": write_selective_prediction,
    "two-routes": write_two_routes,
}


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """The digits setting of every study, with networks that see 64 images once."""

    def put(module: Any, **changes: Any) -> None:
        setting = replace(module.SETTINGS["digits"], seeds=2, **changes)
        monkeypatch.setattr(module, "SETTINGS", MappingProxyType({"digits": setting}))

    noises = (wrong_labels.Noise(), wrong_labels.Noise("symmetric", 0.4))
    put(wrong_labels, base=TINY, noises=noises, smoothing=(0.0, 0.1))
    put(selective_prediction, base=TINY, smoothing=(0.0, 0.1))
    put(two_routes, base=replace(TINY, smoothing=0.1))
    student = replace(TINY, distillation_weight=1.0)
    put(distillation, teacher=replace(TINY, shift=1), student=student, smoothing=(0.0, 0.1), temperatures=(1.0, 2.0))


def study(run: Run, name: str, folder: Path, *more: object) -> Any:
    return run("study", name, "--setting", "digits", "--workers", 1, "-o", folder, *more)


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize(("name", "networks"), [("wrong-labels", 8), ("selective-prediction", 4), ("two-routes", 4)])
def test_a_study_trains_writes_keeps_and_prints_for_machines(
    run: Run, tmp_path: Path, name: str, networks: int
) -> None:
    folder = tmp_path / "here"
    made = study(run, name, folder)
    assert made.code == 0, made.err
    files = WRITERS[name].FILES
    assert all((folder / file).stat().st_size > 0 for file in files)
    assert f"{networks} run directories, {', '.join(files)}" in made.err
    page = (folder / f"{name}.md").read_text(encoding="utf-8")
    assert f"Made by `calib study {name} --setting digits --workers 1`, commit " in page
    assert str(folder) not in page
    assert "nan" not in page.lower().replace("nano", "")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("checkpoint.pt")}
    assert len(before) == networks
    again = study(run, name, folder, "--json")
    assert again.code == 0, again.err
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("checkpoint.pt")} == before
    assert_documented(f"calib study {name}", json.loads(again.out))
    assert study(run, name, folder, "--format", "latex").out.count("\\toprule") >= 1
    title = page.partition("\n")[0]
    for mine in ("mine", f"{title}: my chapter", title):
        (folder / f"{name}.md").write_text(mine)
        assert_refused(study(run, name, folder), "not calib's")
    assert_refused(study(run, name, folder, "--paper", "none"), "choose one of them")
    assert_refused(run("study", name, "--setting", "mnist"), "no recipe 'mnist'", "digits")


@pytest.mark.slow
@pytest.mark.usefixtures("tiny")
def test_students_are_taught_by_the_teachers_of_their_seed(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "here"
    made = study(run, "distillation", folder)
    assert made.code == 0, made.err
    assert all((folder / file).stat().st_size > 0 for file in write_distillation.FILES)
    table = pd.read_csv(folder / "distillation.csv")
    assert table["kind"].value_counts().to_dict() == {"student": 8, "teacher": 4, "no teacher": 4}
    config = json.loads((folder / "students-T2" / "smoothing0.1-seed1" / "config.json").read_text())
    assert config["teacher"] == str(folder / "teachers" / "smoothing0.1-seed1")
    assert (config["seed"], config["split_seed"], config["smoothing"]) == (1, 1, 0.0)
    assert (config["distillation_temperature"], config["student_temperature"]) == (2.0, 1.0)
    known = table[table["kind"] == "teacher"]
    gammas = {(row["smoothing"], row["seed"]): row["taught_smoothing"] for row in known.to_dict("records")}
    for row in table[table["kind"] == "student"].to_dict("records"):
        same = row["equivalent_smoothing"] == pytest.approx(gammas[row["smoothing"], row["seed"]], rel=1e-12)
        assert same == (row["teacher_temperature"] == 1)
        assert 0 < row["equivalent_smoothing"] <= 10 / 9
    assert np.isfinite(known["information"]).all()
    course = pd.read_csv(folder / "information.csv").set_index("run")["information"]
    assert course.to_dict() == pytest.approx(known.set_index("run")["information"].to_dict())  # of the one epoch
    assert len(list((folder / "information").glob("*-seed[01].csv"))) == 4
    assert_documented("calib study distillation", json.loads(study(run, "distillation", folder, "--json").out))
    other = study(run, "distillation", folder, "--student-temperature", "same")
    assert other.code == 2
    assert "other settings (student_temperature 1.0, not None)" in other.err
    assert "are trained" not in other.err  # students that are there are looked at first
    first, second = (folder / "teachers" / f"hard-seed{seed}" / "checkpoint.pt" for seed in (0, 1))
    changed = load_checkpoint(first)
    weights = {name: value + 0.01 if value.is_floating_point() else value for name, value in changed.state_dict.items()}
    save_checkpoint(replace(changed, state_dict=weights), first)
    assert "was taught by another hard-seed0 than the one that is there now" in study(run, "distillation", folder).err
    assert second.exists()


@pytest.mark.usefixtures("tiny")
def test_odd_options_are_refused_before_any_training(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "here"
    for name, options, words in (
        ("distillation", ("--temperatures", "0,1"), "--temperatures takes numbers in (0, 1e6)"),
        ("distillation", ("--temperatures", "warm"), "numbers with commas"),
        ("distillation", ("--student-temperature", "-1"), "a number"),
        ("distillation", ("--student-temperature", "4,1"), "a number"),
        ("distillation", ("-o", tmp_path / "x.png"), "a folder to train into"),
        ("wrong-labels", ("--noise", "symmetric-0.2,symmetric-0.2000001"), "are both called symmetric-0.2/hard-seed0"),
        ("selective-prediction", ("--smoothing", "0,0.1,0.10000001"), "are both called smoothing0.1-seed0"),
        ("two-routes", ("--device", "quantum"), "device 'quantum'"),
        ("wrong-labels", ("--device", "quantum"), "device 'quantum'"),
        ("distillation", ("--device", "quantum"), "device 'quantum'"),
        ("smoothing-versus-temperature", ("--device", "quantum"), "device 'quantum'"),
        ("distillation", ("--smoothing", "0.1"), "lack 0"),
        ("wrong-labels", ("--noise", "purple-0.2"), "no label noise 'purple-0.2'"),
        ("wrong-labels", ("--noise", "symmetric-2"), "no label noise"),
        ("wrong-labels", ("--noise", ","), "names no label noise"),
        ("wrong-labels", ("--labels-key", "worst"), "no --labels-file"),
        ("wrong-labels", ("--smoothing", "0,1.5"), "smoothing must be in [0, 1)"),
        ("selective-prediction", ("--smoothing", ""), "lack 0"),
        ("selective-prediction", ("-o", tmp_path / "x.png"), "a folder to train into"),
    ):
        refused = run("study", name, "--setting", "digits", "-o", folder, *options)
        assert_refused(refused, words)
    assert not folder.exists()


def test_trained_networks_are_ranked_and_drawn(run: Run, trained: Path, tmp_path: Path) -> None:
    picture = tmp_path / "curves.svg"
    made = run("study", "selective-prediction", trained, "example:digits-resnet8-hard", "-o", picture)
    assert made.code == 0, made.err
    assert picture.read_bytes().startswith(b"<?xml")
    assert "coverage at 5 % risk" in made.out
    assert_refused(run("study", "selective-prediction", trained, "-o", picture), "exists already")
    assert_refused(run("study", "selective-prediction", trained, "--seeds", 3), "--seeds is of networks to train")
    assert_refused(run("study", "selective-prediction", trained / "test.npz"), "no calibration split")
    table = json.loads(run("study", "selective-prediction", trained, "--json", "--risk", 0.3).out)["rows"]
    assert [row["ranking"] for row in table] == ["softmax", "softmax + T", "p-norm"]
    assert {row["risk"] for row in table} == {0.3}


@pytest.mark.usefixtures("tiny")
def test_labels_of_a_file_are_one_more_noise(run: Run, tmp_path: Path) -> None:
    np.savez(tmp_path / "people.npz", worst=np.zeros(4, dtype=np.int64))
    file = ("--labels-file", tmp_path / "people.npz", "--labels-key", "worst")
    refused = study(run, "wrong-labels", tmp_path / "here", *file)
    assert_refused(refused, "digits has no official training part")
    assert not (tmp_path / "here").exists()  # before the other noises are trained


def test_unlike_networks_are_not_averaged(run: Run, trained: Path, tmp_path: Path) -> None:
    runs = ("example:cifar10-resnet20-hard", "example:digits-resnet8-hard")
    rows = run("study", "selective-prediction", *runs).out.splitlines()
    assert sum("hard, resnet20 on cifar10, softmax" in row for row in rows) == 2  # without and with a temperature
    assert sum("hard, resnet8 on digits, softmax" in row for row in rows) == 2
    checkpoint = load_checkpoint(trained / "checkpoint.pt")
    for split_seed in (0, 1):
        config = replace(checkpoint.config, split_seed=split_seed)
        (tmp_path / str(split_seed)).mkdir()
        save_checkpoint(replace(checkpoint, config=config), tmp_path / str(split_seed) / "checkpoint.pt")
    both = run("study", "selective-prediction", tmp_path / "0", tmp_path / "1", "--format", "csv", "--device", "auto")
    assert both.code == 0, both.err


@pytest.mark.usefixtures("tiny")
@pytest.mark.slow
@pytest.mark.parametrize("name", WRITERS)
def test_what_is_asked_for_reaches_every_network(run: Run, tmp_path: Path, name: str) -> None:
    smoothing = () if name == "two-routes" else ("--smoothing", "0,0.2")
    options = ("--epochs", 2, "--seeds", 1, *smoothing)
    made = study(run, name, tmp_path / "here", *options)
    assert made.code == 0, made.err
    configs = [json.loads(file.read_text()) for file in (tmp_path / "here").rglob("config.json")]
    assert {config["epochs"] for config in configs} == {2}
    assert {config["seed"] for config in configs} == {0}
    assert {config["smoothing"] for config in configs} == ({0.1} if name == "two-routes" else {0.0, 0.2})
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "here").rglob("checkpoint.pt")}
    forced = study(run, name, tmp_path / "here", *options, "--force")
    assert forced.code == 0, forced.err
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "here").rglob("checkpoint.pt")}
    assert all(after[path] > before[path] for path in before)
