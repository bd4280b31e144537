"""Write the study of smoothing and temperature down: its page in two formats, tables, charts, and how it was done."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from calib.export import readable, to_latex
from calib.studies._files import page_files, write_page
from calib.studies._page import Section
from calib.studies._protocol import made_by, protocol
from calib.studies.smoothing_differences import REFERENCE_NAME, difference_notes, readable_differences
from calib.studies.smoothing_versus_temperature import Comparison
from calib.studies.write_comparison import NAME, RELIABILITY, TITLE, reliability_of, table_notes
from calib.training.config import TrainConfig

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

DIFFERENCES, RUNS, LATEX, CHART = "differences", "runs", f"{NAME}.tex", "against-smoothing"
FILES = page_files(NAME, [NAME, DIFFERENCES, RUNS], [CHART, RELIABILITY], [LATEX])


def write_study(
    comparison: Comparison,
    differences: "pd.DataFrame",
    folder: Path | str,
    *,
    verdict: str,
    configs: Sequence[TrainConfig],
    command: str,
    shown_runs: Sequence[str],
) -> None:
    """Write all of `FILES` into ``folder``; ``configs`` are what the runs were trained by.

    Raises `InputError` where it cannot be written.
    """
    table, below = readable(comparison.table, more=True), readable_differences(differences)
    told = "ECE and fitted temperature against α: every run, and means over seeds"
    shown = "Reliability diagrams of the first seed, without and with a temperature"
    sections = [
        Section(text=[text for text in (verdict, comparison.verdict) if text]),
        Section("Scores", [table_notes(comparison), MORE_NOTES], table),
        Section(f"Differences from {REFERENCE_NAME}", difference_notes(differences), below),
        Section("Charts", picture=(f"{CHART}.png", told)),
        Section(picture=(f"{RELIABILITY}.png", shown)),
        Section("How it was done", [*protocol(configs), made_by(command, comparison.trained_with)]),
    ]
    tables = {NAME: comparison.table, DIFFERENCES: differences, RUNS: comparison.scores}
    figures = {CHART: chart(comparison.scores), RELIABILITY: reliability_of(comparison, shown_runs)}
    texts = {LATEX: f"% {command}\n{to_latex(table)}\n{to_latex(below)}"}
    write_page(folder, NAME, TITLE, sections, tables=tables, figures=figures, texts=texts)


MORE_NOTES = (
    "*debiased* is the l2 error √max(0, ·) of Kumar et al. (2019) over bins of equal mass, *smooth ECE* that of "
    "Błasiok and Nakkiran (2023); *AUROC* and *AURC* say how well confidence tells right from wrong, and AURC is "
    "better when lower; *se of T* is the mean standard error of a fitted T."
)


def chart(scores: "pd.DataFrame") -> "Figure":
    """ECE of every calibrator, and the fitted temperature, against α."""
    from calib.plots.series import Panel, Series, series_figure

    def series(label: str, calibrator: str, column: str) -> Series:
        chosen = scores[scores["calibrator"] == calibrator]
        return Series(label, chosen["smoothing"].to_list(), chosen[column].to_list())

    names = {"uncalibrated": "as it is", "temperature": "+ T"}
    calibrators = list(dict.fromkeys(scores["calibrator"]))
    ece = [series(names.get(name, f"+ {name}"), name, "ece") for name in calibrators]
    chance = series("+ T, by chance", "temperature", "ece_null")
    left = Panel("ECE", ece, by_chance=[chance], from_zero=True)
    right = Panel("fitted temperature", [series("+ T", "temperature", "temperature")], level=1.0)
    return series_figure([left, right])
