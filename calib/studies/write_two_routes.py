"""Write the study of the two routes down: both losses of both routes, and how much the networks agree."""

from pathlib import Path
from typing import TYPE_CHECKING

from calib.datasets import dataset_entry
from calib.studies._files import page_files, write_page
from calib.studies._means import mean_over_seeds, readable_means
from calib.studies._page import Section
from calib.studies._protocol import made_by, trained_with
from calib.studies.two_routes import ARGUMENT, ROWS, Setting, configs
from calib.targets import target_entropy

if TYPE_CHECKING:
    import pandas as pd

TITLE = "Study: smoothing by target rows and by the loss"
NAME = "two-routes"
AGREEMENT = "agreement"
FILES = page_files(NAME, [NAME, AGREEMENT], [])

_SHOWN = {
    "train_loss": ("training loss", 4),
    "train_accuracy": ("training accuracy", 4),
    "accuracy": ("accuracy", 4),
    "nll": ("NLL (hard labels)", 4),
    "smoothed_loss": ("smoothed loss", 4),
    "ece": ("ECE", 3),
    "temperature": ("T", 2),
}
_AGREEMENT = {
    "same_answer": ("same answer", 4),
    "probability": ("distance of probabilities", 4),
    "first_epoch": ("difference of first losses", 6),
}


def readable_routes(table: "pd.DataFrame") -> "pd.DataFrame":
    """A table of `route_table` as strings: a row a route, ``mean ± sd`` over seeds."""
    means = mean_over_seeds(table, ["route"])
    return readable_means(means, {"route": means["route"].to_list()}, _SHOWN)


def readable_agreement(table: "pd.DataFrame") -> "pd.DataFrame":
    """A table of `agreement_table` as strings: a row for pairs that differ in the route, and in the seed."""
    numbered = table.assign(seed=range(len(table)))  # over pairs as over seeds
    means = mean_over_seeds(numbered, ["differ in"])
    return readable_means(means, {"pairs that differ in": means["differ in"].to_list()}, _AGREEMENT, counted="pairs")


def verdict(table: "pd.DataFrame", setting: Setting) -> str:
    """Why the two validation losses of the tutorials are not one number, in numbers of these networks."""
    means = table.groupby("route")[["nll", "smoothed_loss"]].mean()
    floor = target_entropy(setting.base.smoothing, dataset_entry(setting.base.dataset).n_classes)
    rows, argument = (means.loc[route] for route in (ROWS, ARGUMENT))
    return (
        f"Smoothed by {ROWS} and held against hard labels, the loss on the test split is {rows['nll']:.4f}; smoothed "
        f"by the {ARGUMENT}, which then smooths the labels of the test split too, it is "
        f"{argument['smoothed_loss']:.4f}. Measured alike they are {rows['nll']:.4f} and {argument['nll']:.4f} on hard "
        f"labels, {rows['smoothed_loss']:.4f} and {argument['smoothed_loss']:.4f} on smoothed ones, which no network "
        f"brings below {floor:.4f}."
    )


def write_two_routes(
    table: "pd.DataFrame", agreement: "pd.DataFrame", folder: Path, setting: Setting, *, command: str
) -> None:
    """Write all of `FILES` into ``folder``, which holds the runs.  Raises `InputError` where it cannot be written."""
    n = int(table["n"].iloc[0])
    first = next(iter(configs(setting).values()))
    sections = [
        Section(text=[verdict(table, setting)]),
        Section("Losses", [NOTES.replace("N_TEST", f"{n:,}")], readable_routes(table)),
        Section("Agreement", [AGREEMENT_NOTES], readable_agreement(agreement)),
        Section(
            "How it was done",
            [
                "Networks of one seed start from the same weights and see the same images in the same batches, on one "
                "split; they differ in where the labels are smoothed. The weights of the last epoch are kept.",
                f"The first network: `calib train {' '.join(first.options())}`.",
                made_by(command, trained_with(folder / next(iter(configs(setting))))),
            ],
        ),
    ]
    write_page(folder, NAME, TITLE, sections, tables={NAME: table, AGREEMENT: agreement}, figures={})


NOTES = (
    "Mean ± sd over seeds; training loss and accuracy are those of the last epoch, the loss against smoothed targets; "
    "the rest is of the test split (n = N_TEST). *NLL* is the cross-entropy against hard labels, *smoothed loss* that "
    "against labels smoothed as in the training."
)
AGREEMENT_NOTES = (
    "*same answer* is the share of test examples that both networks of a pair put into the same class, *distance of "
    "probabilities* the mean total variation, *difference of first losses* that of the training losses of the first "
    "epoch; ± is over pairs. The two routes are one loss, up to rounding; pairs of seeds show how much networks of one "
    "recipe differ anyway."
)
