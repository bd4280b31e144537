"""What do smoothing and a temperature do where training labels are wrong?  The comparison, once for every noise."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from calib._nearest import unknown
from calib.calibrators.temperature import TemperatureScaling
from calib.predictions import Predictions
from calib.sources import Source
from calib.studies.settings import SETTINGS as COMPARED
from calib.studies.smoothing_versus_temperature import Comparison, compare_runs
from calib.studies.train_all import grid, uniquely_named
from calib.training.config import TrainConfig
from calib.training.presets import preset

if TYPE_CHECKING:
    import pandas as pd

NOISY_T = "T of noisy labels"  # the temperature that a calibration split with the same noise would give
FEW = 200  # calibration labels that somebody may have checked
FEW_T = f"T of {FEW} labels"  # and the temperature of so many clean ones
KINDS = ("symmetric", "asymmetric")


@dataclass(frozen=True)
class Noise:
    """How the training labels are made wrong: a kind and a rate, or a file; neither is clean."""

    kind: str = "symmetric"
    rate: float = 0.0
    labels_file: str | None = None
    labels_key: str | None = None

    @property
    def name(self) -> str:
        """What it is called, which is its folder too.

        >>> Noise().name, Noise("asymmetric", 0.4).name, Noise(labels_file="a/human.npz", labels_key="worst").name
        ('clean', 'asymmetric-0.4', 'file-worst')
        """
        if self.labels_file is not None:
            name = self.labels_key or Path(self.labels_file).stem
            return "file-" + re.sub(r"[^\w.-]", "-", name)
        return f"{self.kind}-{self.rate:g}" if self.rate else "clean"

    def applied(self, config: TrainConfig) -> TrainConfig:
        """The config with this noise.  Raises `InputError` for what is out of range."""
        return replace(
            config,
            label_noise=self.rate,
            label_noise_kind=self.kind if self.rate else "symmetric",
            labels_file=self.labels_file,
            labels_key=self.labels_key,
        )


def noise_named(text: str) -> Noise:
    """Read ``clean`` or ``KIND-RATE``.  Raises `InputError` for anything else.

    >>> noise_named("symmetric-0.2")
    Noise(kind='symmetric', rate=0.2, labels_file=None, labels_key=None)
    """
    kind, _, rate = text.partition("-")
    try:
        if text != "clean" and not (kind in KINDS and 0 < float(rate) <= 1):
            raise ValueError
    except ValueError:
        more = ", with a rate in (0, 1] behind a kind: symmetric-0.2"
        raise unknown("label noise", text, ("clean", *KINDS), more=more) from None
    return Noise() if text == "clean" else Noise(kind, float(rate))


@dataclass(frozen=True)
class Setting:
    """One recipe for all networks; the noises and smoothings to train with; the number of seeds."""

    base: TrainConfig
    noises: tuple[Noise, ...]
    smoothing: tuple[float, ...]
    seeds: int


_SMALL = (Noise(), Noise("symmetric", 0.2), Noise("symmetric", 0.4), Noise("asymmetric", 0.4))
SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {
        name: Setting(compared.base, _SMALL, smoothing=(0.0, 0.1, 0.2), seeds=compared.seeds)
        for name, compared in COMPARED.items()
    }
)
PAPERS: Mapping[str, Setting] = MappingProxyType(
    {
        # Lukasik et al. (2020): ResNet-32 by the optimiser and schedule of Müller et al., 20 % symmetric noise
        "lukasik": Setting(
            replace(preset("muller"), arch="resnet32"),
            (Noise(), Noise("symmetric", 0.2)),
            smoothing=(0.0, 0.1, 0.2),
            seeds=3,
        ),
    }
)


def configs(setting: Setting) -> dict[str, TrainConfig]:
    """Every network of ``setting`` by the name of its run, in a folder a noise.

    >>> list(configs(replace(SETTINGS["digits"], seeds=1, smoothing=(0.0,))))[:2]
    ['clean/hard-seed0', 'symmetric-0.2/hard-seed0']
    """
    return uniquely_named(
        (f"{noise.name}/{run}", config)
        for noise in setting.noises
        for run, config in grid(
            noise.applied(setting.base), smoothing=setting.smoothing, seeds=range(setting.seeds), paired_splits=True
        ).items()
    )


def check_labels(setting: Setting, *, data_dir: Path | None = None) -> None:
    """Read the labels of every noise once.  Raises `InputError` where data or a file cannot be had, before training."""
    from calib.datasets import load_dataset
    from calib.training.labels import training_labels

    dataset = load_dataset(setting.base.dataset, data_dir=data_dir)
    for noise in setting.noises:
        training_labels(noise.applied(setting.base), dataset, np.arange(1))


def compare_noise(
    noise: Noise, setting: Setting, folder: Path, *, data_dir: Path | None = None, device: str = "cpu"
) -> Comparison:
    """Compare the networks that were trained with one noise into ``folder``, judged on clean test labels.

    Temperatures are fitted three times: on clean calibration labels ("temperature"), on `FEW` of them drawn at random
    (`FEW_T`), and on calibration labels with the noise of the training (`NOISY_T`).  Raises `InputError` for runs that
    cannot be opened.
    """

    def also(source: Source) -> dict[str, Predictions]:
        clean, noisy = source.to_fit_on, _noisy(source, data_dir)
        seed = int(clean.provenance["config"]["seed"])
        splits = {FEW_T: clean[np.random.default_rng(seed).permutation(clean.n)[:FEW]]}
        splits |= {} if noisy is None else {NOISY_T: noisy}
        return {name: TemperatureScaling.fit(part).transform(source.test) for name, part in splits.items()}

    runs = [folder / run for run in configs(replace(setting, noises=(noise,)))]
    return compare_runs(runs, also=also, data_dir=data_dir, device=device)


def _noisy(source: Source, data_dir: Path | None) -> Predictions | None:
    """The calibration predictions with labels as wrong as those of the training; None where those were clean."""
    from calib.datasets import load_dataset
    from calib.datasets.splits import split
    from calib.training.labels import training_labels

    calibration = source.to_fit_on
    config = TrainConfig.from_dict(calibration.provenance["config"])
    if not (config.label_noise or config.labels_file):
        return None
    dataset = load_dataset(config.dataset, data_dir=data_dir)
    parts = split(
        dataset, seed=config.split_seed, train_size=config.train_size, calibration_size=config.calibration_size
    )
    labels = training_labels(config, dataset, parts.calibration)
    return Predictions.from_logits(calibration.values, labels, class_names=calibration.class_names)


def overview(comparisons: Mapping[str, Comparison], folder: Path) -> "pd.DataFrame":
    """One row a run: noise, share of wrong training labels, accuracy, and what each temperature makes of NLL and ECE.

    ``folder`` holds a folder of runs a noise.  ``*_noisy`` are those of `NOISY_T`, for clean training labels the same
    as those of the temperature, ``*_few`` those of `FEW_T`.
    """
    import pandas as pd

    from calib.files.run_folder import CHECKPOINT
    from calib.training.checkpoint import load_checkpoint

    rows = []
    for noise, comparison in comparisons.items():
        scores = {(row["run"], row["calibrator"]): row for row in comparison.scores.to_dict("records")}
        for run in comparison.diagnoses:
            plain, tuned = (scores[run, name] for name in ("uncalibrated", "temperature"))
            other = comparison.others[run].get(NOISY_T)
            noisy = tuned if other is None else scores[run, NOISY_T]
            checkpoint = load_checkpoint(folder / noise / run / CHECKPOINT)
            row = {
                "noise": noise,
                "model": plain["model"],
                "smoothing": plain["smoothing"],
                "run": run,
                "seed": plain["seed"],
                "wrong_labels": checkpoint.wrong_labels / len(checkpoint.split.train),
                **{name: plain[name] for name in ("accuracy", "nll", "ece", "aurc")},
                "temperature": tuned["temperature"],  # NaN where none could be fitted
                **{f"{name}_T": tuned[name] for name in ("nll", "ece")},
                "temperature_noisy": tuned["temperature"] if other is None else _temperature(other),
                **{f"{name}_noisy": noisy[name] for name in ("nll", "ece")},
                **{f"{name}_few": scores[run, FEW_T][name] for name in ("nll", "ece")},
            }
            rows.append(row)
    return pd.DataFrame(rows)


def _temperature(scaled: Predictions) -> float:
    """The temperature that was applied; NaN where none could be fitted, which leaves exactly 1."""
    beta = float(np.asarray(scaled.beta))
    return 1 / beta if beta != 1 else float("nan")
