"""Columns called by their classes alone: labels in words, or the classes' names, tell them from the others."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from calib.errors import InputError
from calib.files.calibrator_json import save_calibrator
from calib.files.read import read_predictions

from ..cli.conftest import Run, assert_refused, run  # noqa: F401  # a fixture
from ..references import sample

NAMES = ("cat", "dog", "bird")


def log(folder: Path, *, names: tuple[str, ...] = NAMES, logits: bool = False, **more: int) -> Path:
    scores, labels = sample(60, len(names))
    if not logits:
        scores = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    frame = pd.DataFrame({"id": range(60), "date": "2026-01-02", "region": "north", "label": np.array(names)[labels]})
    frame = frame.assign(**more, **{name: scores[:, i] for i, name in enumerate(names)})
    frame.to_csv(folder / "log.csv", index=False)
    return folder / "log.csv"


def test_words_of_the_labels_say_which_columns_are_classes(run: Run, tmp_path: Path) -> None:  # noqa: F811
    path = log(tmp_path)
    assert run("evaluate", path, "--from", "probs").code == 0
    assert read_predictions(path, kind="probs").class_names == NAMES
    assert read_predictions(log(tmp_path, hour=7), kind="probs").class_names == NAMES  # they sum to 1 without it
    assert read_predictions(log(tmp_path, logits=True), kind="logits").class_names == NAMES


def test_names_of_classes_say_so_too_and_in_which_order(tmp_path: Path) -> None:
    path = log(tmp_path, logits=True, hour=7)
    with pytest.raises(InputError, match="nothing says which of the columns") as error:
        read_predictions(path, kind="logits")  # may 7 be the logit of a class?
    assert "--class-names cat,dog,bird" in error.value.help
    bare = pd.read_csv(path).drop(columns=["date", "region"])
    bare.to_csv(tmp_path / "bare.csv", index=False)
    with pytest.raises(InputError, match="nothing says which of the columns 'hour', 'cat'"):
        read_predictions(tmp_path / "bare.csv", kind="logits")
    given, turned = (read_predictions(path, kind="logits", class_names=names) for names in (NAMES, NAMES[::-1]))
    assert np.array_equal(given.values, turned.values[:, ::-1])
    assert np.array_equal(given.labels, 2 - turned.labels)


def test_a_class_that_no_label_has_is_one_all_the_same(tmp_path: Path) -> None:
    path = log(tmp_path)
    frame = pd.read_csv(path).drop(columns=["date", "region"])
    frame[frame["label"] != "bird"].to_csv(path, index=False)
    assert read_predictions(path, kind="probs").class_names == NAMES


def test_without_labels_in_words_the_command_to_write_is_named(run: Run, tmp_path: Path) -> None:  # noqa: F811
    path = log(tmp_path)
    pd.read_csv(path).assign(label=0).to_csv(path, index=False)
    refused = run("evaluate", path, "--from", "probs")
    assert_refused(refused, "nothing says which of the columns 'date', 'region', 'cat'", "--class-names cat,dog,bird")
    assert run("evaluate", path, "--from", "probs", "--class-names", ",".join(NAMES)).code == 0


def test_apply_carries_the_columns_that_are_no_classes(run: Run, tmp_path: Path) -> None:  # noqa: F811
    from calib import TemperatureScaling

    save_calibrator(TemperatureScaling(2.0), tmp_path / "c.json")
    words = ("apply", tmp_path / "c.json", log(tmp_path), "--from", "probs", "-o", tmp_path / "out.csv")
    assert run(*words).code == 0
    assert list(pd.read_csv(tmp_path / "out.csv")) == ["id", "date", "region", "label", *(f"prob_{n}" for n in NAMES)]
    assert read_predictions(tmp_path / "out.csv").class_names == NAMES


@pytest.mark.parametrize(("yes", "no"), [("yes", "no"), ("TRUE", "false"), ("True", "False"), ("1", "0")])
def test_a_log_says_what_was_right_in_words_or_numbers(run: Run, tmp_path: Path, yes: str, no: str) -> None:  # noqa: F811
    path = tmp_path / "log.csv"
    path.write_text("confidence,correct\n" + "".join(f"0.{i},{yes if i > 5 else no}\n" for i in range(1, 10)))
    made = run("evaluate", path)
    assert made.code == 0, made.err
    assert "is right 44.4% of the time" in made.out
    path.write_text("confidence,correct\n0.5,yes\n0.7,maybe\n")
    assert_refused(run("evaluate", path), "row 1 column 'correct' holds 'maybe'", "1 or 0, true or false, yes or no")
