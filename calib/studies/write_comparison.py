"""Write a comparison down: Markdown and CSV tables and the reliability diagrams, each saying what made it."""

from collections.abc import Sequence
from pathlib import Path

from calib.environment import commit, hardware, versions
from calib.errors import InputError
from calib.export import readable, to_csv, to_markdown
from calib.files.atomic import atomic_file
from calib.studies.smoothing_versus_temperature import Comparison


def write_comparison(comparison: Comparison, folder: Path | str, *, command: str, shown_runs: Sequence[str]) -> None:
    """Write ``comparison.md``, ``comparison.csv`` and ``reliability.png`` (of ``shown_runs``) into ``folder``.

    Raises `InputError` where it cannot be written.
    """
    from calib.plots.reliability import reliability_figure, save_figure

    folder = Path(folder)
    refuse_foreign(folder)
    first = next(iter(comparison.diagnoses.values()))
    trained_with = first.before.provenance.get("versions", versions())
    lines = [
        TITLE,
        "",
        comparison.verdict,
        "",
        to_markdown(readable(comparison.table)),
        f"Mean ± sd over seeds on the test split (n = {first.uncalibrated.n:,}); temperatures fitted by NLL on the "
        f"calibration split (n = {first.fitted.n:,}); ECE over {first.uncalibrated.n_bins} bins of equal width, "
        "(a, b]; *by chance* is what a perfectly calibrated model with the same confidences would score at this n; "
        "*gap* is mean confidence − accuracy. Label noise is in the training labels alone: the temperature is fitted "
        "on clean calibration labels, which smoothing never sees.",
        "",
        f"Made by `{command}`, commit {commit()}, on {hardware()}; networks trained with "
        f"{', '.join(f'{name} {number}' for name, number in trained_with.items())}.",
        "",
    ]
    for name, text in (("comparison.md", "\n".join(lines)), ("comparison.csv", to_csv(comparison.table))):
        with atomic_file(folder / name) as file:
            file.write(text.encode("utf-8"))
    rows = [(name, *comparison.diagnoses[name].curves, comparison.diagnoses[name].label) for name in shown_runs]
    save_figure(reliability_figure(rows), folder / "reliability.png")


TITLE = "# Label smoothing against temperature scaling"


def refuse_foreign(folder: Path | str) -> None:
    """Raise `InputError` where ``folder`` holds files of these names that no comparison of calib wrote."""
    page = Path(folder) / "comparison.md"
    there = [name for name in ("comparison.md", "comparison.csv", "reliability.png") if (Path(folder) / name).exists()]
    if there and not (page.is_file() and page.read_text(encoding="utf-8", errors="replace").startswith(TITLE)):
        raise InputError(f"{folder} holds a {there[0]} that is not calib's", help="name another --output")
