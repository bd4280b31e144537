"""A SOURCE is a run directory, a checkpoint or predictions; saved predictions are used only while they belong."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calib.content_hash import file_hash
from calib.errors import InputError
from calib.files.npz import load_predictions, save_predictions
from calib.inference import predict_part
from calib.predictions import Predictions
from calib.reading import Reading
from calib.runs import train_run
from calib.sources import open_source
from calib.training.checkpoint import load_checkpoint
from calib.training.config import TrainConfig
from calib.training.finished import is_finished

SMALL = TrainConfig(dataset="digits", width=2, epochs=1, train_size=64)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "small"
    train_run(SMALL, folder)
    return folder


@pytest.fixture
def run_folder(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "small"))


def test_a_run_directory_holds_what_it_promises(run_folder: Path) -> None:
    names = {"checkpoint.pt", "calibration.npz", "test.npz", "history.csv", "config.json", "done.json"}
    assert {file.name for file in run_folder.iterdir()} == names
    columns = "epoch,loss,accuracy,learning_rate,calibration_loss,calibration_accuracy,calibration_ece,seconds"
    assert (run_folder / "history.csv").read_text().splitlines()[0] == columns
    assert is_finished(SMALL, run_folder)
    test = load_predictions(run_folder / "test.npz")
    assert test.provenance["checkpoint_sha256"] == file_hash(run_folder / "checkpoint.pt")


def test_folder_and_checkpoint_open_to_the_same_predictions(run_folder: Path) -> None:
    by_folder, by_file = open_source(run_folder), open_source(run_folder / "checkpoint.pt")
    assert by_folder.name == by_file.name == "small"
    assert np.array_equal(by_folder.test.values, by_file.test.values)
    assert by_folder.calibration is not None
    assert by_folder.calibration.n == 400


def test_predictions_are_made_anew_where_none_are_saved(run_folder: Path) -> None:
    saved = open_source(run_folder)
    (run_folder / "test.npz").unlink()
    again = open_source(run_folder / "checkpoint.pt")
    np.testing.assert_allclose(again.test.values, saved.test.values, rtol=1e-5, atol=1e-5)


def test_saved_predictions_of_another_checkpoint_are_not_used(run_folder: Path) -> None:
    foreign = load_predictions(run_folder / "test.npz")
    stale = Predictions.from_logits(
        np.zeros((797, 10)), foreign.labels, provenance={**foreign.provenance, "checkpoint_sha256": "0" * 64}
    )
    save_predictions(stale, run_folder / "test.npz")
    assert np.abs(open_source(run_folder).test.values).max() > 0


def test_predictions_files_have_no_calibration_split_unless_given(run_folder: Path) -> None:
    alone = open_source(run_folder / "test.npz")
    assert alone.calibration is None
    given = open_source(run_folder / "test.npz", calibration=run_folder / "calibration.npz")
    assert given.calibration is not None
    assert given.calibration.n == 400


def test_a_calibration_file_that_does_not_fit_is_refused(run_folder: Path, tmp_path: Path) -> None:
    save_predictions(Predictions.from_logits(np.zeros((4, 3)), [0, 1, 2, 0]), tmp_path / "three.npz")
    with pytest.raises(InputError, match="3 classes"):
        open_source(run_folder, calibration=tmp_path / "three.npz")
    save_predictions(Predictions.from_probs(np.full((4, 10), 0.1), [0, 1, 2, 0]), tmp_path / "probs.npz")
    with pytest.raises(InputError, match="probs against logits"):
        open_source(run_folder, calibration=tmp_path / "probs.npz")


def test_what_is_not_there_or_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        open_source(tmp_path / "nothing")
    with pytest.raises(InputError, match="no run directory") as caught:
        open_source(tmp_path)
    assert "one that `calib train` made" in caught.value.help


def test_the_folder_above_runs_is_answered_with_one_of_them(run_folder: Path) -> None:
    with pytest.raises(InputError, match="no run directory") as caught:
        open_source(run_folder.parent)
    assert f"one of the runs in it, such as {run_folder}" in caught.value.help


def test_an_existing_output_is_refused_before_any_training(run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calib.runs.train", lambda *_, **__: pytest.fail("trained"))
    with pytest.raises(InputError, match="exists already"):
        train_run(SMALL, run_folder)
    with pytest.raises(InputError, match="cannot write"):
        train_run(SMALL, run_folder / "checkpoint.pt" / "below-a-file")


def test_a_folder_that_holds_more_than_a_run_is_never_replaced(run_folder: Path) -> None:
    (run_folder / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match=r"holds more than a run \(thesis.tex\)"):
        train_run(SMALL, run_folder, force=True)
    assert (run_folder / "thesis.tex").exists()
    assert (run_folder / "checkpoint.pt").exists()


def test_an_interrupted_run_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("calib.runs.save_checkpoint", interrupt)
    with pytest.raises(KeyboardInterrupt):
        train_run(SMALL, tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_opening_saved_predictions_does_not_load_torch(run_folder: Path) -> None:
    opening = f"from calib.sources import open_source; open_source({str(run_folder)!r})"
    code = f"import sys; {opening}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "False"


def test_calibration_data_that_would_fool_the_report_is_refused(run_folder: Path, tmp_path: Path) -> None:
    for other, words in (
        (run_folder / "test.npz", "same examples"),
        (Path(shutil.copytree(run_folder, tmp_path / "other")), "different checkpoints"),
    ):
        if other.is_dir():
            changed = load_predictions(other / "calibration.npz")
            save_predictions(
                replace(changed, provenance={**changed.provenance, "checkpoint_sha256": "0" * 64}),
                other / "calibration.npz",
            )
        with pytest.raises(InputError, match=words):
            open_source(run_folder, calibration=other)
    predicted = predict_part(load_checkpoint(run_folder / "checkpoint.pt"), "train")
    save_predictions(predicted, tmp_path / "train.npz")
    with pytest.raises(InputError, match="was trained on these"):
        open_source(run_folder, calibration=tmp_path / "train.npz")


def test_training_rows_under_the_name_of_the_test_split_are_not_reported(run_folder: Path) -> None:
    train_rows = predict_part(
        load_checkpoint(run_folder / "checkpoint.pt"),
        "train",
        provenance={"checkpoint_sha256": file_hash(run_folder / "checkpoint.pt")},
    )
    save_predictions(train_rows, run_folder / "test.npz")
    assert open_source(run_folder).test.n == 797


def test_a_linked_run_is_replaced_where_it_lies_and_an_empty_folder_is_filled(
    run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = tmp_path / "link"
    link.symlink_to(run_folder, target_is_directory=True)
    train_run(SMALL, link, force=True)
    assert link.is_symlink()
    assert is_finished(SMALL, link)
    assert {path.name for path in tmp_path.iterdir()} == {"link", "small"}
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    train_run(SMALL, ".")
    assert is_finished(SMALL, tmp_path / "empty")


def test_what_a_source_has_no_use_for_is_refused(run_folder: Path) -> None:
    for reading, path, words in (
        (Reading(dataset="digits"), "test.npz", "--dataset was given, but"),
        (Reading(averaged=True), "test.npz", "--ema was given, but"),
        (Reading(kind="probs"), "checkpoint.pt", "--from was given, but"),
        (Reading(labels=Path("y.npy")), "", "--labels was given, but"),
    ):
        with pytest.raises(InputError, match=words):
            open_source(run_folder / path, reading)
    alone = run_folder.parent / "alone.pt"
    alone.write_bytes((run_folder / "checkpoint.pt").read_bytes())
    with pytest.raises(InputError, match=r"--mean was given, but .*which knows its own"):
        open_source(alone, Reading(mean=(0.5,), std=(0.5,)))


def test_what_shards_and_weightless_files_cannot_do_is_said_with_their_name(tmp_path: Path) -> None:
    p = Predictions.from_logits(np.eye(3), [0, 1, 2])
    (tmp_path / "shards").mkdir()
    p.save(tmp_path / "shards" / "a.npz")
    with pytest.raises(InputError, match=r"--labels was given, but .*shards is shards"):
        open_source(tmp_path / "shards", Reading(labels=tmp_path / "y.npy"))
    replace(p[:2], sample_weight=np.zeros(2)).save(tmp_path / "light.npz")
    with pytest.raises(InputError, match=r"light\.npz: all sample weights are 0"):
        open_source(tmp_path / "shards", calibration=tmp_path / "light.npz")


def test_labels_of_the_test_split_are_not_those_of_the_calibration_split(tmp_path: Path) -> None:
    np.save(tmp_path / "y.npy", [0, 1, 2])
    np.savez(tmp_path / "test.npz", logits=np.eye(3))
    np.savez(tmp_path / "calibration.npz", logits=np.eye(3)[:2], labels=[1, 1])
    source = open_source(
        tmp_path / "test.npz", Reading(labels=tmp_path / "y.npy"), calibration=tmp_path / "calibration.npz"
    )
    assert source.test.labels.tolist() == [0, 1, 2]
    assert source.to_fit_on.labels.tolist() == [1, 1]
