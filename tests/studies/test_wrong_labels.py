"""Noises are named, applied to the training alone, and a noisy calibration split is as wrong as the training was."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calib.calibrators.temperature import TemperatureScaling
from calib.datasets import load_dataset, symmetric_label_noise
from calib.datasets.splits import split
from calib.errors import InputError
from calib.predictions import Predictions
from calib.sources import open_source
from calib.studies.write_wrong_labels import chart, readable_overview
from calib.studies.wrong_labels import (
    FEW_T,
    NOISY_T,
    PAPERS,
    SETTINGS,
    Noise,
    Setting,
    compare_noise,
    configs,
    noise_named,
    overview,
)
from calib.training.config import TrainConfig

from .networks import trained

BASE = TrainConfig(dataset="digits", width=4, epochs=6, train_size=64)
SETTING = Setting(BASE, (Noise(), Noise("symmetric", 0.4)), smoothing=(0.0,), seeds=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("noise")
    trained(configs(SETTING), folder)
    return folder


def test_names_and_configs_go_together() -> None:
    for name in ("clean", "symmetric-0.2", "asymmetric-0.4"):
        assert noise_named(name).name == name
    for text in ("", "symmetric", "symmetric-0", "symmetric-1.5", "symmetric-x", "0.2", "clean-0.2", "symmetric-nan"):
        with pytest.raises(InputError, match="no label noise"):
            noise_named(text)
    noisy = Noise("asymmetric", 0.4).applied(BASE)
    assert (noisy.label_noise, noisy.label_noise_kind) == (0.4, "asymmetric")
    assert Noise().applied(noisy) == BASE
    people = Noise(labels_file="a/people.npz", labels_key="worst").applied(noisy)
    assert (people.label_noise, people.labels_file, people.labels_key) == (0, "a/people.npz", "worst")
    assert list(configs(replace(SETTING, seeds=2, smoothing=(0.0, 0.1))))[3:6] == [
        "clean/smoothing0.1-seed1",
        "symmetric-0.4/hard-seed0",
        "symmetric-0.4/smoothing0.1-seed0",
    ]


def test_settings_begin_with_clean_labels_and_hard_targets() -> None:
    for setting in (*SETTINGS.values(), *PAPERS.values()):
        assert setting.noises[0] == Noise()
        assert setting.smoothing[0] == 0
        assert setting.base.keep == "last"
    assert PAPERS["lukasik"].base.arch == "resnet32"
    assert PAPERS["lukasik"].base.steps == 64_000


def test_the_noisy_temperature_is_that_of_calibration_labels_with_the_training_s_noise(folder: Path) -> None:
    noise = SETTING.noises[1]
    comparison = compare_noise(noise, SETTING, folder)
    source = open_source(folder / "symmetric-0.4" / "hard-seed0")
    data = load_dataset("digits")
    rows = split(data, seed=0, train_size=64, calibration_size=None).calibration
    calibration = source.to_fit_on
    np.testing.assert_array_equal(calibration.labels, data.labels[rows])  # the split itself stays clean
    wrong = symmetric_label_noise(data.labels[rows], 10, rate=0.4, seed=0)
    assert 0.3 < (wrong != calibration.labels).mean() < 0.42
    expected = TemperatureScaling.fit(Predictions.from_logits(calibration.values, wrong)).temperature
    assert 1 / comparison.others["hard-seed0"][NOISY_T].beta == pytest.approx(expected, rel=1e-12)
    few = comparison.others["hard-seed0"][FEW_T].beta
    own = calibration[np.random.default_rng(0).permutation(calibration.n)[:200]]
    assert 1 / few == pytest.approx(TemperatureScaling.fit(own).temperature, rel=1e-12)
    assert expected != TemperatureScaling.fit(calibration).temperature
    assert comparison.scores["calibrator"].tolist() == ["uncalibrated", "temperature", FEW_T, NOISY_T]


def test_the_overview_counts_wrong_labels_and_knows_both_temperatures(folder: Path) -> None:
    found = {noise.name: compare_noise(noise, SETTING, folder) for noise in SETTING.noises}
    table = overview(found, folder).set_index("noise")
    assert table["wrong_labels"].tolist() == [0, pytest.approx(23 / 64, abs=3 / 64)]
    clean, noisy = table.loc["clean"], table.loc["symmetric-0.4"]
    assert clean["temperature"] == clean["temperature_noisy"]
    assert clean["nll_T"] == clean["nll_noisy"]
    assert noisy["temperature"] != noisy["temperature_noisy"]
    shown = readable_overview(table.reset_index())
    assert shown["labels"].tolist() == ["clean", "symmetric-0.4"]
    assert not shown.apply(lambda column: column.str.contains("nan")).to_numpy().any()
    names = [ax.get_ylabel() for ax in chart(table.reset_index()).axes]
    assert names == ["accuracy", "ECE", "ECE + T", "ECE + noisy T"]
