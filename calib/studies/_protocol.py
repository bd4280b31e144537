"""How the networks of a study came about, for its page: what was trained, chosen and kept, and what made it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from calib.environment import commit, hardware, versions

if TYPE_CHECKING:
    from calib.training.config import TrainConfig


def protocol(configs: "Sequence[TrainConfig]") -> list[str]:
    """Why nothing was chosen on the test split, and what was trained."""
    first = configs[0]
    many = len({(config.seed, config.split_seed) for config in configs}) > 1
    splits = "a split of its own" if len({config.split_seed for config in configs}) > 1 else "the same split"
    noises = {(config.label_noise, config.label_noise_kind, config.labels_file) for config in configs}
    differ = "α alone" if len(noises) == 1 else "α and in the labels they are trained on"
    kept = (
        "the weights of the last epoch are kept, whatever they score"
        if first.keep == "last"
        else "the epoch kept is the best by NLL of the calibration split, which is therefore not untouched"
    )
    return [
        "Nothing is chosen on the test split. Every α that was trained is shown, none is picked; "
        f"{kept}; the temperature of a network, and any other calibrator, is fitted by NLL or its own rule on the "
        "calibration split, which no training saw. Training, calibration and test examples are disjoint.",
        "Networks of one seed start from the same weights and see the same images in the same batches, on one split; "
        f"they differ in {differ}.{f' Another seed has {splits}.' if many else ''}",
        f"The first of {len(configs)} networks: `calib train {' '.join(first.options())}`.",
    ]


def trained_with(run: Path) -> dict[str, str]:
    """Versions and hardware that trained a finished run, as its predictions say."""
    from calib.files.npz import load_predictions
    from calib.files.run_folder import TEST

    return dict(load_predictions(run / TEST).provenance.get("versions", {}))


def same_test_examples(runs: Sequence[Path]) -> bool:
    """Whether finished runs were tested on the same labels in the same order."""
    import numpy as np

    from calib.files.npz import load_predictions
    from calib.files.run_folder import TEST

    first, *others = (load_predictions(run / TEST).labels for run in runs)
    return all(np.array_equal(first, other) for other in others)


def made_by(command: str, trained_with: Mapping[str, str] | None = None) -> str:
    """The command, commit, machine and versions behind the numbers, as a paragraph."""
    with_versions = ", ".join(f"{name} {number}" for name, number in (trained_with or versions()).items())
    return (
        f"Made by `{command}`, commit {commit()}, on {hardware()}; "
        f"{'networks trained with ' if trained_with else ''}{with_versions}."
    )
