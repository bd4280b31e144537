"""Write the study of selective prediction down: the page, its tables and the risk–coverage curves."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from calib._text import printable
from calib.studies._contrasts import contrast_notes, readable_contrasts
from calib.studies._files import page_files, write_page
from calib.studies._means import mean_over_seeds, readable_means
from calib.studies._page import Section
from calib.studies._protocol import made_by, protocol, same_test_examples, trained_with
from calib.studies.selective_prediction import P_NORM, SOFTMAX, SelectivePrediction
from calib.training.config import TrainConfig

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

TITLE = "Study: selective prediction"
NAME = "selective-prediction"
CHART, QUESTIONS = "risk-coverage", "questions"
FILES = page_files(NAME, [NAME, QUESTIONS], [CHART])


def readable_rankings(table: "pd.DataFrame") -> "pd.DataFrame":
    """A table of `rank_runs` as strings: a row a kind of network and ranking, ``mean ± sd`` over seeds."""
    means = mean_over_seeds(table, ["setting", "network", "model", "smoothing", "ranking"])
    shown = {
        "accuracy": ("accuracy", 3),
        "auroc": ("AUROC", 3),
        "aurc": ("AURC", 4),
        "e_aurc": ("E-AURC", 4),
        "coverage_at_risk": (f"coverage at {100 * float(table['risk'].iloc[0]):g} % risk", 3),
        "risk_at_coverage": (f"risk at {100 * float(table['coverage'].iloc[0]):g} % coverage", 4),
        "parameter": ("T or p", 2),
    }
    names = [f"{kind}, {ranking}" for kind, ranking in zip(kinds(means), means["ranking"], strict=True)]
    return readable_means(means, {"model": names}, shown)


def verdict(table: "pd.DataFrame", questions: "pd.DataFrame") -> str:
    """What smoothing does to the order of confidences, with its evidence, a sentence a smoothing; empty without any."""
    means = table.groupby(["model", "ranking"], sort=False)["aurc"].mean()
    asked = questions[questions["score"] == "AURC"].set_index("question").to_dict("index") if len(questions) else {}
    sentences = []
    for model in dict.fromkeys(table["model"]):
        worse = asked.get(f"({model}, {SOFTMAX}) − (hard, {SOFTMAX})")
        if worse is None:
            continue
        cured = asked[f"({model}, {P_NORM}) − ({model}, {SOFTMAX})"]
        sentences.append(
            f"{model}: AURC {means[model, SOFTMAX]:.4f} against {means['hard', SOFTMAX]:.4f} of hard targets, better "
            f"in {worse['better']} of {worse['seeds']} seeds; the p-norm makes it {means[model, P_NORM]:.4f}, better "
            f"in {cured['better']} of {cured['seeds']}."
        )
    highest = float(table["risk"].iloc[0])
    if (1 - table["accuracy"]).max() <= highest:
        sentences.append(f"No network is wrong in more than {100 * highest:g} %: choose a lower --risk.")
    return " ".join(sentences)


def kinds(table: "pd.DataFrame") -> list[str]:
    """What each row's kind of network is called: its smoothing, its network and its setting, as far as they differ."""
    networks, settings = table["network"].nunique() > 1, table.groupby("network")["setting"].nunique().max() > 1
    rows = table[["network", "model", "setting"]].to_dict("records")
    return [
        printable(
            f"{row['model']}{', ' + str(row['network']) if networks else ''}"
            f"{' (' + str(row['setting']) + ')' if settings else ''}"
        )
        for row in rows
    ]


def chart(result: SelectivePrediction) -> "Figure":
    """Risk–coverage curves of every kind of network by softmax confidence, and dashed by p-norm."""
    from calib.plots.risk_coverage import Ranked, risk_coverage_figure

    table = result.table.assign(kind=kinds(result.table))
    models = list(dict.fromkeys(table["kind"]))
    lines = []
    for ranking in (SOFTMAX, P_NORM):
        for colour, model in enumerate(models):
            rows = ((table["kind"] == model) & (table["ranking"] == ranking)).to_numpy().nonzero()[0]
            curves = [result.curves[row] for row in rows]
            lines.append(Ranked(f"{model}, {ranking}", curves, colour, ranking == P_NORM))
    return risk_coverage_figure(lines)


def write_selective_prediction(
    result: SelectivePrediction,
    questions: "pd.DataFrame",
    folder: Path,
    *,
    runs: Sequence[Path],
    configs: Sequence[TrainConfig],
    command: str,
) -> None:
    """Write all of `FILES` into ``folder``.  Raises `InputError` where it cannot be written."""
    n = int(result.table["n"].iloc[0])
    words = "Risk against coverage: mean over seeds, a band from the least to the largest; dashed by p-norm"
    shared = same_test_examples(runs)
    sections = [
        Section(text=[text] if (text := verdict(result.table, questions)) else []),
        Section(table=readable_rankings(result.table), text=[NOTES.replace("N_TEST", f"{n:,}")]),
        Section("Questions", [contrast_notes(questions, shared=shared)], readable_contrasts(questions)),
        Section(picture=(f"{CHART}.png", words)),
        Section("How it was done", [*protocol(configs), made_by(command, trained_with(runs[0]))]),
    ]
    tables = {NAME: result.table, QUESTIONS: questions}
    write_page(folder, NAME, TITLE, sections, tables=tables, figures={CHART: chart(result)})


NOTES = (
    "Mean ± sd over seeds on the test split (n = N_TEST). *AUROC* is the probability that a right answer is more "
    "confident than a wrong one; *AURC* the mean risk over all coverages, lower is better; *E-AURC* what of it a "
    "perfect order would avoid. *coverage* at a risk is the largest share of these very examples that can be answered "
    "with at most so many of the answers wrong, read off the curve afterwards: it describes the order, a threshold to "
    "ship is chosen on the calibration split. *softmax* ranks by the largest probability, *softmax + T* by that after "
    "temperature scaling, *p-norm* by the largest centred logit over the p-norm of the centred logits (Cattelan and "
    "Silva, 2024); T and p are fitted on the calibration split, and p is over the seeds where any helped: – or fewer "
    "seeds stand for plain softmax."
)
