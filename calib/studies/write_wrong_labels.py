"""Write the study of wrong labels down: what every noise does to every α, then each noise as a study of its own."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from calib._text import printable
from calib.export import readable
from calib.studies._files import page_files, write_page
from calib.studies._means import mean_over_seeds, readable_means
from calib.studies._page import Section
from calib.studies._protocol import made_by, protocol
from calib.studies.smoothing_differences import REFERENCE_NAME, difference_notes, readable_differences
from calib.studies.smoothing_verdict import differences_verdict
from calib.studies.smoothing_versus_temperature import Comparison
from calib.studies.write_comparison import table_notes
from calib.studies.wrong_labels import FEW, FEW_T, NOISY_T, overview

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from calib.training.config import TrainConfig

TITLE = "Study: wrong labels"
NAME = "wrong-labels"
CHART, RUNS, DIFFERENCES = "against-smoothing", "runs", "differences"
FILES = page_files(NAME, [NAME, RUNS, DIFFERENCES], [CHART])

_SHOWN = {
    "wrong_labels": ("wrong labels", 3),
    "accuracy": ("accuracy", 3),
    "nll": ("NLL", 3),
    "ece": ("ECE", 3),
    "temperature": ("T", 2),
    "nll_T": ("NLL + T", 3),
    "ece_T": ("ECE + T", 3),
    "ece_few": ("ECE + T of few", 3),
    "temperature_noisy": ("noisy T", 2),
    "nll_noisy": ("NLL + noisy T", 3),
    "ece_noisy": ("ECE + noisy T", 3),
    "aurc": ("AURC", 4),
}


def readable_overview(table: "pd.DataFrame") -> "pd.DataFrame":
    """A table of `overview` as strings: a row a noise and α, ``mean ± sd`` over seeds."""
    means = mean_over_seeds(table, ["noise", "model", "smoothing"])
    names = {"labels": [printable(noise) for noise in means["noise"]], "model": means["model"].to_list()}
    return readable_means(means, names, _SHOWN)


def write_wrong_labels(
    comparisons: Mapping[str, Comparison],
    differences: "Mapping[str, pd.DataFrame]",
    folder: Path,
    *,
    configs: "Mapping[str, TrainConfig]",
    command: str,
) -> "pd.DataFrame":
    """Write all of `FILES` into ``folder``, which holds the runs, and return the overview.

    ``differences`` has the table of `calib.studies.smoothing_differences.differences` of every noise.  Raises
    `InputError` where it cannot be written.
    """
    table = overview(comparisons, folder)
    first = next(iter(comparisons.values()))
    sections = [
        Section(table=readable_overview(table), text=[OVERVIEW_NOTES]),
        Section(
            picture=(
                f"{CHART}.png",
                "Accuracy, and ECE without and with either temperature, against α: a line for each noise",
            )
        ),
    ]
    for noise, comparison in comparisons.items():
        verdict = differences_verdict(differences[noise], f"{printable(noise)} labels")
        sections += [
            Section(f"{printable(noise)} labels", [verdict] if verdict else [], readable(comparison.table)),
            Section(text=[f"Differences from {REFERENCE_NAME}:"]),
            Section(table=readable_differences(differences[noise])),
        ]
    tests = next(iter(differences.values()))
    sections += [
        Section("How to read the tables", [table_notes(first, noise_too=False), *difference_notes(tests), OWN]),
        Section("How it was done", [*protocol(list(configs.values())), made_by(command, first.trained_with)]),
    ]
    scores = {noise: comparison.scores for noise, comparison in comparisons.items()}
    tables = {NAME: table, RUNS: _by_noise(scores), DIFFERENCES: _by_noise(differences)}
    write_page(folder, NAME, TITLE, sections, tables=tables, figures={CHART: chart(table)})
    return table


def _by_noise(tables: "Mapping[str, pd.DataFrame]") -> "pd.DataFrame":
    """The tables of all noises below each other, each row with its noise."""
    import pandas as pd

    return pd.concat([table.assign(noise=noise) for noise, table in tables.items()], ignore_index=True)


OWN = (
    "Every noise is a study of its own: Holm's correction is for the tests of one noise and one calibrator, not for "
    "those of all noises together, and the number of tests is that of the first noise."
)
OVERVIEW_NOTES = (
    "Mean ± sd over seeds. All scores are of the *clean* test labels. *wrong labels* is the share of the training "
    "labels that differ from the data set's own: symmetric noise redraws a label over all classes, the true one "
    f"included. *T* is fitted on clean calibration labels, *T of few* (below: {FEW_T}) on {FEW} of them drawn at "
    f"random, *noisy T* (below: {NOISY_T}) on calibration labels with the noise of the training, which is all that "
    "somebody has who cannot tell wrong labels from right ones."
)


def chart(table: "pd.DataFrame") -> "Figure":
    """Accuracy, ECE without and with either temperature, against α: a line a noise."""
    from calib.plots.series import Panel, Series, series_figure

    def lines(column: str) -> list[Series]:
        return [
            Series(str(noise), rows["smoothing"].to_list(), rows[column].to_list())
            for noise, rows in table.groupby("noise", sort=False)
        ]

    names = {"ece": "ECE", "ece_T": "ECE + T", "ece_noisy": "ECE + noisy T"}
    top = 1.1 * float(table[list(names)].max().max())
    errors = [Panel(name, lines(column), from_zero=True, top=top) for column, name in names.items()]
    return series_figure([Panel("accuracy", lines("accuracy")), *errors])
