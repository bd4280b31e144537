"""The tutorials' two ways to smooth, by target rows and by the loss: one training, but two validation losses."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from calib.calibrators.temperature import TemperatureScaling
from calib.evaluation import evaluate
from calib.files.history_csv import load_history
from calib.files.run_folder import HISTORY
from calib.predictions import Predictions
from calib.reading import Reading
from calib.sources import open_source
from calib.targets import smooth_labels
from calib.training.config import TrainConfig
from calib.training.presets import preset

if TYPE_CHECKING:
    import pandas as pd

ROWS, ARGUMENT = "target rows", "loss argument"
ROUTES: Mapping[str, bool] = MappingProxyType({ROWS: True, ARGUMENT: False})


@dataclass(frozen=True)
class Setting:
    """One recipe with its α, trained by both routes with each of so many seeds."""

    base: TrainConfig
    seeds: int


_TUTORIAL = replace(preset("pyimagesearch"), smoothing=0.1)
SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {
        # the tutorial's network and schedule on small images
        "fashion-mnist-14": Setting(
            replace(
                _TUTORIAL,
                dataset="fashion-mnist-14",
                train_size=None,
                calibration_size=None,
                epochs=15,
                shift=1,
            ),
            seeds=2,
        ),
        "digits": Setting(
            TrainConfig(dataset="digits", width=8, smoothing=0.1, epochs=20, learning_rate=0.05, schedule="linear"),
            seeds=2,
        ),
    }
)
PAPERS: Mapping[str, Setting] = MappingProxyType({"pyimagesearch": Setting(_TUTORIAL, seeds=2)})


def configs(setting: Setting) -> dict[str, TrainConfig]:
    """Both routes of every seed by the names of their runs.

    >>> list(configs(SETTINGS["digits"]))[:2]
    ['target-rows-seed0', 'loss-argument-seed0']
    """
    return {
        f"{route.replace(' ', '-')}-seed{seed}": replace(setting.base, target_rows=rows, seed=seed)
        for seed in range(setting.seeds)
        for route, rows in ROUTES.items()
    }


def route_table(setting: Setting, folder: Path, *, data_dir: Path | None = None, device: str = "cpu") -> "pd.DataFrame":
    """One row a network: its training loss, and on the test split the two losses that people call validation loss.

    ``nll`` is against hard labels, ``smoothed_loss`` against smoothed ones, whose least value is
    `calib.targets.target_entropy`.  Raises `InputError` for runs that cannot be opened.
    """
    import pandas as pd

    rows = []
    for run, config in configs(setting).items():
        source = open_source(folder / run, Reading(data_dir=data_dir, device=device))
        report = evaluate(source.test)
        last = load_history(folder / run / HISTORY)[-1]
        rows.append(
            {
                "run": run,
                "route": ROWS if config.target_rows else ARGUMENT,
                "seed": config.seed,
                "n": report.n,
                "train_loss": last["loss"],
                "train_accuracy": last["accuracy"],
                "accuracy": report.accuracy,
                "nll": report.nll,
                "smoothed_loss": smoothed_loss(source.test, config.smoothing),
                "ece": report.ece,
                "temperature": TemperatureScaling.fit(source.to_fit_on).temperature,
            }
        )
    return pd.DataFrame(rows)


def agreement_table(
    setting: Setting, folder: Path, *, data_dir: Path | None = None, device: str = "cpu"
) -> "pd.DataFrame":
    """One row a pair of networks that differ in the route alone, or, smoothed by the loss, in the seed alone.

    ``same_answer`` is the share of test examples with the same predicted class, ``probability`` the mean distance in
    total variation of their probabilities, ``first_epoch`` the difference of their training losses in the first epoch.
    """
    import pandas as pd

    named = configs(setting)
    opened = {run: open_source(folder / run, Reading(data_dir=data_dir, device=device)).test for run in named}
    first = {run: load_history(folder / run / HISTORY)[0]["loss"] for run in named}
    rows = []
    for one, other in combinations(named, 2):
        a, b = named[one], named[other]
        route, seed = a.target_rows != b.target_rows, a.seed != b.seed
        if route == seed or (seed and a.target_rows):
            continue  # of seeds one route is enough: the other says the same again
        p, q = (np.exp(_log_probs(opened[run])) for run in (one, other))
        rows.append(
            {
                "differ in": "route" if route else "seed",
                "pair": f"{one}, {other}",
                "same_answer": float((p.argmax(axis=1) == q.argmax(axis=1)).mean()),
                "probability": float(np.abs(p - q).sum(axis=1).mean() / 2),
                "first_epoch": abs(first[one] - first[other]),
            }
        )
    return pd.DataFrame(rows)


def smoothed_loss(predictions: Predictions, smoothing: float) -> float:
    """Mean cross-entropy in nats against targets smoothed by α.

    >>> even = Predictions.from_logits([[0.0, 0.0]], [0])
    >>> round(smoothed_loss(even, 0.1), 6)  # ln 2, whatever the target
    0.693147
    """
    targets = smooth_labels(predictions.labels, predictions.n_classes, smoothing=smoothing)
    return float(-(targets * _log_probs(predictions)).sum(axis=1).mean())


def _log_probs(predictions: Predictions) -> Any:
    from scipy.special import log_softmax

    return log_softmax(np.asarray(predictions.values, dtype=np.float64), axis=1)
