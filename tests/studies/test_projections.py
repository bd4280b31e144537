"""The projection study: trained networks in, a figure and a true table out, and a page that says what made them."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from calib.errors import InputError
from calib.inference import features_part
from calib.projection import TemplatePlane
from calib.runs import train_run
from calib.scatter import scatter_statistics, scatters
from calib.studies._files import refuse_foreign
from calib.studies.projection_networks import SETTINGS, Setting, configs
from calib.studies.projections import chosen_classes, project_runs
from calib.studies.write_projections import FILES, TITLE, readable, write_projections
from calib.training.checkpoint import load_checkpoint, save_checkpoint
from calib.training.config import TrainConfig
from calib.training.presets import preset

from .networks import trained

SMALL = TrainConfig(dataset="digits", width=2, epochs=1, train_size=64)
CIFAR10 = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return trained(configs(Setting(SMALL, seeds=2)), tmp_path_factory.mktemp("projections"))


def test_classes_are_chosen_by_name_or_number_and_a_name_goes_first() -> None:
    assert chosen_classes(None, CIFAR10) == [0, 1, 2]
    assert chosen_classes([" bird", "airplane ", "automobile"], CIFAR10) == [2, 0, 1]
    assert chosen_classes([9, "0", "cat"], CIFAR10) == [9, 0, 3]
    assert chosen_classes(["1", "0", "2"], ["1", "0", "two"]) == [0, 1, 2]


@pytest.mark.parametrize(
    ("wanted", "words", "help"),
    [
        (["airplane", "automobil", "bird"], "no class 'automobil'", "did you mean automobile"),
        (["Bird", "cat", "dog"], "no class 'Bird'", "did you mean bird"),
        (["zebra crossing", "cat", "dog"], "no class 'zebra crossing'", "choose one of airplane, automobile"),
        (["cat", "dog"], "three different classes, got cat, dog", "three of the 10"),
        (["cat", "dog", "cat"], "three different classes", "three"),
        (["cat", "dog", "3"], "three different classes, got cat, dog, 3", "three"),
        ([], "got none", "three"),
        (["0", "1", "10"], "no class 10: there are 10, counted from 0", "name"),
        (["0", "1", "-1"], "no class -1", "name"),
        (["", "1", "2"], "no class ''", "choose one of"),
    ],
)
def test_wrong_classes_are_refused_with_the_nearest(wanted: list[str], words: str, help: str) -> None:
    with pytest.raises(InputError, match=words) as error:
        chosen_classes(wanted, CIFAR10)
    assert help in error.value.help


def test_two_classes_have_no_plane() -> None:
    with pytest.raises(InputError, match="three different classes") as error:
        chosen_classes(None, ["no", "yes"])
    assert error.value.help == "the network knows only 2"


def test_the_points_and_numbers_are_those_of_the_network(runs: list[Path]) -> None:
    result = project_runs(runs, classes=["7", "3", "5"], per_class=4)
    assert result.class_names == ("7", "3", "5")
    assert result.notes == ()
    assert len(result.table) == 2 * len(runs) == 8
    checkpoint = load_checkpoint(runs[1] / "checkpoint.pt")
    templates = checkpoint.model().templates
    plane = TemplatePlane.of(templates[[7, 3, 5]])  # type: ignore[index]
    np.testing.assert_allclose(result.rows[1].corners, plane.corners)
    features, labels = features_part(checkpoint, "test", classes=[7, 3, 5], per_class=4)
    points, positions = result.rows[1].test
    np.testing.assert_allclose(points, plane.project(features))
    assert positions == [{7: 0, 3: 1, 5: 2}[label] for label in labels]
    row = result.table.query("run == 'smoothing0.1-seed0' and part == 'test'").iloc[0]
    assert row["n"] == 12
    assert row["gap_mean"] == scatter_statistics(features, labels, templates).gap_mean
    assert row["plane_within_between"] == scatters(plane.project(features), labels).ratio
    assert row["gap_optimum"] == pytest.approx(4.510860, abs=1e-6)
    hard = result.table.query("smoothing == 0")
    assert (hard["gap_optimum"] == math.inf).all()
    assert hard["model"].unique().tolist() == ["hard"]


def test_every_network_shows_the_same_examples(runs: list[Path]) -> None:
    rows = project_runs(runs).rows
    for part in (1, 2):
        assert all(row[part][1] == rows[0][part][1] for row in rows)


def test_headings_tell_networks_apart(runs: list[Path]) -> None:
    names = [row.name for row in project_runs(runs[:2]).rows]
    assert names == ["resnet8 on digits, hard", "resnet8 on digits, α = 0.1"]
    names = [row.name for row in project_runs([runs[0], runs[2]]).rows]
    assert names == ["resnet8 on digits, hard (hard-seed0)", "resnet8 on digits, hard (hard-seed1)"]


def test_the_optimum_is_unknown_where_the_targets_were_changed_otherwise(tmp_path: Path) -> None:
    for name, change in (("noise", {"label_noise": 0.2}), ("focal", {"focal_gamma": 3.0}), ("mixup", {"mixup": 0.2})):
        train_run(replace(SMALL, smoothing=0.1, **change), tmp_path / name)  # type: ignore[arg-type]
        assert project_runs([tmp_path / name]).table["gap_optimum"].isna().all()


def test_unfinished_trainings_and_other_splits_are_noted(runs: list[Path], tmp_path: Path) -> None:
    checkpoint = load_checkpoint(runs[0] / "checkpoint.pt")
    save_checkpoint(replace(checkpoint, n_epochs=9), tmp_path / "half.pt")
    train_run(replace(SMALL, split_seed=1), tmp_path / "other")
    result = project_runs([tmp_path / "half.pt", tmp_path / "other"])
    assert result.notes == (
        "the networks were trained on different data or splits: they do not show the same examples",
        "the training of half is not over: 1 of 9 epochs so far",
    )


def test_runs_of_one_name_are_called_by_their_path_and_one_run_is_named_once(runs: list[Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="named twice"):
        project_runs([runs[0], runs[0]])
    copied = tmp_path / "copy" / runs[0].name
    train_run(SMALL, copied)
    names = set(project_runs([runs[0], copied]).table["run"])
    assert names == {str(runs[0] / "checkpoint.pt"), str(copied / "checkpoint.pt")}


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("example:digits-resnet8-hard", "predictions"),
        ("test.npz", "predictions"),
        ("nowhere", "does not exist, a check"),
    ],
)
def test_what_is_no_network_is_refused(path: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        project_runs([path])


def test_networks_of_other_classes_are_refused(runs: list[Path], tmp_path: Path) -> None:
    checkpoint = load_checkpoint(runs[0] / "checkpoint.pt")
    save_checkpoint(replace(checkpoint, class_names=tuple("abcdefghij")), tmp_path / "letters.pt")
    with pytest.raises(InputError, match="letters has the classes a, b, c where others have 0, 1, 2"):
        project_runs([runs[0], tmp_path / "letters.pt"])
    with pytest.raises(InputError, match="no networks"):
        project_runs([])


def test_a_setting_names_a_hard_and_a_smoothed_network_a_seed() -> None:
    named = configs(Setting(SMALL, seeds=2))
    assert list(named) == ["hard-seed0", "smoothing0.1-seed0", "hard-seed1", "smoothing0.1-seed1"]
    assert named["smoothing0.1-seed1"] == replace(SMALL, smoothing=0.1, seed=1)


def test_the_table_for_people_has_no_nan_and_names_networks_where_they_differ(runs: list[Path]) -> None:
    table = project_runs(runs).table
    shown = readable(table)
    assert shown["network"].tolist() == ["hard", "hard", "α = 0.1", "α = 0.1"]
    assert shown["optimum"].tolist() == ["∞", "∞", "4.51", "4.51"]
    assert all(" ± " in cell for cell in shown["logit gap"])
    other = pd.concat(
        [table[table["seed"] == 0], table[table["seed"] == 0].assign(arch="alexnet", gap_optimum=math.nan)]
    )
    shown = readable(other)
    assert shown["network"].iloc[-1] == "alexnet on digits, α = 0.1"
    assert shown["optimum"].iloc[-1] == "–"
    assert not shown.apply(lambda column: column.str.contains("±|nan")).to_numpy().any()


def test_a_folder_gets_page_table_and_figure_and_nothing_foreign_is_replaced(runs: list[Path], tmp_path: Path) -> None:
    result = project_runs(runs)
    for _ in range(2):
        write_projections(result, tmp_path, command="calib study projections", shown=2)
    page = (tmp_path / "projections.md").read_text(encoding="utf-8")
    assert "Made by `calib study projections`, commit " in page
    pd.testing.assert_frame_equal(
        pd.read_csv(tmp_path / "projections.csv", dtype={"model": str}), result.table, check_dtype=False
    )
    assert (tmp_path / "projections.png").read_bytes()[:4] == b"\x89PNG"
    (tmp_path / "projections.md").write_text("my notes")
    with pytest.raises(InputError, match="not calib's"):
        refuse_foreign(tmp_path, TITLE, FILES)
    with pytest.raises(InputError, match="not calib's"):
        write_projections(result, tmp_path, command="", shown=1)
    assert (tmp_path / "projections.md").read_text() == "my notes"


def test_the_papers_settings_are_those_of_its_appendix() -> None:
    alexnet, resnet = SETTINGS["cifar10-alexnet"], SETTINGS["cifar100-resnet56"]
    assert resnet.base == preset("muller")
    assert (alexnet.base.steps, alexnet.base.batch_size, alexnet.base.loss_scale) == (390_000, 128, 3.0)
    assert [round(390_000 * at) for at in alexnet.base.milestones] == [130_000, 260_000]
    assert (alexnet.base.train_size, alexnet.base.calibration_size) == (40_000, 10_000)
    assert alexnet.classes == ("airplane", "automobile", "bird")
    assert resnet.classes == ("beaver", "dolphin", "otter")
