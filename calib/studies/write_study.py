"""Write the study of smoothing and temperature down: its page in two formats, tables, charts, and how it was done."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from calib.export import readable, to_csv, to_latex
from calib.studies._files import made_by, write_texts
from calib.studies._page import Section, as_html, as_markdown
from calib.studies.smoothing_differences import REFERENCE_NAME, readable_differences
from calib.studies.smoothing_versus_temperature import Comparison
from calib.studies.write_comparison import (
    PAGE,
    RELIABILITY,
    TABLE,
    TITLE,
    draw_reliability,
    table_notes,
)
from calib.training.config import TrainConfig

if TYPE_CHECKING:
    import pandas as pd

CHART = "against-smoothing.png"
FILES = (PAGE, TABLE, "differences.csv", "runs.csv", "comparison.tex", "comparison.html", CHART, RELIABILITY)


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
    folder = Path(folder)
    draw_chart(comparison, folder)
    draw_reliability(comparison, folder, shown_runs)
    table, below = readable(comparison.table, more=True), readable_differences(differences)
    sections = [
        Section(text=[text for text in (verdict, comparison.verdict) if text]),
        Section("Scores", [table_notes(comparison), MORE_NOTES], table),
        Section(f"Differences from {REFERENCE_NAME}", difference_notes(differences), below),
        Section("Charts", picture=(CHART, "ECE and fitted temperature against α: every run, and means over seeds")),
        Section(picture=(RELIABILITY, "Reliability diagrams of the first seed, without and with a temperature")),
        Section("How it was done", [*protocol(configs), made_by(command, comparison.trained_with)]),
    ]
    texts = {
        PAGE: as_markdown(TITLE, sections),
        TABLE: to_csv(comparison.table),
        "differences.csv": to_csv(differences),
        "runs.csv": to_csv(comparison.scores),
        "comparison.tex": f"% {command}\n{to_latex(table)}\n{to_latex(below)}",
        "comparison.html": as_html(TITLE, sections, folder),
    }
    write_texts(folder, texts)


MORE_NOTES = (
    "*debiased* is the l2 error √max(0, ·) of Kumar et al. (2019) over bins of equal mass, *smooth ECE* that of "
    "Błasiok and Nakkiran (2023); *AUROC* and *AURC* say how well confidence tells right from wrong, and AURC is "
    "better when lower; *se of T* is the mean standard error of a fitted T."
)


def difference_notes(differences: "pd.DataFrame") -> list[str]:
    """What the two inferences are, which the table shows side by side."""
    first, sizes = differences.iloc[0], sorted(set(differences["family"]))
    tests = " or ".join(filter(None, [", ".join(map(str, sizes[:-1])), str(sizes[-1])]))
    shared = bool(first["examples_shared"])
    drawn = "the training and calibration examples" if shared else "all three splits"
    over_seeds = (
        f"*Over seeds*: paired by seed, Student's t; a star where p is at most 0.05 after Holm's correction for the "
        f"{tests} tests (every α × metric) of one calibrator. A seed draws weights, batches and {drawn} anew"
        f"{', the test examples are always the same' if shared else ''}. Seeds draw from one pool: where their "
        "training sets overlap much, new data would vary more."
        if first["df"] > 0
        else "*Over seeds*: there is one seed only, so nothing is known of other seeds."
    )
    averaged = "the limits of each seed are averaged, which is at least as wide as needed"
    how = (
        f"an example goes in or out for all networks at once, and of ECE {averaged}"
        if shared
        else f"seeds have test examples of their own, so {averaged}"
    )
    return [
        f"Arm − ({REFERENCE_NAME}); positive is worse, of accuracy better. Intervals are of 95 %.",
        over_seeds,
        f"*Over examples*: of these very networks on n = {int(first['n']):,} test examples, paired; {how}. A star "
        "where the interval leaves out 0, each by itself and without correction. It says nothing of other networks.",
    ]


def protocol(configs: Sequence[TrainConfig]) -> list[str]:
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


def draw_chart(comparison: Comparison, folder: Path) -> None:
    """Write the chart of ECE and T against α."""
    from calib.plots.reliability import save_figure
    from calib.plots.series import Panel, Series, series_figure

    scores = comparison.scores

    def series(label: str, calibrator: str, column: str) -> Series:
        chosen = scores[scores["calibrator"] == calibrator]
        return Series(label, chosen["smoothing"].to_list(), chosen[column].to_list())

    names = {"uncalibrated": "as it is", "temperature": "+ T"}
    calibrators = list(dict.fromkeys(scores["calibrator"]))
    ece = [series(names.get(name, f"+ {name}"), name, "ece") for name in calibrators]
    chance = series("+ T, by chance", "temperature", "ece_null")
    left = Panel("ECE", ece, by_chance=[chance], from_zero=True)
    right = Panel("fitted temperature", [series("+ T", "temperature", "temperature")], level=1.0)
    save_figure(series_figure([left, right]), folder / CHART)
