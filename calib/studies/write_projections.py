"""Write projections down: means over seeds, a page that says what made it, the table in full and the figure."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

from calib._text import printable
from calib.studies._files import page_files, write_page
from calib.studies._means import mean_over_seeds, mean_sd, readable_means
from calib.studies._page import Section
from calib.studies._protocol import made_by
from calib.studies.projections import Projections

if TYPE_CHECKING:
    import pandas as pd

TITLE = "Study: penultimate-layer projections"
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
_KEYS = ["arch", "dataset", "setting", "model", "smoothing", "gap_optimum", "part"]


def readable(table: "pd.DataFrame") -> "pd.DataFrame":
    """The table of `Projections` as strings: ``mean ± sd`` over seeds for the numbers that the page explains.

    Two networks belong to one setting when their configurations differ in the seed alone.  Raises `InputError` for a
    setting and seed that come twice.
    """
    means = mean_over_seeds(table, _KEYS)
    many = means[["arch", "dataset"]].drop_duplicates().shape[0] > 1
    plain = [
        f"{row['arch']} on {row['dataset']}, {row['model']}" if many else str(row["model"])
        for row in means.to_dict("records")
    ]
    rows = list(zip(plain, means["part"], means["setting"], strict=True))
    alike = [sum((other, part) == (name, where) for other, where, _ in rows) > 1 for name, part, _ in rows]
    names = {
        "network": [
            printable(f"{name} ({setting})" if one else name)
            for (name, _, setting), one in zip(rows, alike, strict=True)
        ],
        "part": means["part"].to_list(),
    }
    shown = readable_means(means, names, _SHOWN)
    shown.insert(3, "n", [f"{n:g}" for n in means["n"]])
    return shown.assign(optimum=[mean_sd(gap, math.nan, 2) for gap in means["gap_optimum"]])


def write_projections(result: Projections, folder: Path | str, *, command: str, shown: int) -> None:
    """Write the page, the table and the figure (of the first ``shown`` networks) into ``folder``.

    Raises `InputError` where they cannot be written.
    """
    from calib.plots.projection import projection_figure

    names = ", ".join(printable(name) for name in result.class_names)
    words = "Three classes on the plane of their templates, a row a network, training and test"
    sections = [
        Section(text=[f"Note: {note}." for note in result.notes]),
        Section(table=readable(result.table), text=[f"Classes {names}; {NOTES}", made_by(command)]),
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
