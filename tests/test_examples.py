"""The predictions that come with calib: found by name everywhere, honest about where they come from, and unchanged."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import calib
from benchmarks.examples import MARKERS, PAGE, make_example, table
from calib.errors import InputError
from calib.examples import EXAMPLES, FOLDER, SPLITS, example_named, load_example, read_example
from calib.files.npz import load_predictions, save_predictions
from calib.predictions import Predictions
from calib.runs import train_run
from calib.sources import open_source
from calib.training.config import TrainConfig


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "small"
    train_run(TrainConfig(dataset="digits", width=2, epochs=1, train_size=64, label_noise=0.4), folder)
    return folder


def test_the_examples_are_the_folders_that_hold_both_splits() -> None:
    assert {"digits-resnet8-hard", "digits-resnet8-smoothed"} <= set(EXAMPLES)
    assert list(EXAMPLES) == sorted(EXAMPLES)
    assert {path.name for path in FOLDER.iterdir()} == set(EXAMPLES)
    for name in EXAMPLES:
        assert {path.name for path in (FOLDER / name).iterdir()} == {f"{split}.npz" for split in SPLITS}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_says_where_it_comes_from(name: str) -> None:
    example = calib.load_example(name)
    assert isinstance(example, calib.Example)
    assert example.name == name
    assert (example.calibration.kind, example.test.kind) == ("logits", "logits")
    assert example.calibration.values.dtype == example.test.values.dtype == np.float16
    assert [getattr(example, split).provenance["split"] for split in SPLITS] == list(SPLITS)
    origin = example.provenance
    assert origin["command"].startswith("calib train --dataset ")
    assert re.fullmatch(r"[0-9a-f]{12}", origin["versions"]["commit"])  # not "-dirty"
    assert {"calib", "python", "torch", "hardware", "threads"} <= set(origin["versions"])
    assert "split" not in origin
    assert {key: value for key, value in example.calibration.provenance.items() if key != "split"} == dict(origin)
    assert len(example.test.class_names or ()) == example.test.n_classes
    assert str(Path(__file__).resolve().parents[2]) not in json.dumps(dict(origin))


def test_the_digits_show_one_network_too_sure_and_one_too_modest() -> None:
    hard, smoothed = (load_example(f"digits-resnet8-{targets}") for targets in ("hard", "smoothed"))
    assert calib.evaluate(hard.test).gap > 0.1
    assert calib.evaluate(smoothed.test).gap < -0.1
    assert calib.TemperatureScaling.fit(hard.calibration).temperature > 1.5
    assert calib.TemperatureScaling.fit(smoothed.calibration).temperature < 0.9
    assert np.array_equal(hard.test.labels, smoothed.test.labels)
    assert hard.provenance["config"] == {**smoothed.provenance["config"], "smoothing": 0.0}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("digits-resnet8-hart", "did you mean digits-resnet8-hard"),
        ("nonsense", "choose one of "),
        ("", "choose one of "),
    ],
)
def test_an_unknown_name_lists_the_examples_and_the_nearest(name: str, words: str) -> None:
    with pytest.raises(InputError, match="there is no example") as caught:
        load_example(name)
    assert words in caught.value.help
    assert all(known in caught.value.help for known in EXAMPLES)


@pytest.mark.parametrize("name", ["..", "../datasets", "digits-resnet8-hard/../digits-resnet8-hard", "/etc"])
def test_a_name_is_never_a_path(name: str) -> None:
    with pytest.raises(InputError, match="there is no example"):
        load_example(name)


def test_only_the_prefix_makes_a_source_an_example(tmp_path: Path) -> None:
    assert example_named(Path("example:some-name")) == "some-name"
    assert example_named("digits-resnet8-hard") is None
    path = tmp_path / "example:mine"
    save_predictions(Predictions.from_logits(np.eye(10), range(10)), path)
    assert open_source(path).test.n == 10  # a file of such a name by its absolute path


def test_a_source_may_be_an_example_and_so_may_its_calibration_split() -> None:
    source = open_source("example:digits-resnet8-hard")
    assert source.name == "digits-resnet8-hard"
    assert source.calibration is not None
    assert (source.test.n, source.calibration.n) == (797, 400)
    again = open_source("example:digits-resnet8-hard", calibration=Path("example:digits-resnet8-hard"))
    assert again.calibration is not None
    assert np.array_equal(again.calibration.values, source.calibration.values)
    with pytest.raises(InputError, match="different checkpoints"):
        open_source("example:digits-resnet8-hard", calibration=Path("example:digits-resnet8-smoothed"))
    with pytest.raises(InputError, match="there is no example"):
        open_source("example:")


def test_loading_an_example_loads_no_torch() -> None:
    code = "import calib, sys; calib.load_example('digits-resnet8-hard'); sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_page_s_numbers_are_computed_from_the_files() -> None:
    page = PAGE.read_text(encoding="utf-8")
    shown = MARKERS.search(page)
    assert shown is not None
    assert shown[0] == f"{shown[1]}{table([load_example(name) for name in EXAMPLES])}{shown[2]}"


def test_a_run_becomes_an_example_with_its_logits_rounded(trained: Path, tmp_path: Path) -> None:
    said = make_example("mine", trained, folder=tmp_path)
    assert said.startswith("mine: ")
    example = read_example(tmp_path / "mine")
    whole = load_predictions(trained / "test.npz")
    np.testing.assert_array_equal(example.test.values, whole.values.astype(np.float16))
    assert example.provenance["versions"]["threads"] == str(torch.get_num_threads())
    assert example.provenance["checkpoint_sha256"] == whole.provenance["checkpoint_sha256"]
    assert "--label-noise 0.4" in example.provenance["command"]
    assert "`mine` + T" in table([example])
