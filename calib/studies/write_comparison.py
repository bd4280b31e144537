"""Write a comparison down: Markdown and CSV tables and the reliability diagrams, each saying what made it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from calib.export import readable, to_csv
from calib.studies._files import refuse_foreign, write_texts
from calib.studies._page import Section, as_markdown
from calib.studies._protocol import made_by
from calib.studies.smoothing_versus_temperature import Comparison

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLE = "Label smoothing against temperature scaling"
NAME = "comparison"
RELIABILITY = "reliability"
FILES = PAGE, TABLE, DRAWING = f"{NAME}.md", f"{NAME}.csv", f"{RELIABILITY}.png"


def write_comparison(comparison: Comparison, folder: Path | str, *, command: str, shown_runs: Sequence[str]) -> None:
    """Write ``comparison.md``, ``comparison.csv`` and ``reliability.png`` (of ``shown_runs``) into ``folder``.

    Raises `InputError` where it cannot be written.
    """
    from calib.plots.reliability import save_figure

    folder = Path(folder)
    refuse_foreign(folder, TITLE, FILES)
    table = Section(
        table=readable(comparison.table), text=[table_notes(comparison), made_by(command, comparison.trained_with)]
    )
    page = as_markdown(TITLE, [Section(text=[comparison.verdict]), table])
    write_texts(folder, {PAGE: page, TABLE: to_csv(comparison.table)})
    save_figure(reliability_of(comparison, shown_runs), folder / DRAWING)


def table_notes(comparison: Comparison, *, noise_too: bool = True) -> str:
    """What a reader of the table must know, in a paragraph."""
    first = next(iter(comparison.diagnoses.values()))
    noise = (
        " Label noise is in the training labels alone: the temperature is fitted on clean calibration labels, which "
        "smoothing never sees."
    )
    noisy = noise_too and "label_noise" in comparison.scores and (comparison.scores["label_noise"] > 0).any()
    return (
        f"Mean ± sd over seeds on the test split (n = {first.uncalibrated.n:,}); temperatures fitted by NLL on the "
        f"calibration split (n = {first.fitted.n:,}); ECE over {first.uncalibrated.n_bins} bins of equal width, "
        "(a, b]; *by chance* is what a perfectly calibrated model with the same confidences would score at this n; "
        f"*gap* is mean confidence − accuracy.{noise if noisy else ''}"
    )


def reliability_of(comparison: Comparison, shown_runs: Sequence[str]) -> "Figure":
    """The reliability diagrams of ``shown_runs``, each without and with its temperature."""
    from calib.plots.reliability import reliability_figure

    rows = [(name, *comparison.diagnoses[name].curves, comparison.diagnoses[name].label) for name in shown_runs]
    return reliability_figure(rows)
