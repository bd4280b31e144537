"""Write a comparison down: Markdown and CSV tables and the reliability diagrams, each saying what made it."""

from collections.abc import Sequence
from pathlib import Path

from calib.environment import commit, hardware, versions
from calib.export import readable, to_csv, to_markdown
from calib.files.atomic import atomic_file
from calib.studies.smoothing_versus_temperature import Comparison


def write_comparison(comparison: Comparison, folder: Path | str, *, command: str, shown_runs: Sequence[str]) -> None:
    """Write ``comparison.md``, ``comparison.csv`` and ``reliability.png`` (of ``shown_runs``) into ``folder``.

    Raises `InputError` where it cannot be written.
    """
    from calib.plots.reliability import reliability_figure, save_figure

    folder = Path(folder)
    first = next(iter(comparison.diagnoses.values()))
    lines = [
        "# Label smoothing against temperature scaling",
        "",
        comparison.verdict,
        "",
        to_markdown(readable(comparison.table)),
        f"Mean ± sd over seeds on the test split (n = {first.uncalibrated.n:,}); temperatures fitted by NLL on the "
        f"calibration split (n = {first.fitted.n:,}); ECE over {first.uncalibrated.n_bins} bins of equal width, "
        "(a, b]; *by chance* is what a perfectly calibrated model with the same confidences would score at this n; "
        "*gap* is mean confidence − accuracy.",
        "",
        f"Made by `{command}` with {', '.join(f'{name} {number}' for name, number in versions().items())} "
        f"(commit {commit()}) on {hardware()}.",
        "",
    ]
    for name, text in (("comparison.md", "\n".join(lines)), ("comparison.csv", to_csv(comparison.table))):
        with atomic_file(folder / name) as file:
            file.write(text.encode("utf-8"))
    rows = [(name, *comparison.diagnoses[name].curves, comparison.diagnoses[name].label) for name in shown_runs]
    save_figure(reliability_figure(rows), folder / "reliability.png")
