"""Write projections down: means over seeds, a page that says what made it, the table in full and the figure."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

from calib._text import printable
from calib.errors import InputError
from calib.studies._files import made_by, page_files, write_page
from calib.studies._page import Section
from calib.studies.projections import Projections

if TYPE_CHECKING:
    import pandas as pd

TITLE = "Penultimate-layer projections"
NAME = "projections"
FILES = page_files(NAME, [NAME], [NAME])

# Heading and digits of what people read; the rest is for machines.
_SHOWN = {
    "accuracy": ("accuracy", 3),
    "within_between": ("within/between", 3),
    "plane_within_between": ("in the plane", 3),
    "own_distance": ("to own template", 2),
    "other_distance": ("to others", 2),
    "relative_spread": ("spread of others", 3),
    "gap_mean": ("logit gap", 2),
    "gap_sd": ("its sd", 2),
    "wrong_logit_spread": ("spread of wrong logits", 2),
}
_KEYS = ["arch", "dataset", "setting", "model", "smoothing", "part"]


def mean_over_seeds(table: "pd.DataFrame") -> "pd.DataFrame":
    """One row a setting and part: ``seeds``, ``n``, the optimum, and mean and sample sd (NaN for one) of every number.

    ``table`` is that of `calib.studies.projections.Projections`.  Two networks belong to one setting when their
    configurations differ in the seed alone.  Raises `InputError` for a setting and seed that come twice.
    """
    import pandas as pd

    repeated = table.duplicated([*_KEYS, "seed"]).to_numpy()
    if repeated.any():
        run = table["run"].to_numpy()[int(repeated.argmax())]
        raise InputError(f"run {run} repeats the setting and seed of another run", help="name each run once")
    groups = table.groupby(_KEYS, sort=False)
    columns = {"seeds": groups.size(), "n": groups["n"].mean(), "gap_optimum": groups["gap_optimum"].first()}
    numbers = [name for name in table.columns if name not in {*_KEYS, "run", "seed", "n", "gap_optimum"}]
    for name in numbers:
        columns[name], columns[f"{name}_sd"] = groups[name].mean(), groups[name].std(ddof=1)
    return pd.DataFrame(columns).reset_index()


def readable(means: "pd.DataFrame") -> "pd.DataFrame":
    """`mean_over_seeds` as strings: ``mean ± sd`` for the numbers that the page explains."""
    import pandas as pd

    many = means[["arch", "dataset"]].drop_duplicates().shape[0] > 1
    rows = []
    for row in means.to_dict("records"):
        network = f"{row['arch']} on {row['dataset']}, {row['model']}" if many else str(row["model"])
        cells = {
            "network": printable(network),
            "part": str(row["part"]),
            "seeds": str(row["seeds"]),
            "n": f"{row['n']:g}",
        }
        for name, (heading, digits) in _SHOWN.items():
            deviation = row[f"{name}_sd"]
            spread = "" if math.isnan(deviation) else f" ± {deviation:.{digits}f}"
            cells[heading] = f"{row[name]:.{digits}f}{spread}"
            if name == "gap_mean":
                optimum = row["gap_optimum"]
                cells["optimum"] = "–" if math.isnan(optimum) else "∞" if math.isinf(optimum) else f"{optimum:.2f}"
        rows.append(cells)
    return pd.DataFrame(rows)


def write_projections(result: Projections, folder: Path | str, *, command: str, shown: int) -> None:
    """Write the page, the table and the figure (of the first ``shown`` networks) into ``folder``.

    Raises `InputError` where they cannot be written.
    """
    from calib.plots.projection import projection_figure

    names = ", ".join(printable(name) for name in result.class_names)
    words = "Three classes on the plane of their templates, a row a network, training and test"
    sections = [
        Section(text=[f"Note: {note}." for note in result.notes]),
        Section(table=readable(mean_over_seeds(result.table)), text=[f"Classes {names}; {NOTES}", made_by(command)]),
        Section(picture=(f"{NAME}.png", words)),
    ]
    figure = projection_figure(result.rows[:shown], result.class_names)
    write_page(folder, NAME, TITLE, sections, tables={NAME: result.table}, figures={NAME: figure})


NOTES = (
    "mean ± sd over seeds. *within/between* is the ratio of the traces of the scatter matrices of the activations, *in "
    "the plane* that of the projected points; *to own template* and *to others* are mean distances, *spread of others* "
    "the sd of an example's distances to the wrong templates over their mean; *logit gap* is the correct logit minus "
    "the mean wrong one, *its sd* is over examples, *optimum* what the smoothing asks for where labels are certain; "
    "*spread of wrong logits* is the sd of an example's wrong logits."
)
